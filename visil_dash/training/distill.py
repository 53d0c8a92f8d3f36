"""Distillation: trains the compact backbone against a frozen teacher.

Each photo gives two views of the same content. On both, the student imitates the teacher's
whitened region vectors of the undegraded view; between the two, a contrastive loss on Chamfer
similarity makes edited copies agree and different photos differ. A stopped run resumes from its
last checkpoint.
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
from visil_dash.training.batches import batches, similar_photos
from visil_dash.training.losses import chamfer_matrix, contrastive_loss
from visil_dash.training.photos import held_back
from visil_dash.training.targets import fit_teacher_whitening, square, teacher_targets, to_frames
from visil_dash.training.teachers import MobileNetV2Teacher, Teacher

_CHECKPOINT = "checkpoint.pt"
TEACHER_DIM = COMPACT_DIM  # the student's vectors are in the teacher's whitened space
_LOG = "log.jsonl"


@dataclass(frozen=True)
class DistillOptions:
    """`minutes`: training time over all runs, which the learning rate follows."""

    minutes: float
    batch: int = 96
    size: int = 160  # side of the model's input, px
    early_size: int = 128  # before `early_share` of the time: more pictures per second
    early_share: float = 0.5
    compiled: bool = False  # torch.compile: a third faster here, needs a C++ compiler
    rate: float = 2e-3
    weight_decay: float = 0.05
    power: float = 0.6  # of the variances in whitening; 1 is full whitening, whose weak
    # dimensions a short training cannot learn
    contrast: float = 0.02  # initially: the temperature makes its gradient 27 times imitation's
    late_contrast: float = 0.15  # finally; it rises over the last third
    temperature: float = 0.06
    variants: int = 3  # fixed pairs of views per photo, whose targets are computed once
    alike: int = 8  # similar photos per group of a batch: hard negatives for each other
    alike_share: float = 0.5  # of the batch drawn in such groups
    same: float = 0.7  # teacher's Chamfer similarity above which two photos are no negatives
    average: float = 0.998
    checkpoint_minutes: float = 5.0
    seed: int = 0


@torch.inference_mode()
def _teacher_agreement(
    student: nn.Module, target: Teacher, whitening: Whitening, photos: list[Array], size: int
) -> dict[str, float]:
    """Student against teacher on held-out photos: mean cosine, and the share of edited views whose
    nearest photo is their own (student and teacher)."""
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


def _log(out: Path, record: Mapping[str, object]) -> None:
    with (out / _LOG).open("a") as log:
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
    """Trains until `options.minutes` are used up; returns the path of the last checkpoint.

    `start`: a backbone to continue from, instead of random initialisation.

    The checkpoint holds `model` (raw), `average` (exponential moving average, the one to use),
    optimiser, step and seconds; `log.jsonl` beside it has loss and held-out agreement.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    train = [p for n, p in photos.items() if not held_back(n)]
    held_out = [p for n, p in photos.items() if held_back(n)]
    state = _TrainingState.new(start, options)
    whitening = _teacher_whitening(teacher, train, out, options)
    teacher.to_bfloat16()
    checkpoint = out / _CHECKPOINT
    if checkpoint.exists():
        state.load(checkpoint)

    def measure() -> dict[str, float]:
        return _teacher_agreement(state.average, teacher, whitening, held_out, options.size)

    _log(out, {"options": asdict(options), "train": len(train), "held_back": len(held_out)})
    alike = similar_photos(state.average, train)
    _log(out, {"step": state.step, **measure()})
    targets = _targets(train, teacher, whitening, out, options)
    forward = torch.compile(state.student) if options.compiled else state.student
    last_save = last = time.monotonic()
    imitations: list[float] = []
    for views in _view_pairs(train, targets, alike, state, options):
        imitation, contrast = _train_step(state, forward, views, options)
        imitations.append(imitation)
        now = time.monotonic()
        state.seconds, last = state.seconds + now - last, now
        done = state.seconds >= options.minutes * 60
        if done or now - last_save > options.checkpoint_minutes * 60:
            state.save(checkpoint)
            record = _record(state, imitations, contrast, options) | measure()
            _log(out, record)
            if say is not None:
                say(json.dumps(record))
            imitations.clear()
            last_save = last = time.monotonic()  # measuring is not training time
        if done:
            return checkpoint
    raise AssertionError("batches() never ends")


