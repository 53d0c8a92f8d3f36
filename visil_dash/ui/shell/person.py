"""Who uses the dashboard: named by the proxy with a login that stands before it, if any."""

import streamlit as st

from visil_dash.settings import get_settings

_MOST_CHARACTERS = 80


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
