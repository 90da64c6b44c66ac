"""Journeys through the app in a real browser, on the networks that ship and without any image on this machine."""

import re

import pytest

from tests.e2e.browser import MARKS, SENTENCE, app, fits, visitor

pytestmark = MARKS


def test_from_the_question_to_the_answer_without_data(page, address):
    page.goto(address)
    page.get_by_role("heading", name="What does a network forget when you prune it?").wait_for()
    page.get_by_role("table").get_by_text("Iterative").wait_for()
    page.get_by_role("link", name="Slide the sparsity and see what changes").click()
    page.get_by_role("heading", name=SENTENCE).wait_for()
    page.get_by_text("not for diagnosis").wait_for()


def test_a_link_to_a_page_works_for_the_very_first_visitor_of_a_server(browser, tmp_path):
    from core.files import PROJECT

    with (
        app(PRUNESCOPE_DATA=str(tmp_path), PRUNESCOPE_CHECKPOINTS=str(PROJECT / "checkpoints")) as fresh,
        visitor(browser) as page,
    ):
        page.goto(f"{fresh}/what_if?sparsity=95")
        page.get_by_text("weights are zero (95.0%)").wait_for()
        page.get_by_role("heading", name=SENTENCE).wait_for()
        page.get_by_text("not for diagnosis").wait_for()
        assert page.get_by_role("link", name="What if").is_visible()


def test_the_slider_answers_to_the_keyboard_and_the_link_holds_the_view(page, address, browser):
    page.goto(f"{address}/what_if")
    page.get_by_role("heading", name=SENTENCE).wait_for()
    page.get_by_role("radio", name="One-shot").click()
    slider = page.get_by_role("slider")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    page.get_by_text("weights are zero (90.0%)").wait_for()
    page.wait_for_url(re.compile("sparsity=90"))
    with visitor(browser) as other:
        other.goto(page.url)
        other.get_by_text("weights are zero (90.0%)").wait_for()
        other.get_by_role("heading", name=SENTENCE).wait_for()
        assert other.get_by_role("radio", name="One-shot").get_attribute("aria-checked") == "true"
        assert (
            other.get_by_role("heading", name=SENTENCE).inner_text()
            == page.get_by_role("heading", name=SENTENCE).inner_text()
        )


def test_the_browsers_way_back_takes_choices_back_one_by_one_and_forgets_none_of_another_page(page, address):
    def stands(percent: str, method: str) -> None:
        page.get_by_text(f"weights are zero ({percent})").wait_for()
        page.wait_for_function(
            "name => [...document.querySelectorAll('[role=radio][aria-checked=true]')].some(e => e.innerText.includes(name))",
            arg=method,
        )

    def back_until(gone: str) -> None:
        page.wait_for_timeout(2000)  # within a moment of a choice an older address is taken for one on its way
        for _ in range(4):
            page.go_back()
            page.wait_for_timeout(1000)
            if gone not in page.url:
                return

    page.goto(f"{address}/what_if")
    page.get_by_role("heading", name=SENTENCE).wait_for()
    page.get_by_role("radio", name="One-shot").click()
    stands("80.0%", "One-shot")
    page.get_by_role("slider").press("ArrowRight")
    stands("81.0%", "One-shot")
    page.wait_for_url(re.compile("sparsity=81"))
    back_until("sparsity=81")
    stands("80.0%", "One-shot")
    back_until("one_shot")
    stands("80.0%", "Iterative")
    page.go_forward()
    stands("80.0%", "One-shot")
    page.go_forward()
    stands("81.0%", "One-shot")
    page.get_by_role("link", name="Layers").click()
    page.get_by_role("heading", name="Where are the zeros?").wait_for()
    page.wait_for_url(re.compile("layers.*sparsity=81"))
    back_until("layers")
    stands("81.0%", "One-shot")


@pytest.mark.parametrize("path", ["", "what_if", "what_if?view=calibration&diagnosis=mel"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_everything_without_scrolling_sideways(browser, address, path, scheme):
    with visitor(browser, viewport={"width": 390, "height": 844}, color_scheme=scheme) as page:
        page.goto(f"{address}/{path}")
        last = page.get_by_role("heading", name=SENTENCE) if path else page.get_by_role("table").first
        last.wait_for()
        page.get_by_text("not for diagnosis").wait_for()
        assert fits(page)


def test_the_path_plays_until_it_is_stopped(page, address):
    page.goto(f"{address}/what_if?method=iterative&sparsity=90")
    page.get_by_role("heading", name=SENTENCE).wait_for()
    page.get_by_role("button", name="Play").click()
    page.get_by_text("weights are zero (92.0%)").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Play").wait_for()
    percent = page.get_by_role("slider").get_attribute("aria-valuenow")
    page.wait_for_timeout(2500)
    assert page.get_by_role("slider").get_attribute("aria-valuenow") == percent


def test_a_click_on_a_bar_brings_its_diagnosis_out_in_every_chart(page, address):
    page.goto(f"{address}/what_if?sparsity=90")
    page.get_by_role("heading", name=SENTENCE).wait_for()
    bars = page.locator("[data-testid=stVegaLiteChart]").first.locator("path[aria-roledescription=bar]")
    bars.nth(2).click(force=True)  # the second diagnosis, newly missed
    page.get_by_role("heading", name=re.compile(r"Of \d+ lesions that are basal cell carcinoma")).wait_for()
    page.wait_for_url(re.compile("diagnosis=bcc"))
    page.get_by_role("radio", name="Breaking points").click()
    page.get_by_text(re.compile(r"Of \d+ test images of basal cell carcinoma")).wait_for()


def test_a_move_of_the_slider_puts_new_numbers_into_the_charts_that_are_there(page, address):
    page.goto(f"{address}/what_if?sparsity=88")
    page.get_by_role("heading", name=SENTENCE).wait_for()
    charts = page.locator("[data-testid=stVegaLiteChart] svg")
    charts.nth(1).wait_for()
    read = "[...document.querySelectorAll('[data-testid=stVegaLiteChart] svg')].map(e => e.textContent).join()"
    before = page.evaluate(read)
    page.evaluate("document.querySelectorAll('[data-testid=stVegaLiteChart] svg').forEach(e => e.dataset.old = 'yes')")
    page.get_by_role("slider").press("PageUp")
    page.wait_for_function(f"{read} !== {before!r}")
    assert page.locator("[data-testid=stVegaLiteChart] svg[data-old=yes]").count() == 2, "a chart was made anew"


def test_two_visitors_at_once_keep_their_own_view(browser, address):
    with visitor(browser) as one, visitor(browser) as other:
        one.goto(f"{address}/what_if?sparsity=80")
        other.goto(f"{address}/what_if?sparsity=95&method=One-shot")
        one.get_by_text("weights are zero (80.0%)").wait_for()
        other.get_by_text("weights are zero (95.0%)").wait_for()
        one.get_by_role("slider").press("ArrowRight")
        one.get_by_text("weights are zero (81.0%)").wait_for()
        assert other.get_by_text("weights are zero (95.0%)").is_visible()
