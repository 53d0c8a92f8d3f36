"""Claims about training: clips with known truth, edits, losses, and a run small enough for CI."""

import json

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import fake_regions
from tests.support.training_fakes import Teacher, photos
from visil_dash.errors import InputError
from visil_dash.matching.similarity import frame_to_frame
from visil_dash.models.comparator import VideoComparator
from visil_dash.models.whitening import fit_whitening
from visil_dash.training.attention import fit_context
from visil_dash.training.augment import STRONG, compress, degrade, inset, letterbox, pair_of_views
from visil_dash.training.batches import nearest_others
from visil_dash.training.calibration import match_point
from visil_dash.training.clips import act, copy_in_time, make_clip, other_take, render
from visil_dash.training.comparator import (
    ComparatorOptions,
    make_set,
    train_comparator,
    with_direct_input,
)
from visil_dash.training.distill import DistillOptions, distill
from visil_dash.training.losses import chamfer_matrix, contrastive_loss
from visil_dash.training.photos import held_back, load_photos


@pytest.mark.parametrize("seed", range(20))
def test_every_edit_gives_a_picture_of_the_same_size(seed):
    image, other = photos(2, seed, (48, 48))
    rng = np.random.default_rng(seed)
    for made in (
        letterbox(image, rng),
        inset(image, other, rng),
        compress(image, rng),
        degrade(image, rng, STRONG),
        *pair_of_views(image, other, rng, size=48),
    ):
        assert made.shape == (48, 48, 3)
        assert made.dtype == np.uint8


def test_the_same_seed_makes_the_same_views():
    image, other = photos(2)
    one, two = (pair_of_views(image, other, np.random.default_rng(5), size=32) for _ in "ab")
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_copy_in_time_keeps_four_frames_of_its_source():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        clip = make_clip([0, 1], 12, rng)
        foreign = make_clip([2, 3], 9, rng)
        copy = copy_in_time(clip, foreign, rng)
        assert sum(f in clip for f in copy) >= 4
        assert all(f in clip or f in foreign for f in copy)


def test_another_take_never_shows_what_the_clip_shows():
    alike = np.array([[4, 5], [4, 5], [4, 5], [4, 5], [0, 1], [0, 1]])
    for seed in range(50):
        rng = np.random.default_rng(seed)
        plain = make_clip([0, 1, 2], 14, rng)
        played = act(plain, [3], rng)
        assert [(f.photo, f.box) for f in played] == [(f.photo, f.box) for f in plain]
        assert all(1 <= len(f.actors) <= 3 for f in played)

        again = other_take(played, alike, [4], rng)
        assert [f.photo for f in again] == [f.photo for f in played]  # the same places
        assert all(actor.photo == 4 for f in again for actor in f.actors)
        assert all(f.actors for f in again)

        elsewhere = other_take(plain, alike, [4], rng)
        assert len(elsewhere) == len(plain)
        assert {f.photo for f in elsewhere} <= {4, 5}


@pytest.mark.parametrize("seed", range(8))
def test_an_actor_hides_the_picture_inside_its_box_alone(seed):
    pictures = photos(2, seed, (48, 48))
    rng = np.random.default_rng(seed)
    empty = make_clip([0], 6, rng)
    played = act(empty, [1], rng)
    before, behind = (render(c, pictures, rng, size=48, edited=False) for c in (played, empty))
    changed = (before != behind).any(-1)
    assert changed.any()
    for frame, where in zip(played, changed, strict=True):
        allowed = np.zeros((48, 48), bool)
        for x, y, w, h in ((round(48 * v) for v in actor.at) for actor in frame.actors):
            allowed[max(0, y) : max(0, y + h), max(0, x) : max(0, x + w)] = True
        assert not (where & ~allowed).any()


def test_the_nearest_others_are_those_of_a_plain_loop():
    vectors = torch.from_numpy(np.random.default_rng(0).standard_normal((600, 5)))
    found = nearest_others(vectors, count=3)
    centred = (vectors - vectors.mean(0)).numpy()
    for i in (0, 1, 511, 512, 599):
        cosine = [
            -np.inf if j == i else a @ centred[i] / np.linalg.norm(a) / np.linalg.norm(centred[i])
            for j, a in enumerate(centred)
        ]
        assert found[i].tolist() == np.argsort(cosine)[::-1][:3].tolist()


def test_the_contrastive_loss_is_least_for_matching_views():
    torch.manual_seed(0)
    a = torch.nn.functional.normalize(torch.randn(8, 9, 16), dim=-1)
    right = contrastive_loss(a, a, 0.1)
    wrong = contrastive_loss(a, a.roll(1, 0), 0.1)
    assert right < 0.5 < wrong


