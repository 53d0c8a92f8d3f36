"""The oldest versions allowed of some dependencies, because older ones have security holes.

FFmpeg < 8.1.2: heap write in a decoder, CVE-2026-8461. torch < 2.6: loading weights with
`weights_only=True` could still run code. streamlit < 1.54: the first that takes all the
protections that .streamlit/config.toml sets.

FFmpeg comes inside other packages, whose own version does not identify it, so it is read from the
bytes of the libraries that will be loaded.
"""

import mmap
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

_MINIMUM_FFMPEG = (8, 1, 2)
_MINIMUM_PACKAGES = {"torch": (2, 6), "streamlit": (1, 54)}
USERS_OF_FFMPEG = {"av": "av", "cv2": "opencv-python-headless"}  # module: package on the index

_VERSION = re.compile(rb"FFmpeg version n?(\d+(?:\.\d+){0,3}|[\w.-]{1,40})")


def problems() -> list[str]:
    """Problems that must be solved before anything is decoded or loaded, one sentence each.

    Imports neither torch nor streamlit.
    """
    sentences: list[str] = []
    for module, package in USERS_OF_FFMPEG.items():
        sentences += ffmpeg_problems(package, ffmpeg_versions(bundled_libraries(module)))
    for package, minimum in _MINIMUM_PACKAGES.items():
        sentences += package_problems(package, minimum)
    return sentences


def bundled_libraries(module: str) -> Iterator[Path]:
    """The FFmpeg libraries bundled in the wheel of `module`."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    folders = [package / ".dylibs"]  # macOS
    folders += [
        folder
        for folder in package.parent.glob("*.libs")  # Linux
        if folder.name.split(".")[0] == module or (module == "cv2" and "opencv" in folder.name)
    ]
    for folder in folders:
        for part in ("avcodec", "avformat"):
            yield from sorted(folder.glob(f"lib{part}*"))


def ffmpeg_versions(libraries: Iterable[Path]) -> dict[str, str]:
    """File name → the FFmpeg version that the library carries in its own bytes ("" = none)."""
    versions = {}
    for library in libraries:
        with library.open("rb") as file:
            if library.stat().st_size == 0:
                versions[library.name] = ""
                continue
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                match = _VERSION.search(data)
                versions[library.name] = match[1].decode() if match else ""
    return versions


def ffmpeg_problems(package: str, versions: dict[str, str]) -> list[str]:
    """One sentence for the first library of `package` that is too old or of unknown version."""
    wanted = ".".join(map(str, _MINIMUM_FFMPEG))
    remedy = f"Install the {package} that requirements.txt names."
    if not versions:
        return [f"{package}: no FFmpeg comes with it, so its version cannot be checked. {remedy}"]
    for library, version in versions.items():
        if not re.fullmatch(r"\d+(\.\d+)*", version):
            shown = version or "nothing"
            return [f"{package}: {library} has {shown} in place of FFmpeg's version. {remedy}"]
        if _numbers(version) < _MINIMUM_FFMPEG:
            return [
                f"{package} brings FFmpeg {version}, which has known security holes; "
                f"{wanted} or later is needed. {remedy}"
            ]
    return []


def package_problems(package: str, minimum: tuple[int, ...]) -> list[str]:
    """One sentence when `package` is missing or older than `minimum`."""
    wanted = ".".join(map(str, minimum))
    try:
        version = metadata.version(package)
    except metadata.PackageNotFoundError:
        return [f"{package} is not installed; {wanted} or later is needed. Run: make run"]
    if _numbers(version) < minimum:
        return [
            f"{package} {version} is too old; {wanted} or later is needed. "
            f"Install the {package} that requirements.txt names."
        ]
    return []


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()
