"""Rules of CSS for what Streamlit leaves illegible: on the screen, in colours that the system forces, on paper."""

import streamlit as st

from pages.components import layout
from pages.components.look import INK, PAPER

_CHART = "[data-testid='stVegaLiteChart'] svg"


def apply() -> None:
    """Put the rules on the page."""
    st.html(f"<style>{rules()}</style>")


def rules() -> str:
    """All of them: these, and those of :mod:`layout`."""
    return f"{_widgets()} {_charts()} {_FORCED} {_PRINT} {layout.style()}"


def _widgets() -> str:
    """Buttons, captions, rows of choices, tabs.

    Streamlit writes on the main buttons of the dark theme in white on a light ground (2.1:1) and draws commands in captions so pale
    that they fall below 4.5:1. In a horizontal container it does not break a row of choices, whose last ones a phone then cuts off;
    and where a row is broken, the choices beside the pressed one have no edge on its side. The row of tabs scrolls and cuts off the
    ring around the one that the keyboard is on: it is drawn inside.
    """
    return (
        "[data-testid='stBaseButton-primary'] { color: light-dark(#ffffff, #0f1717); } "
        "[data-testid='stCaptionContainer'] code { color: inherit; } "
        "[data-testid='stButtonGroup'] > div { flex-wrap: wrap; } "
        "[data-testid='stTab']:focus-visible { box-shadow: inset 0 0 0 2px light-dark(#0b6e6e, #4fd1c5) !important; "
        "padding-inline: 0.3rem; margin-inline: -0.3rem; } [data-testid='stTab']:first-child:focus-visible { margin-left: 0; } "
        "[data-testid='stButtonGroup'] button[data-variant='segmented_control'][aria-checked='false']:not(:hover) "
        "{ border-color: light-dark(#d5dfdf, #2d3c3c) !important; }"
    )


def _charts() -> str:
    """The text, rules and halos of charts in the colours of the theme that is on now.

    A chart is drawn with the colours of the theme in which the script ran; when the system goes from light to dark, the page does so
    without a run. Charts are SVG, so what has the text's or the page's colour is found by it. White alone is no sign of a halo: words
    on dark cells are white in both themes. Streamlit's axes and legends have 3.7:1 on white.
    """
    ink, paper = (f"light-dark({', '.join(pair)})" for pair in (INK, PAPER))
    forced = f"@media (forced-colors: active) {{ {_chart('CanvasText', 'Canvas', 'CanvasText')} }}"
    return f"{_chart(ink, paper, f'light-dark(#5a6270, {INK[1]})')} {forced}"


def _chart(ink: str, paper: str, axes: str) -> str:
    words = ":is(.role-axis-label, .role-axis-title, .role-legend-label, .role-legend-title) text"
    own = "".join(f":not([fill='{colour}'])" for colour in INK)
    return (
        f"{_CHART} {_either('fill', INK)} {{ fill: {ink}; }} {_CHART} {_either('stroke', INK)} {{ stroke: {ink}; }} "
        f"{_CHART} {_either('stroke', PAPER)} {{ stroke: {paper}; }} "
        f"{_CHART} {_either('fill', PAPER)}{_either('stroke', PAPER)} {{ fill: {paper}; }} "
        f"{_CHART} {words}{own} {{ fill: {axes}; }}"
    )


def _either(attribute: str, colours: tuple[str, str]) -> str:
    return f":is({', '.join(f'[{attribute}={chr(39)}{colour}{chr(39)}]' for colour in colours)})"


# Where the system forces colours (Windows: contrast themes), a browser takes all grounds away, and with them what is pressed.
_FORCED = """@media (forced-colors: active) {
[data-testid='stButtonGroup'] button:is([aria-checked='true'], [aria-pressed='true']) {
forced-color-adjust: none; background: Highlight !important; border-color: Highlight !important; }
[data-testid='stButtonGroup'] button:is([aria-checked='true'], [aria-pressed='true']) * { color: HighlightText !important; }
[data-testid='stTab'][aria-selected='true'] { box-shadow: inset 0 -3px 0 CanvasText; forced-color-adjust: none; color: CanvasText !important; }
[data-testid='stSlider'] [data-orientation] > div:empty { border: 2px solid CanvasText; box-sizing: content-box; }
[data-testid='stSlider'] [data-orientation] > div:has(> div > input) {
forced-color-adjust: none; background: Highlight !important; border: 2px solid CanvasText; }
[data-testid='stCheckbox'] label > div:first-of-type { border: 2px solid CanvasText; }
[data-testid='stCheckbox'] label:has([role='switch']) > div:first-of-type > div { forced-color-adjust: none; background: CanvasText !important; }
[data-testid='stCheckbox'] label:has(input:checked) > div:first-of-type { forced-color-adjust: none; background: Highlight !important; }
[data-testid='stCheckbox'] label:has(input:checked) > div:first-of-type > div { background: HighlightText !important; }
}"""

# On paper: the page alone, in the colours of the light theme, with headings beside what they are of.
_PRINT = """@media print {
:is([data-testid='stSidebar'], [data-testid='stHeader'], [data-testid='stElementToolbar'], [data-testid='stSkipToContent']) {
display: none !important; }
html, body, [data-testid='stApp'] { color-scheme: light !important; background: #ffffff !important; }
[data-testid='stApp'] :not(svg *, [style*='background']) { color: #0e1717 !important; background-color: transparent !important; }
[data-testid='stVegaLiteChart'] svg { background: none !important; }
[data-testid='stVegaLiteChart'] .role-axis-grid line { stroke: #d5dfdf !important; }
[data-testid='stMainBlockContainer'] { padding: 0 !important; max-width: none !important; }
:is([data-testid='stVegaLiteChart'], [data-testid='stImage'], [data-testid='stMetric'], [data-testid='stAlert'], tr) {
break-inside: avoid; }
:is(h1, h2, h3, h4, [data-testid='stHeading']), [data-testid='stElementContainer']:has([data-testid='stHeading'], h1, h2, h3, h4) {
break-inside: avoid; break-after: avoid; }
}"""
