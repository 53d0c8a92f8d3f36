"""Claims about models of one's own: fitted from photos, fine-tuned on labels, taken in, used."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.library_fakes import fake_info, small_settings
from tests.support.training_fakes import Teacher, photos
from visil_dash.cli.main import main
from visil_dash.errors import InputError, ModelError
from visil_dash.labels.label import Label
from visil_dash.library.blobs import FeatureManifest
from visil_dash.library.store import open_library
from visil_dash.matching.alignment import AlignOptions
from visil_dash.matching.similarity import chamfer, frame_to_frame
from visil_dash.models.bundle import BUNDLED, read_bundle, read_meta
from visil_dash.models.load import load_bundled, load_model, model_infos
from visil_dash.records import VideoFeatures
from visil_dash.settings import get_settings
from visil_dash.training.batches import draw
from visil_dash.training.bundle import FitOptions, fit_model
from visil_dash.training.calibration import CalibrationOptions, pair_strengths, recalibrate
from visil_dash.training.comparator import ClipSet, TrainingPair
from visil_dash.training.distill import DistillOptions, distill
from visil_dash.training.finetune import (
    FinetuneOptions,
    FinetuneResult,
    labelled_sets,
    pooled_ap,
)
from visil_dash.training.losses import chamfer_matrix, contrastive_loss
from visil_dash.training.targets import fixed_pair, teacher_targets

COMPACT = BUNDLED / "compact"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model folder out of 160 tiny photos and seconds of training."""
    folder = tmp_path_factory.mktemp("trained")
    made = {f"p{i}.png": p for i, p in enumerate(photos(160, shape=(40, 40)))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("visil_dash.training.distill.TEACHER_DIM", 16)
        patch.setattr("visil_dash.training.distill.COMPACT_DIM", 16)
        checkpoint = distill(
            made,
            Teacher(),
            folder / "run",
            DistillOptions(minutes=0.02, batch=8, size=32, early_size=32, variants=1),
        )
    options = FitOptions(
        dims=(8,), powers=(0.3,), size=32, fitted_on=24, clips=6, steps=4, test_clips=4
    )
    lines: list[str] = []
    fit_model(
        checkpoint, made, folder / "model", options, name="tiny", title="Tiny", say=lines.append
    )
    assert any("calibration" in line for line in lines)
    return folder / "model"


@pytest.mark.slow
def test_a_trained_folder_is_a_whole_model(trained):
    model = load_bundled(trained)
    vectors = model.extract(np.zeros((2, 32, 32, 3), np.uint8))
    assert vectors.shape == (2, 9, 8)
    assert np.isfinite(vectors).all()
    meta = read_meta(trained)
    assert meta.trained["steps"] > 0
    assert meta.evidence is not None
    assert 0 <= meta.evidence.most_background < 1


@pytest.mark.slow
def test_levels_are_measured_anew_on_one_scale(trained, tmp_path):
    made = {f"p{i}.png": p for i, p in enumerate(photos(160, shape=(40, 40)))}
    folder, lines = tmp_path / "older", []
    shutil.copytree(trained, folder)
    older = json.loads((folder / "meta.json").read_text()) | {
        "one_scale": False,
        "default_match_score": 0.123,
    }
    (folder / "meta.json").write_text(json.dumps(older))
    levels = recalibrate(
        folder, made, tmp_path / "anew", CalibrationOptions(clips=4), say=lines.append
    )
    assert any("calibration" in line for line in lines)
    meta = read_meta(tmp_path / "anew")
    assert meta.one_scale
    assert meta.default_match_score == levels.match_score != 0.123
    assert meta.trained["steps"] == older["trained"]["steps"]
    assert load_bundled(tmp_path / "anew").extractor == load_bundled(trained).extractor
    assert load_bundled(tmp_path / "anew").extractor != load_bundled(folder).extractor


@pytest.mark.slow
def test_photos_of_which_none_was_held_back_measure_nothing(trained, tmp_path):
    seen = {"a.png": photos(1, shape=(40, 40))[0]}
    with pytest.raises(InputError, match="only 0 of 1 are held back"):
        recalibrate(trained, seen, tmp_path / "anew", say=lambda _line: None)


def test_calibration_takes_each_pair_as_strong_as_a_search_tells_it():
    rng = np.random.default_rng(6)

    def clip(frames):
        regions = rng.normal(size=(frames, 9, 16)).astype(np.float32)
        return regions / np.linalg.norm(regions, axis=-1, keepdims=True)

    clips = (clip(12), clip(9), clip(7))
    # Half of the first clip inside more foreign footage, so that only what lines up scores high.
    copies = (TrainingPair(np.concatenate([clip(14), clips[0][:6]]), 0), TrainingPair(clips[2], 2))
    options = AlignOptions(frame_level=0.3)
    strengths = pair_strengths(ClipSet(clips, copies), compare=None, options=options)
    assert strengths.shape == (2, 3)
    for row, pair in zip(strengths, copies, strict=True):
        for value, other in zip(row, clips, strict=True):
            scores = [
                chamfer(frame_to_frame(*sides))
                for sides in ((pair.copy, other), (other, pair.copy))
            ]
            assert value >= max(scores) - 1e-6
    assert strengths[0, 0] == pytest.approx(1, abs=1e-3)
    assert chamfer(frame_to_frame(copies[0].copy, clips[0])) < 0.7
    assert strengths[1, 2] == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
def test_a_trained_folder_is_taken_in_only_as_unverified_and_says_so(
    trained, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("VISIL_DASH_MODELS", str(tmp_path / "models"))
    get_settings.cache_clear()
    try:
        assert main(["models", "import", str(trained)]) == 2
        assert "--unverified" in capsys.readouterr().err
        assert main(["models", "import", str(trained), "--unverified"]) == 0
        assert main(["models", "import", str(trained), "--unverified"]) == 0  # a newer one
        settings = get_settings()
        model = load_model("tiny", settings=settings)
        assert not model.verified
        assert model.extractor == load_bundled(trained).extractor
        listed = {info.name: info for info in model_infos(settings=settings)}
        assert listed["tiny"].available
        assert not listed["tiny"].verified
        assert [f.name for f in (tmp_path / "models" / "own").iterdir()] == ["tiny"]
        weights = tmp_path / "models" / "own" / "tiny" / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-1] + b"\0")
        with pytest.raises(ModelError, match="tiny"):
            load_model("tiny", settings=settings)
    finally:
        get_settings.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "why"), [("compact", "name of a model"), ("../x", "letters")])
