"""The Laboratory page: its experiments in the order of a course, each with its question."""

import streamlit as st

_STEPS = (
    (
        "walkthrough",
        "Walkthrough",
        "How does it work? Every step of the method on a pair that you choose: its formula, the"
        " shapes of its data, and a figure.",
    ),
    (
        "dimensions",
        "Dimensions",
        "How far can frame vectors be reduced, and what does the index miss? Measured on your own"
        " videos, against exact search.",
    ),
    (
        "hubs",
        "Hub frames",
        "Which frames make unrelated videos candidates, and is it worth setting them aside?",
    ),
    (
        "robustness",
        "Robustness",
        "How strongly can a clip be edited before it is no longer found? Graded edits, from"
        " cropping to playing backwards.",
    ),
    (
        "evaluate",
        "Evaluate",
        "How well are labelled copies found here, with what confidence interval, and which of two"
        " settings or models is better?",
    ),
    (
        "planner",
        "Scale planner",
        "What would a larger collection need on this machine: disk, memory, hours?",
    ),
    (
        "fivr",
        "FIVR",
        "How do I get the data set on which the method was published?",
    ),
)


def draw_steps() -> None:
    with st.container(key="course-steps"):
        for number, (page, title, question) in enumerate(_STEPS, 1):
            with st.container(border=True, key=f"step-{page}"):
                st.page_link(f"pages/{page}.py", label=f"**{number}. {title}**")
                st.caption(question)
