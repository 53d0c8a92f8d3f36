"""A Watch reports shares between 0 and 1, whatever it is given, and stops work when asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.errors import Cancelled
from visil_dash.progress import UNWATCHED, Progress, Watch

shares = st.floats(0, 1)


@pytest.mark.parametrize(("share", "reported"), [(-0.5, 0), (0, 0), (0.25, 0.25), (1, 1), (7, 1)])
def test_shares_lie_between_0_and_1(share: float, reported: float) -> None:
    seen: list[Progress] = []
    Watch(seen.append).step("Reading", share)
    assert [(p.what, p.share) for p in seen] == [("Reading", reported)]


def test_counts_keep_their_unit_and_an_unknown_total_is_nothing_done() -> None:
    seen: list[Progress] = []
    watch = Watch(seen.append)
    watch.count("Decoding", 30, 120)
    watch.count("Decoding", 30, 0)
    assert [(p.done, p.total, p.share) for p in seen] == [(30, 120, 0.25), (30, 0, 0)]


def test_a_part_reports_shares_of_the_whole() -> None:
    seen: list[Progress] = []
    part = Watch(seen.append).part(0.2, 0.6)
    part.count("Comparing", 1, 4)
    part.step("Comparing", 9)
    assert [p.share for p in seen] == pytest.approx([0.3, 0.6])


@given(shares, shares, shares, shares, shares)
def test_parts_of_parts_multiply(a: float, b: float, c: float, d: float, share: float) -> None:
    seen: list[Progress] = []
    Watch(seen.append).part(a, b).part(c, d).step("Comparing", share)
    assert seen[0].share == pytest.approx(a + (b - a) * (c + (d - c) * share), abs=1e-9)


def test_a_part_may_have_its_own_name_or_a_prefix() -> None:
    seen: list[Progress] = []
    watch = Watch(seen.append)
    watch.part(0, 1).step("Comparing", 0)
    watch.part(0, 1, name="Searching").step("Comparing", 0)
    watch.part(0, 1, prefix="Query 1 of 2: ").part(0, 0.5).step("Comparing", 0)
    assert [p.what for p in seen] == ["Comparing", "Searching", "Query 1 of 2: Comparing"]


@pytest.mark.parametrize("call", ["check", "step", "count"])
def test_work_that_should_stop_raises_cancelled_and_reports_nothing(call: str) -> None:
    seen: list[Progress] = []
    watch = Watch(seen.append, lambda: True).part(0, 0.5)
    arguments = {"check": (), "step": ("Reading", 0.5), "count": ("Reading", 1, 2)}[call]
    with pytest.raises(Cancelled, match=r"^Stopped\.$"):
        getattr(watch, call)(*arguments)
    assert seen == []


def test_the_message_of_the_innermost_work_is_the_one_raised() -> None:
    watch = Watch(stopped=lambda: True).with_message("The run was stopped.")
    with pytest.raises(Cancelled, match="The run was stopped"):
        watch.part(0, 1).check()
    with pytest.raises(Cancelled, match="pairs are kept"):
        watch.part(0, 1).with_message("Stopped; the pairs are kept.").step("Comparing", 0)


def test_unwatched_work_goes_on() -> None:
    UNWATCHED.step("Reading", 0.5)
    UNWATCHED.part(0, 1).count("Reading", 1, 2)
    UNWATCHED.check()
