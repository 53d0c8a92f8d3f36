"""The answer of a search in one sentence, as every screen shows it."""

from visil_dash.matching.verdict import answer
from visil_dash.records import SearchResult


def headline(result: SearchResult) -> str:
    """As verdict.answer; of a clip that the library holds already, that first."""
    sentence = answer(result.matches)
    if not result.identical_to:
        return sentence
    others = sentence[0].lower() + sentence[1:]
    return f"Already in the library as {result.identical_to}; apart from it, {others}"
