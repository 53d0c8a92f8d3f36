"""Claims about the paper's ViSiL, with random weights of the published names and shapes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.models import resnet50

from tests.support.random_weights import random_pca, random_resnet, unpin_resnet
from visil_dash.errors import ModelError
from visil_dash.models.load import load_model, model_infos
from visil_dash.models.published import head_layout
from visil_dash.models.visil import (
    ViSiLBackbone,
    load_backbone,
    load_head,
    load_whitening,
    resnet_layout,
    visil_regions,
)
from visil_dash.models.weights import import_weights
from visil_dash.settings import Settings


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # the inputs are small: a second thread only waits


def random_state(layout, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in layout.items()}


@pytest.fixture(scope="module")
def resnet_state():
    torch.manual_seed(0)
    return random_resnet().state_dict()


@pytest.fixture(scope="module")
def pca_state():
    return random_pca()


@pytest.fixture(scope="module")
def installed(tmp_path_factory, resnet_state, pca_state):
    """A models folder with every file of both models, taken in by hand."""
    folder = tmp_path_factory.mktemp("weights")
    settings = Settings(models=folder / "models")
    states = {
        "pca_resnet50_vcdb_1M.pth": pca_state,
        "visil.pth": random_state(head_layout(3840), 2),
        "visil_symmetric.pth": random_state(head_layout(512), 3),
    }
    for name, state in states.items():
        torch.save(state, folder / name)
        import_weights(folder / name, settings=settings, unverified=True)
    torch.save(resnet_state, folder / "resnet50-0676ba61.pth")
    with pytest.MonkeyPatch.context() as patch:
        unpin_resnet(patch)
        import_weights(folder / "resnet50-0676ba61.pth", settings=settings, unverified=True)
    return settings


def loop_regions(maps):
    """ViSiL's region vectors by loops: windows of each map, maximum, norm, concatenation, norm."""
    n = maps[0].shape[0]
    out = np.zeros((n, 9, sum(m.shape[1] for m in maps)))
    for i in range(n):
        for row in range(3):
            for column in range(3):
                parts = []
                for m, kernel, stride in zip(maps, (28, 14, 6, 3), (14, 7, 3, 2), strict=True):
                    y, x = row * stride, column * stride
                    window = m[i, :, y : y + kernel, x : x + kernel].double().numpy()
                    assert window.shape[1:] == (kernel, kernel), "windows stay inside the map"
                    vector = window.max((1, 2))
                    parts.append(vector / np.linalg.norm(vector))
                vector = np.concatenate(parts)
                out[i, row * 3 + column] = vector / np.linalg.norm(vector)
    return out


def test_regions_equal_plain_loops():
    torch.manual_seed(0)
    maps = [torch.randn(2, c, s, s) for c, s in ((5, 56), (7, 28), (4, 14), (6, 7))]
    np.testing.assert_allclose(visil_regions(maps).numpy(), loop_regions(maps), atol=1e-6)


def test_each_layer_has_equal_weight_whatever_its_scale():
    torch.manual_seed(0)
    maps = [torch.rand(1, c, s, s) for c, s in ((5, 56), (7, 28), (4, 14), (6, 7))]
    louder = [maps[0] * 100, *maps[1:]]
    torch.testing.assert_close(visil_regions(louder), visil_regions(maps))


def test_backbone_uses_the_maps_of_layers_one_to_four(resnet_state):
    backbone = load_backbone(resnet_state)
    reference = resnet50(weights=None)
    reference.load_state_dict(resnet_state)
    reference.eval()
    maps = []
    for layer in (reference.layer1, reference.layer2, reference.layer3, reference.layer4):
        layer.register_forward_hook(lambda _m, _i, out: maps.append(out))
    frames = torch.rand(1, 3, 224, 224)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.inference_mode():
        reference((frames - mean) / std)
        out = backbone(frames)
    assert out.shape == (1, 9, 3840)
    np.testing.assert_allclose(out.numpy(), loop_regions(maps), atol=1e-5)


def test_frames_of_another_size_are_refused():
    with pytest.raises(ValueError, match="224"):
        ViSiLBackbone()(torch.zeros(1, 3, 225, 224))


@pytest.mark.parametrize("dim", [3840, 512])
def test_whitening_is_the_published_formula_on_the_largest_directions(pca_state, dim):
    x = F.normalize(torch.rand(4, 3840, generator=torch.Generator().manual_seed(4)), dim=-1)
    mean, d, v = (pca_state[k].double().numpy() for k in ("mean", "d", "V"))
    largest = sorted(range(3840), key=lambda i: -d[i])[:dim]
    expected = (x.double().numpy() - mean) @ v[:, largest] / np.sqrt(d[largest] + 1e-7)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    before = x.clone()
    np.testing.assert_allclose(load_whitening(pca_state, dim=dim)(x).numpy(), expected, atol=1e-4)
    assert torch.equal(x, before), "the input must not be changed in place"


