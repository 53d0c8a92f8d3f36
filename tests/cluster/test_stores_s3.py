"""Media and features in S3 (moto behind a proxy that breaks requests): the contract of every store,
and what an object store alone can do to a library."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.benches import page_settings
from tests.support.library_fakes import EXTRACTOR, content_id, put, small_settings
from tests.support.s3_server import BUCKET, Proxy, moto_server, s3_variables
from tests.support.store_contract import (
    Open,
    Outage,
    StoreContract,
    Tampering,
    cached,
    check_outage,
    copied_catalogue,
    half_files,
    remote_of,
)
from visil_dash.errors import StoreAway
from visil_dash.installed import DEMO
from visil_dash.library.remote.objects import ObjectStore
from visil_dash.library.store import Library, open_library
from visil_dash.workbench.bench import open_workbench

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.library_fakes import put, small_settings
from visil_dash.library.store import open_library

def step(name):
    if name == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)

with open_library(Path(sys.argv[1]), settings=small_settings(store=sys.argv[2]), step=step) as it:
    put(it, b"killed", "killed.mp4")
"""


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    server, port = moto_server(tmp_path_factory.mktemp("moto"))
    server.start()
    between = Proxy(port)
    before = dict(os.environ)
    os.environ.update(s3_variables(between.port))
    Tampering(f"s3://{BUCKET}").system.mkdir(BUCKET)
    yield between
    os.environ.clear()
    os.environ.update(before)
    between.close()
    server.kill()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ObjectStore, "pause_seconds", 0.05)
    monkeypatch.setattr(ObjectStore, "away_seconds", 0.3)


@pytest.fixture
def place(proxy: Proxy) -> str:
    return f"s3://{BUCKET}/{secrets.token_hex(4)}"


@pytest.fixture
def library(place: str, tmp_path: Path) -> Iterator[Library]:
    settings = small_settings(store=place, store_seconds=1.0)
    with open_library(tmp_path / "library", settings=settings) as opened:
        yield opened


class TestS3(StoreContract):
    @pytest.fixture
    def url(self, place: str) -> str:
        return place

    def test_a_bucket_that_does_not_exist_is_named(self, opened: Open) -> None:
        with pytest.raises(StoreAway, match="s3://no-such-bucket") as caught:
            opened(store="s3://no-such-bucket/prefix")
        assert "hidden-key" not in str(caught.value)


class _Fault(Outage):
    def __init__(self, proxy: Proxy, fault: str) -> None:
        self.proxy, self.fault = proxy, fault

    def begin(self) -> None:
        self.proxy.begin(self.fault)

    def end(self) -> None:
        self.proxy.end()


@pytest.mark.parametrize("fault", ["refuse", "fail", "stall", "deny"])
def test_an_outage_pauses_adding_and_loses_nothing(
    library: Library, proxy: Proxy, fault: str
) -> None:
    try:
        check_outage(library, _Fault(proxy, fault))
    finally:
        proxy.end()


def test_a_torn_upload_is_not_acknowledged(library: Library, proxy: Proxy) -> None:
    with proxy.broken_by("tear"), pytest.raises(StoreAway, match="arrived altered"):
        put(library, b"torn on the way", "torn.mp4")
    assert proxy.broken
    assert library.videos() == ()
    time.sleep(ObjectStore.away_seconds)
    record = put(library, b"torn on the way", "torn.mp4")
    assert library.verify() == ()
    assert library.video(record.video_id).name == "torn.mp4"


def test_half_an_answer_is_never_served(library: Library, proxy: Proxy) -> None:
    record = put(library, b"0123456789" * 100, "one.mp4")
    for path in cached(library):
        path.unlink()
    with proxy.broken_by("cut"):
        for read in (
            lambda: library.media_path(record.video_id),
            lambda: library.features(record.video_id, extractor=EXTRACTOR),
        ):
            with pytest.raises(StoreAway):
                read()
    assert proxy.broken
    assert cached(library) == half_files(library) == []
    time.sleep(ObjectStore.away_seconds)
    assert library.media_path(record.video_id).read_bytes() == b"0123456789" * 100


@pytest.mark.parametrize("step", ["media:before-commit", "row:before-commit"])
def test_a_process_killed_between_upload_and_commit_leaves_nothing(
    place: str, tmp_path: Path, step: str
) -> None:
    folder = tmp_path / "library"
    command = [sys.executable, "-c", KILLED, str(folder), place, step]
    killed = subprocess.run(command, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    with open_library(folder, settings=small_settings(store=place)) as library:
        known = [video.video_id for video in library.videos()]
        left = Tampering(place).objects()
        assert all(any(video in key for video in known) for key in left)
        assert remote_of(library).left_over() == []
        put(library, b"killed", "killed.mp4")
        assert [v.video_id for v in library.videos()] == [content_id(b"killed")]
        assert library.verify() == ()


def test_an_upload_in_parts_is_verified_by_its_etag(place: str, proxy: Proxy) -> None:
    """So that no large file is read back from S3, only to know that it arrived."""
    data = np.random.default_rng(0).bytes(110 << 20)
    objects = ObjectStore(place, seconds=20.0)
    objects.put("media/x/original", data, sha256="not asked for")
    stored = objects.stat("media/x/original")
    assert stored is not None
    assert stored.bytes == len(data)
    assert stored.etag.endswith("-3")
    objects.remove("media/x/original")


def test_a_second_process_searches_the_same_with_the_same_scores(
    place: str, tmp_path: Path
) -> None:
    """With an empty cache and the catalogue alone, by the command line."""
    clips = sorted((DEMO / "videos").glob("*.mp4"))[:3]
    first = tmp_path / "first"
    settings = page_settings(first, store=place)
    with open_workbench(settings=settings, library=first) as bench:
        bench.add_paths(clips)
        assert bench.worker.wait_idle(120)
        copied_catalogue(bench.library, tmp_path / "second")
        clip = bench.open_clip(clips[0])
        found = bench.search(clip.query_id, exhaustive=True, other_shapes=False)
        want = {match.name: match.score for match in found.matches}
        assert len(want) == 2
        rate = settings.rate
    names = ("search", str(clips[0]), "--library", str(tmp_path / "second"))
    options = ("--exhaustive", "--same-shape", "--inside", "never", "--proof", "0", "--json")
    command = [sys.executable, "-m", "visil_dash", *names, *options]
    variables = {"VISIL_DASH_STORE": place, "VISIL_DASH_RATE": str(rate)}
    variables |= {"VISIL_DASH_MODEL": settings.model, "VISIL_DASH_THREADS": "1"}
    ended = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    got = {m["name"]: m["score"] for m in json.loads(ended.stdout)["matches"]}
    assert got == pytest.approx(want, abs=1e-4)
