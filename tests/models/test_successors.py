"""Claims about the models after ViSiL, with random weights of the published names and shapes."""

import argparse

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torchvision.models import resnet50

from tests.support.random_weights import random_pca, random_resnet, unpin_resnet
from visil_dash.errors import ModelError
from visil_dash.models.comparator import VideoComparator
from visil_dash.models.load import load_model, model_infos
from visil_dash.models.published import student_layout
from visil_dash.models.successors import load_sscd, load_student, sscd_layout
from visil_dash.models.visil import load_backbone, load_whitening
from visil_dash.models.weights import import_weights
from visil_dash.settings import Settings

STUDENTS = {
    "dns-attention": "dns_fg_att_student.pth",
    "s2vs-dns": "s2vs_dns.pth",
    "s2vs-vcdb": "s2vs_vcdb.pth",
}


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)  # the inputs are small: a second thread only waits


def random_state(layout, seed):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) * 0.1 for name, shape in layout.items()}


@pytest.fixture(scope="module")
def states():
    torch.manual_seed(0)
    return {
        "resnet": random_resnet().state_dict(),
        "pca": random_pca(),
        **{name: random_state(student_layout(), i) for i, name in enumerate(STUDENTS)},
        "sscd": {f"backbone.{k}": v for k, v in random_resnet(512).state_dict().items()},
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory, states):
    """A models folder with the files of every model here, taken in by hand."""
    folder = tmp_path_factory.mktemp("weights")
    settings = Settings(models=folder / "models")

    def take(content, name):
        torch.save(content, folder / name)
        import_weights(folder / name, settings=settings, unverified=True)

    take(states["pca"], "pca_resnet50_vcdb_1M.pth")
    for name, file in STUDENTS.items():
        # As a training script leaves it: the tensors under a key, options and counters beside.
        take({"args": argparse.Namespace(dims=512), "model": states[name], "global_step": 9}, file)
    take(states["sscd"], "sscd_disc_mixup.torchvision.pt")
    with pytest.MonkeyPatch.context() as patch:
        unpin_resnet(patch)
        take(states["resnet"], "resnet50-0676ba61.pth")
    return settings


def pictures(count, side):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def as_input(frames):
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize("name", STUDENTS)
def test_a_student_weighs_whitened_regions_by_its_gate(installed, states, monkeypatch, name):
    unpin_resnet(monkeypatch)
    model = load_model(name, settings=installed)
    assert (model.regions, model.dim, model.symmetric, model.verified) == (9, 512, False, False)
    frames = pictures(1, 224)
    with torch.inference_mode():
        raw = load_backbone(states["resnet"])(as_input(frames))
        white = load_whitening(states["pca"], dim=512)(raw)[0].double().numpy()
    head = {k: v.double().numpy() for k, v in states[name].items()}
    expected = np.zeros((9, 512))
    for region in range(9):
        hidden = np.tanh(
            head["attention.transform.weight"] @ white[region] + head["attention.transform.bias"]
        )
        gate = 1 / (1 + np.exp(-(head["attention.context_vector.weight"][0] @ hidden)))
        expected[region] = gate * white[region]
    np.testing.assert_allclose(model.extract(frames)[0], expected, atol=1e-4)


def test_a_students_comparator_pads_with_zeros(states):
    _, comparator = load_student(states["dns-attention"])
    plain = {
        k.removeprefix("visil_head."): v
        for k, v in states["dns-attention"].items()
        if k.startswith("visil_head.")
    }
    x = torch.rand(1, 1, 12, 8)

    def by_hand(x):
        for layer in ("conv1", "conv2"):
            x = F.max_pool2d(
                F.relu(
                    F.conv2d(
                        F.pad(x, (1, 1, 1, 1)), plain[f"{layer}.weight"], plain[f"{layer}.bias"]
                    )
                ),
                2,
            )
        x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1)), plain["conv3.weight"], plain["conv3.bias"]))
        return F.conv2d(x, plain["fconv.weight"], plain["fconv.bias"])

    torch.testing.assert_close(comparator(x), by_hand(x))
    replicated = VideoComparator()
    replicated.load_state_dict(plain)
    assert (replicated(x) - by_hand(x)).abs().max() > 1e-3


