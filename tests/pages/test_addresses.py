"""The state of a page is its address: settings come from a link, and go back into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.support.benches import copy_library
from tests.support.labelled_pairs import RELATIONS
from tests.support.page_world import Open, pages, run_until
from tests.support.pair_world import copy_world, ids
from visil_dash.labels.label import Label
from visil_dash.library.store import open_library
from visil_dash.settings import Settings
from visil_dash.ui.shell import state


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    folder = copy_library(copy_world(), tmp_path_factory.mktemp("addresses") / "library")
    with open_library(folder, settings=Settings(min_free_bytes=0)) as library:
        for (query, reference), kind in RELATIONS.items():
            verdict = "match" if kind in ("ND", "DS") else "not_match"
            library.set_label(Label(ids()[query], ids()[reference], verdict, kind, "review"))
        library.set_tags(ids()["market.mp4"], ("outside, sunny", "day"))
    with pages(folder) as open_page:
        yield open_page


@dataclass(frozen=True)
class Linked:
    """A setting of a page: its parameter and text in the address, its key and value on the page."""

    param: str
    text: str
    key: str
    value: Any


def station(name: str) -> str:
    return f"robustness_{name}-{ids()['station.mp4'][:16]}"


def settings() -> dict[str, list[Linked]]:
    pair = ids()["excerpt.mp4"], ids()["market.mp4"]
    return {
        "dimensions": [
            Linked("view", "curse", "dimensions_section", "Curse of dimensionality"),
            Linked("frames", "1000", "dimensions_frames", 1000),
            Linked("k", "7", "dimensions_k", 7),
        ],
        "dimensions index": [
            Linked("view", "index", "dimensions_section", "Index"),
            Linked("method", "lpp", "dimensions_method", "lpp"),
            Linked("dims", "64", "dimensions_dims", 64),
            Linked("links", "8", "dimensions_m", 8),
            Linked("construction", "64", "dimensions_ef_construction", 64),
            Linked("ef", "32", "dimensions_ef", 32),
        ],
        "evaluate": [
            Linked("unlabelled", "ignored", "labels_strangers", False),
            Linked("labels", "file", "labels_source", "A file"),
        ],
        "evaluate settings": [
            Linked("a", "hierarchical", "evaluate_generation_A", "hierarchical"),
            Linked("a-t", "3.5", "evaluate_threshold_A", 3.5),
            Linked("b", "none", "evaluate_generation_B", ""),
            Linked("seed", "12345678", "evaluate_seed", 12_345_678),
        ],
        "hubs": [Linked("least", "2", "hubs_least", 2), Linked("hub", "3", "hubs_chosen", 3)],
        "robustness": [
            Linked("q", ids()["station.mp4"][:16], "robustness_query", ids()["station.mp4"]),
            Linked("kinds", "grey~blur", "robustness_kinds", ["grey", "blur"]),
            Linked("from", "1.5", station("start"), 1.5),
            Linked("seconds", "4", station("seconds"), 4.0),
            Linked("steps", "3", "robustness_steps", 3),
            Linked("seed", "5", "robustness_seed", 5),
            Linked("edit", "blur", "robustness_shown", "blur"),
        ],
        "planner": [
            Linked("hours", "1234567", "planner_hours", 1_234_567.0),
            Linked("clip", "2.5", "planner_clip", 2.5),
            Linked("dims", "256", "planner_dims", 256),
            Linked("precision", "int8", "planner_precision", "int8"),
        ],
        "fivr": [
            Linked("of", "annotations", "fivr_choice", "From the annotations"),
            Linked("events", "9", "fivr_events", 9),
        ],
        "library": [Linked("tags", "outside, sunny", "library_tags", ["outside, sunny"])],
        "search": [
            Linked("q", ids()["excerpt.mp4"][:16], "search_query", ids()["excerpt.mp4"]),
            Linked("relation", "partial~contains", "search_relations", ["partial", "contains"]),
            Linked("least", "0.35", "search_least_score", 0.35),
            Linked("covered", "20", "search_least_covered", 20),
            Linked("name", "mark", "search_name", "mark"),
        ],
        "collection": [
            Linked("view", "matrix", "collection_view", "Matrix"),
            Linked("pair", "~".join(map(state.short, pair)), "collection_pair", pair),
        ],
    }


USUAL = {("fivr", "of")}  # the default, which is left out of the address


def shown(page: AppTest, linked: list[Linked]) -> bool:
    return all(setting.key in page.session_state for setting in linked)


def in_address(page: AppTest, param: str) -> str:
    value = page.query_params[param]
    return value if isinstance(value, str) else value[0]


@pytest.mark.parametrize("name", settings())
def test_a_link_brings_its_settings(opened: Open, name: str) -> None:
    page, linked = opened(name.split()[0]), settings()[name]
    for setting in linked:
        page.query_params[setting.param] = setting.text
    page = run_until(page, lambda p: shown(p, linked))
    assert not page.exception
    for setting in linked:
        assert page.session_state[setting.key] == setting.value, setting
        if (name, setting.param) not in USUAL:
            assert in_address(page, setting.param) == setting.text


@pytest.mark.parametrize("name", settings())
def test_settings_go_into_the_address(opened: Open, name: str) -> None:
    page, linked = opened(name.split()[0]), settings()[name]
    for setting in linked:
        page.session_state[setting.key] = setting.value
    wanted = {s.param: s.text for s in linked if (name, s.param) not in USUAL}
    page = run_until(page, lambda p: all(param in p.query_params for param in wanted))
    assert not page.exception
    assert {param: in_address(page, param) for param in wanted} == wanted


@pytest.mark.parametrize("name", settings())
def test_nonsense_in_a_link_is_passed_over(opened: Open, name: str) -> None:
    page, linked = opened(name.split()[0]), settings()[name]
    for setting in linked:
        if setting.param != "q":
            page.query_params[setting.param] = "\u202e-1e999~"
    page.run()
    assert not page.exception
