"""Files from unknown sources: each ends as ok, partial or refused with a reason, and none has an
effect elsewhere (R9, R11, R12)."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from tests.support.clips import SETTINGS, number_of
from tests.support.hostile import CANARY, HOSTILE_NAMES, Hostile, make_corpus
from tests.support.realdata import NO_REAL_DATA, real_data
from visil_dash.engines.processes import NewProcesses
from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.media.files import video_files
from visil_dash.records import Decoded, Preprocess

pytestmark = pytest.mark.slow

SQUASH = Preprocess(side=64)
LONGEST_SECONDS = 30.0
CHILD_MIB, PARENT_MIB = 1640, 50


@dataclass(frozen=True)
class Outcome:
    """What came of one file. `numbers`: what its frames showed."""

    verdict: str
    reason: str
    remedy: str
    numbers: tuple[int, ...]
    seconds: float


def outcome(path: Path) -> Outcome:
    started = time.monotonic()
    numbers: list[int] = []
    verdict, reason, remedy = "refused", "", ""
    try:
        with sample_frames(path, preprocess=SQUASH, settings=SETTINGS) as video:
            for batch in video:
                numbers += [number_of(f) for f in batch.frames]
        verdict, reason = str(video.info.verdict), video.info.reason
    except MediaRefused as refused:
        reason, remedy = refused.reason, refused.remedy
        reason = reason if refused.name else ""
    return Outcome(verdict, reason, remedy, tuple(numbers), time.monotonic() - started)


class Listener:
    """A loopback server that counts who knocks."""

    def __init__(self) -> None:
        self.hits = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.1)
        self.port: int = self._server.getsockname()[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                knocker = self._server.accept()[0]
            except TimeoutError:
                continue
            self.hits += 1  # first: who is hung up on may look at once
            knocker.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._server.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    server = Listener()
    yield server
    server.close()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, listener: Listener) -> dict[str, Hostile]:
    return make_corpus(tmp_path_factory.mktemp("hostile"), port=listener.port)


@dataclass(frozen=True)
class Run:
    """The whole corpus, decoded once for all the tests below, by a process that does nothing else:
    what a process and its children took at most is kept for as long as it lives."""

    outcomes: dict[str, Outcome]
    hits: int
    child_mib: float
    parent_growth_mib: float


def own_peak_mib() -> float:
    """Of this process; ru_maxrss is at least what the process that started it took."""
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = (line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def decode_all(paths: list[Path]) -> tuple[list[Outcome], float, float]:
    """What came of each; the largest child and the growth of this process, in MiB."""
    before = own_peak_mib()
    with ThreadPoolExecutor(3) as pool:
        outcomes = list(pool.map(outcome, paths))
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return outcomes, child, own_peak_mib() - before


@pytest.fixture(scope="module")
def run(corpus: dict[str, Hostile], listener: Listener) -> Run:
    hits = listener.hits
    with ProcessPoolExecutor(1, mp_context=NewProcesses()) as alone:
        paths = [hostile.path for hostile in corpus.values()]
        outcomes, child, growth = alone.submit(decode_all, paths).result()
    return Run(dict(zip(corpus, outcomes, strict=True)), listener.hits - hits, child, growth)


def test_the_corpus_is_large_and_varied(corpus: dict[str, Hostile]) -> None:
    assert len(corpus) >= 250
    assert len({name.split("/")[0] for name in corpus}) >= 12


def test_every_file_ends_as_it_must_and_with_a_reason(corpus: dict[str, Hostile], run: Run) -> None:
    wrong = {
        name: (corpus[name].verdict, found)
        for name, found in run.outcomes.items()
        if corpus[name].verdict not in ("any", found.verdict)
        or (found.verdict != "ok" and not found.reason)
        or (found.verdict == "refused" and not found.remedy)
        or (found.verdict == "refused") != (not found.numbers)
    }
    assert wrong == {}


def test_no_decoder_crashed_or_ran_into_a_deadline(run: Run) -> None:
    words = ("crashed", "misbehaved", "failed", "progress", "longer than allowed", "processor time")
    assert {n: o.reason for n, o in run.outcomes.items() if any(w in o.reason for w in words)} == {}


def test_every_file_is_done_within_its_time_and_memory(run: Run) -> None:
    slow = {n: o.seconds for n, o in run.outcomes.items() if o.seconds > LONGEST_SECONDS}
    assert slow == {}
    assert 50 < run.child_mib < CHILD_MIB
    assert run.parent_growth_mib < PARENT_MIB


def test_names_decide_nothing(corpus: dict[str, Hostile], run: Run) -> None:
    named = [o for n, o in run.outcomes.items() if n.startswith("name/")]
    assert len(named) == len(HOSTILE_NAMES) + 1
    assert {(o.verdict, len(o.numbers), o.numbers[0]) for o in named} == {("ok", 3, 0)}


def test_a_naive_decoder_follows_scripts_to_the_neighbour_and_to_the_network(
    corpus: dict[str, Hostile], listener: Listener, tmp_path: Path
) -> None:
    """The control: without it the next test would prove nothing."""
    with av.open(str(corpus["script/ffconcat absolute"].path), options={"safe": "0"}) as container:
        frame = next(container.decode(video=0))
    assert number_of(frame.to_ndarray(format="rgb24")) == CANARY
    playlist = tmp_path / "x.m3u8"
    playlist.write_bytes(corpus["script/hls url"].path.read_bytes())
    for naive in (str(playlist), f"http://127.0.0.1:{listener.port}/x.mp4"):
        before = listener.hits
        with pytest.raises((av.FFmpegError, OSError)):  # after the knock: the server is silent
            av.open(naive, options={"protocol_whitelist": "file,http,tcp"}).close()
        assert listener.hits > before


def test_nothing_reads_the_neighbour_or_reaches_the_network(run: Run) -> None:
    assert [n for n, o in run.outcomes.items() if CANARY in o.numbers] == []
    assert run.hits == 0


PATHS = (
    "http://127.0.0.1:{port}/x.mp4",
    "http:127.0.0.1:{port}/x.mp4",
    "tcp://127.0.0.1:{port}",
    "udp://127.0.0.1:{port}",
    "rtsp://127.0.0.1:{port}/x",
    "rtmp://127.0.0.1:{port}/x",
    "ftp://127.0.0.1:{port}/x.mp4",
    "hls+http://127.0.0.1:{port}/x.m3u8",
    "ffrtmphttp://127.0.0.1:{port}/x",
    "async:http://127.0.0.1:{port}/x.mp4",
    "cache:http://127.0.0.1:{port}/x.mp4",
    "crypto+http://127.0.0.1:{port}/x.mp4",
    "tee:{secret}|http://127.0.0.1:{port}/x",
    "file:{secret}",
    "file://{secret}",
    "concat:{secret}|{secret}",
    "concatf:{secret}",
    "subfile,,start,0,end,100000,,:{secret}",
    "data:text/plain;base64,AAAA",
    "pipe:0",
    "fd:0",
    "lavfi:color",
    "{secret}\0.mp4",
    "-",
    "~/secret.ts",
    "",
)


def test_a_path_is_a_path_and_never_an_address(
    corpus: dict[str, Hostile], listener: Listener
) -> None:
    secret = corpus["script/ffconcat absolute"].path.parents[2] / "secret.ts"
    assert outcome(secret).numbers[0] == CANARY  # it is there to be read
    before = listener.hits
    for pattern in PATHS:
        path = Path(pattern.format(port=listener.port, secret=secret))
        assert (outcome(path).verdict, outcome(path).numbers) == ("refused", ()), pattern
    assert listener.hits == before


def test_a_folder_of_hostile_names_is_walked_whole(corpus: dict[str, Hostile]) -> None:
    folder = corpus["name/'no suffix'"].path.parent
    expected = sum(not path.name.startswith(".") for path in folder.iterdir())
    assert len(list(video_files([folder]))) == expected >= 30


@pytest.mark.parametrize(
    ("part", "longest", "step"),
    [
        ("bad", LONGEST_SECONDS, 1),
        ("videos", 120.0, 3),
        pytest.param("videos", 120.0, 1, marks=pytest.mark.night),
    ],
    ids=["bad", "every third video", "videos"],
)
def test_every_real_file_ends_with_a_verdict_within_its_memory(
    part: str, longest: float, step: int
) -> None:
    data = real_data()
    if data is None:
        pytest.skip(NO_REAL_DATA)
    every = list(video_files([data / part]))
    assert len(every) >= 84
    files = every[::step]
    with ProcessPoolExecutor(1, mp_context=NewProcesses()) as alone:
        found, child, growth = alone.submit(decode_all, files).result()
    print(f"{len(files)} files, child {child:.0f} MiB, this process +{growth:.0f} MiB")
    for path, came in zip(files, found, strict=True):
        assert came.verdict == Decoded.OK or came.reason, path
        assert "crashed" not in came.reason, path
        assert came.seconds < longest, path
    assert 50 < child < CHILD_MIB
    assert growth < PARENT_MIB
    taken = [came for came in found if came.verdict != Decoded.REFUSED]
    assert all(came.numbers for came in taken)
    if part == "videos":  # two of them are encrypted
        assert len(taken) >= len([f for f in files if f.suffix != ".csv"]) - 2
