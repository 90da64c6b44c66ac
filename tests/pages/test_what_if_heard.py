"""What if for those who do not see it or use the keyboard, and what stands above what one looks for."""

import re

import pytest

from pages.components import gallery
from tests.pages.opening import opened, texts

WHAT_IF, DRAWN = "pages/what_if.py", "phantom-64/densenet169"


pytestmark = pytest.mark.usefixtures("shipped")


def scripts(app) -> str:
    return "\n".join(str(element.proto.body) for element in app.get("html"))


def test_pictures_and_their_buttons_have_names_of_their_own():
    app = opened(WHAT_IF, study=DRAWN, view="breaking", method="one_shot", sparsity=80)
    labels = [button.label for button in app.button if button.label.startswith("Follow")]
    assert len(labels) == len(set(labels)) == 12
    told = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert len(told) == 12
    for label, alt in zip(labels, told, strict=True):
        assert alt.startswith(f"Test image {label.removeprefix('Follow ')}. ")
        assert re.search(r"\. [A-Z][^*]+; Changed permanently from \d+%$", alt)
    assert (
        gallery.spoken("**Naevus**  \nDense: Melanoma, 62%  \nPruned: Naevus")
        == "Naevus; Dense: Melanoma, 62%; Pruned: Naevus"
    )


def test_the_keyboard_goes_on_from_the_part_when_a_followed_image_is_closed():
    app = opened(WHAT_IF, view="breaking", image="ISIC_0024341")
    assert ".st-key-view" not in scripts(app)
    app.button(key="close-image").click().run()
    assert ".st-key-view" in scripts(app)
    app.run()
    assert ".st-key-view" not in scripts(app), "only once"


def test_the_sentence_is_a_live_region_that_stays_in_its_place():
    places = []
    for query in ({"sparsity": 80}, {"sparsity": 80, "layers": "3-50"}):  # known, and to be computed
        app = opened(WHAT_IF, **query)
        assert 'querySelector(".st-key-headline")?.setAttribute("role", "status")' in scripts(app)
        above = list(app.main.children.values())
        places.append(next(i for i, e in enumerate(above) if getattr(e.proto, "id", "").endswith("headline")))
    assert len(set(places)) == 1


@pytest.mark.parametrize(
    ("view", "told"), [("harm", True), ("threshold", False), ("mistaken", False), ("layers", True)]
)
def test_missing_images_are_told_where_they_are_missed(view, told):
    assert ("How to get the images" in [fold.label for fold in opened(WHAT_IF, view=view).expander]) == told
    assert "How to get the images" in [fold.label for fold in opened(WHAT_IF, view=view, layers="3-50").expander]


def test_where_the_strict_rule_finds_nothing_the_other_is_one_click_away():
    app = opened(WHAT_IF, view="exemplars", sparsity=80, method="iterative")
    assert "**0 of 1,973 test images are forgotten" in texts(app)
    assert re.search(r"These \d+ networks are those of 80%", texts(app))
    count = int(re.search(r"Of ([\d,]+) images at least the most frequent answer", texts(app))[1].replace(",", ""))
    app.button(key="rule-most").click().run()
    assert f"**{count:,} of 1,973 test images are forgotten" in texts(app)
    assert app.query_params["rule"] == "most"
    assert not [button for button in app.button if button.key == "rule-most"]


def test_the_legend_of_breaking_points_has_short_names_for_it_does_not_wrap():
    [chart] = opened(WHAT_IF, view="breaking", method="one_shot").get("vega_lite_chart")
    scale = chart.proto.spec
    assert '"Actinic / Bowen"' in scale
    assert '"Actinic keratosis / Bowen\'s disease"' not in scale
