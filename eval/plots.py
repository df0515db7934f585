"""Small plots as SVG text: light, readable in light and dark, with a text for those who cannot see them. Pure.

Colours come from the page's style sheet (classes), so that a plot follows the reader's colour scheme. Everything
that is drawn is a number or escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 44
_QUARTERS = [(0.0, "0"), (0.25, ".25"), (0.5, ".5"), (0.75, ".75"), (1.0, "1")]


def _x(value: float, most: float = 1.0) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * value / (most or 1), 1)


def _y(value: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value, 1)


def _text(kind: str, x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def _dot(x: float, y: float, size: float, words: str) -> str:
    return f'<circle class="dot" cx="{x:g}" cy="{y:g}" r="{size:.1f}"><title>{escape(words)}</title></circle>'


def _frame(
    body: Sequence[str],
    title: str,
    x_label: str,
    y_label: str,
    x_ticks: Sequence[tuple[float, str]],
    most_x: float = 1.0,
) -> Markup:
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}" class="plot">'
        f"<title>{escape(title)}</title>"
    ]
    for value, label in _QUARTERS:
        height = _y(value)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height}" y2="{height}"/>')
        parts.append(_text("tick", LEFT - 6, height + 4, label, "end"))
    for value, label in x_ticks:
        parts.append(_text("tick", _x(value, most_x), HEIGHT - BOTTOM + 16, label))
    parts += body
    parts.append(_text("axis", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label))
    turned = f"translate(12 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"
    parts.append(f'<text class="axis" transform="{turned}" text-anchor="middle">{escape(y_label)}</text></svg>')
    return Markup("".join(parts))


def reliability(rows: Sequence[Sequence[float]]) -> Markup:
    """Plot rows (low, high, cases, mean confidence, share right) against the diagonal; dots grow with the cases."""
    most = max((row[2] for row in rows), default=1)
    body = [f'<line class="ideal" x1="{_x(0)}" y1="{_y(0)}" x2="{_x(1)}" y2="{_y(1)}"/>']
    points = " ".join(f"{_x(mean)},{_y(share)}" for _, _, _, mean, share in rows)
    body.append(f'<polyline class="line" points="{points}"/>')
    for low, high, cases, mean, share in rows:
        size = 3 + 5 * (cases / most) ** 0.5
        words = f"confidence {low:.2f} to {high:.2f}: {int(cases)} questions, {share:.0%} right"
        body.append(_dot(_x(mean), _y(share), size, words))
    title = "Reliability: of the questions answered with a given confidence, the share that was right"
    return _frame(body, title, "confidence", "share right", _QUARTERS)


def risk_coverage(rows: Sequence[Sequence[float]], answered: float) -> Markup:
    """Plot (coverage, share wrong); a vertical line shows the share of questions answered at the shipped threshold."""
    points = " ".join(f"{_x(coverage)},{_y(risk)}" for coverage, risk in rows)
    body = [
        f'<line class="ideal" x1="{_x(answered)}" x2="{_x(answered)}" y1="{_y(0)}" y2="{_y(1)}"/>',
        _text("tick", _x(answered) - 5, TOP + 12, f"as shipped: {answered:.0%}", "end"),
        f'<polyline class="line" points="{points}"/>',
    ]
    title = "Risk and coverage: the share wrong when only the most confident questions are answered"
    return _frame(body, title, "share of questions answered", "share wrong", _QUARTERS)


def evidence_at(rows: Sequence[Sequence[float]]) -> Markup:
    """Plot (passages, share of evidence among them)."""
    most = max((row[0] for row in rows), default=1)
    points = " ".join(f"{_x(k, most)},{_y(share)}" for k, share in rows)
    body = [f'<polyline class="line" points="{points}"/>']
    body += [_dot(_x(k, most), _y(share), 3.5, f"{int(k)} passages: {share:.1%}") for k, share in rows]
    ticks = [(float(k), str(int(k))) for k, _ in rows if most <= 12 or int(k) % 5 == 0]
    return _frame(body, "Evidence among the first passages", "passages retrieved", "evidence found", ticks, most_x=most)


def depths(lines: Mapping[str, Sequence[float]], ticks: Sequence[str], title: str, y_label: str) -> Markup:
    """Plot shares at evenly spaced depths, a line for each of up to three systems; the first is the reader's own."""
    body = []
    for number, (name, values) in enumerate(lines.items()):
        places = [(_x(at, len(ticks) - 1), _y(value)) for at, value in enumerate(values)]
        kind = ("line", "line other", "line other third")[number]
        body.append(f'<polyline class="{kind}" points="{" ".join(f"{x},{y}" for x, y in places)}"/>')
        x, y = WIDTH - RIGHT - 130, HEIGHT - BOTTOM - 58 + 18 * number
        body.append(f'<line class="{kind}" x1="{x}" x2="{x + 26}" y1="{y}" y2="{y}"/>')
        body.append(_text("name", x + 32, y + 4, name, "start"))
        if not number:
            body += [_dot(x, y, 3.5, f"{tick}: {v:.3f}") for (x, y), tick, v in zip(places, ticks, values, strict=True)]
    return _frame(body, title, "articles looked at", y_label, list(enumerate(ticks)), most_x=len(ticks) - 1)


def bars(rows: Mapping[str, float], title: str, unit: str = "") -> Markup:
    """Plot named amounts as horizontal bars, the longest first."""
    ordered = sorted(rows.items(), key=lambda row: -row[1])
    most = max((value for _, value in ordered), default=1) or 1
    height = 34 * len(ordered) + 8
    label = f"{title}: " + ", ".join(f"{name} {value:g}{unit}" for name, value in ordered)
    parts = [f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}" class="plot">']
    for index, (name, value) in enumerate(ordered):
        top = 34 * index + 4
        length = 250 * value / most
        parts.append(_text("name", 128, top + 18, name, "end"))
        parts.append(f'<rect class="bar" x="136" y="{top + 3}" width="{max(length, 1):.1f}" height="22" rx="3"/>')
        text = f"{value:g}{unit}"
        if length > 200:
            parts.append(_text("on-bar", round(136 + length - 7, 1), top + 18, text, "end"))
        else:
            parts.append(_text("name", round(136 + length + 7, 1), top + 18, text, "start"))
    return Markup("".join([*parts, "</svg>"]))


def whisker(value: float, low: float, high: float) -> Markup:
    """Draw a value in [0, 1] with its interval, as small as a word."""
    points = [round(2 + 96 * min(max(v, 0.0), 1.0), 1) for v in (low, value, high)]
    label = f"{value:.2f}, from {low:.2f} to {high:.2f}"
    return Markup(
        f'<svg viewBox="0 0 100 12" class="whisker" role="img" aria-label="{label}">'
        f'<line class="grid" x1="2" x2="98" y1="6" y2="6"/>'
        f'<line class="line" x1="{points[0]}" x2="{points[2]}" y1="6" y2="6"/>'
        f'<circle class="dot" cx="{points[1]}" cy="6" r="4"/></svg>'
    )
