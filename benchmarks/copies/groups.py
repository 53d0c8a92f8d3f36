"""Known relations of the clips of a folder: copies of each other, look-alikes, unsuitable ones."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from visil_dash.errors import InputError

COLUMNS = ("file", "group", "role")
COPIES, LOOK_ALIKES, UNCLEAR, EXCLUDED = "copies", "look-alikes", "unclear", "excluded"


@dataclass(frozen=True)
class Relations:
    """Files by their path inside the folder.

    `copies`: files that show the same footage, equally right as answers. `look_alikes`: same place
    or object in other footage: wrong answers, and the hardest ones. `unclear`: related in ways that
    make them neither right nor wrong (a part, a plane, another cut); left out of each other's
    rankings. `excluded`: files that are no source of queries, with the reason.
    """

    copies: dict[str, frozenset[str]]
    look_alikes: dict[str, frozenset[str]]
    unclear: dict[str, frozenset[str]]
    excluded: dict[str, str]

    def has_relatives(self, file: str) -> bool:
        return any(file in kind for kind in (self.copies, self.look_alikes, self.unclear))


@dataclass(frozen=True)
class GroupRow:
    """One row of a table; `role` in lower case."""

    file: str
    group: str
    role: str
    basis: str


def read_rows(tables: Iterable[Path]) -> list[GroupRow]:
    """The rows of all tables; a role `corrected: ROLE` replaces the earlier rows of a file.

    Raises InputError on missing columns.
    """
    rows: list[GroupRow] = []
    for table in tables:
        with table.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            if missing := set(COLUMNS) - set(reader.fieldnames or ()):
                raise InputError(table.name, f"it lacks the columns {sorted(missing)}")
            for line in reader:
                file, role = line["file"], line["role"].strip().lower()
                if role.startswith("corrected:"):
                    rows = [earlier for earlier in rows if earlier.file != file]
                    role = role.removeprefix("corrected:").strip()
                rows.append(GroupRow(file, line["group"], role, line.get("basis") or ""))
    return rows


def read_relations(tables: Iterable[Path], *, exclude_groups: Sequence[str] = ()) -> Relations:
    """Relations from tables with the columns file, group, role and, optionally, basis.

    Roles: `copy…` (of the other files of the group), `…hard negative…` (of the other files of the
    group; `hard negative of GROUP` also of that group), `unclear…` (towards the other files of the
    group), `exclude…` (no queries from this file; basis gives the reason). `corrected: ROLE`
    replaces the earlier rows of the file. Files of `exclude_groups` give no queries either.

    Raises InputError on missing columns and unknown roles or groups.
    """
    rows = read_rows(tables)
    groups: dict[str, list[str]] = defaultdict(list)
    members: dict[str, dict[str, list[str]]] = {
        kind: defaultdict(list) for kind in (COPIES, LOOK_ALIKES, UNCLEAR, EXCLUDED)
    }
    for row in rows:
        groups[row.group].append(row.file)
        members[_kind(row)][row.group].append(row.file)
    related = {kind: _each_other(members[kind].values()) for kind in (COPIES, LOOK_ALIKES, UNCLEAR)}
    # A file with an unclear relation to a group has it to the copies of that group as well.
    for group, files in members[UNCLEAR].items():
        for file in files:
            _relate(related[UNCLEAR], file, members[COPIES].get(group, []))
    for row in rows:
        if named := re.search(r"hard negative of (\w+)", row.role):
            if named[1] not in groups:
                raise InputError(row.file, f"hard negative of {named[1]!r}, which no table names")
            _relate(related[LOOK_ALIKES], row.file, groups[named[1]])
    return Relations(
        copies=_frozen(related[COPIES]),
        look_alikes=_frozen(related[LOOK_ALIKES]),
        unclear=_frozen(related[UNCLEAR]),
        excluded=_excluded(rows, groups, exclude_groups),
    )


def _kind(row: GroupRow) -> str:
    """The kind of relation that a role means. Raises InputError."""
    if "hard negative" in row.role:
        return LOOK_ALIKES
    for beginning, kind in (("copy", COPIES), ("unclear", UNCLEAR), ("exclude", EXCLUDED)):
        if row.role.startswith(beginning):
            return kind
    raise InputError(row.file, f"it has the role {row.role!r}", "see the module's roles")


def _excluded(
    rows: Iterable[GroupRow], groups: dict[str, list[str]], exclude_groups: Sequence[str]
) -> dict[str, str]:
    """Files that give no queries, with the reason. Raises InputError on an unknown group."""
    excluded = {row.file: row.basis or row.role for row in rows if _kind(row) == EXCLUDED}
    for group in exclude_groups:
        if group not in groups:
            raise InputError(group, "no table names this group", f"known: {sorted(groups)}")
        excluded |= dict.fromkeys(groups[group], f"its group {group} was excluded")
    return excluded


def _each_other(groups: Iterable[list[str]]) -> dict[str, set[str]]:
    """Each file with the other files of its groups."""
    related: dict[str, set[str]] = defaultdict(set)
    for files in groups:
        for file in files:
            related[file] |= set(files) - {file}
    return related


def _relate(related: dict[str, set[str]], file: str, others: Iterable[str]) -> None:
    """Enter `file` and each of `others` as related, in both directions."""
    for other in others:
        related[file].add(other)
        related[other].add(file)


def _frozen(related: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    return {file: frozenset(others) for file, others in related.items() if others}
