"""Claims about bundled models: what is saved comes back, and nothing else loads."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from visil_dash.errors import ModelError
from visil_dash.matching.confidence import ScoreEvidence
from visil_dash.models.attention import apply_attention, unit_context
from visil_dash.models.bundle import META, WEIGHTS, read_bundle, save_bundle
from visil_dash.models.compact import CompactBackbone
from visil_dash.models.comparator import VideoComparator, visil_output
from visil_dash.models.extraction import fold_batch_norm
from visil_dash.models.load import PROJECT_MODELS, load_bundled, load_model, model_infos
from visil_dash.models.whitening import Whitening
from visil_dash.records import Preprocess
from visil_dash.settings import Settings

SIDE, RAW, DIM = 64, 24, 12
META_FIELDS = {
    "name": "tiny",
    "title": "Tiny",
    "preprocess": Preprocess(side=SIDE),
    "threshold_share": 0.5,
    "unrelated_distance": 4.5,
    "frame_level": 0.2,
    "default_match_score": 0.4,
    "trained": {"on": "nothing"},
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # the inputs are small: a second thread only waits


def lively(module):
    """Statistics and scales of batch normalisation that a wrong folding would show."""
    for m in module.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.running_mean, std=0.2)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
            nn.init.uniform_(m.weight, 0.5, 1.5)
            nn.init.normal_(m.bias, std=0.2)
    return module.eval()


@pytest.fixture(scope="module")
def parts():
    torch.manual_seed(3)
    return {
        "backbone": lively(CompactBackbone(dim=RAW, hidden=32)),
        "whitening": Whitening(
            torch.randn(RAW) * 0.05,
            # fp16 would flush the smallest to a sixth of its value and more
            torch.logspace(-1, -7, DIM),
            torch.linalg.qr(torch.randn(RAW, DIM))[0],
        ),
        "context": torch.randn(DIM) * 5,
        "comparator": VideoComparator().eval(),
    }


@pytest.fixture
def folder(tmp_path, parts):
    save_bundle(tmp_path / "tiny", **parts, meta=META_FIELDS)
    return tmp_path / "tiny"


def test_a_comparator_that_hears_its_input_comes_back_as_it_was(tmp_path, parts):
    net = VideoComparator(direct=True).eval()
    torch.nn.init.constant_(net.direct, 0.7)
    save_bundle(tmp_path / "direct", **(parts | {"comparator": net}), meta=META_FIELDS)
    back = read_bundle(tmp_path / "direct").comparator
    matrix = torch.rand(1, 1, 9, 12)
    with torch.inference_mode():
        torch.testing.assert_close(back(matrix), net(matrix), atol=2e-3, rtol=0)
    assert float(back.direct) == pytest.approx(0.7)


@pytest.fixture
def frames():
    return np.random.default_rng(5).integers(0, 256, (35, SIDE, SIDE, 3), dtype=np.uint8)


def rewrite_meta(folder, **changes):
    path = folder / META
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_loaded_bundle_extracts_what_its_parts_compute(folder, parts, frames):
    model = load_bundled(folder)
    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    kept = read_bundle(folder)  # after the rounding to fp16, before the folding
    with torch.inference_mode():
        expected = apply_attention(kept.whitening(kept.backbone(x)), kept.context).numpy()
    out = model.extract(frames)
    assert out.shape == (35, 9, DIM)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, expected, atol=2e-4)
    unrounded = parts["whitening"](parts["backbone"](x)).detach()
    close = torch.cosine_similarity(torch.from_numpy(out), unrounded, dim=-1)
    assert close.min() > 0.99


def test_region_vectors_have_their_attention_as_norm(folder, parts, frames):
    out = load_bundled(folder).extract(frames)
    norms = np.linalg.norm(out, axis=-1)
    unit = out / norms[..., None]
    context = unit_context(parts["context"]).numpy()
    np.testing.assert_allclose(norms, unit @ context / 2 + 0.5, atol=2e-3)


def test_the_gain_scales_every_region_vector_and_nothing_else(folder, parts, frames, tmp_path):
    save_bundle(tmp_path / "loud", **parts, gain=1.75, meta=META_FIELDS)
    loud, plain = (load_bundled(f).extract(frames[:3]) for f in (tmp_path / "loud", folder))
    np.testing.assert_allclose(loud, 1.75 * plain, rtol=1e-5, atol=1e-6)


def test_a_bundle_on_one_scale_has_features_of_its_own(folder, parts, frames, tmp_path):
    save_bundle(tmp_path / "even", **parts, meta=META_FIELDS | {"one_scale": True})
    even, plain = load_bundled(tmp_path / "even"), load_bundled(folder)
    assert even.extractor != plain.extractor
    out = even.extract(frames[:3])
    np.testing.assert_allclose(np.square(out).sum(-1).mean(1), 1, rtol=1e-4)
    before = plain.extract(frames[:3])
    lengths = np.linalg.norm(out, axis=-1) / np.linalg.norm(before, axis=-1)
    np.testing.assert_allclose(lengths, lengths[:, :1] * np.ones(9), rtol=1e-3)


def test_frames_are_extracted_alike_in_any_company(folder, frames):
    model = load_bundled(folder)
    whole = model.extract(frames)
    np.testing.assert_allclose(model.extract(frames[33:34]), whole[33:34], atol=1e-4)


def test_extraction_accepts_read_only_and_strided_frames_and_leaves_them_alone(folder, frames):
    model = load_bundled(folder)
    expected = model.extract(np.ascontiguousarray(frames[::2]))
    frames.setflags(write=False)
    before = frames.copy()
    np.testing.assert_array_equal(model.extract(frames[::2]), expected)
    np.testing.assert_array_equal(frames, before)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((2, SIDE, SIDE, 3), np.float32),
        np.zeros((2, SIDE, SIDE + 1, 3), np.uint8),
        np.zeros((2, 3, SIDE, SIDE), np.uint8),
        np.zeros((0, SIDE, SIDE, 3), np.uint8),
    ],
)
def test_frames_of_another_shape_or_type_are_refused(folder, wrong):
    with pytest.raises(ValueError, match="frames: expected"):
        load_bundled(folder).extract(wrong)


def test_the_comparator_comes_back_too_or_not_at_all(folder, parts, tmp_path):
    matrix = np.random.default_rng(0).uniform(0, 1, (9, 14)).astype(np.float32)
    compare = load_bundled(folder).compare
    np.testing.assert_allclose(
        compare(matrix), visil_output(parts["comparator"], matrix), atol=2e-3
    )
    without = {k: v for k, v in parts.items() if k != "comparator"}
    save_bundle(tmp_path / "plain", **without, meta=META_FIELDS)
    assert load_bundled(tmp_path / "plain").compare is None


def test_saving_twice_gives_the_same_bytes_and_the_same_extractor(folder, parts, tmp_path):
    save_bundle(tmp_path / "again", **parts, meta=META_FIELDS)
    assert (tmp_path / "again" / WEIGHTS).read_bytes() == (folder / WEIGHTS).read_bytes()
    assert load_bundled(tmp_path / "again").extractor == load_bundled(folder).extractor


def test_evidence_comes_back_and_evidence_of_plain_scores_counts_as_none(parts, tmp_path):
    evidence = {"strengths": [0.0, 0.5], "log_ratios": [-1.0, 2.0], "most_background": 0.25}
    save_bundle(tmp_path / "new", **parts, meta=META_FIELDS | {"evidence": evidence})
    found = read_bundle(tmp_path / "new").meta.evidence
    assert found == ScoreEvidence((0.0, 0.5), (-1.0, 2.0), 0.25)
    former = {"scores": [0.0, 0.5], "log_ratios": [-1.0, 2.0]}
    save_bundle(tmp_path / "old", **parts, meta=META_FIELDS | {"evidence": former})
    assert load_bundled(tmp_path / "old").evidence is None


def test_other_weights_or_preprocessing_make_another_extractor(folder, parts, tmp_path):
    seen = {load_bundled(folder).extractor}
    other = parts | {"context": parts["context"].flip(0)}
    save_bundle(tmp_path / "b", **other, meta=META_FIELDS)
    seen.add(load_bundled(tmp_path / "b").extractor)
    cropped = META_FIELDS | {"preprocess": Preprocess(side=SIDE, mode="crop", resize=80)}
    save_bundle(tmp_path / "c", **parts, meta=cropped)
    seen.add(load_bundled(tmp_path / "c").extractor)
    assert len(seen) == 3
    assert all(extractor.startswith("tiny-") for extractor in seen)


def test_any_flipped_bit_is_noticed_before_loading(folder):
    path = folder / WEIGHTS
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for position in [0, 7, 8, len(whole) - 1, *rng.integers(0, len(whole), 20).tolist()]:
        data = bytearray(whole)
        data[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"damaged or replaced.*Restore"):
            load_bundled(folder)


def test_a_truncated_or_missing_weights_file_is_named(folder):
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged or replaced"):
        load_bundled(folder)
    path.unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors: cannot be read"):
        load_bundled(folder)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": 2}, "expected format 1, got 2"),
        ({"title": None, "preprocess": {"side": 64, "mode": "stretch"}}, "malformed"),
        ({"threshold_share": "much"}, "malformed"),
        ({"dim": 13}, r"another architecture.*whitening\.basis: expected \[24, 13\]"),
    ],
)
def test_a_meta_file_that_does_not_fit_is_refused(folder, changes, told):
    rewrite_meta(folder, **changes)
    with pytest.raises(ModelError, match=told):
        load_bundled(folder)


def test_a_broken_meta_file_is_refused(folder):
    (folder / META).write_text("{")
    with pytest.raises(ModelError, match=r"meta\.json: damaged"):
        load_bundled(folder)


def test_values_beyond_fp16_are_not_saved(tmp_path, parts):
    whitening = parts["whitening"]
    huge = Whitening(whitening.mean, whitening.variance, whitening.basis * 1e6)
    with pytest.raises(ModelError, match=r"whitening\.basis holds values that do not fit"):
        save_bundle(tmp_path / "x", **(parts | {"whitening": huge}), meta=META_FIELDS)
    assert not (tmp_path / "x").exists()


def test_folding_changes_the_layers_but_not_the_output(parts):
    torch.manual_seed(0)
    plain = lively(CompactBackbone(dim=RAW, hidden=32))
    folded = CompactBackbone(dim=RAW, hidden=32).eval()
    folded.load_state_dict(plain.state_dict())
    fold_batch_norm(folded)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())
    x = torch.rand(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), plain(x), atol=1e-5, rtol=1e-4)


def test_an_unknown_model_is_refused_with_the_known_names(tmp_path):
    with pytest.raises(ModelError, match=r"'vizil'. Known: compact, visil, visil-symmetric"):
        load_model("vizil", settings=Settings(models=tmp_path))


def test_every_model_is_listed_even_when_its_weights_are_not_there(tmp_path):
    infos = {info.name: info for info in model_infos(settings=Settings(models=tmp_path))}
    assert list(infos) == list(PROJECT_MODELS)
    assert list(infos)[:3] == ["compact", "visil", "visil-symmetric"]
    assert not infos["visil"].available
    assert not infos["visil"].verified
    assert "models import FILE --unverified" in infos["visil"].missing


def test_the_model_that_ships_loads_and_is_what_the_list_says():
    model = load_model("compact", settings=Settings())
    info = model_infos(settings=Settings())[0]
    assert (info.name, info.available, info.verified) == ("compact", True, True)
    assert (info.extractor, info.dim, info.regions) == (model.extractor, model.dim, 9)
    assert info.default_threshold == model.default_threshold > 0
    assert info.bytes <= 20 * 1024**2
    side = model.preprocess.side
    frames = np.random.default_rng(0).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    out = model.extract(frames)
    assert out.shape == (2, 9, model.dim)
    assert np.isfinite(out).all()


def test_listing_the_models_does_not_import_torch():
    code = (
        "import sys; from visil_dash.models.load import model_infos; "
        "from visil_dash.settings import get_settings; model_infos(settings=get_settings()); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
