"""Spaces that a library's index searched before frame vectors had unit length.

Nothing is searched there any more: what the index held is made anew from the features. A distance
threshold that was saved there is carried over first; then the space and its files go.
"""

from collections.abc import Callable

import sqlalchemy as sa

from visil_dash.index.build import forget_old
from visil_dash.index.fitted import forget_reductions, reductions_of_any_length
from visil_dash.library import tables
from visil_dash.library.store import Library
from visil_dash.reduction.pca import Reduction, identity

_NOTICE = (
    "This library was made before frame vectors were scaled to unit length: its index is built"
    " anew, and distances lie between 0 and 4 now."
)
_WAIT = (
    "This library was made before frame vectors were scaled to unit length. Searches are exact, and"
    " slower, until somebody opens it for writing; a distance threshold saved in it does not apply"
    " until then."
)


def leave_former_spaces(
    library: Library, *, extractor: str, method: str, carry: Callable[[Reduction], None]
) -> None:
    """Calls `carry` with each former space, that of `method` and the newest first, and deletes it.

    For a viewer there is only a notice. Nothing happens in a library that has none.
    """
    rows = library.feature_rows(extractor)
    if not rows:
        return
    input_dim = rows[0].regions * rows[0].dim
    fitted = reductions_of_any_length(library, extractor=extractor, input_dim=input_dim)
    full = identity(input_dim, unit=False)
    built = {reduction.reduction_id for reduction in fitted}
    published = _published(library, extractor)
    if library.read_only:
        if published & {*built, full.reduction_id}:
            library.add_notice(_WAIT)
        return
    for former in sorted((*fitted, full), key=lambda reduction: reduction.method != method):
        carry(former)
        if former.reduction_id in published:
            forget_old(library, extractor, former, keep=0)
    if published & {*built, full.reduction_id}:
        library.add_notice(_NOTICE)
    if built:
        forget_reductions(library, extractor, keep=_fitted(library, extractor) - built)


def _published(library: Library, extractor: str) -> set[str]:
    return _ids(library, tables.generations, extractor)


def _fitted(library: Library, extractor: str) -> set[str]:
    return _ids(library, tables.reductions, extractor)


def _ids(library: Library, table: sa.Table, extractor: str) -> set[str]:
    with library.catalogue.read() as connection:
        rows = connection.execute(
            sa.select(table.c.reduction_id).where(table.c.extractor == extractor).distinct()
        )
        return {str(reduction_id) for (reduction_id,) in rows}
