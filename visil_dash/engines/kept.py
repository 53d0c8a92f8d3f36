"""The model that a process of an engine keeps between pieces."""

from functools import lru_cache

from visil_dash.models.load import Model, load_model
from visil_dash.models.sampling import at_rate
from visil_dash.settings import Settings


@lru_cache(maxsize=2)
def kept_model(name: str, settings: Settings) -> Model:
    return at_rate(load_model(name, settings=settings), settings.rate)
