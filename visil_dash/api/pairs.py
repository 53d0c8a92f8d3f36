"""Routes of pairs: comparing two videos, all pairs, groups, and what people decided."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query

from visil_dash.collection.rows import MemberRow, PairRow, group_rows, pair_rows
from visil_dash.exports.search import comparison_as_dict
from visil_dash.labels.label import Label
from visil_dash.library.sharing.beside_writer import take_label_back
from visil_dash.records import PairTable
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.collection import all_pairs, candidate_table, give_verdict, groups_of
from visil_dash.workbench.proving import proof_budget, prove_pair


@dataclass(frozen=True)
class GivenVerdict:
    """A decision about two library videos, each by id, unique prefix or name."""

    query: str
    reference: str
    verdict: Literal["match", "not_match", "unsure"]
    note: str = ""


def pair_routes(bench: Workbench, person: Callable[..., str]) -> APIRouter:
    """`person`: the dependency that names who calls."""
    routes = APIRouter(tags=["pairs"])

    @routes.get("/compare", summary="One pair: scores in both directions, matched segments")
    def compare(
        query: str, reference: str, proof: Annotated[float | None, Query(ge=0)] = None
    ) -> dict[str, Any]:
        pair = bench.compare(query, reference)
        if proof_budget(bench, proof) > 0:
            pair = prove_pair(bench, pair)
        return comparison_as_dict(pair, match_score=bench.match_score(), model=bench.model.name)

    @routes.get("/pairs", summary="All ordered pairs of the library, best first")
    def pairs(
        least: float = -1.0,
        candidates: Annotated[bool, Query(description="only what the index proposes")] = False,
        most: Annotated[int | None, Query(ge=1)] = None,
    ) -> list[PairRow]:
        return pair_rows(_table(bench, candidates), least=least, most=most)

    @routes.get("/groups", summary="Videos that match each other, with the one to keep of each")
    def groups(least: float | None = None, candidates: bool = False) -> list[MemberRow]:
        videos = {video.video_id: video for video in bench.videos()}
        return group_rows(groups_of(bench, _table(bench, candidates), least=least), videos)

    @routes.get("/verdicts", summary="What people decided about pairs, and who and when")
    def verdicts() -> list[Label]:
        return list(bench.library.labels())

    @routes.put("/verdicts", summary="Decide about a pair; an earlier verdict is replaced")
    def decide(given: GivenVerdict, name: Annotated[str, Depends(person)]) -> Label:
        return give_verdict(
            bench, given.query, given.reference, given.verdict, by=name, note=given.note
        )

    @routes.delete("/verdicts", status_code=204, summary="Take the verdict on a pair back")
    def take_back(query: str, reference: str) -> None:
        first, second = (bench.library.video(key) for key in (query, reference))
        take_label_back(bench.library, (first.video_id, second.video_id))

    return routes


def _table(bench: Workbench, candidates: bool) -> PairTable:
    return (candidate_table if candidates else all_pairs)(bench).table