def test_a_folder_cannot_take_a_name_that_is_taken_or_a_path(trained, tmp_path, name, why, capsys):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "model.safetensors").write_bytes((trained / "model.safetensors").read_bytes())
    meta = json.loads((trained / "meta.json").read_text()) | {"name": name}
    (copy / "meta.json").write_text(json.dumps(meta))
    assert main(["models", "import", str(copy), "--unverified"]) == 2
    assert why in capsys.readouterr().err


def test_targets_are_those_of_the_views_that_training_shows_and_are_kept(tmp_path):
    made = photos(5, shape=(40, 40))
    asked = []

    def imitate(frames):
        asked.append(len(frames))
        return Teacher()(frames)[..., :16]

    options = {"dim": 16, "variants": 2, "size": 32, "made_with": "a"}
    targets = teacher_targets(made, imitate, tmp_path / "t.npy", **options)
    assert targets.shape == (5, 2, 2, 9, 16)
    for photo in range(5):
        for variant in range(2):
            pair = fixed_pair(made, photo, variant, 32)
            shown = torch.from_numpy(np.stack(pair)).permute(0, 3, 1, 2).float() / 255
            wanted = Teacher()(shown)[..., :16].numpy()
            np.testing.assert_allclose(targets[photo, variant], wanted, atol=2e-3)
    before = len(asked)
    teacher_targets(made, imitate, tmp_path / "t.npy", **options)
    assert len(asked) == before
    teacher_targets(made, imitate, tmp_path / "t.npy", **(options | {"made_with": "b"}))
    assert len(asked) > before


def test_a_fixed_pair_is_the_same_at_every_size_but_for_its_pixels():
    made = photos(4, shape=(64, 64))
    for photo in range(4):
        large, small = (fixed_pair(made, photo, 1, size) for size in (96, 48))
        for one, other in zip(large, small, strict=True):
            halved = one.reshape(48, 2, 48, 2, 3).mean((1, 3))
            assert np.abs(halved - other).mean() < 12


def test_a_batch_holds_look_alikes_and_no_photo_twice():
    alike = np.array([[(i + k) % 200 for k in range(1, 21)] for i in range(200)])
    rng = np.random.default_rng(0)
    for _ in range(20):
        chosen = draw(200, alike, rng, batch=32, group=8, grouped=0.5)
        assert len(set(chosen.tolist())) == 32
        gaps = np.abs(np.subtract.outer(chosen, chosen))
        near = (np.minimum(gaps, 200 - gaps) <= 20).sum(1) - 1
        assert (near >= 4).sum() >= 12


def test_pairs_that_may_show_the_same_are_no_negatives():
    torch.manual_seed(0)
    a = torch.nn.functional.normalize(torch.randn(4, 9, 8), dim=-1)
    twin = torch.cat([a[:1], a[:3]])  # pictures 0 and 1 are one
    unsure = chamfer_matrix(twin, twin) > 0.99
    told = contrastive_loss(twin, twin, 0.06, unsure=unsure)
    untold = contrastive_loss(twin, twin, 0.06)
    assert told < untold - 0.3  # half the pictures had an even chance: ln 2 / 2


# ---- fine-tuning on labels ----

OPTIONS_DIM = 8


def scene_features(rng, count):
    regions = rng.normal(size=(count, 9, OPTIONS_DIM))
    return (regions / np.linalg.norm(regions, axis=-1, keepdims=True)).astype(np.float16)


