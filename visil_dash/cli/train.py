"""`train backbone|comparator`: models of one's own, as folders that `models import` takes."""

import argparse
import os
import sys
from pathlib import Path

from visil_dash.settings import Settings

DONE = 0


def train(given: argparse.Namespace, settings: Settings) -> int:
    import torch

    torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
    return int(given.action(given, settings))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _steps(given: argparse.Namespace, usual: int) -> int:
    """`--steps` where it was given: a fit and a fine-tuning are usually of different lengths."""
    return usual if given.steps is None else int(given.steps)


def _backbone(given: argparse.Namespace, settings: Settings) -> int:
    import cv2

    from visil_dash.models.bundle import read_bundle
    from visil_dash.training.bundle import FitOptions, fit_model
    from visil_dash.training.distill import DistillOptions, distill
    from visil_dash.training.photos import load_photos
    from visil_dash.training.teachers import MobileNetV2Teacher

    cv2.setNumThreads(1)  # the network's threads want the cores
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
    checkpoint = distill(photos, teacher, run, options, start=start, say=_say)
    fit_model(
        checkpoint,
        photos,
        given.out,
        FitOptions(steps=_steps(given, FitOptions.steps), seed=given.seed),
        name=given.name,
        title=given.title or given.name,
        say=_say,
    )
    print(f"{given.out}: take it in with: python -m visil_dash models import {given.out}")
    return DONE


def _comparator(given: argparse.Namespace, settings: Settings) -> int:
    from visil_dash.training.finetune import FinetuneOptions, finetune_comparator

    result = finetune_comparator(
        given.data,
        given.labels,
        model=given.model or settings.model,
        out=given.out,
        settings=settings,
        options=FinetuneOptions(steps=_steps(given, FinetuneOptions.steps), seed=given.seed),
        name=given.name,
        title=given.title or given.name,
        say=_say,
    )
    print(
        f"uAP on held-back labelled pairs: {result.uap:.3f} with the new comparator,"
        f" {result.former_uap:.3f} with the former one, {result.chamfer_uap:.3f} by Chamfer alone"
    )
    print(f"{given.out}: take it in with: python -m visil_dash models import {given.out}")
    return DONE


def add_actions(command: argparse.ArgumentParser, common: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(required=True, metavar="WHAT")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--out", type=Path, required=True, help="folder of the new model")
    shared.add_argument("--name", default="own", help="small letters, digits, hyphens")
    shared.add_argument("--title", help="how the dashboard calls it")
    shared.add_argument("--steps", type=int, help="of the comparator, instead of the usual number")
    shared.add_argument("--seed", type=int, default=0)
    backbone = actions.add_parser(
        "backbone", parents=[common, shared], help="distil a teacher on photos, then fit the rest"
    )
    backbone.set_defaults(action=_backbone)
    backbone.add_argument("--data", type=Path, required=True, help="folder or .tar of photos")
    backbone.add_argument("--teacher", type=Path, required=True, help="MobileNetV2 weights, .npz")
    backbone.add_argument("--minutes", type=float, default=100, help="of training in all")
    backbone.add_argument("--batch", type=int, default=96)
    backbone.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    backbone.add_argument("--start", type=Path, help="model folder to go on from")
    backbone.add_argument("--limit", type=int, help="use only so many photos")
    backbone.add_argument("--compile", action="store_true", help="needs a C++ compiler")
    comparator = actions.add_parser(
        "comparator", parents=[common, shared], help="fine-tune on labelled pairs of a library"
    )
    comparator.set_defaults(action=_comparator)
    comparator.add_argument("--data", type=Path, required=True, help="folder of a library")
    comparator.add_argument(
        "--labels", type=Path, help="CSV of labelled pairs; without it the library's own labels"
    )
