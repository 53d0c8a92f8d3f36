"""The dashboard shows nothing on a public address or on unsafe dependencies."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from visil_dash.settings import Settings
from visil_dash.ui.shell import guard


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LocalHost"])
def test_a_loopback_address_is_served(address: str) -> None:
    assert guard.address_refusal(address, allow_public=False) == ""


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "0.0.0.0",
        "::",
        "192.168.1.4",
        "10.0.0.1",
        "8.8.8.8",
        "example.org",
        "127.0.0.1.nip",
    ],
)
def test_any_other_address_is_refused_unless_allowed(address: str | None) -> None:
    assert "no login" in guard.address_refusal(address, allow_public=False)
    assert guard.address_refusal(address, allow_public=True) == ""


def guarded_page() -> None:
    import streamlit as st

    from visil_dash.ui.shell.guard import stop_unless_safe

    stop_unless_safe()
    st.title("the library")


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """What Streamlit answers for server.address, and dependencies that are fine."""
    values: dict[str, str | None] = {"server.address": "127.0.0.1"}
    real = st.get_option
    monkeypatch.setattr(guard.st, "get_option", lambda name: values.get(name, real(name)))
    monkeypatch.setattr(guard, "dependency_refusal", lambda: "")
    monkeypatch.delenv("VISIL_DASH_ALLOW_PUBLIC", raising=False)
    return values


def run() -> AppTest:
    return AppTest.from_function(guarded_page, default_timeout=30).run()


def test_on_loopback_the_page_is_shown(option: dict[str, str | None]) -> None:
    assert [title.value for title in run().title] == ["the library"]


def test_on_every_address_only_the_refusal_is_shown(option: dict[str, str | None]) -> None:
    option["server.address"] = "0.0.0.0"
    shown = run()
    assert len(shown.title) == 0
    assert "make run" in shown.error[0].value


def test_a_public_address_can_be_allowed(
    option: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    option["server.address"] = "0.0.0.0"
    monkeypatch.setenv("VISIL_DASH_ALLOW_PUBLIC", "1")
    assert len(run().title) == 1


class Asked:
    """A request with these headers."""

    def __init__(self, **headers: str) -> None:
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("trusted", "headers", "who", "shown"),
    [
        ("", {"X_User": "mallory"}, "", True),  # nobody is trusted to say so
        ("X-User", {"X_User": " ann\n"}, "ann", True),
        ("X-User", {"X_Other": "ann"}, "", False),
        ("X-User", {"X_User": " "}, "", False),
    ],
)
def test_where_a_proxy_names_the_user_nobody_else_sees_the_library(
    option: dict[str, str | None],
    monkeypatch: pytest.MonkeyPatch,
    trusted: str,
    headers: dict[str, str],
    who: str,
    shown: bool,
) -> None:
    monkeypatch.setattr(guard, "get_settings", lambda: Settings(user_header=trusted))
    monkeypatch.setattr(guard.st, "context", Asked(**headers))
    assert guard.person() == who
    page = run()
    assert bool(page.title) is shown
    assert shown or "VISIL_DASH_USER_HEADER" in page.error[0].value


def test_unsafe_dependencies_are_refused(
    option: dict[str, str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "dependency_refusal", lambda: "FFmpeg 8.1.1 is too old")
    shown = run()
    assert len(shown.title) == 0
    assert "8.1.1" in shown.error[0].value


def test_the_packages_of_this_environment_are_safe() -> None:
    guard.dependency_refusal.cache_clear()
    assert guard.dependency_refusal() == ""


def test_the_gate_can_be_left_open_by_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    from visil_dash.media import dependencies

    monkeypatch.setattr(dependencies, "problems", lambda: ["FFmpeg 8.1.1 is too old"])
    guard.dependency_refusal.cache_clear()
    assert "8.1.1" in guard.dependency_refusal()
    guard.dependency_refusal.cache_clear()
    monkeypatch.setenv("VISIL_DASH_SKIP_DEPENDENCY_GATE", "1")
    assert guard.dependency_refusal() == ""
    guard.dependency_refusal.cache_clear()
