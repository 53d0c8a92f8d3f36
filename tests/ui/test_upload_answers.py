"""A browser that uploads is answered although its page begins to run again at that moment."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from visil_dash.ui.shell.uploader import keep_answers

RUNS: list[dict[str, Any]] = [
    {},
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
    return [str(message.WhichOneof("type")) for message in queue.flush()]


@pytest.mark.parametrize("run", RUNS)
def test_the_answer_to_an_upload_outlives_the_beginning_of_a_run(run: dict[str, Any]) -> None:
    keep_answers()
    assert sent(ForwardMsgQueue.clear, run) == ["file_urls_response"]


def test_the_control_streamlit_alone_drops_it() -> None:
    keep_answers()
    assert sent(ForwardMsgQueue.clear.__wrapped__, RUNS[1]) == []  # type: ignore[attr-defined]
