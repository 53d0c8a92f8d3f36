"""Groups, verdicts, pairs and lists of queries from the shell: what the pages do, in files."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.support.benches import fake_bench
from tests.support.pair_world import ids
from visil_dash.media.decode import frames_at
from visil_dash.workbench.collection import all_pairs, groups_of

Shell = Callable[..., tuple[int, str, str]]


def rows(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_the_groups_of_the_shell_are_those_of_the_workbench(shell: Shell, folder: Path) -> None:
    code, out, _ = shell("groups", "--json")
    assert code == 0
    shown = rows(out)
    assert {row["video"] for row in shown} == {"market.mp4", "excerpt.mp4"}
    assert [row["video"] for row in shown if row["keep"]] == ["market.mp4"]
    with fake_bench(folder) as bench:
        (group,) = groups_of(bench, all_pairs(bench).table)
    assert [(row["video_id"], row["score"]) for row in shown] == [
        (member.video_id, round(member.score, 6)) for member in group.members
    ]
    assert "group 1" in shell("groups", "--candidates")[1]


def test_a_search_of_the_shell_among_tagged_videos_says_so(shell: Shell, folder: Path) -> None:
    with fake_bench(folder) as bench:
        for name in ("station.mp4", "excerpt.mp4"):
            bench.library.set_tags(ids()[name], ("news",))
    code, out, _ = shell("search", "market.mp4", "--exhaustive", "--tag", "news", "--json")
    (found,) = rows(out)
    assert code == 0
    assert {match["name"] for match in found["matches"]} == {"station.mp4", "excerpt.mp4"}
    assert found["tags"] == ["news"]
    assert "among 2 tagged news" in shell("search", "market.mp4", "--tag", "news")[1]
    code, _, err = shell("search", "market.mp4", "--tag", "nwes")
    assert (code, "no video has it" in err) == (1, True)


def test_a_search_in_processes_needs_all_videos_and_gives_the_same(shell: Shell) -> None:
    code, _, err = shell("search", "market.mp4", "--engine", "processes")
    assert (code, "--exhaustive" in err) == (2, True)
    alone, shared = (
        rows(shell("search", "market.mp4", "--exhaustive", "--json", *engine)[1])[0]
        for engine in ((), ("--engine", "processes"))
    )
    assert shared["matches"] == alone["matches"]


def test_a_verdict_of_the_shell_parts_a_group_and_says_whose_it_is(shell: Shell) -> None:
    code, _, _ = shell(
        "verdict", "set", "market.mp4", "excerpt.mp4", "not_match", "--by", "ann", "--note", "rerun"
    )
    assert code == 0
    assert shell("groups")[1] == "no two videos match\n"
    (label,) = rows(shell("verdict", "list", "--json")[1])
    assert (label["verdict"], label["by"], label["note"]) == ("not_match", "ann", "rerun")
    assert label["updated"] > "2026"
    assert shell("verdict", "set", "excerpt.mp4", "market.mp4", "match", "--by", "bob")[0] == 0
    (label,) = rows(shell("verdict", "list", "--json")[1])
    assert (label["verdict"], label["by"], label["note"]) == ("match", "bob", "rerun")
    assert shell("verdict", "remove", "market.mp4", "excerpt.mp4")[0] == 0
    assert shell("verdict", "list")[1] == ""


def test_a_verdict_on_one_video_or_by_nobody_is_refused(shell: Shell) -> None:
    code, _, err = shell("verdict", "set", "market.mp4", "market.mp4", "match")
    assert (code, "the same video twice" in err) == (2, True)
    with pytest.raises(SystemExit):
        shell("verdict", "set", "market.mp4", "excerpt.mp4", "match", "--by", "a\nb")


def test_verdicts_go_out_as_csv_and_come_back(shell: Shell, tmp_path: Path) -> None:
    shell("verdict", "set", "market.mp4", "station.mp4", "unsure", "--by", "ann")
    assert shell("verdict", "list", "--csv", tmp_path / "out.csv")[0] == 0
    shell("verdict", "remove", "market.mp4", "station.mp4")
    assert shell("verdict", "import", tmp_path / "out.csv")[0] == 0
    (label,) = rows(shell("verdict", "list", "--json")[1])
    assert (label["verdict"], label["source"]) == ("unsure", "csv:out.csv")


@pytest.mark.parametrize("head", ["query,reference\n", ""])
def test_only_the_pairs_of_a_file_are_compared(shell: Shell, tmp_path: Path, head: str) -> None:
    listing = tmp_path / "pairs.csv"
    listing.write_text(f"{head}excerpt.mp4,market.mp4\n{ids()['station.mp4'][:12]},harbour.mp4\n")
    every = {(r["query"], r["reference"]): r["score"] for r in rows(shell("pairwise", "--json")[1])}
    code, _, _ = shell("pairwise", "--pairs", listing, "--csv", tmp_path / "scores.csv")
    assert code == 0
    written = table(tmp_path / "scores.csv")
    assert [(row["query"], row["reference"]) for row in written] == [
        ("excerpt.mp4", "market.mp4"),
        ("station.mp4", "harbour.mp4"),
    ]
    for row in written:
        assert float(row["score"]) == every[row["query"], row["reference"]]


def test_a_pair_of_an_unknown_video_is_refused_by_its_line(shell: Shell, tmp_path: Path) -> None:
    listing = tmp_path / "pairs.csv"
    listing.write_text("excerpt.mp4,market.mp4\nexcerpt.mp4,gone.mp4\n")
    code, _, err = shell("pairwise", "--pairs", listing)
    assert (code, "line 2" in err, "gone.mp4" in err) == (2, True, True)


def test_a_list_of_queries_is_searched_line_by_line(shell: Shell, tmp_path: Path) -> None:
    listing = tmp_path / "queries.txt"
    listing.write_text("# two library videos, one that is gone\nexcerpt.mp4\n\nharbour.mp4\ngone\n")
    code, out, err = shell(
        "search",
        "--list",
        listing,
        "--json",
        "--proof",
        "0",
        "--inside",
        "never",
        "--csv",
        tmp_path / "matches.csv",
    )
    assert code == 1
    assert "gone" in err
    assert [row["query"] for row in rows(out)] == ["excerpt.mp4", "harbour.mp4"]
    written = table(tmp_path / "matches.csv")
    assert {(row["query"], row["name"]) for row in written} >= {("excerpt.mp4", "market.mp4")}


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_a_picture_finds_the_video_that_shows_it(
    shell: Shell, folder: Path, tmp_path: Path, ending: str
) -> None:
    with fake_bench(folder) as bench:
        frame = frames_at(
            bench.library.media_path(ids()["station.mp4"]), [5.0], settings=bench.settings
        )[0]
    picture = tmp_path / f"picture.{ending}"
    assert cv2.imwrite(str(picture), frame[..., ::-1])
    code, out, _ = shell("search", picture, "--json", "--inside", "never")
    (answer,) = rows(out)
    assert code == 0
    assert answer["matches"][0]["name"] == "station.mp4"
    assert any("still picture" in notice for notice in answer["notices"])
    assert shell("add", picture)[0] == 1


def test_a_search_for_nothing_is_refused(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n")
    for asked in (("search",), ("search", "--list", tmp_path / "empty.txt")):
        code, _, err = shell(*asked)
        assert (code, "there is no clip" in err) == (2, True)
