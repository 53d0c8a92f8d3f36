"""The limits table: one under is taken, one over is refused with the reason (R13, R14)."""

import struct
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from tests.support.clips import HEIGHT, SETTINGS, WIDTH, make_clip, regular
from visil_dash.errors import MediaRefused
from visil_dash.media.decode import frames_at, sample_frames
from visil_dash.records import Decoded, MediaInfo, Preprocess
from visil_dash.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SQUASH = Preprocess(side=64)


def limited(**limits: Any) -> Settings:
    return SETTINGS.model_copy(update=limits)


def decode(
    path: Path, *, rate: float = 1.0, settings: Settings = SETTINGS
) -> tuple[int, MediaInfo]:
    """Sampled frames and info."""
    with sample_frames(path, preprocess=SQUASH, rate=rate, settings=settings) as video:
        count = sum(len(batch) for batch in video)
    return count, video.info


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "a.mp4", regular(75, 25))


def test_bytes_of_a_file(clip: Path) -> None:
    size = clip.stat().st_size
    assert decode(clip, settings=limited(max_file_bytes=size))[0] == 3
    with pytest.raises(MediaRefused, match=f"{size - 1} are allowed"):
        decode(clip, settings=limited(max_file_bytes=size - 1))


def test_pixels_of_a_frame(clip: Path) -> None:
    assert decode(clip, settings=limited(max_pixels=WIDTH * HEIGHT))[0] == 3
    with pytest.raises(MediaRefused, match="pixels allowed"):
        decode(clip, settings=limited(max_pixels=WIDTH * HEIGHT - 1))


def test_side_of_a_frame(clip: Path) -> None:
    assert decode(clip, settings=limited(max_side=WIDTH))[0] == 3
    with pytest.raises(MediaRefused, match="longer than"):
        decode(clip, settings=limited(max_side=WIDTH - 1))


