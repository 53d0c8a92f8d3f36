"""Commands that need no model start without what a model needs."""

import subprocess
import sys
from pathlib import Path

from tests.support.library_fakes import build_folder
from tests.support.scenes import make_scene

_HEAVY = ("torch", "torchvision", "numba", "streamlit", "cv2", "av", "pandas", "scipy", "sklearn")


def loaded_by(*arguments: str, exit_code: int = 0) -> tuple[set[str], str]:
    """Heavy packages that a command imports, and what it prints."""
    code = (
        "import sys\n"
        "from visil_dash.cli.main import main\n"
        f"code = main({list(arguments)!r})\n"
        f"print('loaded', *(name for name in {_HEAVY!r} if name in sys.modules))\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == exit_code, done.stderr
    *lines, last = done.stdout.splitlines()
    return set(last.split()[1:]), "\n".join(lines)


def test_a_list_of_videos_loads_no_model(tmp_path: Path) -> None:
    build_folder(tmp_path / "library", [b"one", b"two"])
    heavy, text = loaded_by("list", "--library", str(tmp_path / "library"))
    assert heavy == set()
    assert "clip 0.mp4" in text
    assert "clip 1.mp4" in text


def test_limits_load_nothing_heavy() -> None:
    assert loaded_by("limits")[0] == set()


def test_a_clip_that_is_not_there_is_refused_before_a_model_is_opened(tmp_path: Path) -> None:
    build_folder(tmp_path / "library", [b"one"])
    folder = str(tmp_path / "library")
    assert loaded_by("search", "./gone.mp4", "--library", folder, exit_code=1)[0] == set()


def test_a_clip_is_begun_to_be_decoded_before_torch_is_imported(tmp_path: Path) -> None:
    build_folder(tmp_path / "library", [b"one"])
    clip = make_scene(tmp_path / "clip.mp4", 1, seconds=2.0)
    code = (
        "import sys, threading\n"
        "begun, start = [], threading.Thread.start\n"
        "class Torch:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'torch':\n"
        "            print(*begun)\n"
        "            sys.exit(0)\n"
        "sys.meta_path.insert(0, Torch())\n"
        "threading.Thread.start = lambda self: begun.append(self.name) or start(self)\n"
        "from visil_dash.cli.main import main\n"
        f"main(['search', {str(clip)!r}, '--library', {str(tmp_path / 'library')!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "decode\n"), done.stderr
