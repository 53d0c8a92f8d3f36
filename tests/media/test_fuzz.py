"""Seeded damage to good files of fourteen containers: whatever it is, there is a verdict (R10).

MEDIA_FUZZ makes another number of files, MEDIA_FUZZ_SEED another selection.
"""

import os
import random
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import cv2
import pytest

from tests.support.clips import SETTINGS, make_clip, make_dv, regular
from tests.support.hostile import good_files
from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.records import Decoded, Preprocess

pytestmark = pytest.mark.slow

FILES = int(os.environ.get("MEDIA_FUZZ", "300"))
SEED = int(os.environ.get("MEDIA_FUZZ_SEED", "20"))
SQUASH = Preprocess(side=64)
EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def flip_bits(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 40)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def set_extremes(data: bytearray, chance: random.Random) -> None:
    """Numbers of one to four bytes, mostly in the header, where the sizes and counts are."""
    for _ in range(chance.randint(1, 6)):
        width = chance.choice((1, 2, 4))
        end = len(data) if chance.random() < 0.3 else min(len(data), 3000)
        value = chance.choice(EXTREMES) & ((1 << 8 * width) - 1)
        number = struct.pack(chance.choice("<>") + "I", value)
        at = chance.randrange(max(1, end - width))
        data[at : at + width] = number[:width] if number[0] else number[-width:]


def cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(16, len(data)) :]


def move_pieces(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 4)):
        size = chance.randint(1, max(2, len(data) // 8))
        start, to = chance.randrange(len(data)), chance.randrange(len(data))
        piece = data[start : start + size]
        if chance.random() < 0.5:
            del data[start : start + size]
        data[to:to] = piece


def overwrite(data: bytearray, chance: random.Random) -> None:
    size = chance.randint(1, max(2, len(data) // 5))
    at = chance.randrange(len(data))
    filler = bytes(size) if chance.random() < 0.5 else chance.randbytes(size)
    data[at : at + size] = filler[: len(data) - at]


MODES: tuple[Callable[[bytearray, random.Random], None], ...] = (
    flip_bits,
    set_extremes,
    cut,
    move_pieces,
    overwrite,
)


def verdict(path: Path) -> tuple[str, str]:
    try:
        with sample_frames(path, preprocess=SQUASH, settings=SETTINGS) as video:
            count = sum(len(batch) for batch in video)
        assert count
        return str(video.info.verdict), video.info.reason
    except MediaRefused as refused:
        return "refused", refused.reason if refused.remedy else ""
    finally:
        path.unlink()


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Those of the corpus, and the formats of archives."""
    folder, times, clock = tmp_path_factory.mktemp("good"), regular(75, 25), Fraction(1, 25)
    wmv = make_clip(folder / "wmv", times, container="asf", codec="wmv2", clock=clock)
    dnx = make_clip(
        folder / "dnx",
        times[:12],
        container="mov",
        codec="dnxhd",
        clock=clock,
        pixels="yuv422p",
        size=(256, 192),
        options={"profile": "dnxhr_lb"},
    )
    archives = {path.name: path.read_bytes() for path in (wmv, dnx, make_dv(folder / "dv", 6))}
    return good_files() | archives


@pytest.mark.parametrize("files", [FILES, pytest.param(10_000, marks=pytest.mark.night)])
@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.__name__)
def test_damaged_files_end_with_a_verdict_and_no_decoder_crashes(
    mode: Callable[[bytearray, random.Random], None],
    files: int,
    good: dict[str, bytes],
    tmp_path: Path,
) -> None:
    def damaged(number: int) -> Path:
        name = sorted(good)[number % len(good)]
        chance = random.Random(f"{SEED} {mode.__name__} {number}")
        data = bytearray(good[name])
        mode(data, chance)
        path = tmp_path / f"{number}.{name}"
        path.write_bytes(data)
        return path

    numbers = range(max(len(good), files // len(MODES)))
    with ThreadPoolExecutor(3) as pool:
        found = dict(zip(numbers, pool.map(lambda n: verdict(damaged(n)), numbers), strict=True))
    unexplained = [n for n, (v, reason) in found.items() if v != Decoded.OK and not reason]
    # Each of these numbers must become a file of its own in tests/support/hostile.py.
    crashed = {n: reason for n, (_, reason) in found.items() if "crashed" in reason}
    assert (unexplained, crashed) == ([], {})


def naive_frames(path: Path) -> int:
    """As many frames as OpenCV gives; it reports no error."""
    video, count = cv2.VideoCapture(str(path)), 0
    while video.read()[0]:
        count += 1
    video.release()
    return count


def test_the_control_a_naive_reader_takes_files_that_were_cut_for_whole_ones(
    good: dict[str, bytes], tmp_path: Path
) -> None:
    """The same files have a verdict or a reason here; there, nobody hears that frames are gone."""
    silent, reported = 0, 0
    for name, data in good.items():
        path = tmp_path / name
        path.write_bytes(data)
        whole = naive_frames(path)
        path.write_bytes(data[: len(data) * 3 // 4])
        if 0 < naive_frames(path) < whole:
            silent += 1
            reported += verdict(path)[1] != ""
    assert silent >= 3
    assert reported == silent


def test_the_damage_is_real(good: dict[str, bytes]) -> None:
    """The control: every mode changes every file, and nearly always in another way."""
    for mode in MODES:
        for data in good.values():
            results = set()
            for seed in range(6):
                changed = bytearray(data)
                mode(changed, random.Random(seed))
                results.add(bytes(changed))
            assert len(results - {data}) >= 4, mode
