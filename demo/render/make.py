"""Render the demo library again with one command: `python make.py --frames DIR --out DIR`.

Renders the missing frames of all scenes, one process per scene, then cuts and encodes. Needs the
`bpy` module (Blender 4.5) in this Python and FFmpeg on the path.
"""

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path

from encode import SHOTS_FILE
from plan import SCENES

HERE = Path(__file__).resolve().parent


def list_shots() -> dict[str, dict[str, list[dict[str, str | float]]]]:
    """Name, take, start and length of every shot, by scene and by use."""
    listed = {}
    for plan in SCENES:
        scene = importlib.import_module(f"scenes.{plan.name}")
        groups = {
            "anchor": scene.ANCHOR,
            "extra": scene.EXTRA,
            "complement": scene.COMPLEMENT,
            "incident": scene.INCIDENT,
        }
        listed[plan.name] = {
            group: [
                {"name": s.name, "take": s.take, "start": s.start, "seconds": s.seconds}
                for s in shots
            ]
            for group, shots in groups.items()
        }
    return listed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, required=True, help="kept between runs")
    parser.add_argument("--out", type=Path, required=True, help="gets videos/ and labels.csv")
    parser.add_argument("--quick", action="store_true", help="render every second frame only")
    parser.add_argument("--crf", default="28")
    args = parser.parse_args()
    args.frames.mkdir(parents=True, exist_ok=True)
    (args.frames / SHOTS_FILE).write_text(json.dumps(list_shots(), indent=1))
    frames, step = str(args.frames), "2" if args.quick else "1"
    for plan in SCENES:
        render = [sys.executable, str(HERE / "render.py"), plan.name]
        subprocess.run([*render, "--frames", frames, "--step", step], check=True)
    encode = [sys.executable, str(HERE / "encode.py"), "--frames", frames]
    subprocess.run([*encode, "--out", str(args.out), "--crf", args.crf], check=True)


if __name__ == "__main__":
    main()
