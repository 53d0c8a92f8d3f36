"""What a user does is done wholly, although the page is asked to run again at that moment."""

import ast
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.scriptrunner_utils.script_requests import ScriptRequests
from streamlit.testing.v1 import AppTest

from tests.support.sources import nodes, sources_of
from visil_dash.ui.shell.runs import finish_actions


def page() -> None:
    """Four actions, in each of which the browser asks for something else, or goes."""
    import streamlit as st
    from streamlit.runtime.scriptrunner import get_script_run_ctx
    from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

    from visil_dash.ui.shell.runs import uninterrupted

    def act(asked: str) -> None:
        context = get_script_run_ctx()
        assert context is not None
        requests = context.script_requests
        assert requests is not None
        st.session_state["begun"] = asked
        if asked == "a click":
            requests.request_rerun(RerunData(page_script_hash=context.page_script_hash))
        else:
            requests.request_stop()
        st.toast("working")
        st.session_state["done"] = asked

    for asked in ("a click", "the end"):
        st.button(f"A callback, {asked}", on_click=act, args=(asked,))
        if st.button(f"In the page, {asked}"):
            with uninterrupted():
                act(asked)


@pytest.fixture
def app() -> AppTest:
    finish_actions()
    return AppTest.from_function(page).run()


BUTTONS = [(w, a) for w in ("A callback", "In the page") for a in ("a click", "the end")]


def press(app: AppTest, where: str, asked: str) -> dict[str, object]:
    next(b for b in app.button if b.label == f"{where}, {asked}").click()
    app.run()
    return {
        name: app.session_state[name] for name in ("begun", "done") if name in app.session_state
    }


@pytest.mark.parametrize(("where", "asked"), BUTTONS)
def test_an_action_is_done_wholly_whatever_the_browser_asks_meanwhile(
    app: AppTest, where: str, asked: str
) -> None:
    assert press(app, where, asked) == {"begun": asked, "done": asked}


@pytest.mark.parametrize(("where", "asked"), BUTTONS)
def test_the_control_streamlit_alone_leaves_it_half_done(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, where: str, asked: str
) -> None:
    plain = ScriptRequests.on_scriptrunner_yield.__wrapped__  # type: ignore[attr-defined]
    monkeypatch.setattr(ScriptRequests, "on_scriptrunner_yield", plain)
    assert press(app, where, asked) == {"begun": asked}


RUNS: list[dict[str, Any]] = [
    {"retain_lifecycle_msgs": True},
    {"retain_lifecycle_msgs": True, "fragment_ids_this_run": ["part"]},
]


def sent(clear: Callable[..., None], run: dict[str, Any]) -> list[str]:
    """What is sent where a run begins before a drawn text and an answer were."""
    text, answer, queue = ForwardMsg(), ForwardMsg(), ForwardMsgQueue()
    text.delta.new_element.text.body = "drawn before"
    text.delta.fragment_id = "part"
    answer.file_urls_response.response_id = "upload"
    for message in (text, answer):
        queue.enqueue(message)
    clear(queue, **run)
    messages = [*queue.flush(), *queue.flush()]  # what was sent is not sent again
    return [str(message.WhichOneof("type")) for message in messages]


@pytest.mark.parametrize("run", RUNS)
def test_the_answer_to_an_upload_outlives_the_beginning_of_a_run(run: dict[str, Any]) -> None:
    finish_actions()
    assert sent(ForwardMsgQueue.clear, run) == ["file_urls_response"]


def test_the_control_streamlit_alone_drops_it() -> None:
    finish_actions()
    assert sent(ForwardMsgQueue.clear.__wrapped__, RUNS[0]) == []  # type: ignore[attr-defined]


def interruptible_pops(source: str) -> list[int]:
    """Lines that take something out of the session to use it, where a new run may cut that off."""
    safe = {
        id(inner)
        for node in nodes(source)
        if isinstance(node, ast.With)
        and any("uninterrupted" in ast.unparse(item.context_expr) for item in node.items)
        for inner in ast.walk(node)
    } | {id(node.value) for node in nodes(source) if isinstance(node, ast.Expr)}
    return [
        node.lineno
        for node in nodes(source)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "st.session_state.pop"
        and id(node) not in safe
    ]


def test_what_is_taken_out_of_the_session_is_used_before_a_new_run_begins() -> None:
    found = [
        f"{path}:{line}"
        for path, source in sources_of("visil_dash/ui", "pages").items()
        for line in interruptible_pops(source)
    ]
    assert found == []


def test_the_control_a_message_that_is_shown_once_is_found() -> None:
    page_source = "import streamlit as st\nst.write(st.session_state.pop('told', ''))"
    assert interruptible_pops(page_source) == [2]
