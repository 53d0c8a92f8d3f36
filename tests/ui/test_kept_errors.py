"""What went wrong in an action stays on the page until somebody can have read it."""

import pytest
from streamlit.testing.v1 import AppTest


def page() -> None:
    import streamlit as st

    from visil_dash.errors import InputError
    from visil_dash.ui.shell.errors import keep_errors, show_kept_errors
    from visil_dash.ui.shell.runs import fragment

    def act(*names: str, place: str = "") -> None:
        for name in names:
            with keep_errors(place=place):
                raise InputError(name, "it is empty")
        with keep_errors():
            pass

    @fragment
    def part() -> None:
        st.button("In the part", on_click=act, args=("in the part",))
        if st.button("Below the button"):
            with keep_errors():
                raise InputError("below", "it is empty")
        show_kept_errors("one/part")

    name = st.radio("Page", ["one", "other"])
    show_kept_errors(name)
    st.button("Two fail", on_click=act, args=("first", "second"))
    st.button("One at its place", on_click=act, args=("there",), kwargs={"place": "one/part"})
    st.button("Works", on_click=act)
    st.button("Runs again")
    if name == "one":
        part()


@pytest.fixture
def app() -> AppTest:
    return AppTest.from_function(page).run()


def press(app: AppTest, label: str) -> list[str]:
    """The errors after a click, without what is the same in each."""
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return shown(app)


def shown(app: AppTest) -> list[str]:
    return [error.value.removesuffix("\\: it is empty\\.") for error in app.error]


@pytest.mark.parametrize(
    ("action", "errors"),
    [
        ("Two fail", ["first", "second"]),
        ("In the part", ["in the part"]),
        ("Below the button", ["below"]),
        ("One at its place", ["there"]),
    ],
)
def test_an_error_outlives_the_runs_of_its_page(
    app: AppTest, action: str, errors: list[str]
) -> None:
    assert press(app, action) == errors
    for _ in range(3):
        assert press(app, "Runs again") == errors


@pytest.mark.parametrize("action", ["Two fail", "In the part", "Below the button"])
def test_it_ends_with_the_next_action_a_click_on_dismiss_or_the_next_page(
    app: AppTest, action: str
) -> None:
    assert press(app, action)
    assert press(app, "Works") == []
    assert press(app, action)
    assert press(app, "Dismiss") == []
    assert press(app, action)
    app.radio[0].set_value("other").run()
    assert shown(app) == []
    app.radio[0].set_value("one").run()
    assert shown(app) == []


def test_another_error_takes_its_place(app: AppTest) -> None:
    assert press(app, "Two fail") == ["first", "second"]
    assert press(app, "One at its place") == ["there"]
    assert press(app, "In the part") == ["in the part"]
