"""A library's catalogue on its way to PostgreSQL, into a backup, and back; the next schema."""

from pathlib import Path

import pytest

from tests.support.benches import fake_bench, filled_library
from tests.support.library_fakes import (
    FakePipeline,
    by_hand,
    content_id,
    found_videos,
    open_space,
    put,
    small_settings,
)
from tests.support.postgres import PASSWORD, SCHEMAS, PostgresServer
from tests.support.scenes import make_scene
from visil_dash.cli.main import main
from visil_dash.errors import InputError, StoreError, StoreMismatch, StoreReadOnly
from visil_dash.labels.label import Label
from visil_dash.library import tables
from visil_dash.library.catalogue import CATALOGUE_NAME, schema_version
from visil_dash.library.jobs import Worker
from visil_dash.library.migrations import run_scripts
from visil_dash.library.postgres.marker import MARKER_NAME
from visil_dash.library.postgres.moving import move_to_database, move_to_file
from visil_dash.library.sharing.beside_writer import put_labels
from visil_dash.library.store import Library, open_library
from visil_dash.safekeeping.backup import build_indexes, make_backup, restore_backup, verify_backup
from visil_dash.settings import get_settings

A, B = content_id(b"one"), content_id(b"two")


@pytest.fixture
def url(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> str:
    made = postgres.new_database()
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", made)
    get_settings.cache_clear()
    return made


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A closed library whose catalogue is a file, with a row in every table but one of removals."""
    monkeypatch.delenv("VISIL_DASH_CATALOGUE", raising=False)
    with opened(tmp_path / "library") as library:
        put(library, b"one", "a.mp4")
        put(library, b"two", "b ü 😀.mp4")
        put(library, b"two", "c.mp4")
        library.set_tags(B, ("harbour",))
        library.set_setting("threshold", {"value": 0.1, "text": "\u0000 ü"})
        library.set_label(Label(A, B, "match", note="why?"))
        open_space(library).rebuild(background=False)
        file = tmp_path / "later.mp4"
        file.write_bytes(b"three")
        worker = Worker(
            library, FakePipeline(library, open_space(library)), settings=library.settings
        )
        worker.enqueue_paths([file])
    return tmp_path / "library"


def opened(folder: Path) -> Library:
    return open_library(folder, settings=small_settings())


def rows(library: Library) -> dict[str, list[tuple[object, ...]]]:
    with library.catalogue.read() as connection:
        return {
            table.name: sorted(tuple(row) for row in connection.execute(table.select()))
            for table in tables.metadata.sorted_tables
        }


def of_file(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with opened(folder) as library:
        return rows(library)


def test_every_row_moves_to_the_database_and_back(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of_file(folder)
    assert {name for name, some in before.items() if not some} <= {"removals", "places", "in_place"}
    with opened(folder) as library:
        assert "still the file catalogue.db" in library.notice
        assert library.catalogue.kind == "SQLite, catalogue.db"
    kind = move_to_database(folder, settings=small_settings())
    assert kind.startswith("PostgreSQL at visil@127.0.0.1:")
    assert PASSWORD not in kind
    assert not (folder / CATALOGUE_NAME).exists()
    assert (folder / f"{CATALOGUE_NAME}.moved").is_file()
    with opened(folder) as library:
        assert library.notice == ""
        assert rows(library) == before
        assert set(found_videos(open_space(library), B)) == {2}
        assert open_space(library).verify() == ()
        library.rename(A, "moved.mp4")
        moved = rows(library)
        worker = Worker(
            library, FakePipeline(library, open_space(library)), settings=library.settings
        )
        assert [job.name for job in worker.jobs()] == ["later.mp4"]
    with pytest.raises(InputError, match="nothing to move"):
        move_to_database(folder, settings=small_settings())
    move_to_file(folder, settings=small_settings())
    monkeypatch.delenv("VISIL_DASH_CATALOGUE")
    assert not (folder / MARKER_NAME).exists()
    with opened(folder) as library:
        assert library.notice == ""
        assert rows(library) == moved


def test_a_library_that_is_written_is_not_moved_and_who_looks_on_notices_a_move(
    folder: Path, url: str
) -> None:
    label = [Label(A, B, "not_match")]
    with opened(folder):
        with pytest.raises(StoreReadOnly, match="another visil_dash"):
            move_to_database(folder, settings=small_settings())
        viewer = opened(folder)
    with viewer:
        move_to_database(folder, settings=small_settings())
        with pytest.raises(StoreReadOnly, match="its catalogue was moved"):
            put_labels(viewer, label)
    with open_library(folder, settings=small_settings(), read_only=True) as viewer:
        move_to_file(folder, settings=small_settings())
        with pytest.raises(StoreMismatch, match="not one of this program"):
            put_labels(viewer, label)


def test_a_move_that_fails_leaves_the_file_and_no_schema(
    folder: Path, url: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of_file(folder)
    user = url.split("/")[-1] + "_user"
    postgres.run(f"CREATE USER {user} PASSWORD '{PASSWORD}'")
    database = url.rsplit("/", 1)[1]
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", postgres.url(database, user=user))
    with pytest.raises(StoreError, match="GRANT CREATE ON DATABASE"):
        move_to_database(folder, settings=small_settings())
    assert postgres.run(SCHEMAS, url=url) == []
    assert of_file(folder) == before


def test_a_backup_of_a_database_is_whole_and_restores_to_a_file(
    folder: Path, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move_to_database(folder, settings=small_settings())
    with opened(folder) as library:
        before = rows(library)
        made = make_backup(folder, tmp_path / "backup", settings=small_settings())
    assert (made.videos, made.left_out) == (2, ())
    assert verify_backup(tmp_path / "backup", made) == ()
    assert make_backup(folder, tmp_path / "backup", settings=small_settings()).copied == 0
    monkeypatch.delenv("VISIL_DASH_CATALOGUE")
    restore_backup(tmp_path / "backup", tmp_path / "again")
    with opened(tmp_path / "again") as library:
        assert rows(library) | {"generations": []} == before | {"generations": []}
        assert library.verify() == ()
    build_indexes(tmp_path / "again", settings=small_settings())
    with opened(tmp_path / "again") as library:
        assert set(found_videos(open_space(library), A)) == {1}


def test_the_command_line_moves_and_shows_the_kind_without_the_password(
    folder: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> str:
        assert main([*words, "--library", str(folder)]) == 0
        shown = capsys.readouterr()
        assert PASSWORD not in shown.out + shown.err
        return shown.out

    assert run("catalogue", "show") == "SQLite, catalogue.db\n"
    assert "PostgreSQL at visil@127.0.0.1" in run("catalogue", "move")
    assert "PostgreSQL at visil@127.0.0.1" in run("catalogue", "show")
    assert "b ü 😀.mp4" in run("list")
    assert PASSWORD not in run("limits")
    assert "_moved after its name" in run("catalogue", "move-back")


def test_a_search_gives_the_same_videos_and_scores_after_the_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    folder = tmp_path / "library"
    monkeypatch.delenv("VISIL_DASH_CATALOGUE")
    scenes = {"whole": (0, 12), "part": (4, 6), "other": (30, 8)}
    clips = [
        make_scene(tmp_path / f"{name}.mp4", 1, start=start, seconds=seconds)
        for name, (start, seconds) in scenes.items()
    ]
    filled_library(folder, clips)

    def answer() -> list[tuple[object, ...]]:
        with fake_bench(folder) as bench:
            query = bench.library.video("part.mp4").video_id
            matches = bench.search(query, threshold=bench.threshold(), exhaustive=False).matches
            return [(m.video_id, m.score, m.min_distance, m.candidate_frames) for m in matches]

    before = answer()
    assert before
    monkeypatch.setenv("VISIL_DASH_CATALOGUE", url)
    move_to_database(folder, settings=small_settings())
    assert answer() == before


def test_the_doctor_and_the_library_page_name_the_catalogue(tmp_path: Path, url: str) -> None:
    from visil_dash.safekeeping.doctor import check_library
    from visil_dash.workbench.overview import overview

    with fake_bench(tmp_path / "library") as bench:
        [text] = [check.text for check in check_library(bench) if check.subject == "catalogue"]
        assert text.startswith("PostgreSQL at visil@127.0.0.1:")
        assert text == overview(bench).catalogue
        assert PASSWORD not in text


# -- the next schema ---------------------------------------------------------------------------

SCRIPT = """
from alembic import op
import sqlalchemy as sa

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("labels", sa.Column("weight", sa.Float(), nullable=False, server_default="1"))
"""


@pytest.mark.parametrize("where", ["file", "postgresql"])
def test_a_further_script_brings_either_catalogue_on_and_this_program_then_refuses_it(
    folder: Path, url: str, tmp_path: Path, where: str
) -> None:
    if where == "postgresql":
        move_to_database(folder, settings=small_settings())
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "schema_0008.py").write_text(SCRIPT)
    with opened(folder) as library:
        before = rows(library)
        for _ in range(2):  # a second time does nothing
            with library.catalogue.write() as connection:
                run_scripts(connection, further=[tmp_path / "scripts"])
        with library.catalogue.read() as connection:
            assert schema_version(connection) == 8
    assert by_hand(folder, "SELECT weight FROM labels") == [(1.0,)]
    assert by_hand(folder, "SELECT version_num FROM alembic_version") == [("0008",)]
    assert len(by_hand(folder, "SELECT * FROM videos")) == len(before["videos"])
    with pytest.raises(StoreMismatch, match="newer visil_dash"):
        opened(folder)


def test_the_newest_script_is_the_schema_that_the_code_declares() -> None:
    versions = Path(tables.__file__).parent / "migrations" / "versions"
    assert max(int(path.stem.removeprefix("schema_")) for path in versions.glob("*.py")) == (
        tables.SCHEMA
    )
