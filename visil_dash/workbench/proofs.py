"""The proofs that were made, so that a pair is verified once."""

from threading import Lock

from cachetools import LRUCache

from visil_dash.records import Proof

_KEPT = 4096

_Key = tuple[str, str, str]


class ProofStore:
    """The proofs made last, by the content hashes of query and reference and the extractor whose
    segments they began with. Safe to share between threads."""

    def __init__(self) -> None:
        self._proofs: LRUCache[_Key, Proof] = LRUCache(_KEPT)
        self._lock = Lock()

    def get(self, key: _Key) -> Proof | None:
        with self._lock:
            return self._proofs.get(key)

    def put(self, key: _Key, proof: Proof) -> None:
        with self._lock:
            self._proofs[key] = proof
