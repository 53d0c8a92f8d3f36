"""Claims about labels: what a label says, how a library keeps it, how a file carries it."""

import csv
import io
from pathlib import Path

import pytest

from tests.support.library_contract import A, B, C, LabelsContract, as_tuples
from tests.support.library_fakes import (
    by_hand,
    content_id,
    fake_info,
    put,
    small_settings,
)
from visil_dash.errors import InputError
from visil_dash.labels.csv_file import labels_csv, read_labels
from visil_dash.labels.demo_set import DEMO, demo_labels
from visil_dash.labels.label import Label, by_pair, is_copy, pair_of, rejected, with_verdict
from visil_dash.library.store import Library, open_library
from visil_dash.records import VideoRecord


def video(name: str, video_id: str, *others: str) -> VideoRecord:
    return VideoRecord(video_id, 1, name, others, 3, fake_info(), "2026-01-01", 40)


VIDEOS = (video("a.mp4", A), video("b.mp4", B, "second.mp4"), video("c.mp4", C))


@pytest.fixture
def library(tmp_path: Path):  # type: ignore[no-untyped-def]
    with open_library(tmp_path / "library", settings=small_settings()) as opened:
        for content in (b"one", b"two", b"three"):
            put(opened, content, f"{content.decode()}.mp4")
        yield opened


class TestTheContractWithItsCatalogueInAFile(LabelsContract):
    """Most of what a library promises of its labels."""


# -- what a label says -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (Label(A, B, "match", "ND"), (True, True, True)),
        (Label(A, B, "match", "DS"), (True, True, True)),
        (Label(A, B, "not_match", "CS"), (False, True, True)),
        (Label(A, B, "not_match", "IS"), (False, False, True)),
        (Label(A, B, "match"), (True, True, True)),
        (Label(A, B, "not_match"), (False, False, False)),
        (Label(A, B, "unsure"), (None, None, None)),
        (Label(A, B, "unsure", "CS"), (None, None, None)),
    ],
)
def test_a_relation_decides_which_task_counts_the_pair(
    label: Label, expected: tuple[bool | None, ...]
) -> None:
    assert (
        is_copy(label),
        is_copy(label, upto="CS"),
        is_copy(label, upto="IS"),
    ) == expected


def test_a_pair_is_the_same_from_both_sides() -> None:
    there, back = Label(A, B, "match"), Label(B, A, "not_match")
    assert there.pair == back.pair
    assert by_pair([there, back]) == {there.pair: back}
    assert rejected([there, back, Label(A, C, "unsure")]) == {there.pair}


def test_a_label_that_says_nothing_is_refused() -> None:
    for fields in ((A, A, "match", ""), (A, B, "yes", ""), (A, B, "match", "XX")):
        with pytest.raises(ValueError, match=r"expected|twice"):
            Label(*fields)


# -- in a library ----------------------------------------------------------------------------


def test_a_note_goes_with_its_label(library: Library) -> None:
    library.set_label(Label(A, B, "match", note="the crane"), Label(A, C, "unsure", note="why?"))
    # A plain verdict keeps it, a label without one replaces it.
    (crane,) = [label for label in library.labels() if label.pair == pair_of(A, B)]
    library.set_label(with_verdict(B, A, "not_match", crane))
    assert {label.note for label in library.labels()} == {"the crane", "why?"}
    library.set_label(Label(B, A, "match"))
    assert {label.note for label in library.labels()} == {"", "why?"}
    library.remove_label(C, A)
    library.set_label(Label(A, C, "match"))
    assert {label.note for label in library.labels()} == {""}
    library.set_label(Label(A, B, "match", note="again"))
    library.close()
    altered = f"UPDATE labels SET verdict = 'unsure' WHERE first = '{C}' OR second = '{C}'"
    by_hand(library.folder, altered)
    with open_library(library.folder, settings=small_settings()) as remade:
        assert [label.note for label in remade.labels()] == ["again"]
        remade.remove(B)
        assert remade.labels() == ()


def test_sound_labels_are_kept_when_a_damaged_catalogue_is_remade(library: Library) -> None:
    library.set_label(Label(A, B, "match", "ND"), Label(A, C, "unsure"))
    library.close()
    by_hand(library.folder, "UPDATE labels SET verdict = 'match' WHERE verdict = 'unsure'")
    with open_library(library.folder, settings=small_settings()) as remade:
        assert "damaged" in remade.notice
        assert as_tuples(remade.labels()) == {(A, B, "match", "ND", "")}


