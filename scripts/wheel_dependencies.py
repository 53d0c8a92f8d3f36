"""What the wheel depends on: the pins of requirements.txt, read while the wheel is built."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RequirementsHook(MetadataHookInterface):
    """Named by pyproject.toml; hatchling calls `update` with the project's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "requirements.txt").read_text(encoding="utf-8")
        metadata["dependencies"] = pins(text)


def pins(text: str) -> list[str]:
    """The requirements in a requirements file, without comments and pip's own options."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("-")]
