"""Untrusted text is shown as exactly its characters, and numbers are formatted for people."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from visil_dash.clock import clock
from visil_dash.ui.shell.text import (
    escaped,
    md,
    percent,
    plural,
    rough_duration,
    safe_name,
    seconds,
    size,
)

HOSTILE = [
    "<script>alert(1)</script>.mp4",
    "[click](http://evil)",
    "![x](http://evil/x.png)",
    ":red[alarm] :material/delete: :smile:",
    "**bold** _em_ `code` ~~gone~~ $x^2$",
    "a\u202egnp.exe",
    "a\nb\r\x00\x1bc",
    "# heading",
    "a--b->c<-d",
    "&lt;b&gt; &amp;",
    '" onmouseover="x',
]


@given(st.text())
def test_a_safe_name_hides_and_reorders_nothing_and_is_never_empty(text: str) -> None:
    name = safe_name(text)
    assert 1 <= len(name) <= 120
    assert not re.search("[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", name)


def test_a_long_name_keeps_its_beginning_and_its_ending() -> None:
    name = safe_name("a" * 300 + ".mp4")
    assert (len(name), name[:2], name[-4:]) == (120, "aa", ".mp4")


def plain(markdown: str) -> str:
    """What a reader sees of Markdown in which every punctuation mark must be escaped."""
    unescaped = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown)
    return unescaped.replace("\u2060", "")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_from_a_name_has_no_active_mark(text: str) -> None:
    shown = md(text)
    bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", shown)
    assert not re.search(r"[!-/:-@\[-`{-~]", bare)
    assert plain(shown) == " ".join(safe_name(text).split())


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_markdown_shows_the_characters_of_any_name(text: str) -> None:
    assert plain(md(text)) == " ".join(safe_name(text).split())


EMOJI_OR_ICON = re.compile(r":[\w/+-]+:")
LONE_ARROW = re.compile(r"(^|\s)(<->|->|<-|--|>=|<=|~=)(\s|$)")


@pytest.mark.parametrize(
    "text", [":smile:", ":material/delete:", ":+1: :a::b:", "a -> b", "--", "x <-> y <- z", "~= 1"]
)
def test_emoji_names_and_arrows_cannot_form_after_the_backslashes_are_gone(text: str) -> None:
    assert EMOJI_OR_ICON.search(text) or LONE_ARROW.search(text)
    seen = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", md(text))
    assert not EMOJI_OR_ICON.search(seen)
    assert not LONE_ARROW.search(seen)


def test_common_names_carry_no_invisible_character() -> None:
    for text in ("a-b_c.mp4", "12:30 news.mp4", "read-only: a, b", "a->b"):
        assert "\u2060" not in md(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_html_from_a_name_is_text(text: str) -> None:
    shown = escaped(text)
    assert not set("<>\"'") & set(shown)
    assert html.unescape(shown) == safe_name(text)


def test_numbers_are_formatted_for_people() -> None:
    assert [clock(s) for s in (0, 59.6, 83.4, 3723, -1)] == [
        "0:00",
        "1:00",
        "1:23",
        "1:02:03",
        "0:00",
    ]
    assert [size(n) for n in (12, 1536, 250_000, 2_000_000_000, 3.2e12)] == [
        "12 B",
        "1.5 kB",
        "250 kB",
        "2.0 GB",
        "3.2 TB",
    ]
    assert [rough_duration(s) for s in (0.2, 34.2, 170, 9000, 4e5)] == [
        "1 s",
        "34 s",
        "3 min",
        "2.5 h",
        "4.6 days",
    ]
    values = (0.0123, 0.99949, 0.9996, 3.21)
    assert [seconds(s) for s in values] == ["12 ms", "999 ms", "1.0 s", "3.2 s"]
    assert (percent(0.873), percent(0.5, digits=1)) == ("87 %", "50.0 %")
    assert (plural(1, "frame"), plural(1200, "frame")) == ("1 frame", "1,200 frames")
