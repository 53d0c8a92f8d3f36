"""Which two frames show best what a pair shares."""

from visil_dash.records import Comparison, Match, Proof, ProofState


def is_shown(proof: Proof | None) -> bool:
    """Whether the pictures of a proof lie on each other well enough to be looked at together."""
    if proof is None or proof.registration is None or proof.times is None:
        return False
    return proof.state is not ProofState.UNDECIDABLE or proof.still


def shown_times(pair: Match | Comparison) -> tuple[float, float] | None:
    """Times of query and reference whose frames correspond, seconds; None where none are known.

    Those at which the pixels agree best, where that was looked at. Otherwise the middle of the
    verdict's best segment: the middle of its counterpart, also where that plays backwards.
    """
    proof, best = pair.proof, pair.verdict.best if pair.verdict else None
    if proof is not None and is_shown(proof):
        return proof.times
    if best is None:
        return None
    return (
        (best.query_start + best.query_end) / 2,
        (best.reference_start + best.reference_end) / 2,
    )