@pytest.mark.parametrize(
    ("name", "dim", "symmetric"), [("visil", 3840, False), ("visil-symmetric", 512, True)]
)
def test_imported_weights_make_a_model_that_says_it_is_unverified(
    installed, resnet_state, pca_state, monkeypatch, name, dim, symmetric
):
    unpin_resnet(monkeypatch)
    model = load_model(name, settings=installed)
    assert (model.dim, model.regions, model.symmetric) == (dim, 9, symmetric)
    assert not model.verified
    assert model.preprocess.side == 224
    assert (model.preprocess.mode, model.preprocess.resize) == ("crop", 256)
    frames = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    out = model.extract(frames)
    assert out.shape == (3, 9, dim)

    x = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode():
        raw = load_backbone(resnet_state)(x)
        white = load_whitening(pca_state, dim=dim)(raw).double()
    context = random_state(head_layout(dim), 2 if dim == 3840 else 3)[
        "attention.context_vector.weight"
    ][0].double()
    weight = white @ (context / context.norm()) / 2 + 0.5
    expected = (white * weight.unsqueeze(-1)).numpy()
    np.testing.assert_allclose(out, expected, atol=1e-4)

    assert model.compare is not None
    output = model.compare(np.random.default_rng(1).uniform(0, 0.3, (13, 7)).astype(np.float32))
    assert output.shape == (3, 1)
    assert np.abs(output).max() <= 1

    info = next(i for i in model_infos(settings=installed) if i.name == name)
    assert info.available
    assert not info.verified
    assert info.extractor == model.extractor


def test_a_flipped_bit_in_an_imported_file_is_noticed_at_the_next_load(installed, monkeypatch):
    unpin_resnet(monkeypatch)
    path = installed.models / "visil.pth"
    whole = path.read_bytes()
    data = bytearray(whole)
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
    try:
        with pytest.raises(ModelError, match=r"visil\.pth: damaged or replaced.*models import"):
            load_model("visil", settings=installed)
    finally:
        path.write_bytes(whole)


def test_a_pinned_file_put_in_place_by_hand_must_have_the_pinned_bytes(installed):
    with pytest.raises(ModelError, match=r"resnet50-0676ba61\.pth: damaged or replaced"):
        load_model("visil", settings=installed)  # the random weights are not the pinned ones


def test_head_loading_is_strict_and_lists_every_fault():
    state = random_state(head_layout(512))
    del state["video_comperator.conv2.bias"]
    state["video_comperator.conv4.bias"] = torch.zeros(3)
    state["video_comperator.fconv.weight"] = torch.zeros(1, 64, 1, 1)
    with pytest.raises(ModelError) as told:
        load_head(state, dim=512)
    text = str(told.value)
    assert "Missing: video_comperator.conv2.bias [64]" in text
    assert "Unexpected: video_comperator.conv4.bias [3]" in text
    assert "video_comperator.fconv.weight: expected [1, 128, 1, 1], got [1, 64, 1, 1]" in text


def test_a_head_for_other_dims_is_refused():
    with pytest.raises(ModelError, match=r"expected \[1, 3840\], got \[1, 512\]"):
        load_head(random_state(head_layout(512)), dim=3840)


def test_the_comparator_of_a_head_gets_its_own_weights():
    state = random_state(head_layout(512))
    _, comparator = load_head(state, dim=512)
    for name, value in comparator.state_dict().items():
        assert torch.equal(value, state[f"video_comperator.{name}"])


def test_backbone_loading_is_strict_but_for_the_counters_that_are_no_weights(resnet_state):
    without = {k: v for k, v in resnet_state.items() if not k.endswith("num_batches_tracked")}
    load_backbone(without)
    del without["layer3.5.bn3.bias"]
    with pytest.raises(ModelError, match=r"Missing: layer3\.5\.bn3\.bias \[1024\]"):
        load_backbone(without)


def test_negative_eigenvalues_are_refused_and_not_turned_into_nan(pca_state):
    with pytest.raises(ModelError, match="negative eigenvalues"):
        load_whitening(pca_state | {"d": pca_state["d"] - 0.5}, dim=512)


def test_the_resnet_layout_is_torchvisions():
    layout = resnet_layout()
    assert layout["conv1.weight"] == (64, 3, 7, 7)
    assert layout["fc.weight"] == (1000, 2048)
    assert len([k for k in layout if not k.endswith("num_batches_tracked")]) == 267
