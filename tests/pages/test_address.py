"""What a link says is shown, whatever the language; what makes no sense is not replaced by something else."""

from streamlit.testing.v1 import AppTest


def script():
    import streamlit as st

    from pages.parts.shell import address

    words = {"a": "Erstes", "b": "Zweites"}
    st.write(address.pick(st.segmented_control, "One", ["a", "b"], key="one", words=words, required=True))
    if st.checkbox("other kind"):
        st.write(address.pick(st.selectbox, "One", ["a", "b", "c"], key="one", words=words))


def opened(**query):
    app = AppTest.from_function(script, default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def test_the_default_is_not_written_into_the_address():
    app = opened()
    assert app.markdown[0].value == "a"
    assert "one" not in app.query_params


def test_a_link_is_followed():
    assert opened(one="b").markdown[0].value == "b"


def test_a_click_writes_the_short_name_not_the_word():
    app = opened()
    app.button_group(key="pick_one_segmented_control").set_value("b").run()
    assert app.markdown[0].value == "b"
    assert app.query_params["one"] == "b"


def test_nonsense_is_not_replaced_by_the_default():
    app = opened(one="z")
    assert len(app.exception) == 1
    assert not app.markdown


def test_a_link_followed_later_wins_over_what_was_clicked():
    app = opened()
    app.button_group(key="pick_one_segmented_control").set_value("b").run()
    app.query_params["one"] = "a"
    assert app.run().markdown[0].value == "a"


def test_another_kind_of_widget_takes_the_choice_over():
    app = opened(one="b")
    app.checkbox[0].check().run()
    assert [each.value for each in app.markdown] == ["b", "b"]
