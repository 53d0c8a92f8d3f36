"""What a file is before a decoder sees it, and what is found in folders."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.clips import SETTINGS, make_clip, regular
from tests.support.hostile import HOSTILE_NAMES, good_files, make_unreadable
from visil_dash.errors import MediaRefused
from visil_dash.media.decode import sample_frames
from visil_dash.media.files import (
    VIDEO_SUFFIXES,
    check_regular,
    container_of,
    content_hash,
    describe,
    printable,
    shown_name,
    video_files,
)
from visil_dash.records import Preprocess


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, data in good_files().items():
        (folder / name).write_bytes(data)
    return folder


EXPECTED = {
    "mp4": "mp4",
    "mov": "mov",
    "3gp": "3gp",
    "frag": "mp4",
    "mkv": "matroska",
    "webm": "webm",
    "avi": "avi",
    "flv": "flv",
    "ts": "mpegts",
    "ps": "mpeg",
    "gif": "gif",
    "ogg": "ogg",
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_container_is_recognised_by_its_bytes(name: str, good: Path) -> None:
    assert container_of((good / name).read_bytes()) == EXPECTED[name]
    check_regular(good / name, settings=SETTINGS)


def test_a_blu_ray_transport_stream_is_one_too(tmp_path: Path) -> None:
    how: dict[str, Any] = {"container_options": {"mpegts_m2ts_mode": "1"}}
    clip = make_clip(tmp_path / "a", regular(30, 25), container="mpegts", **how)
    assert container_of(clip.read_bytes()) == "mpegts"


@pytest.mark.parametrize("lost", [1, 50, 187])
def test_a_transport_stream_that_begins_within_a_packet_is_read(lost: int, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.ts", regular(150, 25), options={"g": "25"})
    data = clip.read_bytes()
    clip.write_bytes(data[lost:])
    check_regular(clip, settings=SETTINGS)
    with sample_frames(clip, preprocess=Preprocess(side=64), settings=SETTINGS) as video:
        assert sum(len(batch) for batch in video) >= 4
    assert "cut off" not in video.info.reason
    clip.write_bytes(data[lost:-77])
    with sample_frames(clip, preprocess=Preprocess(side=64), settings=SETTINGS) as video:
        list(video)
    assert "cut off" in video.info.reason


HEADS = [
    (b"", "empty"),
    (b"\xff\xd8\xff\xe0", "JPEG"),
    (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
    (b"RIFF\0\0\0\0WAVEfmt ", "WAV"),
    (b"\0\0\0\x1cftypavif", "still picture (AVIF"),
    (b"\0\0\0\x1cftypavis", "animated AVIF"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "still picture (PNG"),
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\0\0\0\x08acTL", "animated PNG"),
    (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02", "animated WebP"),
    (b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10", "a WebP"),
    (b"PK\x03\x04", "ZIP"),
    (b"version https://git-lfs.github.com/spec/v1", "LFS"),
    (b"#EXTM3U\n", "playlist"),
    (b"ffconcat version 1.0\n", "playlist"),
    (b"\xef\xbb\xbf  ffconcat version 1.0\n", "playlist"),
    (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "SDP"),
    (b"<!doctype html>", "web page"),
    (b"plain words", "text"),
    (bytes(4096), "zero bytes"),
    (b"\x80\x81\x82\x83" * 20, "not a video container"),
]


@pytest.mark.parametrize(("head", "word"), HEADS)
def test_what_is_no_video_is_named(head: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(head)
    assert container_of(head) is None
    with pytest.raises(MediaRefused) as refused:
        check_regular(path, settings=SETTINGS)
    assert word in refused.value.reason
    assert refused.value.name == "x.mp4"
    assert refused.value.remedy
    assert describe(head) == (refused.value.reason, refused.value.remedy)


def test_a_link_is_refused_even_to_a_good_file(good: Path, tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(good / "mp4")
    with pytest.raises(MediaRefused, match="it is a link"):
        check_regular(tmp_path / "link.mp4", settings=SETTINGS)


def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaRefused, match="named pipe"):
        check_regular(tmp_path / "pipe.mp4", settings=SETTINGS)


def test_a_file_that_becomes_a_pipe_after_the_look_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(b"\0")
    regular_status = path.lstat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "lstat", lambda self: regular_status)
    with pytest.raises(MediaRefused, match="named pipe"):
        check_regular(path, settings=SETTINGS)


def test_the_hash_is_that_of_the_bytes(good: Path) -> None:
    assert content_hash(good / "mp4") == hashlib.sha256((good / "mp4").read_bytes()).hexdigest()


def test_folders_are_walked_in_order_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("b/2.mp4", "b/1.txt", "a.mp4", "b/c/3.mkv", ".hidden/4.mp4", "b/.5.mp4"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    elsewhere = tmp_path.parent / f"{tmp_path.name} elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret.mp4").write_bytes(b"")
    (tmp_path / "b" / "linked folder").symlink_to(elsewhere)
    (tmp_path / "b" / "linked file").symlink_to(elsewhere / "secret.mp4")
    (tmp_path / "b" / "again").symlink_to(tmp_path)
    found = [str(p.relative_to(tmp_path)) for p in video_files([tmp_path])]
    # Links are given too, to be refused by name; what is behind them is not.
    assert sorted(found) == [
        "a.mp4",
        "b/1.txt",
        "b/2.mp4",
        "b/again",
        "b/c/3.mkv",
        "b/linked file",
        "b/linked folder",
    ]
    assert found == [str(p.relative_to(tmp_path)) for p in video_files([tmp_path])]


def test_a_folder_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "1.mp4").write_bytes(b"")
    (tmp_path / "secret").mkdir()
    make_unreadable(tmp_path / "secret", monkeypatch)
    given = list(video_files([tmp_path]))
    assert given == [tmp_path / "open" / "1.mp4", tmp_path / "secret"]
    assert list(video_files([tmp_path / "secret"])) == [tmp_path / "secret"]
    with pytest.raises(MediaRefused, match=r"cannot be read.*Permission denied"):
        check_regular(tmp_path / "secret", settings=SETTINGS)


def test_what_is_named_is_given_as_it_is(tmp_path: Path) -> None:
    named = [tmp_path / "none.mp4", tmp_path / ".dot.mp4", tmp_path / "none.mp4"]
    assert list(video_files(named)) == named


def test_a_folder_behind_a_link_is_not_walked(good: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(good)
    assert list(video_files([tmp_path / "link"])) == [tmp_path / "link"]


@pytest.mark.parametrize("name", [*HOSTILE_NAMES, os.fsdecode(b"not \xff utf-8.mp4")])
def test_a_shown_name_moves_no_cursor_and_can_be_encoded(name: str) -> None:
    shown = shown_name(Path("/some/where") / name)
    assert shown.isprintable()
    assert 0 < len(shown) <= 120
    assert shown.encode()
    assert "\u202e" not in shown


def test_plain_names_are_shown_as_they_are() -> None:
    assert printable("Ferien 2024 – Łódź 🎬.mp4", limit=80) == "Ferien 2024 – Łódź 🎬.mp4"


def test_suffixes_are_lower_case_with_their_dot() -> None:
    assert {".mp4", ".mov", ".mkv", ".webm", ".avi", ".flv", ".ts", ".3gp", ".ogv", ".gif"} <= (
        VIDEO_SUFFIXES
    )
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in VIDEO_SUFFIXES)
