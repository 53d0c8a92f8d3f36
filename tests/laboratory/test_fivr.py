"""FIVR: choosing by annotation, and fetching through yt-dlp from a local server only."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.support.fivr_annotation import ANNOTATION
from tests.support.scenes import make_scene
from visil_dash.cli import main
from visil_dash.errors import Cancelled, InputError
from visil_dash.laboratory.fivr.download import (
    PARTS,
    STATE_FILE,
    YOUTUBE,
    download_videos,
    reason_of,
)
from visil_dash.laboratory.fivr.selection import (
    LAYOUT,
    Wanted,
    read_wanted,
    select_videos,
    wanted_csv,
)
from visil_dash.media.files import video_files
from visil_dash.progress import Progress, Watch
from visil_dash.settings import Settings

SETTINGS = Settings(min_free_bytes=0)


# ---- choosing ----


def test_events_have_one_video_of_each_relation_and_no_video_twice() -> None:
    chosen = select_videos(json.dumps(ANNOTATION), name="annotation.json", events=2)
    assert [w.relation for w in chosen] == [*LAYOUT, *LAYOUT]
    # The second query lacks a DS, the third is the ND of the first.
    assert [w.video for w in chosen] == [
        *("wrC_Uqk3juY", "5MBA_7vDhII", "0dQu-gtxxRI", "F6JjG8j8ZAE", "HGvbTzYPzOg"),
        *("OZJdZ0jCDTA", "eeeeeeeeee1", "eeeeeeeeee2", "eeeeeeeeee3", "eeeeeeeeee4"),
    ]
    assert {w.event for w in chosen[5:]} == {"OZJdZ0jCDTA"}


def test_too_few_events_and_another_form_are_refused() -> None:
    with pytest.raises(InputError, match="2 of its queries"):
        select_videos(json.dumps(ANNOTATION), name="annotation.json", events=3)
    with pytest.raises(InputError, match="is not JSON"):
        select_videos("nothing", name="annotation.json")
    with pytest.raises(InputError, match="1 or more"):
        select_videos("{}", name="annotation.json", events=0)


def test_a_selection_is_read_back_as_it_was() -> None:
    chosen = (Wanted("-0gbSmNExRA", "=cmd", "ND"), Wanted("abc", "", ""))
    text = wanted_csv(chosen)
    assert "'-0gbSmNExRA" in text, "a spreadsheet must not calculate an id"
    assert read_wanted(text, name="ids.csv") == chosen


def test_plain_lists_of_ids_are_read() -> None:
    text = "\ufeff# mine\nabc\n\n  -0gbSmNExRA  # a comment\nabc\n"
    assert read_wanted(text, name="ids") == (Wanted("abc"), Wanted("-0gbSmNExRA"))
    with pytest.raises(InputError, match="line 2 is not a video id"):
        read_wanted("abc\nhttp://x/y", name="ids")
    with pytest.raises(InputError, match="has no ids"):
        read_wanted("# none\n", name="ids")


# ---- fetching ----


class Source(BaseHTTPRequestHandler):
    """Serves `video` under any name, in the manner that the name's first word says."""

    protocol_version = "HTTP/1.1"
    video = b""
    asked: list[tuple[str, str]] = []  # noqa: RUF012 emptied by the fixture
    release: threading.Event

    def do_HEAD(self) -> None:
        self._serve(body=False)

    def do_GET(self) -> None:
        self._serve(body=True)

    def _serve(self, *, body: bool) -> None:
        name = self.path.rsplit("/", 1)[-1].removesuffix(".mp4")
        manner, data = re.split(r"[-_]", name)[0], type(self).video
        ranged = re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = int(ranged[1]) if ranged and manner != "cut" else 0
        if body:
            self.asked.append((name, self.headers.get("Range", "")))
        if manner == "gone":
            self.send_error(404)
            return
        part = data[first:]
        self.send_response(206 if first else 200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Accept-Ranges", "none" if manner == "cut" else "bytes")
        self.send_header("Content-Length", str(len(part)))
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(data) - 1}/{len(data)}")
        self.end_headers()
        if not body:
            return
        if manner == "cut":
            self.wfile.write(part[: len(part) // 2])
            self.close_connection = True
        elif manner == "slow" and not first:
            # The rest comes only to those who ask for it: yt-dlp hears of what came so far.
            for at in range(0, len(part) // 2, 2048):
                self.wfile.write(part[at : min(at + 2048, len(part) // 2)])
                self.wfile.flush()
            self.release.wait(20)
            self.close_connection = True
        else:
            self.wfile.write(part)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_scene(tmp_path_factory.mktemp("fivr") / "v.mp4", 3, seconds=6).read_bytes()


@pytest.fixture
def source(video: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    Source.video, Source.release = video, threading.Event()
    Source.asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Source)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/{{id}}.mp4"
    Source.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def wanted(*videos: str) -> list[Wanted]:
    return [Wanted(video) for video in videos]


def bodies(name: str) -> list[str]:
    """Ranges of the requests for a video, in their order; "" is all of it."""
    return [given for asked, given in Source.asked if asked == name]


def test_a_video_is_fetched_whole_and_never_again(
    source: str, video: bytes, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    (got,) = download_videos(
        wanted("-ok_1"),
        tmp_path,
        settings=SETTINGS,
        address=source,
        watch=Watch(seen.append),
    )
    assert (got.file, got.bytes, got.reason, got.new) == ("-ok_1.mp4", len(video), "", True)
    assert (tmp_path / "-ok_1.mp4").read_bytes() == video
    assert list(video_files([tmp_path])) == [tmp_path / "-ok_1.mp4"]
    shares = [progress.share for progress in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    Source.asked.clear()
    (again,) = download_videos(wanted("-ok_1"), tmp_path, settings=SETTINGS, address=source)
    assert (again.file, again.new, Source.asked) == ("-ok_1.mp4", False, [])


def test_each_failure_has_its_reason_and_the_rest_goes_on(
    source: str, video: bytes, tmp_path: Path
) -> None:
    found = download_videos(
        wanted("gone-1", "cut-1", "ok-1"),
        tmp_path,
        settings=SETTINGS,
        address=source,
        pause_seconds=0,
    )
    assert [f.here for f in found] == [False, False, True]
    assert "404" in found[0].reason
    assert "ended early" in found[1].reason
    assert not (tmp_path / "cut-1.mp4").exists(), "half a file has no whole file's name"
    kept = json.loads((tmp_path / STATE_FILE).read_text())
    assert {v: bool(row["file"]) for v, row in kept.items()} == {
        "gone-1": False, "cut-1": False, "ok-1": True,
    }  # fmt: skip


def test_a_stopped_download_goes_on_where_it_stood(
    source: str, video: bytes, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    with pytest.raises(Cancelled, match="complete files are kept"):
        download_videos(
            wanted("slow-1"),
            tmp_path,
            settings=SETTINGS,
            address=source,
            watch=Watch(seen.append, lambda: any(p.share > 0 for p in seen)),
        )
    part = tmp_path / PARTS / "slow-1.mp4.part"
    begun = part.stat().st_size
    assert 0 < begun < len(video)
    Source.asked.clear()
    (got,) = download_videos(wanted("slow-1"), tmp_path, settings=SETTINGS, address=source)
    assert got.here
    assert f"bytes={begun}-" in bodies("slow-1")
    assert (tmp_path / "slow-1.mp4").read_bytes() == video


def test_what_was_changed_or_deleted_is_fetched_again(
    source: str, video: bytes, tmp_path: Path
) -> None:
    download_videos(wanted("ok-1"), tmp_path, settings=SETTINGS, address=source)
    (tmp_path / "ok-1.mp4").unlink()
    (got,) = download_videos(wanted("ok-1"), tmp_path, settings=SETTINGS, address=source)
    assert got.new
    assert (tmp_path / "ok-1.mp4").read_bytes() == video


def test_a_limit_counts_tries_and_is_told(source: str, tmp_path: Path) -> None:
    download_videos(wanted("ok-1"), tmp_path, settings=SETTINGS, address=source)
    found = download_videos(
        wanted("ok-1", "ok-2", "ok-3"), tmp_path, settings=SETTINGS, address=source, limit=1
    )
    assert [f.here for f in found] == [True, True, False]
    assert "limit" in found[2].reason


def test_a_file_above_the_limit_is_not_taken(source: str, video: bytes, tmp_path: Path) -> None:
    small = Settings(min_free_bytes=0, max_file_bytes=len(video) - 1)
    (got,) = download_videos(wanted("ok-1"), tmp_path, settings=small, address=source)
    assert not got.here
    assert "no file was written" in got.reason


def test_the_rate_is_kept(source: str, video: bytes, tmp_path: Path) -> None:
    import time

    start = time.monotonic()
    download_videos(
        wanted("ok-1"), tmp_path, settings=SETTINGS, address=source, rate_bytes=len(video)
    )
    assert time.monotonic() - start > 0.6, "a second's worth of bytes takes about a second"


def test_pauses_lie_between_videos_and_can_be_stopped(source: str, tmp_path: Path) -> None:
    done: list[str] = []
    with pytest.raises(Cancelled):
        download_videos(
            wanted("ok-1", "ok-2"),
            tmp_path,
            settings=SETTINGS,
            address=source,
            pause_seconds=3600,
            on_video=lambda f: done.append(f.video),
            watch=Watch(stopped=lambda: bool(done)),
        )
    assert done == ["ok-1"]


def test_a_bad_address_and_a_damaged_state_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no \{id\}"):
        download_videos(wanted("a"), tmp_path, settings=SETTINGS, address="http://127.0.0.1/")
    (tmp_path / STATE_FILE).write_text("{")
    with pytest.raises(InputError, match=r"fetched\.json"):
        download_videos(wanted("a"), tmp_path, settings=SETTINGS, address="http://127.0.0.1:1/{id}")
    assert YOUTUBE.startswith("https://")


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("ERROR: [youtube] x: Private video. Sign in if you've been granted access", "private"),
        ("\x1b[0;31mERROR:\x1b[0m [youtube] x: Video unavailable", "removed"),
        ("ERROR: [youtube] x: Sign in to confirm you're not a bot", "login"),
        ("ERROR: unable to download video data: HTTP Error 429: Too Many Requests", "429"),
        ("ERROR: something new", "something new"),
    ],
)
def test_reasons_are_plain(message: str, meant: str) -> None:
    assert meant in reason_of(message)


# ---- from a shell ----


def test_select_and_fetch_from_a_shell(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    annotation, ids, out = tmp_path / "annotation.json", tmp_path / "ids.csv", tmp_path / "out"
    lists = {"ND": ["ok-2"], "DS": ["gone-3"], "CS": ["ok-4"], "IS": ["ok-5"]}
    annotation.write_text(json.dumps({"ok-1": lists}))
    chosen = ["fivr", "select", "--annotation", str(annotation), "--events", "1"]
    assert main.main(chosen) == 0
    assert capsys.readouterr().out.split() == [
        *("ok-1", "anchor", "of", "ok-1", "ok-2", "ND", "of", "ok-1"),
        *("gone-3", "DS", "of", "ok-1", "ok-4", "CS", "of", "ok-1", "ok-5", "IS", "of", "ok-1"),
    ]
    assert main.main([*chosen, "--out", str(ids)]) == 0
    capsys.readouterr()
    command = ["fivr", "fetch", "--ids", str(ids), "--out", str(out), "--address", source]
    assert main.main([*command, "--pause", "0", "--rate", "50M"]) == 1
    said = capsys.readouterr().out
    assert "missing   gone-3: not found at the source (404)" in said
    assert f"4 of 5 downloaded. Next: python -m visil_dash add {out}" in said
    assert len(list(video_files([out]))) == 4
    assert main.main([*command, "--limit", "0", "--json"]) == 1
    assert main.main(["fivr", "fetch", "--ids", str(tmp_path / "none")]) == 2
    assert "cannot be read" in capsys.readouterr().err
