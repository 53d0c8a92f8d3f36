"""The models that a library can be read with, and for which of its videos each has features."""

from dataclasses import dataclass

from visil_dash.models.offers import ModelOffer, model_offers
from visil_dash.models.sampling import extractor_at
from visil_dash.records import VideoRecord
from visil_dash.workbench.bench import Workbench


@dataclass(frozen=True)
class ModelChoice:
    """A model as seen from one library. `unread`: videos that lack its features.

    `values`: numbers that it makes of one frame.
    """

    offer: ModelOffer
    in_use: bool
    videos: int
    unread: tuple[VideoRecord, ...]

    @property
    def values(self) -> int:
        return self.offer.info.regions * self.offer.info.dim


def model_choices(bench: Workbench) -> tuple[ModelChoice, ...]:
    """All known models, the bundled one first; the one in use as the workbench has it loaded."""
    videos = len(bench.videos())
    choices = []
    for offer in model_offers(settings=bench.settings):
        in_use = offer.info.name == bench.model.name
        extractor = extractor_at(offer.info.extractor, bench.settings.rate)
        unread = bench.library.lacking(bench.extractor if in_use else extractor)
        choices.append(ModelChoice(offer, in_use, videos, unread))
    return tuple(choices)
