"""A model of one's own: the bundled one under another name."""

import json
import shutil
from pathlib import Path

from visil_dash.models.bundle import BUNDLED, META


def own_model(folder: Path) -> Path:
    """Copies the bundled model to `folder`, which must not exist yet, and calls it "mine"."""
    shutil.copytree(BUNDLED / "compact", folder)
    meta = json.loads((folder / META).read_text())
    (folder / META).write_text(json.dumps(meta | {"name": "mine"}))
    return folder
