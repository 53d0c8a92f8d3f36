"""What a process may do beside the one that writes a library: rows that stand for themselves.

Files and index have one writer. A job or a label is one row, and a catalogue lets any process
write rows, so a shell need not wait until the dashboard is closed: the writer takes up the jobs.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from visil_dash.labels.label import Label, PairKey
from visil_dash.library.catalogue import Catalogue, next_count
from visil_dash.library.jobtable import JobTable
from visil_dash.library.labels import COUNTER, delete_label, put_label
from visil_dash.library.paths import stored_path
from visil_dash.library.rows import clean_name
from visil_dash.library.sharing.lock import WriterLock
from visil_dash.library.store import Library


def hand_over(library: Library, paths: Iterable[Path], *, in_place: bool = False) -> list[str]:
    """Puts files into the queue of the process that writes the library; the ids of their jobs.

    As Worker.enqueue_paths: all or none, one job per path. Raises StoreReadOnly where the folder
    cannot be written, and StoreError.
    """
    if in_place:
        paths = library.in_place.changed_among(paths)
    sources = [(clean_name(path.name), stored_path(path.absolute())) for path in paths]
    if not sources:
        return []
    library.check_disk(sources[0][0])
    with _catalogue(library) as catalogue:
        return [
            row["job_id"] for row in JobTable(catalogue).add_sources(sources, in_place=in_place)
        ]


def writer_is_gone(library: Library) -> bool:
    """Whether the library could be opened for writing now."""
    lock = WriterLock(library.folder / "writer.lock")
    if not lock.acquire():
        return False
    try:
        return library.catalogue.has_no_writer()
    finally:
        lock.release()


def may_become_writer(library: Library) -> bool:
    """Whether a library that is only read here could be opened for writing now."""
    return (
        library.read_only
        and os.access(library.folder / "writer.lock", os.W_OK)
        and writer_is_gone(library)
    )


def put_labels(library: Library, labels: Iterable[Label]) -> None:
    """As Library.set_label, whoever writes the library."""
    with _catalogue(library) as catalogue, catalogue.write() as connection:
        for label in labels:
            put_label(connection, label)
        next_count(connection, COUNTER)


def take_label_back(library: Library, pair: PairKey) -> None:
    """As Library.remove_label, whoever writes the library."""
    with _catalogue(library) as catalogue, catalogue.write() as connection:
        delete_label(connection, *pair)
        next_count(connection, COUNTER)


@contextmanager
def _catalogue(library: Library) -> Iterator[Catalogue]:
    """The library's own where it is the writer; else one that lasts for this change."""
    if not library.read_only:
        yield library.catalogue
        return
    if not os.access(library.folder, os.W_OK):
        library.require_writer()
    with library.catalogue.beside(library.folder) as own:
        yield own
