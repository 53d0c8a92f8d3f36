"""Checks before the dashboard shows anything: a local address, safe dependencies, and who asks.

Who that is says the proxy with a login that stands before the dashboard, if any.
"""

import ipaddress
import os
from functools import cache

import streamlit as st

from visil_dash.settings import get_settings

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
        " only, or put a proxy with a login in front of it and set `VISIL_DASH_ALLOW_PUBLIC=1`."
    )


@cache
def dependency_refusal() -> str:
    """Why the installed packages are not safe for untrusted files; empty when they are."""
    if os.environ.get("VISIL_DASH_SKIP_DEPENDENCY_GATE") == "1":
        return ""
    from visil_dash.media.dependencies import problems

    return "\n".join(problems())


def person() -> str:
    """The name in the header that the settings trust; empty where none is trusted or sent.

    Only a proxy that sets this header itself makes it worth anything: see docs/install.md.
    """
    header = get_settings().user_header
    name = st.context.headers.get(header) if header else None
    shown = "".join(c for c in name or "" if c.isprintable())
    return shown.strip()[:_MOST_CHARACTERS]


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
        allow_public=os.environ.get("VISIL_DASH_ALLOW_PUBLIC") == "1",
    )
    for reason in (refusal, dependency_refusal(), person_refusal()):
        if reason:
            st.error(reason, icon=":material/gpp_bad:", title="The dashboard does not start")
            st.stop()
