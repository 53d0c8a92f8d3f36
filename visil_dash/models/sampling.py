"""The sampling rate as a part of what made features: those of two rates are never compared."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing it takes seconds (torch)
    from visil_dash.models.load import Model

_USUAL = 1.0  # frames per second, at which an extractor keeps the id that its weights give it
_MARK, _UNIT = "+", "fps"  # the mark is in no other part of an extractor's id


def at_rate(model: "Model", rate: float) -> "Model":
    """The model, whose extractor id names the rate (frames per second) unless it is 1."""
    extractor = extractor_at(model.extractor, rate)
    return model if extractor == model.extractor else replace(model, extractor=extractor)


def extractor_at(extractor: str, rate: float) -> str:
    base = extractor.split(_MARK)[0]
    short = f"{rate:g}" if float(f"{rate:g}") == rate else repr(rate)
    return base if rate == _USUAL else f"{base}{_MARK}{short}{_UNIT}"


def same_rate(extractor: str, other: str) -> bool:
    """Whether features of two extractors are of the same frames of a video."""
    return extractor.partition(_MARK)[2] == other.partition(_MARK)[2]


def rate_of(extractor: str) -> float:
    """Frames per second of an extractor's features, by its id."""
    named = re.fullmatch(rf".*{re.escape(_MARK)}([0-9.e+-]+){_UNIT}", extractor)
    return float(named[1]) if named else _USUAL
