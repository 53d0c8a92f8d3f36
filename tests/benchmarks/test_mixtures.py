"""What a mixture shows is looked for where it was put."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.mixtures import Mixture, Part, compilations, outcomes, page, report, speeds
from tests.support.filming import FPS, film, write_film
from visil_dash.matching.verdict import judge_result
from visil_dash.records import Match, SearchResult, Segment


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, float]]:
    folder = tmp_path_factory.mktemp("clips")
    names = [f"{k}.mp4" for k in range(12)]
    for k, name in enumerate(names):
        write_film(folder / name, film(k, 1, 8.0)[:: FPS // 10], fps=10)
    return folder, dict.fromkeys(names, 8.0)


def test_a_compilation_holds_each_clip_after_the_other(
    clips: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    (made,) = compilations(*clips, tmp_path)
    assert [part.reference for part in made.parts] == list(clips[1])
    starts = [part.where.query_start for part in made.parts]
    assert np.diff(starts) == pytest.approx(6.0)


def test_a_fast_query_is_shorter_by_its_speed(
    clips: tuple[Path, dict[str, float]], tmp_path: Path
) -> None:
    for made in speeds(*clips, tmp_path):
        where = made.parts[0].where
        length = where.reference_end - where.reference_start
        assert length / where.query_end == pytest.approx(where.speed, rel=0.02)


def test_pages_differ_in_their_words_alone() -> None:
    one, other = page(1).astype(int), page(2).astype(int)
    assert (one[:40] == other[:40]).all()
    assert (one != other).any()


def answered(*segments: Segment) -> str:
    """The table for a query that shows one reference twice, and what was found of it."""
    twice = Mixture(
        "thrice",
        Path("q.mp4"),
        tuple(Part("a.mp4", Segment(at, at + 6, 2, 8, 1)) for at in (0, 10)),
    )
    found = Match("id", "a.mp4", 0.9, 0.9, 0.9, 3, segments)
    result = judge_result(
        SearchResult(
            "q.mp4", "q", (found,), (), "exhaustive", None, 1, {}, "model", "extractor", "full"
        ),
        query_seconds=16,
        reference_seconds={"id": 20},
        match_score=0.5,
    )
    return report(list(outcomes(twice, result, {"id": "a.mp4"})))


def test_a_stretch_counts_where_its_segment_lies_at_its_time_offset() -> None:
    there, elsewhere = Segment(10, 16, 2, 8, 0.9), Segment(0, 6, 9, 15, 0.9)
    assert "| thrice | 1 | 1 | 1 | 0 | 1 of 2 | 1 |" in answered(there)
    assert "1 of 2" in answered(there, elsewhere)
    assert "2 of 2" in answered(there, Segment(0.5, 6, 2.5, 8, 0.9))
