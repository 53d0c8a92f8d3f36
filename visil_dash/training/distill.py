"""Train the compact backbone from random initialisation against a frozen teacher.

Each photo gives two views of the same content. On each the student imitates the teacher's
whitened region vectors of the undegraded view; between the two, a contrastive loss on Chamfer
similarity makes edited copies agree and other photos differ. Interrupt it at will: the same
command resumes from the last checkpoint.
"""

import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from visil_dash.models.compact import COMPACT_DIM, CompactBackbone
from visil_dash.models.whitening import Whitening
from visil_dash.records import Array
from visil_dash.training.augment import pair_of_views
from visil_dash.training.batches import batches, look_alikes
from visil_dash.training.losses import chamfer_matrix, contrastive_loss
from visil_dash.training.photos import held_back
from visil_dash.training.targets import (
    fit_teacher_whitening,
    square,
    teacher_targets,
    to_frames,
)
from visil_dash.training.teachers import MobileNetV2Teacher, Teacher

CHECKPOINT = "checkpoint.pt"
TEACHER_DIM = COMPACT_DIM  # the student's vectors live in the teacher's whitened space
LOG = "log.jsonl"


@dataclass(frozen=True)
class DistillOptions:
    """`minutes` is training time summed over resumes; the learning rate follows it."""

    minutes: float
    batch: int = 96
    size: int = 160  # side of the model's input, px
    early_size: int = 128  # while progress is below `early_share`: more pictures a second
    early_share: float = 0.5
    compiled: bool = False  # torch.compile: a third faster here, needs a C++ compiler
    rate: float = 2e-3
    weight_decay: float = 0.05
    power: float = 0.6  # to which the target's variances are evened out: 1 is full whitening,
    # whose weak dims a short training cannot follow
    contrast: float = 0.02  # at first: the temperature makes its gradient 27 times imitation's
    late_contrast: float = 0.15  # at the end; it rises over the last third
    temperature: float = 0.06
    variants: int = 3  # fixed pairs of views a photo, whose targets are computed once
    alike: int = 8  # photos of a batch that look alike: hard negatives for each other
    alike_share: float = 0.5  # of the batch that is drawn in such groups
    same: float = 0.7  # teacher's Chamfer from which two photos may show the same: no negatives
    average: float = 0.998
    checkpoint_minutes: float = 5.0
    seed: int = 0


@torch.inference_mode()
def agreement(
    student: nn.Module, target: Teacher, whitening: Whitening, photos: list[Array], size: int
) -> dict[str, float]:
    """On photos that training never saw: cosine to the teacher, and how often an edited view
    finds its own picture first among all of them (teacher and student)."""
    rng = np.random.default_rng(1)
    views = [pair_of_views(p, photos[i - 1], rng, size=size) for i, p in enumerate(photos)]
    clean = to_frames([square(p, size) for p in photos])
    edited = to_frames([v[3] for v in views])
    own = torch.arange(len(photos))
    result = {}
    student.eval()
    with torch.autocast("cpu", torch.bfloat16):
        s_clean = torch.cat([student(c) for c in clean.split(64)])
        s_edited = torch.cat([student(c) for c in edited.split(64)])
    student.train()
    t_clean = torch.cat([whitening(target(c)) for c in clean.split(64)])
    t_edited = torch.cat([whitening(target(c)) for c in edited.split(64)])
    result["cosine"] = float((s_clean * t_clean).sum(-1).mean())
    for name, a, b in (("student", s_edited, s_clean), ("teacher", t_edited, t_clean)):
        scores = chamfer_matrix(a.float(), b.float())
        result[f"{name}_top1"] = float((scores.argmax(1) == own).float().mean())
    return result


def _save(path: Path, state: dict[str, object]) -> None:
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, path)


def _log(out: Path, record: Mapping[str, object]) -> None:
    with (out / LOG).open("a") as log:
        log.write(json.dumps(record) + "\n")