@dataclass
class _TrainingState:
    """What a checkpoint holds. `seconds`: training time over all runs."""

    student: CompactBackbone
    average: CompactBackbone
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0

    @classmethod
    def new(cls, start: CompactBackbone | None, options: DistillOptions) -> "_TrainingState":
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
        return cls(student, average, optimiser)

    def load(self, path: Path) -> None:
        saved = torch.load(path, weights_only=True)
        self.student.load_state_dict(saved["model"])
        self.average.load_state_dict(saved["average"])
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.seconds = saved["step"], saved["seconds"]

    def save(self, path: Path) -> None:
        content = {
            "model": self.student.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
        }
        temporary = path.with_suffix(".tmp")
        torch.save(content, temporary)
        os.replace(temporary, path)


def _teacher_whitening(
    teacher: MobileNetV2Teacher, train: list[Array], out: Path, options: DistillOptions
) -> Whitening:
    """Whitening of the teacher's vectors, fitted once per run folder."""
    file = out / "teacher_whitening.pt"
    if file.exists():
        saved = torch.load(file, weights_only=True)
        whitening = Whitening(saved["mean"], saved["variance"], saved["basis"])
    else:
        sample = [train[i] for i in np.random.default_rng(0).permutation(len(train))[:2500]]
        whitening = fit_teacher_whitening(teacher, sample, options.size, TEACHER_DIM)
        torch.save(vars(whitening), file)
    return replace(whitening, variance=whitening.variance**options.power)


def _targets(
    train: list[Array],
    teacher: MobileNetV2Teacher,
    whitening: Whitening,
    out: Path,
    options: DistillOptions,
) -> Array:
    return teacher_targets(
        train,
        lambda frames: whitening(teacher(frames)),
        out / "targets.npy",
        dim=TEACHER_DIM,
        variants=options.variants,
        size=options.size,
        made_with=f"power {options.power}",
    )


def _record(
    state: _TrainingState, imitations: list[float], contrast: float, options: DistillOptions
) -> dict[str, float]:
    return {
        "step": state.step,
        "minutes": round(state.seconds / 60, 2),
        "imitation": float(np.mean(imitations)),
        "contrast": contrast,
        "views": state.step * options.batch * 2,
    }


def _view_pairs(
    train: list[Array],
    targets: Array,
    alike: Array,
    state: _TrainingState,
    options: DistillOptions,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Batches without end, smaller pictures first. Reads the progress from `state`."""
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
            seed=options.seed + state.step,
            stop=stop,
        ):
            if early and state.seconds >= options.early_share * options.minutes * 60:
                stop.set()
                break
            yield views


def _train_step(
    state: _TrainingState,
    forward: Callable[[Tensor], Tensor],
    views: tuple[Tensor, Tensor, Tensor],
    options: DistillOptions,
) -> tuple[float, float]:
    """One step of the student and its average; returns the imitation and the contrastive loss."""
    progress = min(1.0, state.seconds / (options.minutes * 60))
    for group in state.optimiser.param_groups:
        group["lr"] = _learning_rate(options, state.step, progress)
    imitation, contrast = _losses(forward, views, options)
    loss = imitation + _contrast_weight(options, progress) * contrast
    state.optimiser.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(state.student.parameters(), 1.0)
    state.optimiser.step()
    keep = min(options.average, (state.step + 1) / (state.step + 10))
    _update_average(state.average, state.student, keep)
    state.step += 1
    return float(imitation.detach()), float(contrast.detach())


def _learning_rate(options: DistillOptions, step: int, progress: float) -> float:
    """Linear warm-up over 100 steps, cosine decay over the training time."""
    warm_up = min(1.0, (step + 1) / 100)
    return options.rate * warm_up * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6


def _contrast_weight(options: DistillOptions, progress: float) -> float:
    rise = max(0.0, 3 * progress - 2)
    return options.contrast + rise * (options.late_contrast - options.contrast)


def _losses(
    forward: Callable[[Tensor], Tensor],
    views: tuple[Tensor, Tensor, Tensor],
    options: DistillOptions,
) -> tuple[Tensor, Tensor]:
    gentle, strong, wanted = views
    degraded = torch.cat([gentle, strong]).permute(0, 3, 1, 2).float().div_(255)
    # In two halves: the feature maps of a whole batch would not fit the processor's cache.
    with torch.autocast("cpu", torch.bfloat16):
        regions = torch.cat([forward(half) for half in degraded.chunk(2)])
    imitation = 1 - (regions * wanted.flatten(0, 1)).sum(-1).mean()
    first, second = regions.chunk(2)
    unsure = chamfer_matrix(wanted[0], wanted[0]) > options.same
    return imitation, contrastive_loss(first, second, options.temperature, unsure=unsure)


@torch.no_grad()
def _update_average(average: nn.Module, student: nn.Module, keep: float) -> None:
    """Exponential moving average of the weights; other values are copied."""
    for mine, theirs in zip(
        average.state_dict().values(), student.state_dict().values(), strict=True
    ):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - keep)
        else:
            mine.copy_(theirs)
