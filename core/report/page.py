"""A report as one HTML file that needs nothing else: styles, data and scripts are in it, and it may fetch nothing.

Its content security policy forbids every connection, so that a report opened offline, or years from now, shows the same.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from core.report.content import NOT_FOR_DIAGNOSIS, Content, Table

_POLICY = (
    # vega compiles the expressions of a chart with Function; a policy cannot tell that from eval.
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'unsafe-eval'; img-src data: blob:"
)
_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #0e1717; background: #fff; margin: 0 auto; max-width: 64rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
.lead { font-size: 1.15rem; } .note { color: #4c5c5c; font-size: .875rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid #d5dfdf; vertical-align: top; }
td:not(:first-child) { white-space: nowrap; } p code { overflow-wrap: anywhere; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } .chart { width: 100%; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; } dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
pre { background: #f2f6f6; padding: .8rem; overflow-x: auto; border-radius: .4rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .5rem; } }
"""
_DRAW = """
for (const figure of document.querySelectorAll("figure[data-chart]")) {
  const spec = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
  vegaEmbed(figure.querySelector(".chart"), spec, {
    renderer: "svg", actions: { export: true, source: false, compiled: false, editor: false },
  });
}
"""


@dataclass(frozen=True)
class Chart:
    """A chart of a report.

    Attributes:
        title: what it shows.
        alt: the same for those who cannot see it.
        spec: Vega-Lite, with its data in ``datasets``.
    """

    title: str
    alt: str
    spec: dict


def html(content: Content, sentence: str, charts: Sequence[Chart], scripts: str) -> str:
    """The file's text.

    Args:
        content: the numbers.
        sentence: what a clinician would say; ``**words**`` are set bold.
        charts: in the order in which they are shown.
        scripts: JavaScript that defines ``vegaEmbed``; once in the file, however many charts there are.
    """
    body = [
        f"<h1>{escape(content.title)}</h1>",
        f'<p class="lead">{_bold(sentence)}</p>',
        f"<p><strong>{escape(NOT_FOR_DIAGNOSIS)}</strong></p>",
        *(_figure(number, chart) for number, chart in enumerate(charts)),
        *(_table(table) for table in content.tables),
        "<h2>What was looked at</h2>",
        "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in content.facts) + "</dl>",
        _link(content.link),
        _commands(content.commands),
        "<h2>Recipes</h2>",
        *(_recipe(id, values) for id, values in content.cards),
    ]
    drawing = f"<script>{_script(scripts)}</script><script>{_DRAW}</script>" if charts else ""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(content.title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><main>{''.join(body)}</main>{drawing}</body></html>\n"
    )


def _figure(number: int, chart: Chart) -> str:
    data = json.dumps(chart.spec, allow_nan=False).replace("<", "\\u003c")
    return (
        f'<h2>{escape(chart.title)}</h2><figure data-chart="chart-{number}">'
        f'<div class="chart" role="img" aria-label="{escape(chart.alt)}"></div></figure>'
        f'<script type="application/json" id="chart-{number}">{data}</script>'
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(str(name))}</th>' for name in table.frame.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in row) + "</tr>"
        for row in table.frame.itertuples(index=False)
    )
    return (
        f'<h2>{escape(table.title)}</h2><div class="wide" tabindex="0" role="region" aria-label="{escape(table.title)}">'
        f'<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div><p class="note">{escape(table.note)}</p>'
    )


def _link(link: str) -> str:
    if not link:
        return ""
    return f"<p>The same view in the app, after its address: <code>{escape(link)}</code></p>"


def _commands(commands: Sequence[str]) -> str:
    if not commands:
        return "<p>This network was not made by PruneScope, so no command makes it again.</p>"
    lines = escape("\n".join(commands))
    return f'<h2>Make and measure it again</h2><pre tabindex="0"><code>{lines}</code></pre>'


def _recipe(id: str, values: dict) -> str:
    text = escape(json.dumps(values, indent=1, ensure_ascii=False))
    return f'<details><summary><code>{escape(id)}</code></summary><pre tabindex="0"><code>{text}</code></pre></details>'


def _bold(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", escape(text))


def _script(text: str) -> str:
    """JavaScript as it may stand within a script element."""
    return text.replace("</script", "<\\/script")
