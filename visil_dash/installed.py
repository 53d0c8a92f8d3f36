"""What the program finds around it: its files that are no modules (pages, settings, demo videos),
a login that its owner has set up, and torch where that was imported.

A checkout has the files beside the package, an installed wheel inside it (see pyproject.toml).
"""

import sys
import tomllib
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "dashboard"
_ROOT = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent

APP = _ROOT / "app.py"  # with pages/ and .streamlit/ beside it
DEMO = _ROOT / "demo"  # labels.csv, and the videos in videos/


def login_providers() -> tuple[str, ...] | None:
    """Names of the OpenID Connect providers in Streamlit's secrets, one "" for a provider without
    a name; None where no login is set up.

    Streamlit reads ~/.streamlit/secrets.toml and .streamlit/secrets.toml of the folder in which it
    is started; the latter wins. A file that cannot be read sets up nothing.
    """
    auth: dict[str, Any] = {}
    for folder in (Path.home(), Path.cwd()):
        with suppress(OSError, tomllib.TOMLDecodeError):
            text = (folder / ".streamlit" / "secrets.toml").read_text(encoding="utf-8")
            auth = tomllib.loads(text).get("auth", auth)
    if not isinstance(auth, dict) or not auth:
        return None
    return tuple(name for name, of_it in auth.items() if isinstance(of_it, dict)) or ("",)


def imported_torch() -> ModuleType | None:
    """torch where something has imported it, which takes seconds; None where nothing has.

    Where another thread is importing it, this waits: half of it ends the process when it is used.
    """
    if "torch" not in sys.modules:
        return None
    import torch  # waits for that thread, as looking it up in sys.modules does not

    return torch
