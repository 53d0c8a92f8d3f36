"""The answer of a search in one sentence, as every screen shows it."""

from visil_dash.matching.verdict import answer
from visil_dash.records import SearchResult


def headline(result: SearchResult) -> str:
    """As verdict.answer; of a clip that the library holds already, that first, and last how many
    videos are missing from it."""
    sentence = answer(result.matches)
    if result.identical_to:
        others = sentence[0].lower() + sentence[1:]
        sentence = f"Already in the library as {result.identical_to}; apart from it, {others}"
    return "; ".join(filter(None, (sentence, not_searched(result))))


def not_searched(result: SearchResult) -> str:
    """How many videos the answer cannot speak of; empty where all were searched."""
    count = len(result.skipped)
    videos = "1 video" if count == 1 else f"{count:,} videos"
    return f"{videos} could not be searched" if count else ""
