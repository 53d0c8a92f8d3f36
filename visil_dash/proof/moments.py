"""Which two frames show best what a pair shares."""

from visil_dash.records import Comparison, Match


def shown_times(pair: Match | Comparison) -> tuple[float, float] | None:
    """Times of query and reference whose frames correspond, seconds; None where none are known.

    Those at which the pixels agree best, where that was looked at. Otherwise the middle of the
    verdict's best segment: the middle of its counterpart, also where that plays backwards.
    """
    proof, best = pair.proof, pair.verdict.best if pair.verdict else None
    if proof is not None and proof.times is not None:
        return proof.times
    if best is None:
        return None
    return (
        (best.query_start + best.query_end) / 2,
        (best.reference_start + best.reference_end) / 2,
    )