def test_labelled_relatives_are_no_negatives_and_a_quarter_is_held_back():
    rng = np.random.default_rng(0)
    ids = [f"v{i:02d}" for i in range(12)]
    features = {v: scene_features(rng, 6) for v in ids}
    labels = [Label(ids[2 * i], ids[2 * i + 1], "match", "ND") for i in range(4)]
    labels += [Label(ids[0], ids[8], "not_match", "IS"), Label(ids[0], ids[9], "not_match")]
    labels += [Label(ids[0], ids[10], "unsure")]
    training, test, order = labelled_sets(tuple(labels), features)
    assert (len(training.copies), len(test.copies)) == (6, 2)
    first = next(p for p in test.copies if p.copy is features[ids[0]])
    related = {order[i] for i in first.related}
    assert {ids[0], ids[1], ids[8], ids[10]} == related


def test_pooled_ap_leaves_out_what_is_neither_right_nor_wrong():
    rng = np.random.default_rng(1)
    ids = [f"v{i}" for i in range(6)]
    base = scene_features(rng, 6)
    features = {v: scene_features(rng, 6) for v in ids} | {"v0": base, "v1": base, "v2": base}
    labels = (Label("v0", "v1", "match"), Label("v0", "v2", "not_match", "IS"))
    labels += (Label("v3", "v4", "unsure"), Label("v1", "v2", "unsure"))
    _training, test, _ = labelled_sets(labels, features)
    assert pooled_ap(test, lambda m: float(m.max(1).mean())) == 1.0


def library_of(folder: Path, extractor: str, dim: int, videos: dict[str, np.ndarray]) -> list[str]:
    manifest = FeatureManifest(
        extractor=extractor, weights_sha256="c0" * 32, regions=9, dim=dim, rate=1.0
    )
    ids = []
    with open_library(folder, settings=small_settings()) as library:
        for name, regions in videos.items():
            staged = library.stage(name)
            staged.write_bytes(name.encode())
            record = library.put_video(staged, name=name, info=fake_info(len(regions)))
            features = VideoFeatures(
                record.video_id, extractor, regions, np.arange(len(regions)) * 1.0
            )
            library.put_features(features, manifest)
            ids.append(record.video_id)
    return ids


@pytest.mark.slow
def test_a_comparator_is_tuned_on_a_librarys_own_labels_from_the_shell(tmp_path, capsys):
    meta = read_meta(COMPACT)
    rng = np.random.default_rng(2)
    videos = {}
    shared = rng.normal(size=(10, 9, meta.dim))  # strangers look alike: there is a loss
    for i in range(9):
        regions = 2 * shared + rng.normal(size=(10, 9, meta.dim))
        regions /= np.linalg.norm(regions, axis=-1, keepdims=True)
        videos[f"{i}a.mp4"] = regions.astype(np.float16)
        videos[f"{i}b.mp4"] = (regions[2:] + rng.normal(size=regions[2:].shape) * 0.1).astype(
            np.float16
        )
    folder = tmp_path / "library"
    ids = library_of(folder, load_bundled(COMPACT).extractor, meta.dim, videos)
    out = tmp_path / "tuned"
    command = ["train", "comparator", "--data", str(folder), "--out", str(out), "--steps", "40"]
    assert main([*command, "--name", "mine"]) == 2
    assert "0 pairs are labelled" in capsys.readouterr().err
    with open_library(folder, settings=small_settings()) as library:
        library.set_label(*(Label(ids[2 * i], ids[2 * i + 1], "match") for i in range(9)))
    assert main([*command, "--name", "mine"]) == 0
    assert "uAP on held-out labelled pairs" in capsys.readouterr().out
    tuned, former = read_bundle(out), read_bundle(COMPACT)
    assert tuned.meta.name == "mine"
    assert tuned.meta.trained["fine_tuned"]["held_back"] == 6
    assert former.meta.evidence is not None
    assert tuned.meta.evidence is None, "it was measured with the former scores"
    for name, value in tuned.backbone.state_dict().items():
        assert torch.equal(value, former.backbone.state_dict()[name])
    assert not all(
        torch.equal(a, b)
        for a, b in zip(tuned.comparator.parameters(), former.comparator.parameters(), strict=True)
    )


@pytest.mark.parametrize(("given", "steps"), [([], FinetuneOptions.steps), (["--steps", "7"], 7)])
def test_fine_tuning_takes_its_own_number_of_steps_unless_one_is_given(
    given, steps, tmp_path, monkeypatch
):
    asked = []

    def tune(*_places, options, **_rest):
        asked.append(options.steps)
        return FinetuneResult(1.0, 1.0, 1.0, 8, 2)

    monkeypatch.setattr("visil_dash.training.finetune.finetune_comparator", tune)
    monkeypatch.setattr("visil_dash.library.sharing.lock.require_library", lambda _folder: None)
    command = ["train", "comparator", "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    assert main([*command, *given]) == 0
    assert asked == [steps]


def test_photos_that_are_missing_end_the_training_in_a_sentence(tmp_path, capsys):
    command = ["train", "backbone", "--data", str(tmp_path / "none"), "--out", str(tmp_path)]
    assert main([*command, "--teacher", str(tmp_path / "t.npz")]) == 2
    assert "does not exist" in capsys.readouterr().err