# -- in a file -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "query,reference,verdict,relation\na.mp4,b.mp4,match,DS\nb.mp4,c.mp4,not_match,\n",
        "\ufeffQuery;Reference;Verdict;Note\r\na.mp4;second.mp4;Copy;x\r\nb.mp4;c.mp4;No\r\n",
        f"relation\tTARGET\tanchor\tverdict\nds\tb.mp4\ta.mp4\t\n\n\t{C[:8]}\t{B}\tNot a match\n",
    ],
)
def test_common_ways_to_write_a_file_are_read(text: str) -> None:
    found = read_labels(text, VIDEOS, name="mine.csv")
    assert [(v.query, v.reference, v.verdict) for v in found] == [
        (A, B, "match"),
        (B, C, "not_match"),
    ]
    assert {v.source for v in found} == {"csv:mine.csv"}


HEAD = "query,reference,verdict,relation\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("one,two\na.mp4,b.mp4\n", "line 1: no column query and no column reference"),
        (HEAD + "a.mp4,b.mp4,match,\na.mp4,z.mp4,match,\n", "line 3: no video 'z.mp4'"),
        (HEAD + "a.mp4,a.mp4,match,\n", "line 2: query and reference are the same"),
        (HEAD + "a.mp4,second.mp4,perhaps,\n", "line 2: 'perhaps' is not a verdict"),
        (HEAD + "a.mp4,b.mp4,match,NDX\n", "line 2: 'NDX' is not a relation"),
        (HEAD + "a.mp4,b.mp4,,\n", "line 2: there is neither"),
        (HEAD + "a.mp4,,match,\n", "line 2: the reference is missing"),
        (
            HEAD + "a.mp4,b.mp4,match,\n\nb.mp4,a.mp4,no,\n",
            "line 4: contradicts line 2, which has the same pair",
        ),
        (HEAD + '"a\n.mp4",b.mp4,match,\n', "line 2: no video"),
        (HEAD + 'a.mp4,"b.mp4,match,\n', "line 2: is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_line_and_remedy(text: str, reason: str) -> None:
    with pytest.raises(InputError) as refused:
        read_labels(text, VIDEOS, name="mine.csv")
    assert str(refused.value).startswith(f"mine.csv: {reason}")
    assert refused.value.remedy


def test_two_videos_of_one_name_must_be_told_apart() -> None:
    twins = (video("a.mp4", A), video("a.mp4", B), video("c.mp4", C))
    with pytest.raises(InputError, match=r"2 videos are called 'a\.mp4'.*Use its id"):
        read_labels(HEAD + "a.mp4,c.mp4,match,\n", twins, name="x.csv")
    label = Label(A, C, "match")
    assert read_labels(labels_csv([label], twins), twins, name="x")[0].pair == label.pair


def test_what_is_written_comes_back_and_is_no_formula() -> None:
    hostile = (
        video("=cmd|' /C calc'!A0.mp4", A),
        video('semi;colon, "quoted".mp4', B),
        video("'+c.mp4", C),
        video(" blank ends.mp4", "d" * 64),
    )
    labels = [
        Label(A, B, "match", "ND"),
        Label(C, A, "not_match", "CS"),
        Label(B, C, "unsure", note="=1+1, or not?"),
        Label("d" * 64, A, "match", note="two\nlines"),
    ]
    text = labels_csv(labels, hostile)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    back = read_labels(text, hostile, name="x.csv")
    assert [(v.query, v.reference, v.verdict, v.relation, v.note) for v in back] == [
        (v.query, v.reference, v.verdict, v.relation, v.note) for v in labels
    ]


# -- of the demo set -------------------------------------------------------------------------


def test_the_demo_set_labels_its_anchors_with_each_relation() -> None:
    videos = tuple(
        video("renamed.mp4", content_id(path.read_bytes()), path.name)
        for path in sorted((DEMO / "videos").iterdir())
    )
    labels = demo_labels(videos)
    names = {v.video_id: v.other_names[0] for v in videos}
    expected = {
        (f"{scene}_anchor.mp4", f"{scene}_{relation.lower()}.mp4", verdict, relation)
        for scene in ("harbour", "crossing", "lookout", "market", "launch")
        for relation, verdict in zip(
            ("ND", "DS", "CS", "IS"), ("match", "match", "not_match", "not_match"), strict=True
        )
    }
    assert {(names[v.query], names[v.reference], v.verdict, v.relation) for v in labels} == expected
    assert {v.source for v in labels} == {"demo"}
    assert demo_labels(videos[:1]) == ()
    assert demo_labels(videos, folder=DEMO / "nowhere") == ()


def test_a_video_that_only_has_a_demo_name_gets_no_label() -> None:
    videos = (video("market_anchor.mp4", A), video("market_nd.mp4", B))
    assert demo_labels(videos) == ()