def test_the_chamfer_matrix_equals_the_similarity_of_single_frames():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 4, 9, 8), dtype=np.float32)
    ours = chamfer_matrix(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    np.testing.assert_allclose(ours, frame_to_frame(a, b), atol=1e-5)


def test_whitened_vectors_are_uncorrelated_and_of_unit_norm():
    torch.manual_seed(0)
    x = torch.randn(4000, 12) @ torch.randn(12, 12) + 3
    whitening = fit_whitening(x, 6)
    raw = (x - whitening.mean) @ (whitening.basis * torch.rsqrt(whitening.variance))
    covariance = raw.T @ raw / len(raw)
    torch.testing.assert_close(covariance, torch.eye(6), atol=0.01, rtol=0)
    torch.testing.assert_close(whitening(x).norm(dim=-1), torch.ones(4000))
    with pytest.raises(ValueError, match="N > 12"):
        fit_whitening(x[:5], 12)


def test_attention_turns_away_from_regions_that_show_nothing():
    torch.manual_seed(0)
    flat_direction = torch.nn.functional.normalize(torch.randn(16), dim=0)
    content = torch.nn.functional.normalize(torch.randn(64, 9, 16), dim=-1)
    first = content.clone()
    first[:, :3] = flat_direction  # a third of every picture is blank
    flat = flat_direction.repeat(20, 1)
    context = fit_context(first, first, flat, steps=60, batch=32)
    weight = (first @ context) / 2 + 0.5
    assert weight[:, :3].mean() < 0.5 * weight[:, 3:].mean()


@pytest.mark.slow
def test_the_comparator_learns_to_part_copies_from_strangers():
    options = ComparatorOptions(
        clips=12, copies=2, frames=(8, 14), steps=240, batch=6, size=48, hard=6, excess=0.1
    )
    data = make_set(photos(30), fake_regions, options)
    assert len(data.clips) == 24  # each with another take
    losses = []
    train_comparator(data, options, on_step=lambda _step, loss: losses.append(loss))
    assert len(losses) == 240
    assert np.mean(losses[-20:]) < 0.7 * np.mean(losses[:10])


def test_a_mixed_comparator_gives_the_mean_of_its_output_and_its_input():
    torch.manual_seed(0)
    net = VideoComparator(direct=True).eval()
    silent = VideoComparator(direct=True).eval()
    for parameter in (silent.fconv.weight, silent.fconv.bias):
        torch.nn.init.zeros_(parameter)
    matrix = torch.rand(1, 1, 9, 14)
    with torch.inference_mode():
        found = with_direct_input(net, 0.25)(matrix)
        torch.testing.assert_close(found, 0.75 * net(matrix) + 0.25 * silent(matrix))
        assert not torch.allclose(net(matrix), silent(matrix))
    with pytest.raises(ValueError, match="direct connection"):
        with_direct_input(VideoComparator(), 0.5)


@given(
    st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40).filter(
        lambda pairs: any(copy for _, copy in pairs)
    )
)
def test_nine_of_ten_matches_are_right_wherever_a_score_can_promise_that(pairs):
    scores = np.array([score / 12 for score, _ in pairs])
    copies = np.array([copy for _, copy in pairs])
    points = []  # threshold, precision, recall, F1 at every score, by a plain loop
    for threshold in sorted(set(scores)):
        called = [copy for score, copy in zip(scores, copies, strict=True) if score >= threshold]
        precision, recall = sum(called) / len(called), sum(called) / sum(copies)
        both = precision + recall
        points.append((threshold, precision, recall, 2 * precision * recall / both if both else 0))
    found = match_point(scores, copies)
    assert (found.precision, found.recall) == pytest.approx(
        next(p[1:3] for p in points if p[0] == found.threshold)
    )
    if precise := [p for p in points if p[1] >= 0.9 and p[2] > 0]:
        assert found.precision >= 0.9
        assert found.recall == pytest.approx(max(p[2] for p in precise))
    else:
        best = next(p[3] for p in points if p[0] == found.threshold)
        assert best == pytest.approx(max(p[3] for p in points))


@pytest.mark.slow
def test_training_resumes_from_its_checkpoint(tmp_path, monkeypatch):
    made = {f"p{i}.png": p for i, p in enumerate(photos(90, shape=(40, 40)))}
    assert any(held_back(n) for n in made)
    monkeypatch.setattr("visil_dash.training.distill.TEACHER_DIM", 16)
    monkeypatch.setattr("visil_dash.training.distill.COMPACT_DIM", 16)
    options = DistillOptions(minutes=0.02, batch=8, size=32, early_size=32)
    distill(made, Teacher(), tmp_path, options)
    first = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    longer = DistillOptions(minutes=0.05, batch=8, size=32, early_size=32)
    distill(made, Teacher(), tmp_path, longer)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert log[-1]["step"] > first[-1]["step"]
    assert log[-1]["minutes"] > first[-1]["minutes"]
    for record in (first[-1], log[-1]):
        assert np.isfinite(record["imitation"])
        assert 0 <= record["student_top1"] <= 1


def test_photos_come_from_folders_and_archives_and_a_missing_source_is_named(tmp_path):
    for i, p in enumerate(photos(3)):
        cv2.imwrite(str(tmp_path / f"{i}.png"), p)
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    found = load_photos(tmp_path, short_side=40)
    assert sorted(found) == ["0.png", "1.png", "2.png"]
    assert all(min(p.shape[:2]) == 40 for p in found.values())
    with pytest.raises(InputError, match="nowhere: it does not exist"):
        load_photos(tmp_path / "nowhere")
