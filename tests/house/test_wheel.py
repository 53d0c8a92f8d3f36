"""The wheel works where there is no checkout, and the image file installs it.

The wheel is installed without its dependencies, which a .pth file takes from the packages that run
these tests: no download, and seconds in place of minutes.
"""

import json
import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

import wheel_dependencies
from image_steps import image_steps
from tests.support.browser_harness import free_port, healthy
from visil_dash.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "demo" / "videos" / "launch_anchor.mp4"
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VISIL_DASH_LIBRARY")}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    place = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    (site,) = place.glob("lib/python*/site-packages")
    (site / "packages.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "-q"]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", str(wheel)], check=True)
    return place / "bin"


def run(installed: Path, folder: Path, *arguments: str, **variables: str) -> str:
    ended = subprocess.run(
        [str(installed / arguments[0]), *arguments[1:]],
        cwd=folder,
        env=ENVIRONMENT | variables,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.slow
def test_the_installed_command_adds_and_finds_a_video(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed, tmp_path, "python", "-c", "import visil_dash; print(visil_dash.__file__)"
    )
    assert Path(where.strip()).is_relative_to(installed.parent)
    assert "usage: visil-dash" in run(installed, tmp_path, "visil-dash", "--help")
    run(installed, tmp_path, "visil-dash", "add", str(CLIP))
    assert (tmp_path / "data" / "library" / "catalogue.db").is_file()
    found = run(installed, tmp_path, "visil-dash", "list", "--json")
    assert json.loads(found)["name"] == CLIP.name
    answer = json.loads(run(installed, tmp_path, "visil-dash", "search", str(CLIP), "--json"))
    assert answer["identical_to"] == CLIP.name


@pytest.mark.slow
def test_the_installed_dashboard_starts_and_draws_its_first_page(
    installed: Path, tmp_path: Path
) -> None:
    port = free_port()
    serve = [str(installed / "visil-dash"), "serve", "--no-demo", "--port", str(port)]
    with subprocess.Popen(serve, cwd=tmp_path, env=ENVIRONMENT) as process:
        try:
            end = time.monotonic() + 60
            while not healthy(f"http://127.0.0.1:{port}"):
                assert process.poll() is None
                assert time.monotonic() < end
                time.sleep(0.1)
        finally:
            process.terminate()
    draw = """
from streamlit.testing.v1 import AppTest
from visil_dash.installed import APP, DEMO

assert len(list((DEMO / "videos").glob("*.mp4"))) == 25 and (DEMO / "labels.csv").is_file()
page = AppTest.from_file(str(APP), default_timeout=60).run()
assert not page.exception, page.exception
print(page.title[0].value)
"""
    unserved = {"VISIL_DASH_ALLOW_PUBLIC": "1", "VISIL_DASH_LIBRARY": str(tmp_path / "l")}
    drawn = run(installed, tmp_path, "python", "-c", draw, **unserved)
    assert drawn.strip().splitlines()[-1] == "Library"


# ---- the image ----

IMAGE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def wrong_in_image(text: str) -> list[str]:
    """Steps that would fail: sources that do not exist, shell that does not parse, commands that
    the command line does not take. And an image that runs as root."""
    complaints = []
    given = dict(image_steps(text))
    for step, rest in image_steps(text):
        if step == "COPY" and "--from" not in rest:
            complaints += [
                f"{n} does not exist" for n in rest.split()[:-1] if not (ROOT / n).exists()
            ]
        if step == "RUN" and subprocess.run(["bash", "-n", "-c", rest], check=False).returncode:
            complaints.append(f"RUN {rest}: does not parse")
    if given.get("USER", "root") == "root":
        complaints.append("runs as root")
    try:
        build_parser().parse_args(json.loads(given["CMD"]))
    except SystemExit:
        complaints.append(f"CMD {given['CMD']} is no command")
    return complaints


def test_an_image_file_that_cannot_work_is_noticed() -> None:
    bad = 'FROM x\nCOPY gone /\nRUN a && && b\nCMD ["sevre"]\n'
    assert len(wrong_in_image(bad)) == 4


def test_the_image_installs_from_files_that_exist_and_serves_as_a_user_without_rights() -> None:
    assert wrong_in_image(IMAGE) == []
    assert image_steps(IMAGE).count(("USER", "1000")) == 1
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for step, rest in image_steps(IMAGE):
        if step == "COPY" and "--from" not in rest:
            assert all(f"!{name}" in let_in for name in rest.split()[:-1]), rest


def test_the_image_file_is_linted() -> None:
    def complaints(text: str) -> str:
        hadolint = Path(sys.executable).with_name("hadolint")
        ended = subprocess.run(
            [hadolint, "--no-color", "-"], input=text, check=False, capture_output=True, text=True
        )
        return ended.stdout + ended.stderr

    assert complaints(IMAGE) == ""
    assert "DL3002" in complaints(IMAGE.replace("USER 1000", "USER root"))
    assert "DL3020" in complaints(IMAGE.replace("COPY demo", "ADD demo"))


def test_the_wheel_needs_what_the_checkout_installs() -> None:
    text = "-c constraints.txt\n\nnumpy==2.4.6  # arrays\n# av==1\n"
    assert wheel_dependencies.pins(text) == ["numpy==2.4.6"]
    ours = wheel_dependencies.pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert any(pin.startswith("streamlit==") for pin in ours)
    assert all("==" in pin for pin in ours)
