"""Where the files lie that belong to the program and are no modules: pages, settings, demo videos.

A checkout has them beside the package, an installed wheel inside it (see pyproject.toml).
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "dashboard"
_ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

APP = _ROOT / "app.py"  # with pages/ and .streamlit/ beside it
DEMO = _ROOT / "demo"  # labels.csv, and the videos in videos/
