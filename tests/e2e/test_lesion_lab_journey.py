"""The lesion lab in a real browser, without any network or image on this machine."""

import re

import pytest

from tests.e2e.browser import MARKS, app, fits, visitor

pytestmark = MARKS


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    nothing = str(tmp_path_factory.mktemp("nothing"))
    with app(PRUNESCOPE_DATA=nothing, PRUNESCOPE_CHECKPOINTS=nothing) as url:
        yield url


def drawing(page) -> str:
    """The picture as the page holds it."""
    return page.get_by_role("img", name="A drawn skin lesion").get_attribute("src")


def wait_for_another(page, before: str) -> str:
    page.wait_for_function(
        "before => document.querySelector('img[alt^=\"A drawn skin lesion\"]')?.getAttribute('src') !== before",
        arg=before,
    )
    return drawing(page)


def test_what_one_draws_another_sees_and_can_be_taken_back(browser, address):
    with visitor(browser) as page:
        page.goto(f"{address}/lesion_lab")
        page.get_by_text("No network has learned from phantoms yet").wait_for()
        first = drawing(page)
        slider = page.get_by_role("slider", name="B · Border")
        slider.focus()
        slider.press("End")
        second = wait_for_another(page, first)
        page.wait_for_url(re.compile(r"lesion=random\.61\.b1000"))
        with visitor(browser, viewport={"width": 390, "height": 844}) as other:
            other.goto(page.url)
            other.get_by_text("No network has learned from phantoms yet").wait_for()
            assert drawing(other) == second
            assert fits(other)
        page.get_by_role("button", name="Undo").click()
        assert wait_for_another(page, second) == first
        page.get_by_role("button", name="Redo").click()
        assert wait_for_another(page, first) == second
        page.go_back()  # the browser's own way back
        assert wait_for_another(page, second) == first
