"""What if: what an address opens, and what is kept of choices, for each user their own."""

import pytest

from tests.pages.opening import opened, texts

WHAT_IF = "pages/what_if.py"


@pytest.mark.parametrize(
    "query",
    [
        {"sparsity": "abc"},
        {"sparsity": 100},
        {"method": "nope"},
        {"study": "nope/nope"},
        {"view": "<script>"},
        {"diagnosis": "mel"},  # of another study
        {"layers": "99-50_x_1-100"},
        {"image": "nobody"},
        {"view": "threshold", "threshold": "none", "at": "x", "watch": ""},
        {"view": "exemplars", "rule": "?", "apart": "shoe size"},
        {"view": "subgroups", "by": "\x00"},
        {"changes": "all"},
    ],
)
def test_a_link_with_nonsense_in_it_opens_the_default_view(study, query):
    app = opened(WHAT_IF, **query)
    assert app.metric
    assert not app.error
    assert app.session_state["diagnosis"] is None
    assert "set by hand" not in texts(app)


@pytest.mark.parametrize("link", ["prune_only", "No fine-tuning"])
def test_a_link_names_the_method_by_its_identifier_and_older_ones_by_its_button(study, link, monkeypatch):
    app = opened(WHAT_IF, method=link)
    assert app.session_state["method"] == "prune_only"
    assert app.query_params["method"] == "prune_only"
    app.segmented_control(key="method").select("iterative").run()
    assert "method" not in app.query_params, "the default is not in the address"
    app.segmented_control(key="method").select("prune_only").run()
    assert app.query_params["method"] == "prune_only"


def test_a_link_outlives_a_button_that_is_renamed(study, monkeypatch):
    from pages.components import look

    monkeypatch.setitem(look.TITLES, "prune_only", "Never trained again")
    app = opened(WHAT_IF, method="prune_only")
    assert app.session_state["method"] == "prune_only"
    assert "Never trained again" in app.segmented_control(key="method").options


def test_choices_outlive_a_visit_to_another_page(study):
    app = opened(WHAT_IF, method="prune_only", view="calibration", diagnosis="red")
    app.switch_page("pages/overview.py").run()
    app.switch_page(WHAT_IF).run()
    assert [app.session_state[key] for key in ("method", "view", "diagnosis")] == ["prune_only", "calibration", "red"]
    assert app.query_params["view"] == "calibration"


def test_two_users_by_turns_see_their_own_numbers(study):
    """Two sessions on one server whose moves alternate; the test runner itself cannot run two threads."""
    views = [("prune_only", 10), ("iterative", 95)]

    def numbers(app) -> tuple:
        zeros = next(caption.value for caption in app.caption if "weights are zero" in caption.value)
        return [card.value for card in app.metric], zeros

    alone = [numbers(opened(WHAT_IF, method=method, sparsity=percent)) for method, percent in views]
    assert alone[0] != alone[1]
    users = [opened(WHAT_IF, method=method, sparsity=percent) for method, percent in views]
    for _ in range(2):
        for user, (_, percent), seen in zip(users, views, alone, strict=True):
            user.slider(key="sparsity").set_value(50).run()
            user.slider(key="sparsity").set_value(percent).run()
            assert numbers(user) == seen


def test_choices_follow_an_address_that_the_browser_went_back_to(study, monkeypatch):
    from pages.components import address

    app = opened(WHAT_IF, sparsity=60, view="calibration")
    app.toggle(key="recalibrate").set_value(False).run()
    app.segmented_control(key="view").select("layers").run()
    assert dict(app.query_params) == {"sparsity": "60", "view": "layers", "recalibrate": "false"}
    monkeypatch.setattr(address, "_ON_ITS_WAY", 0.0)
    for name, older, key, value in (
        ("sparsity", "65", "sparsity", 65),
        ("view", "calibration", "view", "calibration"),
        ("recalibrate", None, "recalibrate", True),
        ("sparsity", None, "sparsity", 80),
    ):
        if older is None:
            del app.query_params[name]
        else:
            app.query_params[name] = older
        app.run()
        assert app.session_state[key] == value
    assert dict(app.query_params) == {"view": "calibration"}


def test_an_address_that_comes_late_takes_no_choice_back(study):
    """A second choice, made before the first is in the browser's address, comes with the address of before."""
    app = opened(WHAT_IF, sparsity=60)
    app.slider(key="sparsity").set_value(65).run()
    app.query_params["sparsity"] = "60"
    app.toggle(key="recalibrate").set_value(False).run()
    assert app.session_state["sparsity"] == 65
    assert app.query_params["sparsity"] == "65"


def test_what_was_chosen_on_another_page_is_kept_where_the_address_says_nothing(study, monkeypatch):
    from pages.components import address

    monkeypatch.setattr(address, "_ON_ITS_WAY", 0.0)
    app = opened(WHAT_IF, sparsity=60)
    app.query_params.clear()
    app.switch_page("pages/layers.py").run()
    assert app.session_state["sparsity"] == 60
    app.query_params.clear()  # back to the address by which the page was opened
    app.run()
    assert app.session_state["sparsity"] == 60
    assert app.query_params["sparsity"] == "60"


def test_a_link_to_what_is_not_here_says_so(study):
    def told(app) -> list[str]:
        return [toast.value for toast in app.toast]

    assert 'asks for study "nonsense"' in told(opened(study="nonsense"))[0]
    app = opened(WHAT_IF, sparsity="150", method="prune_only")
    (only,) = told(app)
    assert 'asks for sparsity "150"' in only
    assert app.metric, "the page is shown all the same"
    assert not told(opened(WHAT_IF, sparsity=80))
