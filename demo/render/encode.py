"""Cut, edit and encode the rendered frames: `python encode.py --frames DIR --out DIR`.

Writes 25 MP4 files and labels.csv. Needs FFmpeg with libx264 and drawtext, nothing else: the
scenes' lists of shots are read through `SHOTS_FILE`, which `make.py` writes.
"""

import argparse
import csv
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from plan import SCENES, Copy, Cut, ScenePlan

FPS = 10
SHOTS_FILE = "shots.json"
COLUMNS = (
    "file", "scene", "relation", "anchor", "shared_start", "shared_end",
    "anchor_start", "anchor_end", "note",
)  # fmt: skip


@dataclass(frozen=True)
class Label:
    scene: str
    relation: str
    note: str
    shared: tuple[float, float] | None = None  # seconds of this file
    anchor: tuple[float, float] | None = None  # the same footage or moment in the anchor

    @property
    def file(self) -> str:
        return f"{self.scene}_{self.relation.lower()}.mp4"

    def row(self) -> list[str]:
        spans = [*(self.shared or ("", "")), *(self.anchor or ("", ""))]
        times = [f"{value:.2f}" if isinstance(value, float) else "" for value in spans]
        return [self.file, self.scene, self.relation, f"{self.scene}_anchor.mp4", *times, self.note]


@dataclass(frozen=True)
class ShotInfo:
    name: str
    take: str
    start: float
    seconds: float


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-y", "-loglevel", "error", "-nostdin", *arguments], check=True)


def master(frames: Path, target: Path, shot: ShotInfo, chain: str) -> None:
    """One shot from its frames, graded, nearly lossless, at exactly FPS.

    Where only every n-th frame has been rendered, the others are interpolated.
    """
    have = {int(file.stem) for file in frames.glob("[0-9]*.png")}
    wanted = round(shot.seconds * FPS)
    step = next((s for s in (1, 2, 4, 5) if have.issuperset(range(0, wanted, s))), 0)
    if step == 0:
        raise SystemExit(f"{frames}: frames are missing; run render.py again")
    listing = target.with_suffix(".txt")
    files = [frames / f"{index:04d}.png" for index in range(0, wanted, step)]
    listing.write_text(
        "".join(f"file '{file.resolve()}'\nduration {step / FPS}\n" for file in files)
    )
    smooth = f"minterpolate=fps={FPS}:mi_mode=mci:mc_mode=obmc:scd=none,"
    ffmpeg(
        "-f", "concat", "-safe", "0", "-i", str(listing),
        "-vf", f"settb=1/1000,setpts=N*{step}/{FPS}/TB,{smooth if step > 1 else ''}"
        f"tpad=stop_mode=clone:stop_duration=1,fps={FPS},{chain},format=yuv420p",
        "-frames:v", str(wanted), "-c:v", "libx264", "-preset", "fast", "-crf", "6", str(target),
    )  # fmt: skip


def join(
    parts: list[tuple[Path, float, float | None]],
    target: Path,
    chain: str,
    crf: int,
    *,
    fps: int = FPS,
) -> None:
    """Encode pieces (file, start, end in seconds) one after another through a filter chain."""
    inputs: list[str] = []
    heads: list[str] = []
    for index, (path, start, end) in enumerate(parts):
        inputs += ["-i", str(path)]
        stop = "" if end is None else f":end={end}"
        heads.append(
            f"[{index}:v]trim=start={start}{stop},setpts=PTS-STARTPTS,fps={FPS}[p{index}];"
        )
    graph = "".join(heads) + "".join(f"[p{i}]" for i in range(len(parts)))
    graph += f"concat=n={len(parts)}:v=1:a=0,{chain},fps={fps},format=yuv420p[out]"
    ffmpeg(
        *inputs, "-filter_complex", graph, "-map", "[out]",
        "-c:v", "libx264", "-preset", "slow", "-crf", str(crf), "-g", str(FPS * 5),
        "-movflags", "+faststart", "-map_metadata", "-1", "-fflags", "+bitexact",
        "-metadata", "copyright=made by the project", str(target),
    )  # fmt: skip