def distill(
    photos: dict[str, Array],
    teacher: MobileNetV2Teacher,
    out: Path,
    options: DistillOptions,
    *,
    start: CompactBackbone | None = None,
    say: Callable[[str], None] | None = None,
) -> Path:
    """Train until `options.minutes` are used up; returns the last checkpoint's path.

    `start`: a backbone to go on from, instead of random initialisation.

    The checkpoint holds `model` (raw), `average` (exponential moving average, the one to ship),
    optimiser, step and seconds; `log.jsonl` beside it has loss and held-back agreement.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    train = [p for n, p in photos.items() if not held_back(n)]
    kept = [p for n, p in photos.items() if held_back(n)]
    student = CompactBackbone(COMPACT_DIM)
    if start is not None:
        student.load_state_dict(start.state_dict())
    student = student.to(memory_format=torch.channels_last)
    average = CompactBackbone(COMPACT_DIM)
    average.load_state_dict(student.state_dict())
    decayed = [p for p in student.parameters() if p.ndim > 1]
    plain = [p for p in student.parameters() if p.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": options.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=options.rate,
    )
    whitening_file = out / "teacher_whitening.pt"
    if whitening_file.exists():
        saved = torch.load(whitening_file, weights_only=True)
        whitening = Whitening(saved["mean"], saved["variance"], saved["basis"])
    else:
        sample = [train[i] for i in np.random.default_rng(0).permutation(len(train))[:2500]]
        whitening = fit_teacher_whitening(teacher, sample, options.size, TEACHER_DIM)
        torch.save(vars(whitening), whitening_file)
    whitening = replace(whitening, variance=whitening.variance**options.power)
    teacher.to_bfloat16()

    step, seconds = 0, 0.0
    checkpoint = out / CHECKPOINT
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        step, seconds = state["step"], state["seconds"]
    total = options.minutes * 60
    _log(out, {"options": asdict(options), "train": len(train), "held_back": len(kept)})
    alike = look_alikes(average, train)
    _log(out, {"step": step, **agreement(average, teacher, whitening, kept, options.size)})
    last_save = last = time.monotonic()
    running: list[float] = []
    targets = teacher_targets(
        train,
        lambda frames: whitening(teacher(frames)),
        out / "targets.npy",
        dim=TEACHER_DIM,
        variants=options.variants,
        size=options.size,
        made_with=f"power {options.power}",
    )
    last_save = last = time.monotonic()
    forward = torch.compile(student) if options.compiled else student

    def view_pairs() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for early in (True, False):
            stop = threading.Event()
            for views in batches(
                train,
                targets,
                alike,
                batch=options.batch,
                group=options.alike,
                grouped=options.alike_share,
                size=options.early_size if early else options.size,
                seed=options.seed + step,
                stop=stop,
            ):
                if early and seconds >= options.early_share * total:
                    stop.set()
                    break
                yield views

    for views in view_pairs():
        progress = min(1.0, seconds / total)
        warm = min(1.0, (step + 1) / 100)
        for group in optimiser.param_groups:
            group["lr"] = options.rate * warm * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        gentle, strong, wanted = views
        degraded = torch.cat([gentle, strong]).permute(0, 3, 1, 2).float().div_(255)
        # Halves go through one after the other: maps of a whole batch would leave the cache.
        with torch.autocast("cpu", torch.bfloat16):
            regions = torch.cat([forward(d) for d in degraded.chunk(2)])
        imitation = 1 - (regions * wanted.flatten(0, 1)).sum(-1).mean()
        first, second = regions.chunk(2)
        unsure = chamfer_matrix(wanted[0], wanted[0]) > options.same
        contrast = contrastive_loss(first, second, options.temperature, unsure=unsure)
        rise = max(0.0, 3 * progress - 2)
        weight = options.contrast + rise * (options.late_contrast - options.contrast)
        loss = imitation + weight * contrast
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        keep = min(options.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for mine, theirs in zip(
                average.state_dict().values(), student.state_dict().values(), strict=True
            ):
                if mine.dtype.is_floating_point:
                    mine.lerp_(theirs, 1 - keep)
                else:
                    mine.copy_(theirs)
        step += 1
        running.append(float(imitation.detach()))
        now = time.monotonic()
        seconds, last = seconds + now - last, now
        done = seconds >= total
        if done or now - last_save > options.checkpoint_minutes * 60:
            _save(
                checkpoint,
                {
                    "model": student.state_dict(),
                    "average": average.state_dict(),
                    "optimiser": optimiser.state_dict(),
                    "step": step,
                    "seconds": seconds,
                },
            )
            record = {
                "step": step,
                "minutes": round(seconds / 60, 2),
                "imitation": float(np.mean(running)),
                "contrast": float(contrast.detach()),
                "views": step * options.batch * 2,
                **agreement(average, teacher, whitening, kept, options.size),
            }
            _log(out, record)
            if say is not None:
                say(json.dumps(record))
            running.clear()
            # Time spent on looking is not training time.
            last_save = last = time.monotonic()
        if done:
            return checkpoint
    raise AssertionError("batches() never ends")
