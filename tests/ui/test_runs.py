"""A part of a page that runs again before the page was sent leaves no hole in what is sent.

What Streamlit does then is done here with its own queue: AppSession clears it when a run starts.
"""

from collections.abc import Iterable

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest

from tests.support.sources import nodes, sources_of


def ours() -> None:
    import streamlit as st

    from visil_dash.ui.shell.runs import fragment

    @fragment(run_every=1.0)
    def watch() -> None:
        st.caption("working")

    st.header("Search")
    watch()
    st.write("what follows")


def plain() -> None:
    import streamlit as st

    @st.fragment(run_every=1.0)
    def watch() -> None:
        st.caption("working")

    st.header("Search")
    watch()
    st.write("what follows")


def drawn(page: AppTest) -> list[ForwardMsg]:
    """Everything that a run of the page sends, in order."""
    sent: list[ForwardMsg] = []
    ForwardMsgQueue.on_before_enqueue_msg(sent.append)
    try:
        page.run()
    finally:
        ForwardMsgQueue.on_before_enqueue_msg(None)
    assert not page.exception
    return [message for message in sent if message.HasField("delta")]


def sent_after_an_early_rerun(messages: list[ForwardMsg]) -> list[ForwardMsg]:
    """The queue where the fragment starts to run again before anything was sent."""
    queue = ForwardMsgQueue()
    for message in messages:
        queue.enqueue(message)
    [fragment_id] = {m.delta.fragment_id for m in messages} - {""}
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[fragment_id])
    for message in messages:
        if message.delta.fragment_id == fragment_id:
            queue.enqueue(message)
    return queue.flush()


def holes(messages: Iterable[ForwardMsg]) -> list[str]:
    """As the browser: a node is put in the place of one that is there, or behind the last."""
    root: dict[int, dict] = {0: {}, 1: {}, 2: {}, 3: {}}  # type: ignore[type-arg]
    found = []
    for message in messages:
        path = list(message.metadata.delta_path)
        node = root
        for depth, index in enumerate(path):
            if index not in node:
                if index != len(node) or depth < len(path) - 1:
                    found.append(f"Bad delta path index {index} of {path}")
                    break
                node[index] = {}
            node = node[index]
    return found


def test_a_fragment_that_runs_again_at_once_leaves_no_hole() -> None:
    messages = drawn(AppTest.from_function(ours))
    assert len(messages) > 4
    assert holes(messages) == []
    assert holes(sent_after_an_early_rerun(messages)) == []


def test_the_control_streamlits_own_leaves_one() -> None:
    messages = drawn(AppTest.from_function(plain))
    assert holes(messages) == []
    [hole, *_] = holes(sent_after_an_early_rerun(messages))
    assert hole.startswith("Bad delta path index")


def test_every_part_that_runs_alone_has_such_a_container() -> None:
    plain_ones = [
        f"{path}:{node.lineno}"
        for path, source in sources_of("visil_dash/ui", "pages").items()
        for node in nodes(source)
        if getattr(node, "attr", "") == "fragment" and not path.endswith("shell/runs.py")
    ]
    assert plain_ones == []
