"""Immutable generations of a frame index on disk: published whole, opened only when verified.

    index/<extractor>/<reduction_id>/
        CURRENT                     name of the generation in use
        gen-000007/index.bin        HNSW graph
                   ids.npy          frame ids [N] int64, ascending
                   vectors.npy      reduced frame vectors [N, d] float32, the truth for distances
                   manifest.json    what made it, and sha256 and size of each file

The manifest's own sha256 stands in the catalogue. hnswlib never sees a file that was not hashed:
a damaged graph kills the process. The whole folder is derived and may be deleted at any time.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import visil_dash
from visil_dash.errors import StoreDamaged, StoreError, StoreMismatch
from visil_dash.index.hnsw import DEFAULT_GRAPH, GraphOptions, HnswIndex
from visil_dash.library.blobs import (
    StepHook,
    fsync_file,
    fsync_folder,
    no_step,
    sha256_file,
    write_atomic,
)
from visil_dash.library.catalogue import now
from visil_dash.records import Array

_GENERATION_FORMAT = 1
FILES = ("index.bin", "ids.npy", "vectors.npy")
_SPACE = "l2 of unit vectors"
_PROBES = 16  # own vectors searched in a reopened index before it is published


@dataclass(frozen=True)
class Identity:
    """What an index was made from; all of it must agree before one is loaded."""

    extractor: str
    weights_sha256: str
    reduction_id: str
    dim: int


@dataclass(frozen=True)
class Registered:
    """What the catalogue knows of a published generation."""

    manifest_sha256: str
    frames: int
    dim: int


@dataclass(frozen=True, eq=False)
class Generation:
    """An open generation. `index` is None when only its graph was damaged: search exactly.

    `videos`: ordinal → sha256 of the feature blob that its vectors come from.
    """

    number: int
    folder: Path
    ids: Array
    vectors: Array
    videos: dict[int, str]
    index: HnswIndex | None
    bytes: int
    options: GraphOptions = DEFAULT_GRAPH

    def __len__(self) -> int:
        return len(self.ids)


def publish(
    folder: Path,
    *,
    number: int,
    identity: Identity,
    index: HnswIndex,
    ids: Array,
    vectors: Array,
    videos: Mapping[int, str],
    register: Callable[[int, Registered], None],
    step: StepHook = no_step,
) -> Generation:
    """Saves, reopens, compares, hashes, renames into place, registers, then points CURRENT at it.

    `register` commits the row of the catalogue. Raises StoreError when anything on disk differs
    from what was written; CURRENT then still names the previous generation.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temp, final = folder / f".gen-{number:06d}.tmp", folder / f"gen-{number:06d}"
    for left in (temp, final):
        shutil.rmtree(left, ignore_errors=True)
    temp.mkdir()
    try:
        reopened = _saved(temp, index=index, ids=ids, vectors=vectors, step=step)
        manifest = _manifest(
            temp,
            number=number,
            identity=identity,
            count=len(ids),
            options=index.options,
            videos=videos,
        )
        data = json.dumps(manifest, sort_keys=True).encode()
        write_atomic(temp / "manifest.json", data, step=step, kind="manifest")
        os.replace(temp, final)
        step("index:renamed")
        fsync_folder(folder)
        register(
            number, Registered(hashlib.sha256(data).hexdigest(), len(ids), int(vectors.shape[1]))
        )
        step("index:registered")
        write_atomic(folder / "CURRENT", f"{final.name}\n".encode(), step=step, kind="current")
    finally:
        shutil.rmtree(temp, ignore_errors=True)
    size = _bytes(manifest)
    return Generation(number, final, ids, vectors, dict(videos), reopened, size, index.options)


def _saved(
    folder: Path, *, index: HnswIndex, ids: Array, vectors: Array, step: StepHook
) -> HnswIndex:
    """Writes graph, ids and vectors and returns the graph as read back.

    Raises StoreError when its answers to some of its own vectors are no longer the same.
    """
    index.save(folder / "index.bin")
    step("index:saved")
    for name, array in (("ids.npy", ids), ("vectors.npy", vectors)):
        with (folder / name).open("wb") as file:
            np.save(file, array, allow_pickle=False)
        fsync_file(folder / name)
    step("index:arrays")
    reopened = HnswIndex.load(
        folder / "index.bin", dim=index.dim, count=len(ids), options=index.options
    )
    probes = vectors[np.linspace(0, len(ids) - 1, _PROBES).astype(int)]
    for before, after in zip(index.search(probes, 5), reopened.search(probes, 5), strict=True):
        if not np.array_equal(before, after):
            raise StoreError(f"{folder}: the saved index gives other results than the built one.")
    return reopened


