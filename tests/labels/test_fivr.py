"""Claims about FIVR-200K's annotation file: what is taken from it, and what is refused."""

import json

import pytest

from tests.support.library_fakes import content_id, fake_info
from visil_dash.errors import InputError
from visil_dash.labels.fivr import looks_like_fivr, read_fivr
from visil_dash.records import VideoRecord

NAMES = ("OqBREVJk2xQ.mp4", "-_x7.y.webm", "aaa.mkv", "bbb.mp4")


def video(name: str, *others: str) -> VideoRecord:
    return VideoRecord(content_id(name.encode()), 1, name, others, 3, fake_info(), "2026-01-01", 40)


VIDEOS = tuple(video(name) for name in NAMES)
Q, X, A, B = (content_id(name.encode()) for name in NAMES)


def read(annotation: object):  # type: ignore[no-untyped-def]
    return read_fivr(json.dumps(annotation), VIDEOS, name="annotation.json")


def test_relations_of_videos_that_are_here_become_labels() -> None:
    found = read(
        {
            "OqBREVJk2xQ": {"ND": ["-_x7.y"], "DS": ["aaa", "missing1"], "CS": [], "IS": ["bbb"]},
            "missing2": {"ND": ["aaa"], "IS": ["missing1"]},
        }
    )
    assert [(v.query, v.reference, v.relation, v.verdict) for v in found.labels] == [
        (Q, X, "ND", "match"),
        (Q, A, "DS", "match"),
        (Q, B, "IS", "not_match"),
    ]
    assert (found.queries, found.queries_here, found.pairs) == (2, 1, 6)
    assert {v.source for v in found.labels} == {"fivr:annotation.json"}


def test_other_lists_say_nothing_of_pictures() -> None:
    assert read({"OqBREVJk2xQ": {"DA": ["aaa"]}}).labels == ()


def test_a_pair_told_from_both_sides_keeps_its_closest_relation() -> None:
    found = read({"OqBREVJk2xQ": {"CS": ["aaa"]}, "aaa": {"ND": ["OqBREVJk2xQ"]}})
    assert [(v.query, v.reference, v.relation) for v in found.labels] == [(A, Q, "ND")]


def test_a_query_listed_as_its_own_copy_is_no_pair() -> None:
    assert read({"aaa": {"ND": ["aaa"]}}).labels == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not an object of queries"),
        ('{"a": ["b"]}', "has no relations"),
        ('{"a": {"ND": "b"}}', "not a list of video ids"),
        ('{"a": {"ND": [1]}}', "not a list of video ids"),
    ],
)
def test_another_form_is_refused_with_the_right_one(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as told:
        read_fivr(text, VIDEOS, name="wrong.json")
    assert "wrong.json" in str(told.value)
    assert '"ND"' in str(told.value)


def test_two_videos_of_one_id_are_refused() -> None:
    with pytest.raises(InputError, match="2 videos are called 'aaa'"):
        read_fivr('{"bbb": {"ND": ["aaa"]}}', (*VIDEOS, video("aaa.mp4")), name="a.json")


def test_json_and_csv_are_told_apart() -> None:
    assert looks_like_fivr('\ufeff\n {"a": {}}')
    assert not looks_like_fivr("query,reference,verdict")
