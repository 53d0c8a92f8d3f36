"""Render the frames of one scene: `python render.py SCENE --frames DIR`.

Each shot gets its own folder of PNG frames under DIR/SCENE/; existing frames are kept,
so an interrupted run resumes.
"""

import argparse
import importlib
import time
from pathlib import Path
from typing import Any

import bpy
from shots import Shot
from stage import Stage

FPS = 10


def configure(stage: Stage, *, width: int, samples: int, threads: int) -> None:
    """Path tracing with few samples and a denoiser: about one second per frame on two cores."""
    scene = stage.scene
    render, view = scene.render, scene.view_settings
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y = width, width * 9 // 16
    render.threads_mode, render.threads = "FIXED", threads
    render.use_persistent_data = True
    render.image_settings.file_format = "PNG"
    render.image_settings.color_mode = "RGB"
    render.image_settings.compression = 30
    view.view_transform, view.look = "AgX", "AgX - Punchy"
    view.exposure = stage.light.exposure
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", samples, False
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_quality, cycles.denoising_prefilter = "BALANCED", "FAST"
    cycles.max_bounces = cycles.diffuse_bounces = cycles.glossy_bounces = 1
    cycles.use_light_tree = False
    cycles.transparent_max_bounces = 14
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect, cycles.blur_glossy = 2.0, 1.0
    cycles.use_auto_tile = False


def render_shot(stage: Stage, shot: Shot, folder: Path, *, fps: int, step: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    scene: Any = stage.scene
    for index in range(0, round(shot.seconds * fps), step):
        target = folder / f"{index:04d}.png"
        if target.exists():
            continue
        begun = time.perf_counter()
        t = shot.start + index / fps
        shot.aim(stage, t)  # first: rain follows the camera
        stage.move_to(t)
        scene.cycles.seed = index
        partial = folder / "partial.png"
        scene.render.filepath = str(partial)
        bpy.ops.render.render(write_still=True)
        partial.rename(target)
        print(f"frame {folder.name} {index} {time.perf_counter() - begun:.2f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scene")
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--width", type=int, default=480)
    parser.add_argument("--fps", type=int, default=FPS)
    parser.add_argument("--samples", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--step", type=int, default=1, help="render only every n-th frame")
    parser.add_argument("--only", help="comma-separated names of shots")
    args = parser.parse_args()
    bpy.ops.preferences.addon_enable(module="cycles")
    scene = importlib.import_module(f"scenes.{args.scene}")
    shots = [*scene.ANCHOR, *scene.EXTRA, *scene.COMPLEMENT, *scene.INCIDENT]
    if args.only:
        shots = [shot for shot in shots if shot.name in args.only.split(",")]
    for take in scene.TAKES:
        wanted = [shot for shot in shots if shot.take == take]
        if not wanted:
            continue
        stage = scene.build(take)
        configure(stage, width=args.width, samples=args.samples, threads=args.threads)
        for shot in wanted:
            folder = args.frames / args.scene / shot.name.replace(" ", "_")
            render_shot(stage, shot, folder, fps=args.fps, step=args.step)


if __name__ == "__main__":
    main()