def near_duplicate(
    anchor: Path, length: float, recipe: Copy, target: Path, crf: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    end = length if recipe.end is None else recipe.end
    chain = f"setpts=PTS/{recipe.speed},fps={FPS},{recipe.chain}"
    join([(anchor, recipe.start, end)], target, chain, recipe.crf or crf)
    return (0.0, round((end - recipe.start) / recipe.speed, 2)), (recipe.start, end)


def duplicate_scene(
    masters: dict[str, Path],
    shots: dict[str, ShotInfo],
    anchor: Path,
    recipe: Cut,
    target: Path,
    crf: int,
) -> tuple[tuple[float, float], tuple[float, float]]:
    pieces: list[tuple[Path, float, float | None]] = []
    at, shared, span = 0.0, (0.0, 0.0), (0.0, 0.0)
    for part in recipe.parts:
        if part.source == "anchor":
            pieces.append((anchor, part.start, part.end))
            span, shared = (part.start, part.end), (at, at + part.end - part.start)
            at = shared[1]
        else:
            pieces.append((masters[part.source], 0.0, None))
            at += shots[part.source].seconds
    join(pieces, target, recipe.chain, crf)
    return shared, span


def encode_scene(
    plan: ScenePlan,
    groups: dict[str, list[ShotInfo]],
    frames: Path,
    out: Path,
    work: Path,
    crf: int,
) -> list[Label]:
    """Make the five videos of a scene; the frames of every shot must be there."""
    shots = {shot.name: shot for group in groups.values() for shot in group}
    masters = {}
    for shot in shots.values():
        masters[shot.name] = work / f"{plan.name}_{shot.name.replace(' ', '_')}.mkv"
        folder = frames / plan.name / shot.name.replace(" ", "_")
        master(folder, masters[shot.name], shot, plan.looks[shot.take].chain())

    def whole(group: str) -> list[tuple[Path, float, float | None]]:
        return [(masters[shot.name], 0.0, None) for shot in groups[group]]

    def path(relation: str) -> Path:
        return out / f"{plan.name}_{relation}.mp4"

    length = sum(shot.seconds for shot in groups["anchor"])
    clean = work / f"{plan.name}_anchor.mkv"
    join(whole("anchor"), clean, "null", 6)
    join(whole("anchor"), path("anchor"), "null", crf)
    join(whole("complement"), path("cs"), "null", crf)
    join(whole("incident"), path("is"), "null", crf)
    copy_span = near_duplicate(clean, length, plan.near_duplicate, path("nd"), crf)
    cut_span = duplicate_scene(masters, shots, clean, plan.duplicate_scene, path("ds"), crf)
    # The anchor's shots follow each other without a gap, so scene time is the anchor's time.
    first = groups["complement"][0].start - groups["anchor"][0].start
    moment = sum(shot.seconds for shot in groups["complement"])
    return [
        Label(plan.name, "ANCHOR", plan.place),
        Label(plan.name, "ND", plan.near_duplicate.note, *copy_span),
        Label(plan.name, "DS", plan.duplicate_scene.note, *cut_span),
        Label(plan.name, "CS", plan.complementary, (0.0, moment), (float(first), first + moment)),
        Label(plan.name, "IS", plan.incident),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of videos/ and labels.csv")
    parser.add_argument("--crf", type=int, default=28)
    parser.add_argument("--scenes", default=",".join(plan.name for plan in SCENES))
    args = parser.parse_args()
    videos = args.out / "videos"
    videos.mkdir(parents=True, exist_ok=True)
    listed = json.loads((args.frames / SHOTS_FILE).read_text())
    labels: list[Label] = []
    with tempfile.TemporaryDirectory() as work:
        for plan in SCENES:
            if plan.name not in args.scenes.split(","):
                continue
            groups = {
                group: [ShotInfo(**shot) for shot in shots]
                for group, shots in listed[plan.name].items()
            }
            labels += encode_scene(plan, groups, args.frames, videos, Path(work), args.crf)
            print(f"encoded {plan.name}", flush=True)
    with (args.out / "labels.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(label.row() for label in labels)
    total = sum(file.stat().st_size for file in videos.glob("*.mp4"))
    print(f"{len(list(videos.glob('*.mp4')))} files, {total / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