def _manifest(
    folder: Path,
    *,
    number: int,
    identity: Identity,
    count: int,
    options: GraphOptions,
    videos: Mapping[int, str],
) -> dict[str, Any]:
    files = {}
    for name in FILES:
        digest, size = sha256_file(folder / name)
        files[name] = {"sha256": digest, "bytes": size}
    return {
        "format": _GENERATION_FORMAT,
        "library_version": visil_dash.__version__,
        "made": now(),
        "number": number,
        **asdict(identity),
        "space": _SPACE,
        "count": count,
        **asdict(options),
        "highest_ordinal": max(videos),
        "files": files,
        "videos": sorted(videos.items()),
    }


def open_best(
    folder: Path, *, identity: Identity, registered: Mapping[int, Registered]
) -> tuple[Generation | None, tuple[str, ...]]:
    """The generation that CURRENT names, else the newest sound one, else None.

    Second: what was wrong, in sentences for the user; empty when CURRENT was sound.
    """
    problems: list[str] = []
    current = _current(folder)
    if current is None and registered:
        problems.append("The pointer to the index was missing or damaged.")
    order = sorted(registered, key=lambda number: (number == current, number), reverse=True)
    if current is not None and current not in registered:
        problems.append(f"Index generation {current} is not of this catalogue.")
    partial: Generation | None = None
    for number in order:
        try:
            generation = _open_generation(
                folder, number=number, identity=identity, registered=registered[number]
            )
        except (StoreDamaged, StoreMismatch) as error:
            problems.append(str(error))
            continue
        if generation.index is not None:
            return generation, tuple(problems)
        problems.append(f"{generation.folder / 'index.bin'}: the index is damaged or missing.")
        partial = partial or generation
    return partial, tuple(problems)


def _open_generation(
    folder: Path, *, number: int, identity: Identity, registered: Registered
) -> Generation:
    """Verifies a generation against its manifest, the catalogue's row and `identity`, then loads.

    Raises StoreDamaged and StoreMismatch.
    """
    place = folder / f"gen-{number:06d}"
    try:
        data = (place / "manifest.json").read_bytes()
    except OSError as error:
        raise StoreDamaged(f"{place}: its manifest cannot be read ({error.strerror}).") from error
    if hashlib.sha256(data).hexdigest() != registered.manifest_sha256:
        raise StoreDamaged(f"{place}: its manifest is not the one of the catalogue.")
    manifest = json.loads(data)
    expected = {
        "format": _GENERATION_FORMAT,
        "number": number,
        "space": _SPACE,
        **asdict(identity),
        "count": registered.frames,
    }
    got = {key: manifest.get(key) for key in expected}
    if got != expected or registered.dim != identity.dim:
        differs = [key for key in expected if got[key] != expected[key]] or ["dim"]
        raise StoreMismatch(f"{place}: made of something else ({', '.join(differs)} differ).")
    for name in ("ids.npy", "vectors.npy"):
        if not _as_recorded(place / name, manifest["files"][name]):
            raise StoreDamaged(f"{place / name}: damaged or missing.")
    ids = np.load(place / "ids.npy", allow_pickle=False)
    vectors = np.load(place / "vectors.npy", allow_pickle=False)
    count, dim = registered.frames, identity.dim
    if ids.shape != (count,) or vectors.shape != (count, dim):
        raise StoreMismatch(
            f"{place}: expected {count} vectors of {dim}, got {ids.shape}, {vectors.shape}."
        )
    options = GraphOptions(manifest["m"], manifest["ef_construction"], manifest["ef"])
    index: HnswIndex | None = None
    if _as_recorded(place / "index.bin", manifest["files"]["index.bin"]):
        index = HnswIndex.load(place / "index.bin", dim=dim, count=count, options=options)
    videos = dict(manifest["videos"])
    return Generation(number, place, ids, vectors, videos, index, _bytes(manifest), options)


def clean_up(folder: Path, *, keep: set[int], step: StepHook = no_step) -> None:
    """Deletes generations other than `keep` and unfinished ones."""
    for place in folder.iterdir() if folder.is_dir() else ():
        found = re.fullmatch(r"gen-(\d+)", place.name)
        if (found and int(found[1]) not in keep) or place.name.startswith("."):
            if place.is_dir():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)
            step("index:cleaned")


def _current(folder: Path) -> int | None:
    try:
        text = (folder / "CURRENT").read_bytes()
    except OSError:
        return None
    found = re.fullmatch(rb"gen-(\d{6,12})\n", text)
    return int(found[1]) if found else None


def _as_recorded(path: Path, record: Mapping[str, Any]) -> bool:
    try:
        if path.stat().st_size != record["bytes"]:
            return False
        return sha256_file(path) == (record["sha256"], record["bytes"])
    except OSError:
        return False


def _bytes(manifest: Mapping[str, Any]) -> int:
    return sum(int(file["bytes"]) for file in manifest["files"].values())
