"""What is known about the clips of a folder: copies of each other, look-alikes, unfit ones."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from visil_dash.errors import InputError

COLUMNS = ("file", "group", "role")


@dataclass(frozen=True)
class Relations:
    """Files by their path inside the folder.

    `copies`: files that show the same footage, each as right an answer as the other.
    `look_alikes`: same place or object, other footage: wrong answers, and the hardest ones.
    `unclear`: related in ways that make neither answer fair (a part, a plane, another cut); left
    out of the other's rankings. `excluded`: why a file is no source of queries.
    """

    copies: dict[str, frozenset[str]]
    look_alikes: dict[str, frozenset[str]]
    unclear: dict[str, frozenset[str]]
    excluded: dict[str, str]

    def has_relatives(self, file: str) -> bool:
        return any(file in kind for kind in (self.copies, self.look_alikes, self.unclear))


@dataclass(frozen=True)
class GroupRow:
    """One line of a table; `role` in small letters."""

    file: str
    group: str
    role: str
    basis: str


def read_rows(tables: Iterable[Path]) -> list[GroupRow]:
    """The lines of all tables; a role `corrected: ROLE` replaces what earlier ones say of a file.

    Raises InputError on missing columns.
    """
    found: list[GroupRow] = []
    for table in tables:
        with table.open(newline="", encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            if missing := set(COLUMNS) - set(rows.fieldnames or ()):
                raise InputError(table.name, f"it lacks the columns {sorted(missing)}")
            for row in rows:
                file, role = row["file"], row["role"].strip().lower()
                if role.startswith("corrected:"):
                    found = [earlier for earlier in found if earlier.file != file]
                    role = role.removeprefix("corrected:").strip()
                found.append(GroupRow(file, row["group"], role, row.get("basis") or ""))
    return found


def read_relations(tables: Iterable[Path], *, exclude_groups: Sequence[str] = ()) -> Relations:
    """Relations from tables with the columns file, group, role and, if you like, basis.

    Roles are told by how they begin or what they say: `copy…` (of the others of the group),
    `…hard negative…` (of the others of the group; `hard negative of GROUP` also of that group),
    `unclear…` (towards the group's others), `exclude…` (no queries from it; basis says why).
    `corrected: ROLE` replaces what earlier lines say of the file. Files of `exclude_groups` give no
    queries either.

    Raises InputError on missing columns and unknown roles or groups.
    """
    members: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    negatives_of: list[tuple[str, str]] = []
    excluded: dict[str, str] = {}
    groups: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(tables):
        groups[row.group].append(row.file)
        if "hard negative" in row.role:
            members["look_alikes"][row.group].append(row.file)
            if named := re.search(r"hard negative of (\w+)", row.role):
                negatives_of.append((row.file, named[1]))
        elif row.role.startswith("copy"):
            members["copies"][row.group].append(row.file)
        elif row.role.startswith("unclear"):
            members["unclear"][row.group].append(row.file)
        elif row.role.startswith("exclude"):
            excluded[row.file] = row.basis or row.role
        else:
            raise InputError(row.file, f"it has the role {row.role!r}", "see the module's roles")
    for group in exclude_groups:
        if group not in groups:
            raise InputError(group, "no table names this group", f"known: {sorted(groups)}")
        excluded |= dict.fromkeys(groups[group], f"its group {group} was excluded")
    related: dict[str, dict[str, set[str]]] = {
        kind: defaultdict(set) for kind in ("copies", "look_alikes", "unclear")
    }
    for kind, by_group in members.items():
        for files in by_group.values():
            for file in files:
                related[kind][file] |= set(files) - {file}
    # A file whose relation to a group is unclear is so to the copies of that group as well.
    for group, files in members["unclear"].items():
        for file in files:
            for other in members["copies"].get(group, []):
                related["unclear"][file].add(other)
                related["unclear"][other].add(file)
    for file, group in negatives_of:
        if group not in groups:
            raise InputError(file, f"hard negative of {group!r}, which no table names")
        for other in groups[group]:
            related["look_alikes"][file].add(other)
            related["look_alikes"][other].add(file)
    return Relations(
        copies=_frozen(related["copies"]),
        look_alikes=_frozen(related["look_alikes"]),
        unclear=_frozen(related["unclear"]),
        excluded=excluded,
    )


def _frozen(related: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    return {file: frozenset(others) for file, others in related.items() if others}