def test_sscd_is_one_vector_a_frame_by_the_generalised_mean(installed, states):
    model = load_model("sscd", settings=installed)
    assert (model.regions, model.dim, model.compare, model.verified) == (1, 512, None, False)
    assert (model.preprocess.side, model.preprocess.mode) == (320, "squash")
    frames = pictures(1, 320)
    reference = resnet50(weights=None, num_classes=512)
    reference.load_state_dict({k.removeprefix("backbone."): v for k, v in states["sscd"].items()})
    reference.eval()
    maps = []
    reference.layer4.register_forward_hook(lambda _m, _i, out: maps.append(out))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    with torch.inference_mode():
        reference((as_input(frames) - mean) / std)
    channels = maps[0][0].double().numpy().reshape(2048, -1)
    pooled = np.array([np.mean([max(v, 1e-6) ** 3 for v in c]) ** (1 / 3) for c in channels])
    vector = reference.fc.weight.detach().double().numpy() @ pooled + (
        reference.fc.bias.detach().double().numpy()
    )
    out = model.extract(frames)
    assert out.shape == (1, 1, 512)
    np.testing.assert_allclose(out[0, 0], vector / np.linalg.norm(vector), atol=1e-4)


@pytest.mark.parametrize("name", [*STUDENTS, "sscd"])
def test_an_installed_successor_is_listed_as_unverified_with_its_extractor(
    installed, monkeypatch, name
):
    unpin_resnet(monkeypatch)
    info = next(i for i in model_infos(settings=installed) if i.name == name)
    model = load_model(name, settings=installed)
    assert info.available
    assert not info.verified
    assert (info.extractor, info.regions, info.dim) == (model.extractor, model.regions, model.dim)
    assert info.default_threshold == pytest.approx(model.default_threshold)


def test_loading_is_strict(states):
    state = dict(states["dns-attention"])
    del state["attention.transform.bias"]
    state["visil_head.conv4.bias"] = torch.zeros(1)
    with pytest.raises(ModelError, match=r"Missing: attention\.transform\.bias \[512\]") as told:
        load_student(state)
    assert "Unexpected: visil_head.conv4.bias [1]" in str(told.value)
    broken = dict(states["sscd"])
    broken["backbone.fc.weight"] = torch.zeros(1024, 2048)
    with pytest.raises(ModelError, match=r"fc\.weight: expected \[512, 2048\], got \[1024, 2048\]"):
        load_sscd(broken)


def test_the_sscd_layout_is_torchvisions_resnet_under_one_name():
    layout = sscd_layout()
    assert layout["backbone.conv1.weight"] == (64, 3, 7, 7)
    assert layout["backbone.fc.weight"] == (512, 2048)


def test_a_file_that_could_be_several_is_not_guessed(states, tmp_path):
    torch.save(states["dns-attention"], tmp_path / "student.pth")
    with pytest.raises(ModelError, match=r"fit several known files.*dns_fg_att_student\.pth or"):
        import_weights(
            tmp_path / "student.pth", settings=Settings(models=tmp_path / "m"), unverified=True
        )


def test_a_checkpoint_that_carries_a_program_is_refused(states, tmp_path):
    class Program:
        def __reduce__(self):
            return (print, ("ran",))

    torch.save({"model": states["dns-attention"], "x": Program()}, tmp_path / "s2vs_dns.pth")
    with pytest.raises(ModelError, match="more than tensors"):
        import_weights(
            tmp_path / "s2vs_dns.pth", settings=Settings(models=tmp_path / "m"), unverified=True
        )
