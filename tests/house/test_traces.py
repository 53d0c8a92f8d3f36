"""The project speaks of itself alone: no tracked file names a machine's path or a registry."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Written in halves, so that this file does not hold what it looks for.
_REGISTRIES = "|".join(
    ("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.", "ana" + r"conda\.")
)
_HERE = re.compile(rf"(?<![\w.:/<>{{}}-])/(?:work|root|home|Users|opt)/\w|{_REGISTRIES}")


def traces_of_a_machine(texts: dict[str, str]) -> list[str]:
    return [
        f"{path}:{number}: names a machine's path or a package registry: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if _HERE.search(line)
    ]


def tracked_files() -> list[Path]:
    """The files that git tracks; without git, as in an unpacked archive, all but hidden folders."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        return [ROOT / name for name in listing.decode().split("\0") if (ROOT / name).is_file()]
    tops = [path for path in ROOT.iterdir() if path.name not in (".venv", "data", "build", "runs")]
    files = [path for top in tops for path in [top, *top.rglob("*")]]
    return [path for path in files if path.is_file() and "cache" not in str(path.parent)]


def tracked_texts() -> dict[str, str]:
    """Every tracked text file, as it is in the working tree."""
    texts = {}
    for path in tracked_files():
        raw = path.read_bytes()
        if b"\0" not in raw[:8192]:
            texts[path.relative_to(ROOT).as_posix()] = raw.decode("utf-8", errors="replace")
    return texts


def test_a_trace_is_noticed_and_an_innocent_path_is_not() -> None:
    assert traces_of_a_machine({"README.md": "see " + "/ho" + "me/ann/videos"})
    assert traces_of_a_machine({"README.md": "from py" + "pi.org"})
    innocent = "python -m visil_dash add ~/videos, http://127.0.0.1:8501/work/x"
    assert traces_of_a_machine({"README.md": innocent}) == []


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    complaints = traces_of_a_machine(tracked_texts())
    assert complaints == [], "\n".join(complaints)
