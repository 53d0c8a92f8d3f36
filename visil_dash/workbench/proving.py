"""Verification of search results and comparisons on the pixels, best first, under a budget.

Results are worth showing at once; proofs arrive one after another and change what they prove.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from visil_dash.errors import MediaRefused, StoreError
from visil_dash.framing.views import INSET, QueryRef
from visil_dash.matching.alignment import likeliest_offset
from visil_dash.matching.proved import hypotheses, standing, with_proof
from visil_dash.matching.rerank import rank
from visil_dash.matching.verdict import verdict_of
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.proof.sides import VideoFile
from visil_dash.proof.verify import Verifier
from visil_dash.records import (
    WHOLE,
    Comparison,
    Match,
    Proof,
    ProofState,
    Relation,
    SearchResult,
    Segment,
)
from visil_dash.settings import PROOF_SECONDS
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.clips import file_of
from visil_dash.workbench.search import with_probability

PROOF_MATCHES = 12  # of a result that are verified, at most
_UNALIGNED = 6  # of those without a segment, where no other is proved


def proving(
    bench: Workbench,
    result: SearchResult,
    *,
    seconds: float = PROOF_SECONDS,
    most: int = PROOF_MATCHES,
    watch: Watch = UNWATCHED,
) -> Iterator[SearchResult]:
    """The result after each proof: judged again, and in the order that follows.

    The best matches are verified first, at most so many, until the `seconds` are spent; where none
    of them is proved, then the first that have no segment. A video that cannot be read is named in
    the notices. Raises NotFound, Cancelled.
    """
    verifier = _Verifying(bench, result.query_id, watch.silent())
    until = time.monotonic() + seconds
    wanted = worth_proving(result, most=most)
    last_resort = unaligned(result, most=min(most, _UNALIGNED))
    for number, video_id in enumerate([*wanted, *last_resort]):
        watch.count("Verifying on the pixels", number, len(wanted) + len(last_resort))
        proved = any(standing(match) > 0 for match in result.matches)
        if time.monotonic() > until or (proved and number == len(wanted)):
            return
        matches = {match.video_id: match for match in result.matches}
        match = matches[video_id]
        try:
            proof = verifier.proof(match, QueryRef.parse(match.video_id).base, view=match.view)
        except (MediaRefused, StoreError) as error:
            result = replace(result, notices=(*result.notices, f"Not verified: {error}"))
        else:
            matches[video_id] = with_proof(match, proof)
            result = _reconsidered(bench, replace(result, matches=tuple(matches.values())))
        yield result


def prove(
    bench: Workbench,
    result: SearchResult,
    *,
    seconds: float = PROOF_SECONDS,
    most: int = PROOF_MATCHES,
    watch: Watch = UNWATCHED,
) -> SearchResult:
    """The result with its best matches verified (see `proving`)."""
    for after in proving(bench, result, seconds=seconds, most=most, watch=watch):
        result = after
    return result


def proof_budget(bench: Workbench, asked: float | None) -> float:
    """Seconds to spend on proofs: what was asked for, else what the settings give."""
    return bench.settings.proof_seconds if asked is None else asked


def worth_proving(result: SearchResult, *, most: int = PROOF_MATCHES) -> list[str]:
    """Ids of the matches that are to be verified, the best first: those that are at least alike and
    were not verified yet. Of those that come after the first `most`, so many more that are doubts:
    of a long query they may all be right, and only the pixels can say so."""
    open_ones = [
        (place, match)
        for place, match in enumerate(result.matches)
        if match.proof is None and verdict_of(match).relation is not Relation.NONE
    ]
    first = [match.video_id for place, match in open_ones if place < most]
    doubts = [m.video_id for place, m in open_ones if place >= most and verdict_of(m).is_doubt]
    return [*first, *doubts[:most]]


def unaligned(result: SearchResult, *, most: int) -> list[str]:
    """Ids of the first `most` matches by rank, of those that scores call unrelated: a hard edit may
    leave no more of a copy than a place among the first."""
    return [
        match.video_id
        for match in result.matches[:most]
        if match.proof is None and verdict_of(match).relation is Relation.NONE
    ]


def prove_pair(bench: Workbench, pair: Comparison, *, watch: Watch = UNWATCHED) -> Comparison:
    """The comparison with its proof, judged again.

    Raises NotFound, MediaRefused, StoreError, Cancelled.
    """
    proved = with_proof(pair, proof_of(bench, pair, watch=watch))
    return replace(proved, verdict=bench.judged_pair(proved))


def proof_of(bench: Workbench, pair: Comparison, *, watch: Watch = UNWATCHED) -> Proof:
    """What the pixels say about a pair, whether or not a segment of it matches.

    Raises NotFound, MediaRefused, StoreError, Cancelled.
    """
    verifier = _Verifying(bench, pair.query, watch)
    view = QueryRef.parse(pair.query).view
    return verifier.proof(pair, QueryRef.parse(pair.reference).base, view=view)


class _Verifying:
    """Verifies pairs of one query, each pair once as long as its proof is kept."""

    def __init__(self, bench: Workbench, query_id: str, watch: Watch) -> None:
        self._bench, self._watch = bench, watch
        self._query = QueryRef.parse(query_id).base
        self._verifiers: dict[bool, Verifier] = {}

    def proof(self, pair: Match | Comparison, reference_id: str, *, view: str = WHOLE) -> Proof:
        """`view`: of the query's picture, by which the pair was found; of an inset that moves the
        inset is verified, and where it is not proved the whole (a cell of a collage looks like one,
        too). Without segments verification begins at the likeliest offset."""
        if view != INSET.key:
            return self._proof(pair, reference_id, view, inset=False)
        inset = self._proof(pair, reference_id, view, inset=True)
        if inset.state is ProofState.PROVED:
            return inset
        whole = self._proof(pair, reference_id, view, inset=False)
        return whole if whole.state is ProofState.PROVED else inset

    def _proof(
        self, pair: Match | Comparison, reference_id: str, view: str, *, inset: bool
    ) -> Proof:
        query_id = str(QueryRef(self._query, view if inset else WHOLE))
        known = self._bench.proofs.get(query_id, reference_id)
        if known is not None:
            return known
        if inset not in self._verifiers:
            self._verifiers[inset] = Verifier(
                self._file(self._query),
                settings=self._bench.settings,
                inset=inset,
                watch=self._watch,
            )
        begin = hypotheses(pair) or (self._likeliest(pair, str(QueryRef(self._query, view))),)
        made = self._verifiers[inset].verify(self._file(reference_id), begin)
        for video_id in (self._query, reference_id):
            self._file(video_id)  # raises where a file in place was altered meanwhile
        self._bench.proofs.put(query_id, reference_id, made)
        return made

    def _likeliest(self, pair: Match | Comparison, query_id: str) -> Segment:
        """Where the pair would match if it did; `query_id` with the view."""
        if isinstance(pair, Match):
            pair = self._bench.compare(query_id, pair.video_id, watch=self._watch.silent())
        return likeliest_offset(pair.symmetric, pair.query_times, pair.reference_times)

    def _file(self, video_id: str) -> VideoFile:
        library = self._bench.library
        if library.has_video(video_id):  # asked for as a clip, its features would be read too
            return VideoFile(library.media_path(video_id), library.video(video_id).info.duration)
        clip = self._bench.clip(video_id)
        return VideoFile(file_of(clip, library), clip.info.duration)


def _reconsidered(bench: Workbench, result: SearchResult) -> SearchResult:
    """Confidence, order and verdicts as they follow from the proofs."""
    matches, level = with_probability(
        result.matches, bench.model.evidence, among=result.library_videos, parts=result.parts
    )
    # What is proved comes first, what is contradicted last.
    ordered = tuple(sorted(matches, key=lambda match: (-standing(match), rank(match))))
    return bench.judged(replace(result, matches=ordered, background=level))
