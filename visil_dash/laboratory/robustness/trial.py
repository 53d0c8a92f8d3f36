"""One edited copy: searched for, ranked, and verified on the pixels."""

from dataclasses import dataclass
from pathlib import Path

from visil_dash.edits.clip import write_video
from visil_dash.edits.edited import Edited
from visil_dash.errors import InputError, MediaRefused, StoreError
from visil_dash.matching.verdict import verdict_of
from visil_dash.progress import Watch
from visil_dash.records import Comparison, Match, ProofState, SearchResult
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.proving import proof_of

EXHAUSTIVE_VIDEOS = 300  # larger libraries are only searched hierarchically, to save time
_SEARCH_SHARE = 0.6  # of the time of a copy that is verified too


@dataclass(frozen=True)
class CopyProof:
    """Verification of one copy against the target on the pixels (see records.Proof).

    `state` None: a video could not be read, for the `reason` given.
    """

    state: ProofState | None
    reason: str
    motion: float | None = None
    other_motion: float | None = None


@dataclass(frozen=True)
class Trial:
    """The search for one edited copy. Ranks begin at 1; ties count against the target.

    `score`, `reverse_score`: video-to-video similarity copy → target and target → copy.
    `match_strength`: the best of these and of the score of the segments alone. `rank`:
    among all library videos by match strength, None where the library is too large for an
    exhaustive search; `candidate_rank`: among the candidates, None where the target is not one.
    `proof`: None in a run without verification; `is_match` is what the search alone decides.
    """

    kind: str
    strength: float
    note: str
    score: float
    reverse_score: float
    is_match: bool
    rank: int | None
    candidate_rank: int | None
    min_distance: float | None
    seconds: float
    match_strength: float
    proof: CopyProof | None = None

    @property
    def is_proved(self) -> bool:
        return self.proof is not None and self.proof.state is ProofState.PROVED


def searches_everything(bench: Workbench) -> bool:
    return len(bench.videos()) <= EXHAUSTIVE_VIDEOS


@dataclass(frozen=True)
class CopySearch:
    """The search for one copy; `pair`: copy and target, also where it was not a candidate.

    `proof`: None where it was not asked for.
    """

    result: SearchResult
    target: str
    pair: Match | Comparison
    seconds: float
    proof: CopyProof | None


def search_copy(
    bench: Workbench,
    folder: Path,
    edited: Edited,
    *,
    target: str | None,
    proof: bool,
    what: str,
    watch: Watch,
) -> CopySearch:
    """Encodes the copy, reads it as a query clip and searches with it; deletes it afterwards.

    `target` None: the best match. `proof`: it is verified against the target as well. `what`: is
    reported meanwhile.
    """
    path = folder / "copy.mp4"
    frames = write_video(path, edited.frames(), rate=edited.rate, crf=edited.crf)
    searching = watch.part(0.0, _SEARCH_SHARE if proof else 1.0, name=what)
    copy = bench.open_clip(path, watch=searching.part(0.0, 0.5))
    try:
        result = bench.search(
            copy.query_id, exhaustive=searches_everything(bench), watch=searching.part(0.5, 1.0)
        )
        aim = target or _best_match(edited.source.name, result)
        match = next((m for m in result.matches if m.video_id == aim), None)
        pair = match or bench.compare(copy.query_id, aim)
        verified = None
        if proof:
            watch.step(f"{what}: verifying on the pixels", _SEARCH_SHARE)
            verified = _verified(bench, copy.query_id, aim, watch)
        return CopySearch(result, aim, pair, frames / edited.rate, verified)
    finally:
        bench.forget_clip(copy.query_id)
        path.unlink()


def _verified(bench: Workbench, copy_id: str, target: str, watch: Watch) -> CopyProof:
    """A target that cannot be read is a reason, not an error: the search has its results."""
    try:
        proof = proof_of(bench, bench.compare(copy_id, target), watch=watch.silent())
    except (MediaRefused, StoreError) as error:
        return CopyProof(None, str(error))
    return CopyProof(proof.state, proof.reason, proof.motion, proof.other_motion)


def _best_match(name: str, result: SearchResult) -> str:
    best = next((m for m in result.matches if verdict_of(m).is_match), None)
    if best is None:
        raise InputError(
            name,
            "has no match in the library, so there is no target to search for",
            "add the video that it comes from, or choose another clip",
        )
    return best.video_id


def trial_of(
    kind: str, strength: float, note: str, search: CopySearch, left_out: set[str]
) -> Trial:
    """Both ranks from one search: the hierarchical one counts only candidates."""
    candidates = {c.video_id: c for c in search.result.candidates}
    above = [
        m.video_id
        for m in search.result.matches
        if m.video_id not in left_out
        and m.video_id != search.target
        and m.strength >= search.pair.strength
    ]
    candidate = candidates.get(search.target)
    return Trial(
        kind=kind,
        strength=strength,
        note=note,
        score=search.pair.score,
        reverse_score=search.pair.reverse_score,
        is_match=verdict_of(search.pair).is_match,
        rank=1 + len(above) if search.result.mode == "exhaustive" else None,
        candidate_rank=1 + sum(v in candidates for v in above) if candidate else None,
        min_distance=candidate.min_distance if candidate else None,
        seconds=search.seconds,
        match_strength=search.pair.strength,
        proof=search.proof,
    )
