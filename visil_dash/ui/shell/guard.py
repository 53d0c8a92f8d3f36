"""Checks before the dashboard shows anything: a local address and safe dependencies."""

import ipaddress
import os
from functools import cache

import streamlit as st

from visil_dash.ui.shell.person import person_refusal


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
