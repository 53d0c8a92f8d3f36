"""Starts the real dashboard and looks at it with a real Chromium."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

from visil_dash.safekeeping.memory import FEW_ARENAS

ROOT = Path(__file__).resolve().parents[2]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# A proof changes what a page shows while a test looks at it; the laboratories have proofs.
UNPROVED = {"VISIL_DASH_PROOF_SECONDS": "0"}
START_SECONDS = 90.0  # a cold disk and two busy cores
IDLE_SECONDS = 120.0  # the first page loads the model

# Notes when a page last asked its server and when it was last answered.
_LISTENING = """(() => {
    if (window.__asked !== undefined) { return; }
    window.__asked = 0;
    const send = WebSocket.prototype.send;
    WebSocket.prototype.send = function (data) {
        if (!this.heard) {
            this.heard = true;
            this.addEventListener('message', () => { window.__answered = performance.now(); });
        }
        window.__asked = performance.now();
        return send.call(this, data);
    };
})()"""
UNANSWERED_SECONDS = 20.0  # a busy server; longer, and it is none that is to be answered

# Streamlit shows its state on its root element. Between a click and the rerun that it causes the
# app looks idle until the server has answered, and between two reruns for a moment: 300 ms.
_IDLE = """() => {
    const now = performance.now();
    const app = document.querySelector('[data-testid="stApp"]');
    const idle = app !== null
        && app.dataset.testConnectionState === 'CONNECTED'
        && app.dataset.testScriptState === 'notRunning'
        && document.querySelector('[data-testid="stSkeleton"]') === null
        && !(window.__asked > (window.__answered ?? 0) && now - window.__asked < UNANSWERED);
    if (!idle) { window.__idleSince = undefined; return false; }
    if (window.__idleSince === undefined) { window.__idleSince = now; }
    return now - window.__idleSince >= 300;
}""".replace("UNANSWERED", str(UNANSWERED_SECONDS * 1000))


@dataclass(frozen=True)
class App:
    """A running dashboard: its address, its library folder and what it printed."""

    url: str
    library: Path
    log_path: Path

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")


def find_chromium() -> str | None:
    return next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def healthy(url: str) -> bool:
    """Whether the dashboard serves; unknown paths answer 200 too, so the body is read."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), direct.open(f"{url}/_stcore/health", timeout=5) as answer:
        return bool(answer.read(16).strip() == b"ok")
    return False


