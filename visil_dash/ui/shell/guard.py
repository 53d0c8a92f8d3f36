"""Checks before the dashboard shows anything: a local address, safe dependencies, and who asks.

The person is named by the proxy with a login in front of the dashboard, or by Streamlit's own login
where one is set up in its secrets.
"""

import importlib.util
import ipaddress
import os
from functools import cache

import streamlit as st

from visil_dash.installed import login_providers
from visil_dash.settings import get_settings
from visil_dash.ui.shell.text import md

_MOST_CHARACTERS = 80  # of a name


def is_loopback(address: str | None) -> bool:
    """Whether a server on `address` is reached from this machine only; None means every address."""
    if not address:
        return False
    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False  # a host name or a socket: unknown where it leads


def address_refusal(address: str | None, *, allow_public: bool) -> str:
    """Why the dashboard does not serve on `address`; empty when it may."""
    if allow_public or is_loopback(address):
        return ""
    where = f"the address {address}" if address else "every address of this machine"
    return (
        f"The dashboard was started on {where} and has no login, so anybody who reaches it could"
        " see and delete the library. Start it with `make run`, which listens on this machine"
        " only, set up a login, or put a proxy with one in front of it and set"
        " `VISIL_DASH_ALLOW_PUBLIC=1`."
    )


@cache
def dependency_refusal() -> str:
    """Why the installed packages are not safe for untrusted files; empty when they are."""
    if os.environ.get("VISIL_DASH_SKIP_DEPENDENCY_GATE") == "1":
        return ""
    from visil_dash.media.dependencies import problems

    return "\n".join(problems())


def person() -> str:
    """Who uses this session: the name in the header that the settings trust, or else who logged in;
    empty where neither is set up.

    Only a proxy that sets this header itself makes it worth anything: see docs/install.md.
    """
    header = get_settings().user_header
    name = st.context.headers.get(header) if header else _logged_in()
    shown = "".join(c for c in name or "" if c.isprintable())
    return shown.strip()[:_MOST_CHARACTERS]


def _logged_in() -> str:
    """The e-mail address, name or number by which the provider knows who logged in."""
    if not (login_providers() and st.user.get("is_logged_in")):
        return ""
    return next((str(st.user[key]) for key in ("email", "name", "sub") if st.user.get(key)), "")


def _may_enter(email: str, *, verified: bool, users: str) -> bool:
    """Whether the settings let this address in; `@example.org` stands for all of a domain."""
    wanted = [entry.strip().casefold() for entry in users.split(",") if entry.strip()]
    address = email.casefold()
    if not wanted:
        return True
    return verified and any(
        address.endswith(entry) if entry.startswith("@") else address == entry for entry in wanted
    )


def login_package() -> bool:
    """Whether the package is installed that Streamlit's login needs."""
    return importlib.util.find_spec("authlib") is not None


def _stop_unless_logged_in() -> None:
    """Shows the login, and ends the run, where one is set up and this session has none."""
    providers = login_providers()
    if providers is None or get_settings().user_header:
        return
    if not login_package():
        st.error(
            "A login is set up in `.streamlit/secrets.toml`, and the package that it needs is not"
            ' installed: `pip install "Authlib>=1.3.2"`.',
            icon=":material/gpp_bad:",
            title="The dashboard does not start",
        )
        st.stop()
    if not st.user.get("is_logged_in"):
        st.title("visil_dash", anchor=False)
        for name in providers:
            label = f"Log in with {name}" if name else "Log in"
            if st.button(label, key=f"login-{name}", icon=":material/login:", type="primary"):
                st.login(name or None)
        st.stop()
    verified = st.user.get("email_verified", True) is not False
    email = str(st.user.get("email") or "")
    if not _may_enter(email, verified=verified, users=get_settings().users):
        who = person()
        st.error(
            f"{who} may not use this dashboard. Its owner lists who may in `VISIL_DASH_USERS`.",
            icon=":material/gpp_bad:",
        )
        st.button("Log out", icon=":material/logout:", on_click=st.logout)
        st.stop()


def draw_person() -> None:
    """Who uses this session, and the way out, where there is a login; below the navigation."""
    who = person()
    if not who:
        return
    with st.sidebar.container(key="person", horizontal=True, vertical_alignment="center"):
        st.caption(f":material/person: {md(who)}", width="content")
        if not get_settings().user_header:
            st.button("Log out", icon=":material/logout:", type="tertiary", on_click=st.logout)


def person_refusal() -> str:
    """Why this session sees nothing: a name is expected and none came. Empty otherwise."""
    header = get_settings().user_header
    if not header or person():
        return ""
    return (
        f"No name came with this request. The dashboard expects it in the header {header}, which"
        " the proxy with the login sets: open the address of that proxy. Without one, unset"
        " `VISIL_DASH_USER_HEADER`."
    )


def stop_unless_safe() -> None:
    """Shows the reason and ends the run when the dashboard must not serve."""
    refusal = address_refusal(
        st.get_option("server.address"),
        allow_public=os.environ.get("VISIL_DASH_ALLOW_PUBLIC") == "1" or bool(login_providers()),
    )
    for reason in (refusal, dependency_refusal(), person_refusal()):
        if reason:
            st.error(reason, icon=":material/gpp_bad:", title="The dashboard does not start")
            st.stop()
    _stop_unless_logged_in()
