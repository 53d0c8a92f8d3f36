"""The dependency gate reads FFmpeg's version from the libraries themselves (R15)."""

import subprocess
import sys
from pathlib import Path

import av
import pytest

from visil_dash.media.dependencies import (
    USERS_OF_FFMPEG,
    bundled_libraries,
    ffmpeg_problems,
    ffmpeg_versions,
    package_problems,
    problems,
)

ROOT = Path(__file__).resolve().parents[2]


def library(folder: Path, text: bytes) -> Path:
    path = folder / "libavcodec.so.62"
    path.write_bytes(b"\x7fELF" + bytes(5000) + text + bytes(5000))
    return path


def test_what_is_installed_here_passes() -> None:
    assert problems() == []


@pytest.mark.parametrize("module", USERS_OF_FFMPEG)
def test_the_version_is_read_from_the_bytes_of_what_is_installed(module: str) -> None:
    versions = ffmpeg_versions(bundled_libraries(module))
    assert len(versions) == 2
    assert all(version.count(".") == 2 for version in versions.values())


def test_the_bytes_hold_the_version_of_the_loaded_library() -> None:
    assert set(ffmpeg_versions(bundled_libraries("av")).values()) == {av.ffmpeg_version_info}


@pytest.mark.parametrize("version", ["8.1.2", "8.1.3", "8.2", "9.0", "n8.1.2"])
def test_a_version_with_the_fix_passes(version: str, tmp_path: Path) -> None:
    path = library(tmp_path, b"FFmpeg version " + version.encode() + b"\0")
    assert ffmpeg_problems("av", ffmpeg_versions([path])) == []


@pytest.mark.parametrize("version", ["8.1.1", "8.1", "8.0.9", "7.1.2", "5.1.6"])
def test_a_version_without_the_fix_is_named(version: str, tmp_path: Path) -> None:
    path = library(tmp_path, b"FFmpeg version " + version.encode() + b"\0")
    (sentence,) = ffmpeg_problems("opencv-python-headless", ffmpeg_versions([path]))
    assert f"FFmpeg {version}," in sentence
    assert "8.1.2 or later" in sentence
    assert "opencv-python-headless" in sentence


@pytest.mark.parametrize("text", [b"", b"FFmpeg version N-118-gabcdef\0", b"FFmpeg 9.0"])
def test_a_library_of_unknown_version_is_a_problem(text: bytes, tmp_path: Path) -> None:
    assert len(ffmpeg_problems("av", ffmpeg_versions([library(tmp_path, text)]))) == 1


def test_no_library_at_all_is_a_problem() -> None:
    assert "cannot be checked" in ffmpeg_problems("av", {})[0]


@pytest.mark.parametrize(
    ("version", "count"),
    [("2.6", 0), ("2.15.0+cu130", 0), ("3.0.0a1", 0), ("2.5.1", 1), ("1.13", 1), ("odd", 1)],
)
def test_packages_are_held_against_their_minimum(
    version: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    assert len(package_problems("torch", (2, 6))) == count


def test_a_missing_package_is_named() -> None:
    assert (
        "no-such-package-anywhere is not installed"
        in package_problems("no-such-package-anywhere", (1,))[0]
    )


def test_checking_loads_none_of_what_it_checks() -> None:
    program = (
        "import sys; from visil_dash.media.dependencies import problems; problems();"
        "print([m for m in ('av', 'cv2', 'torch', 'streamlit', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
