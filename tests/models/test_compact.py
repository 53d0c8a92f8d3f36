"""The bundled model's trunk is torchvision's RegNetX-400MF, without torchvision."""

import re

import torch
from torchvision.models import regnet_x_400mf

from visil_dash.models.compact import CompactBackbone


def test_the_trunk_has_torchvisions_parameters_and_output() -> None:
    torch.manual_seed(0)
    theirs, ours = regnet_x_400mf(weights=None).eval(), CompactBackbone().eval()
    state = {
        re.sub(r"^trunk_output\.block(\d)", lambda m: f"stages.{int(m[1]) - 1}", key): value
        for key, value in theirs.state_dict().items()
        if not key.startswith("fc.")
    }
    mine = {k: v for k, v in ours.state_dict().items() if k.startswith(("stem", "stages"))}
    assert list(mine) == list(state)
    for value in state.values():  # running statistics and biases too, so that a lost one shows
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) * 0.2 + 0.01)
    ours.load_state_dict(state, strict=False)
    frames = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        x = ours.stem(frames)
        for stage in ours.stages:
            x = stage(x)
        expected = theirs.trunk_output(theirs.stem(frames))
    torch.testing.assert_close(x, expected)
