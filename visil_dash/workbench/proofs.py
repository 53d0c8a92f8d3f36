"""The proofs that were made, so that a pair is verified once.

Proofs of two library videos are kept in the library, beside the query's media, so that they go with
it; those of clips from outside live in memory only, like the clips.
"""

import json
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from cachetools import LRUCache

from visil_dash.framing.views import QueryRef
from visil_dash.library.blobs import write_atomic
from visil_dash.library.paths import media_folder, safe_id
from visil_dash.library.store import Library
from visil_dash.proof.verify import PROOF_VERSION
from visil_dash.records import Proof, ProofState, Registration, Segment

_KEPT = 4096


class ProofStore:
    """The proofs of one library by the ids of query and reference, made from the segments of one
    extractor. The query's id names its view where only that was verified. Safe to share between
    threads."""

    def __init__(self, library: Library, extractor: str) -> None:
        self._library, self._extractor = library, extractor
        self._proofs: LRUCache[tuple[str, str], Proof] = LRUCache(_KEPT)
        self._lock = Lock()

    def get(self, query_id: str, reference_id: str) -> Proof | None:
        """The proof of this pair, None where none was made by this version."""
        key = query_id, reference_id
        with self._lock:
            known = self._proofs.get(key)
        if known is not None:
            return known
        path = self._file(query_id, reference_id)
        found = None if path is None else self._read(path)
        if found is not None:
            with self._lock:
                self._proofs[key] = found
        return found

    def put(self, query_id: str, reference_id: str, proof: Proof) -> None:
        """Keeps a proof. Raises StoreError where the disk is full."""
        with self._lock:
            self._proofs[query_id, reference_id] = proof
        path = self._file(query_id, reference_id)
        if path is None or self._library.read_only:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {**self._made_by(), "proof": asdict(proof)}
        write_atomic(path, json.dumps(content).encode(), kind="proof")

    def _file(self, query_id: str, reference_id: str) -> Path | None:
        """Where the proof of two library videos lies; None for clips from outside."""
        query = QueryRef.parse(query_id)
        if not (self._library.has_video(query.base) and self._library.has_video(reference_id)):
            return None
        folder = media_folder(self._library.folder, query.base) / "proofs"
        folder = folder / safe_id(self._extractor) / query.view
        return folder / f"{safe_id(reference_id)}.json"

    def _made_by(self) -> dict[str, Any]:
        return {"version": PROOF_VERSION, "extractor": self._extractor}

    def _read(self, path: Path) -> Proof | None:
        """None for one that another version made, or that is damaged: it is made again."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if {key: content[key] for key in self._made_by()} != self._made_by():
                return None
            return proof_from(content["proof"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def proof_from(content: dict[str, Any]) -> Proof:
    """A proof from the JSON of its `asdict`. Raises KeyError, TypeError or ValueError."""
    span, registration = content["span"], content["registration"]
    values: dict[str, Any] = _tuples(content) | {
        "state": ProofState(content["state"]),
        "span": None if span is None else Segment(**span),
        "registration": None if registration is None else Registration(**_tuples(registration)),
    }
    return Proof(**values)


def _tuples(content: Any) -> Any:
    """The same with tuples for lists, at any depth."""
    if isinstance(content, dict):
        return {key: _tuples(value) for key, value in content.items()}
    return tuple(map(_tuples, content)) if isinstance(content, list) else content
