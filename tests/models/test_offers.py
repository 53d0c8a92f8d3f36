"""What is known of a model before it is loaded (models/offers.py), and taking one in by hand."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.own_model import own_model
from visil_dash.errors import ModelError
from visil_dash.laboratory.planner.untrained import untrained
from visil_dash.models.bundle import META, WEIGHTS
from visil_dash.models.load import load_model
from visil_dash.models.offers import ModelOffer, import_model, import_together, model_offers
from visil_dash.models.published import MODEL_FILES
from visil_dash.models.variants import VARIANTS
from visil_dash.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models=tmp_path / "models", min_free_bytes=0)


def offers(settings: Settings) -> dict[str, ModelOffer]:
    return {offer.info.name: offer for offer in model_offers(settings=settings)}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A folder as training writes it: the bundled model under another name."""
    return own_model(tmp_path / "own")


def test_every_published_model_names_its_files_licences_and_size(settings: Settings) -> None:
    offered = offers(settings)
    assert list(offered) == ["compact", *VARIANTS]
    assert offered["compact"].info.available
    assert offered["compact"].missing == ()
    for name, files in MODEL_FILES.items():
        offer = offered[name]
        assert [f.file for f in offer.missing] == list(files)
        assert [f.file for f in offer.unpinned] == [f for f in files if f.sha256 is None]
        assert set(offer.licences) == {f.licence for f in files}
        assert offer.download_bytes == sum(f.bytes or f.limit for f in files)


def test_a_file_without_its_note_is_not_here(settings: Settings) -> None:
    settings.models.mkdir()
    (settings.models / "visil.pth").write_bytes(b"placed, not imported")
    missing = [offer.file.filename for offer in offers(settings)["visil"].missing]
    assert "visil.pth" in missing


def test_a_trained_model_comes_in_as_a_folder_or_as_files_together(
    settings: Settings, own: Path
) -> None:
    with pytest.raises(ModelError, match="as unverified"):
        import_model(own, settings=settings, unverified=False)
    assert import_model(own, settings=settings, unverified=True) == "mine"
    assert offers(settings)["mine"].kind == "own"
    shutil.rmtree(settings.models)
    (own / "card.md").unlink()
    assert sorted(path.name for path in own.iterdir()) == sorted([META, WEIGHTS])
    assert import_together(own, settings=settings, unverified=True) == ("mine",)
    assert load_model("mine", settings=settings).verified is False


def test_files_that_are_no_weights_are_refused_by_name(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("not weights")
    with pytest.raises(ModelError, match=r"notes\.txt"):
        import_together(tmp_path / "in", settings=settings, unverified=True)


@pytest.mark.parametrize("name", ["visil-symmetric", "sscd"])
def test_an_untrained_network_has_the_shapes_of_the_published_one(name: str) -> None:
    made, variant = untrained(name, settings=Settings()), VARIANTS[name]
    side = variant.preprocess.side
    out = made.extract(np.zeros((1, side, side, 3), np.uint8))
    assert out.shape == (1, variant.regions, variant.dim)
