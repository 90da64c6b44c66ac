"""Small drawings of what each pruning method does, as SVG in the colours of the theme.

A picture inherits no colour from its page, but it learns whether the page is light or dark: so it turns with the theme at once.
"""

import random

from pages.components.look import INK

COLUMNS = (4, 5, 5, 3)  # nodes a layer of the little network
_STYLE = f"<style>svg {{ color: {INK[0]} }} @media (prefers-color-scheme: dark) {{ svg {{ color: {INK[1]} }} }}</style>"
_FRAME, _HEIGHT, _GAP = 84, 72, 26
_RANDOM = random.Random(4)
_EDGES = [
    (layer, start, end, _RANDOM.random())
    for layer in range(len(COLUMNS) - 1)
    for start in range(COLUMNS[layer])
    for end in range(COLUMNS[layer + 1])
]

# For each method the sparsity of each of the three layers of weights, frame by frame, and what is written below.
FRAMES: dict[str, list[tuple[tuple[float, float, float], str]]] = {
    "one_shot": [((0, 0, 0), "trained"), ((-0.8,) * 3, "80% cut"), ((0.8,) * 3, "trained on")],
    "layerwise": [((0.8, 0, 0), "1st layer"), ((0.8, 0.8, 0), "2nd layer"), ((0.8,) * 3, "3rd layer")],
    "iterative": [((0.3,) * 3, "30% cut"), ((0.6,) * 3, "60% cut"), ((0.8,) * 3, "80% cut")],
}
# When, as a share of the training budget, weights are cut.
CUTS: dict[str, tuple[float, ...]] = {
    "one_shot": (0.0,),
    "layerwise": (0.0, 1 / 3, 2 / 3),
    "iterative": tuple(step / 8 for step in range(8)),
}


def method(name: str, colour: str) -> str:
    """The drawing of one method, all but the weights that stay in the theme's colour of text.

    Args:
        name: a key of :data:`FRAMES`.
        colour: of the weights that stay, any CSS colour.

    Returns:
        SVG text, for ``st.image``.
    """
    frames = FRAMES[name]
    width = len(frames) * (_FRAME + _GAP) - _GAP
    parts = []
    for number, (sparsities, label) in enumerate(frames):
        left = number * (_FRAME + _GAP)
        parts.append(f'<g transform="translate({left:.1f} 0)">{_network(sparsities, colour)}{_label(label)}</g>')
        if number:
            parts.append(_arrow(left - _GAP / 2))
    parts.append(_timeline(CUTS[name], width, colour))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT + 66}" width="{width}" '
        f'height="{_HEIGHT + 66}" font-family="sans-serif" fill="none">{_STYLE}{"".join(parts)}</svg>'
    )


def _network(sparsities: tuple[float, ...], colour: str) -> str:
    lines = []
    for layer, start, end, size in _EDGES:
        ranked = sorted(edge[3] for edge in _EDGES if edge[0] == layer)
        sparsity = abs(sparsities[layer])
        kept = size >= ranked[min(int(sparsity * len(ranked)), len(ranked) - 1)]
        (x1, y1), (x2, y2) = _node(layer, start), _node(layer + 1, end)
        # A negative sparsity stands for weights just cut and not yet trained on: what stays is drawn grey.
        stroke = colour if sparsity and sparsities[layer] > 0 else "currentColor"
        style = f'stroke="{stroke}" stroke-width="{0.5 + 1.3 * size:.2f}" opacity="{0.95 if sparsity else 0.5}"'
        if kept:
            lines.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" {style}/>')
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="2.6" fill="currentColor"/>'
        for layer, count in enumerate(COLUMNS)
        for x, y in (_node(layer, index) for index in range(count))
    )
    return "".join(lines) + dots


def _node(layer: int, index: int) -> tuple[float, float]:
    step = _FRAME / len(COLUMNS)
    x = step / 2 + layer * step
    gap = _HEIGHT / COLUMNS[layer]
    return round(x, 1), round(gap / 2 + index * gap, 1)


def _label(text: str) -> str:
    return f'<text x="{_FRAME / 2}" y="{_HEIGHT + 16}" font-size="17" text-anchor="middle" fill="currentColor">{text}</text>'


def _arrow(x: float) -> str:
    y = _HEIGHT / 2
    return (
        f'<path d="M{x - 7:.1f} {y}h12m-4 -4l4 4l-4 4" stroke="currentColor" stroke-width="1.4" '
        'stroke-linecap="round" stroke-linejoin="round" opacity="0.7"/>'
    )


def _timeline(cuts: tuple[float, ...], width: float, colour: str) -> str:
    y, left = _HEIGHT + 38, 4
    length = width - 2 * left
    marks = "".join(
        f'<path d="M{left + cut * length:.1f} {y - 7}v14" stroke="currentColor" stroke-width="2"/>' for cut in cuts
    )
    return (
        f'<rect x="{left}" y="{y - 3}" width="{length}" height="6" rx="3" fill="{colour}" opacity="0.45"/>{marks}'
        f'<text x="{left}" y="{y + 23}" font-size="16" fill="currentColor" opacity="0.8">'
        f"cut {f'{len(cuts)} times' if len(cuts) > 1 else 'once'}</text>"
        f'<text x="{width - left}" y="{y + 23}" font-size="16" text-anchor="end" fill="currentColor" opacity="0.8">'
        "equal training →</text>"
    )
