"""Every page against the rules of axe-core, in light and dark, and on a phone: nothing worse than minor, nothing sticks out.

The rules come with the package ``axe-playwright-python``, so nothing is fetched.
"""

import pytest

from tests.e2e.browser import MARKS, cut_off, fits, visitor
from tests.pages.opening import PAGES

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")

pytestmark = MARKS
SHOWN = {
    "overview": "",
    "what_if": "what_if?diagnosis=mel",
    "similarity": "similarity?study=ham10000-64/densenet169",
    "attribution": "attribution?source=phantom",
    "learn": "learn?lesson=harm&done=d3",
}
"""Addresses of pages that are looked at otherwise than they open."""
FAINT = """() => {
  const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, place) => sum + v * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = light(getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor);
  return [...document.querySelectorAll('[data-testid=stVegaLiteChart] svg text')].filter(word => {
    // Halos lie behind words of their own, and white words on cells that are dark in both themes.
    if (!word.textContent || word.getAttribute('stroke') || ['white', '#ffffff'].includes(word.getAttribute('fill'))) return false;
    const ink = light(getComputedStyle(word).fill);
    return (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05) < 4.5;
  }).map(word => `${word.textContent}: ${getComputedStyle(word).fill}`);
}"""
"""Words of charts whose contrast with the page is below 4.5:1: axe does not look into drawings."""
EXCLUDED: dict[str, str] = {}
"""Rules that Streamlit itself breaks and that no page can mend, each with the reason. There is none now."""


def settled(page) -> None:
    """Wait until the script has run to its end and the charts stand."""
    page.get_by_text("not for diagnosis").last.wait_for()
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.wait_for_function("document.querySelectorAll('[data-testid=stSkeleton]').length === 0")


def unfold(page) -> None:
    """Open all expanders, for what is in them is looked at as well; some compute first."""
    for heading in page.locator("[data-testid=stExpander] summary").all():
        heading.click()
    settled(page)


def violations(page, *rules: str) -> list[str]:
    """Moderate, serious and critical ones: rule, element, what is wrong. Of all rules, or of those given."""
    options = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = axe.Axe().run(page, options=options).response["violations"]
    return [
        f"{item['id']}: {node['html'][:200]} {(node['any'] or [{}])[0].get('message', '')}"
        for item in found
        if item["impact"] in ("moderate", "serious", "critical") and item["id"] not in EXCLUDED
        for node in item["nodes"]
    ]


@pytest.mark.parametrize("path", [SHOWN.get(page, page) for page in PAGES])
def test_a_page_breaks_no_rule_in_light_and_dark_and_fits_a_phone(browser, address, path):
    with visitor(browser, color_scheme="light", viewport={"width": 1280, "height": 900}) as page:
        page.goto(f"{address}/{path}")
        settled(page)
        unfold(page)
        assert violations(page) == []
        assert page.evaluate(FAINT) == []
        page.emulate_media(color_scheme="dark")
        page.wait_for_function("getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === 'dark'")
        settled(page)
        assert violations(page, "color-contrast") == [], "in the dark theme, where all else is as in the light one"
        assert page.evaluate(FAINT) == [], "charts turn with the theme, though no script ran"
        page.set_viewport_size({"width": 390, "height": 844})
        settled(page)
        page.wait_for_timeout(300)  # charts take their new width
        assert fits(page)
        assert cut_off(page) == []


def test_the_check_can_fail(browser):
    page = browser.new_page()
    page.set_content(
        "<html lang=en><title>x</title><main><h1>Title</h1><p style='color:#bbb;background:#fff'>Faint</p><h3>Skipped</h3></main>"
    )
    assert [text.partition(":")[0] for text in violations(page)] == ["color-contrast", "heading-order"]
    page.close()
