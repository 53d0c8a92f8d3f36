"""Labelled pairs at a threshold as rows: which copies pass, which are kept out, which do harm."""

from collections.abc import Mapping
from typing import TypedDict

import numpy as np

from visil_dash.labels.label import Upto
from visil_dash.labels.truth import KINDS
from visil_dash.metrics.operating import JudgedPairs, KindCount
from visil_dash.records import Array

KEPT_OUT, LET_THROUGH, FOUND = "Copies kept out", "Others let through", "Copies let through"
GROUPS = (KEPT_OUT, LET_THROUGH, FOUND)
SAID = {
    "ND": "near-duplicate (ND)",
    "DS": "duplicate scene (DS)",
    "CS": "complementary scene (CS)",
    "IS": "incident scene (IS)",
    "match": "match",
    "not match": "not a match",
    "stranger": "stranger",
}


class PairRow(TypedDict):
    """One labelled pair; `closeness` None: a video without frames or score."""

    query: str
    query_name: str
    reference: str
    reference_name: str
    kind: str
    closeness: float | None


def groups(pairs: JudgedPairs, least: float, *, upto: Upto) -> dict[str, Array]:
    """Rows of `pairs` by GROUPS, those nearest to the threshold first."""
    relevant, called = pairs.relevant(upto), pairs.closeness >= least
    masks = {
        KEPT_OUT: relevant & ~called,
        LET_THROUGH: ~relevant & called,
        FOUND: relevant & called,
    }
    out = {}
    for name, mask in masks.items():
        rows = np.flatnonzero(mask)
        out[name] = rows[np.argsort(np.abs(pairs.closeness[rows] - least), kind="stable")]
    return out


def pair_rows(pairs: JudgedPairs, rows: Array, names: Mapping[str, str]) -> list[PairRow]:
    out = []
    for i in rows.tolist():
        query = pairs.queries[int(pairs.query[i])]
        reference = pairs.references[int(pairs.reference[i])]
        closeness = float(pairs.closeness[i])
        out.append(
            PairRow(
                query=query,
                query_name=names.get(query, query),
                reference=reference,
                reference_name=names.get(reference, reference),
                kind=KINDS[int(pairs.kind[i])],
                closeness=closeness if np.isfinite(closeness) else None,
            )
        )
    return out


def share(count: KindCount) -> float:
    return count.admitted / count.total
