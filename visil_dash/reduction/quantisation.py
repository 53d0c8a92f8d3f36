"""Frame vectors in fewer bits: half precision, 8 bits a component, and signs only.

Queries stay as they are (asymmetric distance, Jégou, Douze, Schmid, TPAMI 2011) but for signs,
which are compared by Hamming distance. The index itself keeps float32: these are measured, to
report what they would save and cost.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from visil_dash.records import Array
from visil_dash.reduction.distances import squared_distances

_LEVELS = 255  # steps of an 8-bit component
_DECODED_FLOATS = 4 * 1024**2  # codes turned back into float32 at a time: 16 MB


class Precision(StrEnum):
    """How a component of a stored vector is kept."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"
    BINARY = "binary"


def bytes_per_frame(precision: Precision, dim: int) -> int:
    """Bytes of one stored vector; scale and offset of int8 are kept once for all."""
    bits = {Precision.FP32: 32, Precision.FP16: 16, Precision.INT8: 8, Precision.BINARY: 1}
    return -(-bits[precision] * dim // 8)


@dataclass(frozen=True, eq=False)
class Codes:
    """`data` `[N, d]` (binary: `[N, ⌈d/8⌉]` uint8, packed bits); a component is
    `low + step · code` for int8, and its bit tells whether it is above `low` for binary."""

    precision: Precision
    data: Array
    low: Array
    step: Array

    def __len__(self) -> int:
        return len(self.data)


def encode(vectors: Array, precision: Precision) -> Codes:
    """Codes of `vectors` `[N, d]`.

    int8: each component between its own least and largest value in 255 equal steps. binary: the
    side of the component's mean that it lies on.
    """
    vectors = np.asarray(vectors, np.float32)
    none = np.zeros(0, np.float32)
    if precision is Precision.INT8:
        low = vectors.min(0)
        step = (vectors.max(0) - low) / _LEVELS
        step = np.where(step > 0, step, 1).astype(np.float32)
        return Codes(precision, np.rint((vectors - low) / step).astype(np.uint8), low, step)
    if precision is Precision.BINARY:
        middle = vectors.mean(0)
        return Codes(precision, np.packbits(vectors > middle, axis=1), middle, none)
    kind = np.float16 if precision is Precision.FP16 else np.float32
    return Codes(precision, vectors.astype(kind), none, none)


def decode(codes: Codes) -> Array:
    """Vectors `[N, d]` float32 that fp32, fp16 and int8 codes stand for.

    Raises ValueError for binary codes, which stand for no vector.
    """
    if codes.precision is Precision.BINARY:
        raise ValueError("binary codes cannot be turned back into vectors")
    if codes.precision is Precision.INT8:
        return codes.data.astype(np.float32) * codes.step + codes.low
    return codes.data.astype(np.float32)


def code_distances(queries: Array, codes: Codes) -> Array:
    """Distances `[Q, N]` of vectors `[Q, d]` to codes: squared L2, binary: differing bits."""
    queries = np.asarray(queries, np.float32)
    if codes.precision is Precision.BINARY:
        bits = np.packbits(queries > codes.low, axis=1)
        out = np.zeros((len(queries), len(codes)), np.float32)
        for byte in range(bits.shape[1]):
            out += np.bitwise_count(bits[:, byte, None] ^ codes.data[None, :, byte])
        return out
    out = np.empty((len(queries), len(codes)), np.float32)
    block = max(1, _DECODED_FLOATS // max(1, queries.shape[1]))
    for start in range(0, len(codes), block):
        part = slice(start, start + block)
        vectors = decode(Codes(codes.precision, codes.data[part], codes.low, codes.step))
        out[:, part] = squared_distances(queries, vectors)
    return out
