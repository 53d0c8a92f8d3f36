"""Labelled pairs at a threshold, as rows of a table: matches, misses and false matches."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from visil_dash.labels.label import Upto
from visil_dash.labels.truth import PAIR_KINDS
from visil_dash.metrics.operating import JudgedPairs
from visil_dash.records import Array

MISSED, FALSE_MATCHES, MATCHED = "Copies missed", "False matches", "Copies matched"
OUTCOMES = (MISSED, FALSE_MATCHES, MATCHED)
KIND_NAMES = {
    "ND": "near duplicate (ND)",
    "DS": "duplicate scene (DS)",
    "CS": "complementary scene (CS)",
    "IS": "incident scene (IS)",
    "match": "match",
    "not match": "not a match",
    "unlabelled": "unlabelled",
}


class JudgedPairRow(TypedDict):
    """One pair; `closeness` None: a video has no frames, or the pair no score."""

    query: str
    query_name: str
    reference: str
    reference_name: str
    kind: str
    closeness: float | None


def by_outcome(pairs: JudgedPairs, least: float, *, upto: Upto) -> dict[str, Array]:
    """Positions in `pairs` by OUTCOMES, those closest to the threshold first."""
    relevant, called = pairs.relevant(upto), pairs.closeness >= least
    masks = {
        MISSED: relevant & ~called,
        FALSE_MATCHES: ~relevant & called,
        MATCHED: relevant & called,
    }
    out = {}
    for name, mask in masks.items():
        rows = np.flatnonzero(mask)
        out[name] = rows[np.argsort(np.abs(pairs.closeness[rows] - least), kind="stable")]
    return out


def judged_pair_rows(
    pairs: JudgedPairs, rows: Array, names: Mapping[str, str]
) -> list[JudgedPairRow]:
    out = []
    for i in rows.tolist():
        query = pairs.queries[int(pairs.query[i])]
        reference = pairs.references[int(pairs.reference[i])]
        closeness = float(pairs.closeness[i])
        out.append(
            JudgedPairRow(
                query=query,
                query_name=names.get(query, query),
                reference=reference,
                reference_name=names.get(reference, reference),
                kind=PAIR_KINDS[int(pairs.kind[i])],
                closeness=closeness if np.isfinite(closeness) else None,
            )
        )
    return out
