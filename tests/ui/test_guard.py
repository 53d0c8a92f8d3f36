"""The dashboard shows nothing on a public address or on unsafe dependencies."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from visil_dash.installed import login_providers
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


ANN = {"is_logged_in": True, "email": "Ann@example.org", "email_verified": True}


@pytest.fixture
def login(option: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """The page where a login is set up, for a browser of which the provider knows `user`."""

    def opened(
        user: dict[str, Any],
        users: str = "",
        providers: tuple[str, ...] = ("",),
        package: bool = True,
    ) -> AppTest:
        monkeypatch.setattr(guard, "login_providers", lambda: providers)
        monkeypatch.setattr(guard, "login_package", lambda: package)
        monkeypatch.setattr(guard, "get_settings", lambda: Settings(users=users))
        monkeypatch.setattr(guard.st, "user", user)
        option["server.address"] = "0.0.0.0"  # with a login it may be public
        return run()

    return opened


def test_without_a_login_only_the_way_to_it_is_shown(login: Callable[..., AppTest]) -> None:
    page = login({})
    assert [title.value for title in page.title] == ["visil_dash"]
    assert [button.label for button in page.button] == ["Log in"]
    page = login({}, providers=("google", "work"))
    assert [b.label for b in page.button] == ["Log in with google", "Log in with work"]


def test_who_logged_in_sees_the_library_and_is_named(login: Callable[..., AppTest]) -> None:
    assert [title.value for title in login(ANN).title] == ["the library"]
    assert guard.person() == "Ann@example.org"
    assert guard.login_providers() == ("",)


@pytest.mark.parametrize(
    ("users", "user", "shown"),
    [
        ("ann@example.org", ANN, True),
        ("bob@x.org, @EXAMPLE.org", ANN, True),
        ("bob@example.org", ANN, False),
        ("@ample.org", ANN, False),
        ("@example.org", ANN | {"email_verified": False}, False),
        ("@example.org", {"is_logged_in": True, "name": "ann"}, False),
    ],
)
def test_only_those_whom_the_settings_name_enter(
    login: Callable[..., AppTest], users: str, user: dict[str, Any], shown: bool
) -> None:
    page = login(user, users)
    assert bool(page.title) is shown
    assert shown or "VISIL_DASH_USERS" in page.error[0].value


def test_a_login_without_its_package_is_refused_with_the_remedy(
    login: Callable[..., AppTest],
) -> None:
    page = login(ANN, package=False)
    assert not page.title
    assert "pip install" in page.error[0].value


def test_a_login_is_read_from_streamlits_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert login_providers() is None
    (tmp_path / ".streamlit").mkdir()
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.write_text("[other]\nkey = 1\n")
    assert login_providers() is None
    secrets.write_text('[auth]\nredirect_uri = "x"\nclient_id = "y"\n')
    assert login_providers() == ("",)
    secrets.write_text('[auth]\nredirect_uri = "x"\n[auth.google]\nclient_id = "y"\n')
    assert login_providers() == ("google",)
    secrets.write_text("[auth")
    assert login_providers() is None


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
