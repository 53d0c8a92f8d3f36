"""`python -m visil_dash evaluate`: each source of labels, its numbers walked by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.benches import copy_library
from tests.support.fakes import fake_model
from tests.support.pair_world import copy_world, features, ids, plain_score
from visil_dash.cli import main
from visil_dash.labels.label import Label
from visil_dash.laboratory.evaluation.manifest import differences, read_report
from visil_dash.library.store import open_library
from visil_dash.settings import Settings

Shell = Callable[..., tuple[int, str, str]]
QUERY = "excerpt.mp4"


@pytest.fixture
def shell(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Shell:
    monkeypatch.setattr("visil_dash.workbench.bench.load_model", lambda _name, **_kw: fake_model())
    library = copy_library(copy_world(), tmp_path / "library")

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main.main(["evaluate", *map(str, arguments), "--library", str(library)])
        return (code, *capsys.readouterr())

    return run


def ranking() -> list[str]:
    """The other videos by falling score against the query, by plain loops."""
    found = features()
    others = [name for name in found if name != QUERY]
    return sorted(others, key=lambda name: -plain_score(found[QUERY], found[name]))


def parsed(out: str) -> tuple[dict[str, float], dict[str, str]]:
    """mAP by task of the first setting, and the manifest."""
    found = json.loads(out)
    tasks = found["results"][0]["tasks"]
    return {name: t["map"]["value"] for name, t in tasks.items()}, found["manifest"]


def test_labels_of_a_csv_give_the_precision_walked_by_hand(shell: Shell, tmp_path: Path) -> None:
    first, second, third = ranking()
    path = tmp_path / "mine.csv"
    path.write_text(
        f"query,reference,relation\n{QUERY},{first},IS\n{QUERY},{second},DS\n{QUERY},{third},CS\n"
    )
    code, out, _ = shell("--labels", path, "--search", "exhaustive", "--json")
    assert code == 0
    means, manifest = parsed(out)
    # The only DS comes second; with CS the second and the third; with IS all three.
    assert means == pytest.approx({"DSVR": 1 / 2, "CSVR": (1 / 2 + 2 / 3) / 2, "ISVR": 1.0})
    assert manifest["label_sources"] == ["csv:mine.csv"]
    assert manifest["weights_sha256"] == fake_model().weights_sha256
    (row,) = json.loads(out)["results"][0]["queries"]["DSVR"]
    assert (row["query"], row["worst"]) == (ids()[QUERY], ids()[second])
    assert (row["worst_kind"], row["worst_rank"]) == ("DS", 2)


def test_pairs_that_nobody_judged_are_left_out_when_one_says_so(
    shell: Shell, tmp_path: Path
) -> None:
    _, second, _ = ranking()
    path = tmp_path / "mine.csv"
    path.write_text(f"query,reference,verdict\n{QUERY},{second},match\n")
    assert parsed(shell("--labels", path, "--json")[1])[0]["DSVR"] == pytest.approx(1 / 2)
    alone = shell("--labels", path, "--json", "--no-strangers")[1]
    assert parsed(alone)[0]["DSVR"] == 1


def test_verdicts_of_the_review_are_the_labels_unless_others_are_named(
    shell: Shell, tmp_path: Path
) -> None:
    code, out, err = shell()
    assert (code, out) == (2, "")
    assert "Collection page" in err
    with open_library(tmp_path / "library", settings=Settings(min_free_bytes=0)) as library:
        library.set_label(Label(ids()[QUERY], ids()["market.mp4"], "match", source="review"))
    code, out, _ = shell("--queries")
    assert code == 0
    assert "1 label (review), 4 videos, model fake-" in out
    # It is the excerpt's own source: found first, in both ways of searching.
    assert out.count("DSVR  mAP 1.000 (no interval)  uAP 1.000") == 2
    assert out.count("1.000  excerpt.mp4  all relevant videos first") == 6
    assert out.count("Only 1 query: too few to judge") == 2


def test_a_larger_set_of_labels_is_named_beside_the_few_in_use(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def larger(_videos: object) -> tuple[Label, ...]:
        others = (name for name in ids() if name != QUERY)
        return tuple(Label(ids()[QUERY], ids()[o], "match", source="demo") for o in others)

    monkeypatch.setattr("visil_dash.labels.demo_set.demo_labels", larger)
    with open_library(tmp_path / "library", settings=Settings(min_free_bytes=0)) as library:
        library.set_label(Label(ids()[QUERY], ids()["market.mp4"], "match", source="review"))
    _, out, err = shell()
    assert "1 label (review)" in out
    assert "own labels (1); the demo set has 3 for these videos: --labels demo" in err
    assert "demo set has" not in shell("--labels", "demo")[2]


def test_the_annotation_file_of_fivr_names_videos_by_their_files(
    shell: Shell, tmp_path: Path
) -> None:
    path = tmp_path / "annotation.json"
    path.write_text(json.dumps({"excerpt": {"ND": ["market", "gone"], "IS": ["harbour"]}}))
    code, out, _ = shell("--labels", path, "--json")
    assert code == 0
    means, manifest = parsed(out)
    assert means["DSVR"] == 1
    place = ranking().index("harbour.mp4") + 1
    assert means["ISVR"] == pytest.approx((1 + 2 / place) / 2)
    assert manifest["labels"] == 2
    path.write_text(json.dumps({"elsewhere": {"ND": ["gone"]}}))
    code, _, err = shell("--labels", path)
    assert code == 2
    assert "no label of a pair in this library" in err
    code, _, err = shell("--labels", "demo")
    assert code == 2
    assert "python -m visil_dash demo" in err


def test_what_it_writes_can_be_read_and_run_again(shell: Shell, tmp_path: Path) -> None:
    labels, out = tmp_path / "mine.csv", tmp_path / "evaluation.json"
    labels.write_text(f"query,reference,relation\n{QUERY},market.mp4,ND\n")
    assert shell("--labels", labels, "--out", out, "--seed", "3")[0] == 0
    found = read_report(out.read_text(), name=out.name)
    again = tmp_path / "again.json"
    assert shell("--labels", labels, "--out", again, "--seed", "3")[0] == 0
    assert differences(found, read_report(again.read_text(), name="again")) == ()
    wide = tmp_path / "wide.json"
    assert shell("--labels", labels, "--out", wide, "--threshold", "0", "--seed", "3")[0] == 0
    assert differences(found, read_report(wide.read_text(), name="wide"))


def test_a_file_that_is_not_there_is_named(shell: Shell, tmp_path: Path) -> None:
    code, _, err = shell("--labels", tmp_path / "none.csv")
    assert code == 2
    assert "none.csv" in err


def test_with_proof_each_setting_says_what_the_pixels_add(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"query,reference,relation\n{QUERY},market.mp4,ND\n")
    code, out, _ = shell("--labels", path, "--proof", "30")
    assert code == 0
    assert out.count("by confidence: 1 proved, 0 contradicted, 0 undecidable") == 2
    assert out.count("DSVR  without proof: mAP 1.000") == 2
    assert out.count("DSVR  with proof: mAP 1.000") == 2
    assert out.count("recall at 90 % precision 1.000  reported 1 of 1, 0 others") == 12
    _, out, _ = shell("--labels", path, "--proof", "30", "--json")
    assert parsed(out)[1]["proof_seconds"] == 30
    assert json.loads(out)["results"][0]["proof"]["states"]["proved"] == 1
    assert "proof" not in shell("--labels", path)[1]