@contextlib.contextmanager
def running_app(
    *,
    library: Path,
    log_path: Path,
    arguments: tuple[str, ...] = (),
    environment: dict[str, str] | None = None,
    start: tuple[str, ...] = ("-m", "streamlit", "run", "app.py"),
) -> Iterator[App]:
    """The dashboard over `library` on a free loopback port; its whole process group ends after.

    `start`: what Python runs. Raises RuntimeError with the end of its log when it does not start.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    port = free_port()
    command = [sys.executable, *start, f"--server.port={port}"]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=kept | FEW_ARENAS | {"VISIL_DASH_LIBRARY": str(library)} | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    app = App(url=f"http://127.0.0.1:{port}", library=library, log_path=log_path)
    try:
        end = time.monotonic() + START_SECONDS
        while not healthy(app.url):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the dashboard did not start:\n{app.log[-4000:]}")
            time.sleep(0.1)
        yield app
    finally:
        _end_group(process)


@contextlib.contextmanager
def clean_app(
    *, library: Path, log_path: Path, environment: dict[str, str] | None = None
) -> Iterator[App]:
    """`running_app`, which must not have printed a traceback when it ends."""
    with running_app(library=library, log_path=log_path, environment=environment) as app:
        yield app
    assert "Traceback (most recent call last)" not in app.log, app.log[-6000:]


def app_with_libraries(root: Path) -> contextlib.AbstractContextManager[App]:
    """The dashboard over `root`/main, further libraries in `root`/libraries and models beside."""
    return clean_app(
        library=root / "main",
        log_path=root / "streamlit.log",
        environment=UNPROVED
        | {
            "VISIL_DASH_LIBRARIES": str(root / "libraries"),
            "VISIL_DASH_MODELS": str(root / "models"),
        },
    )


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for signal_number, seconds in ((signal.SIGTERM, 5), (signal.SIGKILL, 10)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # children that outlived the server


def wait_until_still(page: Page) -> None:
    """Until no colour or size of the page is on its way to another, as after a change of light."""
    page.wait_for_function(
        "document.getAnimations().every(a => !(a instanceof CSSTransition)"
        " || a.playState !== 'running')"
    )


def wait_until_idle(page: Page, *, seconds: float = IDLE_SECONDS) -> None:
    """Waits until the app is connected, no script runs and nothing is still being drawn."""
    page.wait_for_function(_IDLE, timeout=seconds * 1000, polling=50)


def exceptions_shown(page: Page) -> list[str]:
    """Texts of the exception boxes on the page; an st.error written by a page is none."""
    return page.locator('[data-testid="stException"]').all_inner_texts()


def open_page(page: Page, app: App, path: str = "") -> None:
    """Opens `path` (such as "search?query=abc") and waits until it is drawn."""
    listen(page)
    page.goto(f"{app.url}/{path}")
    wait_until_idle(page)


def listen(page: Page) -> None:
    """Has what `page` loads from now on tell `wait_until_idle` what it asks its server."""
    page.add_init_script(_LISTENING)


def watch(page: Page) -> list[str]:
    """A list that fills with the errors of `page` from now on: uncaught ones and its console's.

    Pictures and files that could not be loaded are not among them: see `broken_pictures`, and
    tests that download a file.
    """
    problems: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        address = message.location.get("url", "")
        # Opened on a page's own address, Streamlit first looks for its server below that address.
        probing = re.search(r"/\w+/_stcore/(health|host-config)$", address)
        # A page drawn anew gives up the pictures and files that it no longer offers, and a slow
        # browser may ask for one just then.
        given_up = "/media/" in address or re.match("Client Error: .+ source error", message.text)
        if message.type == "error" and not (probing or given_up):
            problems.append(f"console: {message.text} ({message.location.get('url', '')})")

    page.on("console", on_console)
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    return problems


def broken_pictures(page: Page) -> list[str]:
    """Addresses of pictures that the page shows and could not load."""
    found: list[str] = page.evaluate(
        "Array.from(document.images)"
        ".filter(i => i.complete && i.naturalWidth === 0 && i.currentSrc).map(i => i.currentSrc)"
    )
    return found


@contextlib.contextmanager
def fresh_page(browser: Browser, *, color_scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """A session of its own at 1440×900; AssertionError for errors of the page or its console."""
    context = browser.new_context(viewport=WIDE, color_scheme=color_scheme)
    opened = context.new_page()
    problems = watch(opened)
    yield opened
    problems += [f"exception shown: {text}" for text in exceptions_shown(opened)]
    problems += [f"broken picture: {address}" for address in broken_pictures(opened)]
    context.close()
    assert not problems, "\n".join(problems)


def screen_taker(page: Page, folder: str | None) -> Callable[..., None]:
    """`take_screens` by name alone; it does nothing without a folder."""

    def take(name: str, *, whole: bool = False) -> None:
        if folder is not None:
            take_screens(page, Path(folder), name, whole=whole)

    return take


def take_screens(page: Page, folder: Path, name: str, *, whole: bool = False) -> list[Path]:
    """Screenshots of the page as it stands, wide and phone; it ends in the size that it had.

    `whole`: as high as the content instead of one window. The colour scheme is the one in which
    the page was opened: charts keep the colours of their first drawing when it changes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size or WIDE
    scheme = (
        "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
    )
    written = []
    for size_name, size in (("wide", WIDE), ("phone", PHONE)):
        page.set_viewport_size(size)
        wait_until_idle(page)
        if whole:
            height = page.locator('[data-testid="stMainBlockContainer"]').evaluate(
                "element => element.scrollHeight"
            )
            page.set_viewport_size({"width": size["width"], "height": min(height + 40, 8000)})
            wait_until_idle(page)
        written.append(folder / f"{name}-{size_name}-{scheme}.png")
        page.screenshot(path=written[-1], animations="disabled")  # those that end, at their end
    page.set_viewport_size(before)
    wait_until_idle(page)
    return written
