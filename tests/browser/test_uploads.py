"""Dropped files that the browser holds back are reported like every other refusal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser_harness import App, clean_app, open_page
from tests.support.scenes import make_scene


@pytest.fixture(scope="module")
def app(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """The dashboard, which takes uploads of at most 1 MiB."""
    root = tmp_path_factory.mktemp("uploads")
    with clean_app(
        library=root / "library",
        log_path=root / "streamlit.log",
        environment={"STREAMLIT_SERVER_MAX_UPLOAD_SIZE": "1"},
    ) as started:
        yield started


@pytest.fixture
def too_large(tmp_path: Path) -> Path:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(bytes(3 << 20))
    return path


def drop(page: Page, *paths: Path) -> None:
    page.get_by_test_id("stFileUploader").locator("input").set_input_files(list(paths))


@pytest.mark.parametrize("path", ["library", "search"])
def test_a_file_over_the_limit_is_reported_beside_those_that_arrived(
    page: Page, app: App, too_large: Path, tmp_path: Path, path: str
) -> None:
    open_page(page, app, path)
    drop(page, make_scene(tmp_path / "market.mp4", 1, seconds=3), too_large)
    expect(page.get_by_text("holiday.mp4: it is larger than the 1.0 MB")).to_be_visible()
    expect(page.get_by_text("market.mp4").first).to_be_visible()
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("holiday.mp4")).to_have_count(0)


PASTE = """async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [128, 96];
    const context = canvas.getContext('2d');
    for (let i = 0; i < 12; i++) {
        context.fillStyle = `hsl(${i * 30}, 80%, 50%)`;
        context.fillRect((i % 4) * 32, Math.floor(i / 4) * 32, 32, 32);
    }
    const picture = await new Promise((done) => canvas.toBlob(done));
    const given = new DataTransfer();
    given.items.add(new File([picture], 'image.png', { type: 'image/png' }));
    const event = new ClipboardEvent('paste', { clipboardData: given, bubbles: true });
    document.body.dispatchEvent(event);
}"""


def test_a_picture_is_pasted_from_the_clipboard_as_a_query(page: Page, app: App) -> None:
    open_page(page, app, "search")
    expect(page.get_by_text("Or paste a picture")).to_be_visible()
    page.evaluate(PASTE)
    expect(page.get_by_text("pasted.png").first).to_be_visible()
    expect(page.get_by_text("your clip").first).to_be_visible()
    page.evaluate(PASTE.replace("i * 30", "i * 20"))  # another one, while the form is folded
    expect(page.get_by_text("2 clips in this browser")).to_have_count(1)


def test_a_file_over_the_limit_alone_is_reported_by_the_box(
    page: Page, app: App, too_large: Path
) -> None:
    open_page(page, app, "search")
    drop(page, too_large)
    box = page.get_by_test_id("stFileUploader")
    expect(box.get_by_text("holiday.mp4")).to_be_visible()
    expect(box.get_by_text("File must be 1.0MB or smaller")).to_be_visible()
