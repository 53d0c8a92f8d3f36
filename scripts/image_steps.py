"""Runs the steps of the image file without a container: on an overlay of this system's files.

    sudo .venv/bin/python scripts/image_steps.py            # needs root, overlayfs and a network

Each stage gets an empty upper layer over this system's root, so what a step writes stays in it and
the system is left as it is. A step runs with a clean environment, the image's ENV and ARG alone.
At the end the image's command is started as its user, in a network of its own, and its health check
asked. What this does not show: that the base image has what this system has.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_START_SECONDS = 600  # it prepares the demo library first
_KEPT = ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CONFIG_FILE", "http_proxy", "https_proxy")


def image_steps(text: str) -> list[tuple[str, str]]:
    """(instruction, its arguments) of an image file, continued lines joined."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


@dataclass
class _Stage:
    upper: Path
    environment: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"


@contextmanager
def _mounted(upper: Path) -> Iterator[Path]:
    """The system's files with what was written to `upper` on top."""
    root, work = upper.with_name(f"{upper.name}-root"), upper.with_name(f"{upper.name}-work")
    for folder in (root, work):
        folder.mkdir(exist_ok=True)
    layers = f"lowerdir=/,upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(root)], check=True)
    try:
        for name in ("proc", "dev"):
            subprocess.run(["mount", "--rbind", f"/{name}", str(root / name)], check=True)
        yield root
    finally:
        subprocess.run(["umount", "-l", str(root)], check=True)


def _command(stage: _Stage, root: Path, *words: str) -> list[str]:
    variables = {"PATH": _PATH, "HOME": "/tmp"} | {
        k: os.environ[k] for k in _KEPT if k in os.environ
    }
    given = [f"{key}={value}" for key, value in (variables | stage.environment).items()]
    inside = f'cd "{stage.folder}" && exec "$@"'
    chroot = ["chroot", f"--userspec={stage.user}", str(root)]
    return ["env", "-i", *given, *chroot, "sh", "-c", inside, "sh", *words]


def _python_in(upper: Path) -> None:
    """`python` and its library where the base image has them, readable by every user."""
    local, python, library = upper / "usr/local", Path(sys.executable), Path(os.__file__).parent
    python = python.resolve()
    for folder in (local / "bin", local / "lib", *(upper / str(p)[1:] for p in python.parents)):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
    (local / "bin" / "python").symlink_to(python)
    (local / "lib" / library.name).symlink_to(library)


def _only_system_accounts(upper: Path) -> None:
    """A base image has no accounts of people."""
    (upper / "etc").mkdir(exist_ok=True)
    for name in ("passwd", "group"):
        lines = Path("/etc", name).read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not 1000 <= int(line.split(":")[2]) < 60_000]
        (upper / "etc" / name).write_text("".join(kept), encoding="utf-8")


def _copy(stage: _Stage, rest: str) -> None:
    *sources, target = rest.split()
    for name in sources:
        source, place = ROOT / name, stage.upper / stage.folder.lstrip("/") / target
        if source.is_dir():
            hidden = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, place, ignore=hidden, dirs_exist_ok=True)
        else:
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, place)


def _take_from(stage: _Stage, earlier: _Stage, rest: str) -> None:
    source, target = rest.split()[1:]
    place = stage.upper / target.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    (earlier.upper / source.lstrip("/")).rename(place)


def _set(stage: _Stage, rest: str) -> None:
    for name, value in re.findall(r"(\w+)=(\S*)", rest):
        stage.environment[name] = value.replace("$PATH", _PATH)


def _run(stage: _Stage, rest: str) -> None:
    began = time.monotonic()
    with _mounted(stage.upper) as root:
        subprocess.run(_command(stage, root, "sh", "-c", rest), check=True)
    print(f"RUN {rest}: {time.monotonic() - began:.0f} s", flush=True)


def run_steps(text: str, folder: Path) -> _Stage:
    """Every step of the image file; the last stage. Raises CalledProcessError."""
    stages: list[_Stage] = []
    for number, (step, rest) in enumerate(image_steps(text)):
        if step == "FROM":
            stages.append(_Stage(folder / f"stage{number}"))
            stages[-1].upper.mkdir()
            _python_in(stages[-1].upper)
            _only_system_accounts(stages[-1].upper)
        elif step in ("ENV", "ARG"):
            _set(stages[-1], rest)
        elif step == "WORKDIR":
            stages[-1].folder = rest
            (stages[-1].upper / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step == "USER":
            stages[-1].user = rest
        elif step == "COPY" and rest.startswith("--from"):
            _take_from(stages[-1], stages[-2], rest)
        elif step == "COPY":
            _copy(stages[-1], rest)
        elif step == "RUN":
            _run(stages[-1], rest)
    return stages[-1]


def serve(stage: _Stage, text: str) -> None:
    """Starts the image's command and asks its health check until it is well."""
    given = dict(image_steps(text))
    command = json.loads(given["ENTRYPOINT"]) + json.loads(given["CMD"])
    check = json.loads(given["HEALTHCHECK"].removeprefix("CMD "))
    with _mounted(stage.upper) as root:
        began = time.monotonic()
        with subprocess.Popen(_command(stage, root, *command)) as server:
            try:
                while subprocess.run(
                    _command(stage, root, *check), check=False, capture_output=True
                ).returncode:
                    if server.poll() is not None or time.monotonic() - began > _START_SECONDS:
                        raise SystemExit("the image's command does not serve")
                    time.sleep(1)
                print(f"HEALTHCHECK: well after {time.monotonic() - began:.0f} s", flush=True)
            finally:
                server.terminate()


def main() -> None:
    if sys.argv[1:2] == ["--serve"]:  # in a network of its own, where nothing but this can reach it
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        user, folder, upper, environment = json.loads(sys.argv[2])
        stage = _Stage(Path(upper), environment, folder, user)
        serve(stage, (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
        return
    if "--inside" not in sys.argv:
        inside = ["unshare", "--mount", sys.executable, __file__, "--inside"]
        raise SystemExit(subprocess.call(inside))
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="visil-dash-image-") as folder:
        stage = run_steps(text, Path(folder))
        facts = json.dumps([stage.user, stage.folder, str(stage.upper), stage.environment])
        inside = ["unshare", "--net", sys.executable, __file__, "--serve", facts]
        subprocess.run(inside, check=True)


if __name__ == "__main__":
    main()
