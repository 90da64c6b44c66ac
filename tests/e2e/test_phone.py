"""On a phone: choices that need two rows keep their edges, sliders do not scroll within the page, and captions stay legible."""

import pytest

from tests.e2e.browser import MARKS, visitor

pytestmark = MARKS

_EDGES = """
[...document.querySelectorAll('[data-testid=stMain] [data-variant=segmented_control]')].flatMap(button => {
    const style = getComputedStyle(button);
    return [style.borderLeftColor, style.borderRightColor];
})"""
_SCROLLING = """
[...document.querySelectorAll('[data-testid=stTabPanel] *')]
    .filter(part => part.clientHeight && part.scrollHeight > part.clientHeight + 40
                    && ['auto', 'scroll'].includes(getComputedStyle(part).overflowY)).length"""
_CODE = """
[...document.querySelectorAll('[data-testid=stCaptionContainer] code')].map(code =>
    getComputedStyle(code).color === getComputedStyle(code.closest('[data-testid=stCaptionContainer]')).color)"""


@pytest.fixture(params=["light", "dark"])
def phone(browser, request):
    with visitor(browser, viewport={"width": 390, "height": 844}, color_scheme=request.param) as page:
        yield page


def test_choices_in_two_rows_have_all_their_edges(phone, address):
    phone.goto(f"{address}/layers?show=masks")
    phone.get_by_role("radio", name="Two methods compared").wait_for()
    assert len(phone.evaluate(_EDGES)) >= 8
    # "rgba(0, 0, 0, 0)" is no edge. The browser loads our style a moment after the words.
    phone.wait_for_function(f"{_EDGES.strip()}.every(colour => !colour.endsWith(', 0)'))")


def test_the_sliders_of_the_lab_are_all_on_the_page(phone, address):
    phone.goto(f"{address}/lesion_lab")
    for tab, slider in (("A B C D", "D · Diameter"), ("Tissue", "Melanin"), ("Picture", "Hair")):
        phone.get_by_role("tab", name=tab).click()
        phone.get_by_role("slider", name=slider).first.wait_for()
        phone.wait_for_function(f"{_SCROLLING.strip()} === 0")


def test_commands_in_captions_are_as_dark_as_their_caption(phone, address):
    phone.goto(f"{address}/bring?bring=weights")
    phone.locator("[data-testid=stCaptionContainer] code").first.wait_for()
    phone.wait_for_function(f"{_CODE.strip()}.every(Boolean)")  # the browser loads our style a moment after the words
