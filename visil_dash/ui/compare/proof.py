"""What the pixels show of a pair."""

from visil_dash.records import Comparison


def draw_proof(pair: Comparison) -> None:
    """Draws nothing for a pair that was not verified on the pixels."""
    if pair.proof is None:
        return
