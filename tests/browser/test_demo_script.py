"""docs/demo.md walked through in a real browser: each Do is done, each phrase of See looked for."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.support.browser_harness import (
    ROOT,
    App,
    clean_app,
    exceptions_shown,
    open_page,
    wait_until_idle,
)
from tests.support.lab_world import Library

PATIENCE = 400_000  # milliseconds: all pairs of 25 videos, on a machine that does much else
SCRIPT = (ROOT / "docs" / "demo.md").read_text()
# What a sentence under **Do** may be: a pattern of its bold words, and what a hand does then.
DEEDS = {
    "open": r"Open \*\*([^*]+)\*\*",
    "pick": r"Pick \*\*([^*]+)\*\* as \*\*([^*]+)\*\*",
    "click_in": r"In \*\*([^*]+)\*\* click \*\*([^*]+)\*\*",
    "click": r"Click \*\*([^*]+)\*\*",
    "press": r"Press \*\*([^*]+)\*\*",
    "set": r"Set \*\*([^*]+)\*\* to \*\*([^*]+)\*\*",
}


@dataclass(frozen=True)
class Scene:
    """A Do with the See that follows it: deeds as (kind, bold words), phrases to be seen."""

    deeds: tuple[tuple[str, tuple[str, ...]], ...]
    phrases: tuple[str, ...]


def deed(sentence: str) -> tuple[str, tuple[str, ...]]:
    for kind, pattern in DEEDS.items():
        if found := re.fullmatch(pattern, sentence):
            return kind, found.groups()
    raise AssertionError(f"docs/demo.md: no hand knows what to do at {sentence!r}")


def scenes(script: str) -> list[Scene]:
    """The script's scenes in order. A Do without a See, and a See without a phrase, is refused."""
    said: list[tuple[str, str]] = [
        (kind, " ".join(text.split()))
        for kind, text in re.findall(r"^\*\*(Do|See):\*\* (.+?)(?:\n\n|\Z)", script, re.M | re.S)
    ]
    assert [kind for kind, _ in said] == ["Do", "See"] * (len(said) // 2)
    found = []
    for (_, do), (_, see) in zip(said[::2], said[1::2], strict=True):
        # A full stop ends a sentence where a new one begins; names hold stops, too.
        sentences = re.split(r"\.(?: (?=[A-Z])|$)", do)
        phrases = tuple(re.findall("“([^”]+)”", see))
        assert phrases, f"docs/demo.md: nothing to look for after {do!r}"
        found.append(Scene(tuple(deed(s) for s in sentences if s), phrases))
    return found


@pytest.fixture(scope="module")
def app(
    browser: Browser, demo_library: Library, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[App]:
    """The dashboard over a demo library of its own, which the script changes."""
    root = tmp_path_factory.mktemp("script")
    # On a machine that does much else, two threads mostly wait for each other.
    with clean_app(
        library=demo_library.copied(root / "library").folder,
        log_path=root / "streamlit.log",
        environment={"VISIL_DASH_THREADS": "1"},
    ) as started:
        yield started


def do(page: Page, kind: str, words: tuple[str, ...]) -> None:
    main = page.get_by_test_id("stMain")
    if kind == "open":
        page.get_by_test_id("stSidebarNavLink").filter(has_text=words[0]).click()
        expect(main.locator("h1")).to_have_text(words[0], timeout=PATIENCE)
    elif kind == "pick":
        box = main.get_by_role("combobox", name=words[1])
        box.click()
        box.fill(words[0])
        page.get_by_role("option", name=words[0], exact=True).click()
    elif kind == "click_in":
        card = main.locator('[class*="st-key-match-"]').filter(has_text=words[0])
        card.get_by_role("button", name=words[1]).click()
    elif kind == "click":
        # What folds away opens beside the page, not in it.
        place = main.or_(page.get_by_test_id("stPopoverBody"))
        choice = place.get_by_role("radio", name=words[0], exact=True)
        choice.or_(place.get_by_role("button", name=words[0], exact=True)).click(timeout=PATIENCE)
    elif kind == "press":
        page.keyboard.press(words[0].lower())  # the key, without the shift of its capital
    else:
        field = main.get_by_label(words[0], exact=True)
        field.fill(words[1])
        field.press("Enter")
    wait_until_idle(page)


_TEXT = """() => {
    const main = document.querySelector('[data-testid="stMain"]');
    const inside = [...main.querySelectorAll('*')].flatMap(
        e => [...(e.shadowRoot?.children ?? [])]);
    return [main, ...inside].map(e => e.innerText ?? '').join(' ').replace(/\\s+/g, ' ');
}"""


def see(page: Page, phrase: str) -> None:
    """Waits until the page shows the phrase, however it breaks its lines."""
    try:
        page.wait_for_function(
            f"phrase => ({_TEXT})().includes(phrase)", arg=phrase, timeout=PATIENCE
        )
    except PlaywrightTimeout:
        pytest.fail(f"docs/demo.md promises {phrase!r}; the page says: {page.evaluate(_TEXT)}")


def test_the_script_does_what_it_says(page: Page, app: App, screens: Callable[..., None]) -> None:
    open_page(page, app)
    taken: set[str] = set()
    for scene in scenes(SCRIPT):
        for kind, words in scene.deeds:
            do(page, kind, words)
        for phrase in scene.phrases:
            see(page, phrase)
        assert exceptions_shown(page) == []
        reviewing = page.locator(".st-key-review-verdicts").is_visible()
        name = "review" if reviewing else page.locator("h1").inner_text().lower()
        if name not in taken:
            taken.add(name)
            screens(name, whole=True)


def test_its_parts_take_five_minutes() -> None:
    seconds = [int(s) for s in re.findall(r"^## \d+\. .+\((\d+) seconds\)$", SCRIPT, re.M)]
    assert len(seconds) == len(re.findall(r"^## \d+\.", SCRIPT, re.M))
    assert sum(seconds) == 300


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("**Do:** Dance on **it**.\n\n**See:** “a”\n", "no hand knows"),
        ("**Do:** Open **Library**.\n\n**See:** much\n", "nothing to look for"),
        ("**Do:** Open **Library**.\n\n**Do:** Click **a**.\n\n**See:** “a”\n", "assert"),
    ],
)
def test_a_script_that_cannot_be_followed_is_refused(script: str, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        scenes(script)
