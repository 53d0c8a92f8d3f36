"""Report what this machine lacks for visil_dash, and how to install it.

    python3 scripts/preflight.py          exit code 0: ready, 1: something is missing

Uses only the standard library and syntax that Python 3.6 can read: what is missing most often is a
recent Python, and then this file must still run and report it.
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

MINIMUM_PYTHON = (3, 11)

# Measured, see docs/install.md. GiB.
ENVIRONMENT_GIB = 6.4  # .venv with the packages of the tests
CACHE_GIB = 2.7  # pip's cache of the downloads
DISK_NEEDED_GIB = 9.5

Version = Tuple[int, int]


class Finding(NamedTuple):
    """Something missing: what, why it is needed, and the command that installs it."""

    what: str
    why: str
    remedy: str


# Commands by operating system. "{v}" is the Python version, such as 3.11.
_INSTALL: Dict[str, Dict[str, str]] = {
    "python": {
        "debian": "sudo apt-get install python3 python3-venv python3-dev on Debian 12, Ubuntu 24.04"
        " or later; python3.11 python3.11-venv python3.11-dev on Ubuntu 22.04; an older release"
        " needs an upgrade",
        "fedora": "sudo dnf install python3.11 python3.11-devel",
        "macos": "brew install python@3.11",
    },
    "venv": {
        "debian": "sudo apt-get install python{v}-venv",
        "fedora": "sudo dnf install python{v}",
        "macos": "brew install python@{v}",
    },
    "compiler": {
        "debian": "sudo apt-get install build-essential",
        "fedora": "sudo dnf install gcc-c++",
        "macos": "xcode-select --install",
    },
    "headers": {
        "debian": "sudo apt-get install python{v}-dev",
        "fedora": "sudo dnf install python{v}-devel (or python3-devel for the system's Python)",
        "macos": "brew install python@{v}",
    },
}

_WINDOWS = (
    "use WSL 2, because the confinement of the decoder needs a POSIX system: run `wsl --install -d"
    " Debian`, open it, then: sudo apt-get install make build-essential python3 python3-venv"
    " python3-dev"
)


def kind_of_machine(system: str, os_release: str) -> str:
    """debian, fedora, macos, windows or other, from platform.system() and /etc/os-release."""
    if system == "Windows":
        return "windows"
    if system == "Darwin":
        return "macos"
    words: List[str] = []
    for line in os_release.splitlines():
        key, _, value = line.partition("=")
        if key in ("ID", "ID_LIKE"):
            words += value.strip().strip("\"'").lower().split()
    if "debian" in words or "ubuntu" in words:
        return "debian"
    if {"fedora", "rhel", "centos"} & set(words):
        return "fedora"
    return "other"


def remedy(need: str, machine: str, version: Version) -> str:
    """The command that installs `need` on this operating system."""
    if machine == "windows":
        return _WINDOWS
    commands = _INSTALL[need]
    if machine not in commands:
        names = ("Debian and Ubuntu", "debian"), ("Fedora", "fedora"), ("macOS", "macos")
        text = "; ".join("on {}: {}".format(name, commands[key]) for name, key in names)
        text = "install your system's package for it. " + text
    else:
        text = commands[machine]
    return text.replace("{v}", "{}.{}".format(*version))


def check_system(machine: str) -> Optional[Finding]:
    if machine != "windows":
        return None
    return Finding(
        "Windows without WSL",
        "the decoder of untrusted videos is confined by POSIX features",
        _WINDOWS,
    )


def check_python(version: Version, machine: str) -> Optional[Finding]:
    if version >= MINIMUM_PYTHON:
        return None
    return Finding(
        "Python {}.{} or newer (this is {}.{})".format(*(MINIMUM_PYTHON + version)),
        "the code uses its features",
        remedy("python", machine, version)
        + ". If a newer one is installed under another name: make run PYTHON=python3.11",
    )


def check_venv(has_module: Callable[[str], bool], machine: str, v: Version) -> Optional[Finding]:
    missing = [name for name in ("venv", "ensurepip") if not has_module(name)]
    if not missing:
        return None
    return Finding(
        "Python's module " + " and ".join(missing),
        "packages are installed into the project's own .venv and nowhere else",
        remedy("venv", machine, v),
    )


def check_compiler(
    compiler: Optional[str], works: bool, machine: str, v: Version
) -> Optional[Finding]:
    """`compiler`: its command, if any; `works`: it compiled a file with standard headers."""
    if compiler and works:
        return None
    what = "a C++ compiler"
    if compiler:
        what = "a working C++ compiler ({} cannot compile an empty program)".format(compiler)
    return Finding(
        what,
        "hnswlib, the nearest-neighbour index, has no binary package and is compiled once",
        remedy("compiler", machine, v),
    )


def check_headers(header_exists: bool, machine: str, v: Version) -> Optional[Finding]:
    if header_exists:
        return None
    return Finding(
        "Python's headers (Python.h)",
        "hnswlib is compiled against them once",
        remedy("headers", machine, v),
    )


def check_disk(free_gib: float, folder: str) -> Optional[Finding]:
    if free_gib >= DISK_NEEDED_GIB:
        return None
    return Finding(
        "disk: {:.1f} GiB free in {}, {:.1f} needed".format(free_gib, folder, DISK_NEEDED_GIB),
        "the environment takes {:.1f} GiB, nearly all of it PyTorch with its GPU libraries, and"
        " pip caches {:.1f} GiB of downloads".format(ENVIRONMENT_GIB, CACHE_GIB),
        "free some space, or move the checkout to a larger disk",
    )


def has_module(name: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(name) is not None


def find_compiler() -> Optional[str]:
    """The C++ compiler that building a Python extension would call, or else any available one."""
    wished = [os.environ.get("CXX"), os.environ.get("CC"), sysconfig.get_config_var("CXX")]
    names = [str(name).split()[0] for name in wished if name] + ["c++", "g++", "clang++"]
    for name in names:
        if shutil.which(name):
            return name
    return None


def compiler_works(compiler: Optional[str]) -> bool:
    """Whether `compiler` accepts a C++11 program that uses the standard library."""
    if compiler is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "probe.cpp")
        with open(source, "w") as out:
            out.write("#include <vector>\nint main() { std::vector<int> v{1}; return v[0] - 1; }\n")
        command = [compiler, "-std=c++11", "-fsyntax-only", source]
        try:
            ended = subprocess.call(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60
            )
        except (OSError, subprocess.TimeoutExpired):
            return False
        return ended == 0


def read_os_release() -> str:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            with open(path) as file:
                return file.read()
        except OSError:
            continue
    return ""


def findings(root: str, *, fresh: bool = True) -> List[Finding]:
    """What this machine lacks to install visil_dash in the folder `root`.

    `fresh`: nothing is installed yet, so the disk needs space for the whole environment.
    """
    machine = kind_of_machine(platform.system(), read_os_release())
    version = (sys.version_info[0], sys.version_info[1])
    first = [check_system(machine), check_python(version, machine)]
    if any(first):
        # Further checks would examine the wrong system or the wrong Python.
        return [finding for finding in first if finding]
    compiler = find_compiler()
    header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
    rest = [
        check_venv(has_module, machine, version),
        check_compiler(compiler, compiler_works(compiler), machine, version),
        check_headers(os.path.isfile(header), machine, version),
        check_disk(shutil.disk_usage(root).free / 1024.0**3, root) if fresh else None,
    ]
    return [finding for finding in rest if finding]


def report(missing: Sequence[Finding]) -> str:
    """The findings as text for users."""
    if not missing:
        return "preflight: everything needed is here"
    lines = ["preflight: {} missing".format("one thing is" if len(missing) == 1 else "things are")]
    for finding in missing:
        lines.append("")
        lines.append("  missing:    " + finding.what)
        lines.append("  needed for: " + finding.why)
        lines.append("  get it:     " + finding.remedy)
    lines.append("")
    lines.append("If this is wrong, VISIL_DASH_SKIP_PREFLIGHT=1 skips this check.")
    return "\n".join(lines)


def main() -> int:
    missing = findings(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    print(report(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
