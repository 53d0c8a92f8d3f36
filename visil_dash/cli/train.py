"""`train backbone|comparator|calibration`: models of your own, as folders for `models import`."""

import argparse
import os
import sys
from dataclasses import asdict
from typing import Any

from visil_dash.cli.options import above_zero, existing_path, new_folder, whole_number
from visil_dash.cli.shared import DONE, add_command, print_line
from visil_dash.settings import Settings


def add_train_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    train = add_command(commands, "train", _train, "train a model of your own", common)
    actions = train.add_subparsers(required=True, metavar="WHAT")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--out", type=new_folder, required=True, help="folder of the new model")
    shared.add_argument("--name", default="own", help="lower-case letters, digits and hyphens")
    shared.add_argument("--title", help="name on the screens")
    shared.add_argument(
        "--steps", type=whole_number(1), help="of the comparator, instead of the default"
    )
    shared.add_argument("--seed", type=whole_number(0), default=0)
    backbone = actions.add_parser(
        "backbone",
        parents=[common, shared],
        help="distil a teacher on photos, then fit the other parts",
    )
    backbone.set_defaults(action=_backbone)
    backbone.add_argument(
        "--data", type=existing_path, required=True, help="folder or .tar of photos"
    )
    backbone.add_argument(
        "--teacher", type=existing_path, required=True, help="MobileNetV2 weights, .npz"
    )
    backbone.add_argument("--minutes", type=above_zero, default=100, help="of training in total")
    backbone.add_argument("--batch", type=whole_number(1), default=96)
    backbone.add_argument("--rate", type=above_zero, default=2e-3, help="peak learning rate")
    backbone.add_argument("--start", type=existing_path, help="model folder to continue from")
    backbone.add_argument("--limit", type=whole_number(1), help="use at most N photos", metavar="N")
    backbone.add_argument("--compile", action="store_true", help="needs a C++ compiler")
    comparator = actions.add_parser(
        "comparator", parents=[common, shared], help="fine-tune on labelled pairs of a library"
    )
    comparator.set_defaults(action=_comparator)
    comparator.add_argument("--data", type=existing_path, required=True, help="folder of a library")
    comparator.add_argument(
        "--labels",
        type=existing_path,
        help="CSV of labelled pairs, by default the library's labels",
    )
    calibration = actions.add_parser(
        "calibration",
        parents=[common],
        help="measure a model's levels anew, its frames on one scale",
    )
    calibration.set_defaults(action=_calibration)
    calibration.add_argument("--out", type=new_folder, required=True, help="folder of the model")
    calibration.add_argument(
        "--start", type=existing_path, required=True, help="model folder to measure"
    )
    calibration.add_argument(
        "--data", type=existing_path, required=True, help="photos that it was trained with"
    )
    calibration.add_argument("--seed", type=whole_number(0), default=0)


def _train(given: argparse.Namespace, settings: Settings) -> int:
    import torch

    torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
    return int(given.action(given, settings))


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _steps(given: argparse.Namespace, default: int) -> int:
    """--steps, or the default, which differs between fitting and fine-tuning."""
    return default if given.steps is None else int(given.steps)


def _backbone(given: argparse.Namespace, settings: Settings) -> int:
    import cv2

    from visil_dash.models.bundle import read_bundle
    from visil_dash.training.bundle import FitOptions, fit_model
    from visil_dash.training.distill import DistillOptions, distill
    from visil_dash.training.photos import load_photos
    from visil_dash.training.teachers import MobileNetV2Teacher

    cv2.setNumThreads(1)  # leaves the cores to the network
    photos = load_photos(given.data, limit=given.limit)
    options = DistillOptions(
        minutes=given.minutes,
        batch=given.batch,
        rate=given.rate,
        compiled=given.compile,
        seed=given.seed,
    )
    start = None if given.start is None else read_bundle(given.start).backbone.requires_grad_()
    teacher = MobileNetV2Teacher(given.teacher)
    run = given.out / "run"
    checkpoint = distill(photos, teacher, run, options, start=start, say=_log)
    fit_model(
        checkpoint,
        photos,
        given.out,
        FitOptions(steps=_steps(given, FitOptions.steps), seed=given.seed),
        name=given.name,
        title=given.title or given.name,
        say=_log,
    )
    print_line(given, _next(given), {"folder": str(given.out)})
    return DONE


def _comparator(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.library.sharing.lock import require_library
    from visil_dash.training.finetune import FinetuneOptions, finetune_comparator

    require_library(given.data)
    result = finetune_comparator(
        given.data,
        given.labels,
        model=given.model or settings.model,
        out=given.out,
        settings=settings,
        options=FinetuneOptions(steps=_steps(given, FinetuneOptions.steps), seed=given.seed),
        name=given.name,
        title=given.title or given.name,
        say=_log,
    )
    line = (
        f"uAP on held-out labelled pairs: {result.uap:.3f} with the new comparator,"
        f" {result.former_uap:.3f} with the old one, {result.chamfer_uap:.3f} with Chamfer alone"
    )
    print_line(given, f"{line}\n{_next(given)}", {"folder": str(given.out), **asdict(result)})
    return DONE


def _calibration(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.training.calibration import CalibrationOptions, recalibrate
    from visil_dash.training.photos import load_photos

    levels = recalibrate(
        given.start,
        load_photos(given.data),
        given.out,
        CalibrationOptions(seed=given.seed),
        say=_log,
    )
    line = f"match score {levels.match_score:.3f}, frame level {levels.frame_level:.3f}"
    content = {"match_score": levels.match_score, "frame_level": levels.frame_level}
    print_line(given, f"{line}\n{_next(given)}", {"folder": str(given.out), **content})
    return DONE


def _next(given: argparse.Namespace) -> str:
    return f"Import it with: python -m visil_dash models import {given.out}"