@pytest.mark.parametrize(("height", "taken"), [(4096, True), (4098, False)])
def test_the_pixels_that_are_allowed_fit_into_the_memory_that_is(
    height: int, taken: bool, tmp_path: Path
) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (height // 16, 256, 3), dtype=np.uint8)
    picture = np.kron(grey, np.ones((16, 16, 1), np.uint8))[:height]
    picture = np.pad(picture, ((0, height - len(picture)), (0, 0), (0, 0)))
    how: dict[str, Any] = {"size": (4096, height), "pictures": [picture] * 4}
    path = make_clip(tmp_path / "a.mp4", regular(4, 1), **how)
    if taken:
        assert decode(path)[0] == 4
        assert frames_at(path, [0.0], settings=SETTINGS)[0].shape == (640, 640, 3)
    else:
        with pytest.raises(MediaRefused, match="16777216 pixels allowed"):
            decode(path)


@pytest.mark.parametrize(("rate", "taken"), [(240, True), (241, False)])
@pytest.mark.parametrize("file", ["a.mp4", "a.mkv"])
def test_frames_per_second(file: str, rate: int, taken: bool, tmp_path: Path) -> None:
    path = make_clip(tmp_path / file, regular(2 * rate, rate), options={"g": "60"})
    if taken:
        assert decode(path)[0] in (2, 3)  # the last frame may be shown up to the third tick
    else:
        with pytest.raises(MediaRefused, match="more than the 240 frames per second"):
            decode(path)


@pytest.mark.parametrize(("hours", "taken"), [(24, True), (25, False)])
def test_length(hours: int, taken: bool, tmp_path: Path) -> None:
    times = [Fraction(600 * number) for number in range(6 * hours + 1)]
    path = make_clip(tmp_path / "a.mkv", times)
    if taken:
        assert decode(path)[0] == 6 * 24 + 1
    else:
        with pytest.raises(MediaRefused, match="24 h are allowed"):
            decode(path)


def test_sampled_frames(clip: Path) -> None:
    assert decode(clip, rate=25, settings=limited(max_frames=75))[0] == 75
    with pytest.raises(MediaRefused, match="74 sampled frames allowed"):
        decode(clip, rate=25, settings=limited(max_frames=74))


def test_memory_of_the_child(clip: Path) -> None:
    assert decode(clip, settings=limited(child_memory_bytes=400 << 20))[0] == 3
    with pytest.raises(MediaRefused, match="more memory than allowed"):
        decode(clip, settings=limited(child_memory_bytes=60 << 20))


@pytest.mark.slow
def test_memory_that_runs_out_midway_leaves_a_partial_video(tmp_path: Path) -> None:
    small, large = (make_clip(
        tmp_path / f"{side}.ts",
        regular(30, 25),
        container="mpegts",
        size=(side, side),
        pictures=[np.zeros((side, side, 3), np.uint8)] * 30,
    ) for side in (64, 3600))  # fmt: skip
    both = tmp_path / "both.ts"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    count, info = decode(both, rate=25, settings=limited(child_memory_bytes=180 << 20))
    assert 20 <= count <= 32
    assert info.verdict is Decoded.PARTIAL
    assert "more memory than allowed" in info.reason or "damaged" in info.reason


def test_wall_clock(clip: Path) -> None:
    with pytest.raises(MediaRefused, match="longer than allowed"):
        decode(clip, settings=limited(child_wall_seconds=0.01))


GROWTH = """
import resource, sys
from pathlib import Path
from visil_dash.media.decode import sample_frames
from visil_dash.records import Preprocess
from visil_dash.settings import Settings
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
path, rate, keep = Path(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "keep"
kept, marks, count = [], [], 0
with sample_frames(path, preprocess=Preprocess(side=128), rate=rate, settings=Settings()) as video:
    for batch in video:
        count += len(batch)
        marks.append(resident())
        kept += [batch.frames] if keep else []
half = len(marks) // 2
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(count, max(marks) - marks[0], max(marks[half:]) - max(marks[:half]), child)
"""


def growth(path: Path, *, rate: float, keep: bool = False) -> list[float]:
    """Frames; MiB grown in all and in the second half; largest MiB of the child."""
    program = [sys.executable, "-c", GROWTH, str(path), str(rate), "keep" if keep else "drop"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    return [float(number) for number in done.stdout.split()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("frames", "a_second", "rate", "sampled"),
    [
        pytest.param(3000, Fraction(1, 28), 1.0, 3000, id="23 hours"),
        pytest.param(3000, 60, 60.0, 3000, id="every frame"),
        pytest.param(216_000, 30, 1.0, 7201, id="two hours, 30 a second", marks=pytest.mark.night),
    ],
)
def test_memory_stays_flat_however_long_the_video(
    frames: int, a_second: Fraction, rate: float, sampled: int, tmp_path: Path
) -> None:
    path = make_clip(tmp_path / "a.mp4", regular(frames, a_second), options={"g": "250"})
    count, in_all, second_half, child = growth(path, rate=rate)
    assert count == sampled  # of two hours both ends; of 3,000 frames, 147 MB of pictures
    assert in_all < 40
    assert second_half < 10
    assert child < 300


@pytest.mark.slow
def test_memory_grows_where_frames_are_kept(tmp_path: Path) -> None:
    """The control: the same measure shows it."""
    path = make_clip(tmp_path / "a.mp4", regular(1500, 60))
    count, in_all, second_half, _ = growth(path, rate=60.0, keep=True)
    assert count == 1500
    assert in_all > 50
    assert second_half > 25


BOMB = """
import resource, sys
from pathlib import Path
from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.records import Preprocess
from visil_dash.settings import Settings
def most():
    # ru_maxrss is at least what the process that started this one took.
    (line,) = (l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l)
    return int(line.split()[1]) / 1024
if sys.argv[2] == "naive":
    import av
    before = most()
    with av.open(sys.argv[1]) as container:
        next(container.decode(video=0)).to_ndarray(format="rgb24")
    print("decoded", most() - before, 0, sep="|")
    sys.exit()
before = most()
try:
    with sample_frames(Path(sys.argv[1]), preprocess=Preprocess(side=64), settings=Settings()) as v:
        print(sum(len(batch) for batch in v), end="|")
except MediaRefused as refused:
    print(refused.reason, end="|")
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(most() - before, child, sep="|")
"""


def bomb(path: Path) -> Path:
    """A film of one grey picture of 16,000² in 3 MB, whose container says 64²."""
    small = cv2.imencode(".jpg", np.full((8, 8), 128, np.uint8))[1].tobytes()
    frame = small.index(b"\xff\xc0") + 5  # where the height stands
    scan = small.index(b"\xff\xda")
    scan += 2 + struct.unpack(">H", small[scan + 2 : scan + 4])[0]
    head = small[:frame] + struct.pack(">HH", 16000, 16000) + small[frame + 4 : scan]
    # A block of 8 × 8 like the one before it takes six bits, four of them three bytes.
    blocks = b"\x28\xa2\x8a" * (2000 * 2000 // 4)
    with av.open(str(path), "w") as output:
        stream: Any = output.add_mux_stream("mjpeg", rate=25, width=64, height=64)
        packet = av.Packet(head + blocks + b"\xff\xd9")
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.time_base, packet.is_keyframe = Fraction(1, 25), True
        output.mux(packet)
    return path


def taken(path: Path, how: str) -> tuple[str, float, float]:
    """What came of it; MiB by which this process grew, and of its largest child."""
    program = [sys.executable, "-c", BOMB, str(path), how]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    what, own, child = done.stdout.strip().split("|")
    return what, float(own), float(child)


@pytest.mark.slow
def test_a_small_file_of_a_huge_picture_is_refused_at_little_cost(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bomb.mkv")
    assert path.stat().st_size < 4 << 20
    what, own, child = taken(path, "confined")
    assert "can be decoded" in what
    assert own < 50
    assert child < 300


@pytest.mark.slow
def test_the_control_a_naive_decoder_takes_900_mib_for_it(tmp_path: Path) -> None:
    what, own, _ = taken(bomb(tmp_path / "bomb.mkv"), "naive")
    assert what == "decoded"
    assert own > 800
