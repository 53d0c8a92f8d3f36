"""The palette is readable in both lights: WCAG AA, computed from the configuration itself."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
THEME: dict[str, Any] = tomllib.loads(CONFIG.read_text())["theme"]
LIGHTS = ("light", "dark")
TEXT, INTERFACE = 4.5, 3.0  # WCAG 2.1 AA: 1.4.3 for text, 1.4.11 for parts that one acts on


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    pairs = ((int(one[i : i + 2], 16), int(other[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(share * a + (1 - share) * b):02x}" for a, b in pairs)


def test_contrast_agrees_with_values_worked_by_hand() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def surfaces(light: str) -> list[str]:
    theme = THEME[light]
    both = ("backgroundColor", "secondaryBackgroundColor")
    return [theme[key] for key in both] + [theme["sidebar"][key] for key in both]


@pytest.mark.parametrize("light", LIGHTS)
def test_text_and_links_are_readable_on_every_surface(light: str) -> None:
    for surface in surfaces(light):
        assert contrast(THEME[light]["textColor"], surface) >= 7, surface
        assert contrast(THEME[light]["linkColor"], surface) >= TEXT, surface


@pytest.mark.parametrize("light", LIGHTS)
def test_captions_are_readable_on_every_surface(light: str) -> None:
    for surface in surfaces(light):
        faded = mixed(THEME[light]["textColor"], surface, 0.6)  # as Streamlit draws captions
        assert contrast(faded, surface) >= TEXT, surface


@pytest.mark.parametrize("light", LIGHTS)
def test_the_accent_carries_white_labels_and_stands_out(light: str) -> None:
    accent = THEME[light]["primaryColor"]
    assert contrast(accent, "#ffffff") >= TEXT  # Streamlit writes white on primary buttons
    for surface in surfaces(light):
        assert contrast(accent, surface) >= INTERFACE, surface


@pytest.mark.parametrize("light", LIGHTS)
def test_every_series_of_a_chart_stands_out_from_its_ground(light: str) -> None:
    colours = THEME[light]["chartCategoricalColors"]
    assert len(set(colours)) == len(colours)
    for colour in colours:
        assert contrast(colour, THEME[light]["backgroundColor"]) >= INTERFACE, colour


@pytest.mark.parametrize("light", LIGHTS)
def test_a_sequential_scale_moves_away_from_the_ground_at_every_step(light: str) -> None:
    scale = THEME[light]["chartSequentialColors"]
    assert len(scale) == 10  # any other number makes Streamlit use its own
    steps = [contrast(colour, THEME[light]["backgroundColor"]) for colour in scale]
    assert all(after > before for before, after in pairwise(steps)), steps


@pytest.mark.parametrize("light", LIGHTS)
def test_a_diverging_scale_is_faint_in_the_middle_and_strong_at_both_ends(light: str) -> None:
    scale = THEME[light]["chartDivergingColors"]
    assert len(scale) == 10
    steps = [contrast(colour, THEME[light]["backgroundColor"]) for colour in scale]
    assert all(after < before for before, after in pairwise(steps[:5])), steps
    assert all(after > before for before, after in pairwise(steps[5:])), steps


def test_both_lights_set_the_same_options() -> None:
    assert set(THEME["light"]) == set(THEME["dark"])
