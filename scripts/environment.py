"""Create or complete the project's .venv; do nothing when it is up to date.

    python3 scripts/environment.py FOLDER REQUIREMENTS

The installed state is recorded as the hash of the requirement files, so a second call needs no
network and takes a fraction of a second, and the next command installs a changed pin. Written, like
preflight.py, so that an old Python can read it and refuse with a clear message.
"""

import contextlib
import glob
import hashlib
import os
import subprocess
import sys
import time
from typing import Iterator, List, Set

import preflight

STAMP = "visil_dash.stamp"


def requirement_files(path: str, option: str = "-r") -> List[str]:
    """`path` and the requirement files that it includes by `option`, itself first."""
    files = [path]
    with open(path) as lines:
        for line in lines:
            words = line.split()
            if len(words) == 2 and words[0] == option:
                files += requirement_files(os.path.join(os.path.dirname(path), words[1]), option)
    return files


def fingerprint(path: str) -> str:
    """Hash of the Python version and of every file that determines what `path` installs."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for requirements in requirement_files(path):
        for name in requirement_files(requirements, "-c"):
            with open(name, "rb") as file:
                digest.update(file.read())
    return digest.hexdigest()


def installed(folder: str) -> Set[str]:
    """Fingerprints of the requirements that the environment contains."""
    try:
        with open(os.path.join(folder, STAMP)) as file:
            return set(file.read().split())
    except OSError:
        return set()


def python_of(folder: str) -> str:
    return os.path.join(folder, "bin", "python")


def works(folder: str) -> bool:
    """Whether the environment's Python and pip start; not so if its creation was interrupted."""
    try:
        return (
            subprocess.call([python_of(folder), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
        )
    except OSError:
        return False


def stamped_after(folder: str, requirements: str) -> Set[str]:
    """Fingerprints of the environment's content once `requirements` is installed as well.

    An older set counts only while its files are unchanged since it was installed: after a pin is
    changed and changed back, the environment has the wrong version.
    """
    siblings = glob.glob(os.path.join(os.path.dirname(requirements) or ".", "requirements*.txt"))
    current = {fingerprint(path) for path in siblings}
    return (installed(folder) & current) | {fingerprint(p) for p in requirement_files(requirements)}


@contextlib.contextmanager
def alone(root: str) -> Iterator[None]:
    """Hold a lock on the folder `root`: two concurrent installs would corrupt each other."""
    import fcntl  # missing on Windows, which the preflight must be able to refuse

    handle = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another command is preparing the environment; waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def holds(folder: str, requirements: str) -> bool:
    return fingerprint(requirements) in installed(folder) and works(folder)


def prepare(folder: str, requirements: str) -> int:
    """Exit code 0 when `folder` is an environment with everything in `requirements`."""
    if holds(folder, requirements):
        return 0
    if os.name != "posix":
        print(preflight.report(preflight.findings(".")), file=sys.stderr)
        return 1
    with alone(os.path.dirname(os.path.abspath(folder))):
        return 0 if holds(folder, requirements) else install(folder, requirements)


def install(folder: str, requirements: str) -> int:
    """Create or complete the environment; returns the exit code."""
    usable = works(folder)
    if not os.environ.get("VISIL_DASH_SKIP_PREFLIGHT"):
        root = os.path.dirname(os.path.abspath(folder))
        missing = preflight.findings(root, fresh=not usable)
        if missing:
            print(preflight.report(missing), file=sys.stderr)
            return 1
    start = time.time()
    if not usable:
        text = "creating {} ({} GiB, a few minutes, only the first time)"
        print(text.format(folder, preflight.ENVIRONMENT_GIB), flush=True)
        if subprocess.call([sys.executable, "-m", "venv", "--clear", folder]):
            print("the environment could not be created; see the error above", file=sys.stderr)
            return 1
    print("installing {}".format(os.path.basename(requirements)), flush=True)
    pip = [python_of(folder), "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    if subprocess.call([*pip, "-r", requirements]):
        print(
            "installation failed; see the error above. Run the same command again to resume. The"
            " first install needs the network; later starts do not.",
            file=sys.stderr,
        )
        return 1
    with open(os.path.join(folder, STAMP), "w") as file:
        file.write("\n".join(sorted(stamped_after(folder, requirements))) + "\n")
    print("environment ready after {:.0f} s".format(time.time() - start), flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: environment.py FOLDER REQUIREMENTS")
    sys.exit(prepare(sys.argv[1], sys.argv[2]))
