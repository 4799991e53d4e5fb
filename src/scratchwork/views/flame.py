"""A flame graph of the bytes that a traced program made and left, by the calls that did it: one HTML file.

Nothing is loaded from elsewhere. Without JavaScript only the enlarging of a part is missing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from scratchwork.advice.tracing.reading import Group, Trace
from scratchwork.system import words
from scratchwork.views.trace import short

Call = tuple[str, int, str]

_WIDTH, _ROW = 1200.0, 20
_CHARACTER = 6.7  # of the font, in the picture's units
_THINNEST = 0.4  # what is thinner is left out, with all that is above it
_HUES = {"left": (8, 40), "made": (195, 232)}  # warm is what lies there still

_STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1c2024; --dim: #60646c; --edge: #fff; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --text: #e6e8eb; --dim: #9ba1a6; --edge: #14171a; } }
body { margin: 2rem auto; max-width: 1400px; padding: 0 1rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.05rem; margin: 2rem 0 .4rem; }
p { margin: .2rem 0; color: var(--dim); }
svg { display: block; width: 100%; height: auto; }
rect { stroke: var(--edge); stroke-width: .6; } g:hover rect { stroke: var(--text); stroke-width: 1.2; }
text { font: 11px ui-monospace, Menlo, Consolas, monospace; fill: #14171a; pointer-events: none; }
"""
# A click makes a call as wide as the picture, and those that lead to it; a click on what is as wide already goes back.
_SCRIPT = """
for (const svg of document.querySelectorAll("svg")) svg.previousElementSibling.append(" Click a call to enlarge it.");
for (const svg of document.querySelectorAll("svg")) svg.addEventListener("click", (event) => {
  const chosen = event.target.closest("g");
  if (!chosen) return;
  const boxes = [...svg.querySelectorAll("g")].map((g) => ({ g, x: +g.dataset.x, w: +g.dataset.w }));
  const root = boxes[0], it = boxes.find((box) => box.g === chosen);
  const isWide = +chosen.querySelector("rect").getAttribute("width") > root.w - 1;
  const [from, width] = isWide ? [root.x, root.w] : [it.x, it.w];
  for (const { g, x, w } of boxes) {
    const left = Math.max(root.x, (x - from) / width * root.w);
    const right = Math.min(root.w, (x + w - from) / width * root.w);
    g.style.display = right - left > 0.4 ? "" : "none";
    const rect = g.querySelector("rect"), text = g.querySelector("text");
    rect.setAttribute("x", left);
    rect.setAttribute("width", Math.max(0, right - left));
    const room = Math.floor((right - left - 6) / CHARACTER), label = g.dataset.label;
    text.setAttribute("x", left + 4);
    text.textContent = label.length <= room ? label : room > 2 ? label.slice(0, room - 1) + "\\u2026" : "";
  }
});
""".replace("CHARACTER", str(_CHARACTER))


def page(trace: Trace, title: str) -> str:
    """Return the page: what is left, where anything is, and below it what was made."""
    total = trace.total()
    panes = [_pane(trace, kind) for kind in ("left", "made")]
    told = [f"{_counted(total, 'left')} left of {_counted(total, 'made')} made in temp space"]
    if total.anonymous:
        told.append(f"not drawn: {words.plural(total.anonymous, 'file')} without a name, of unknown size")
    if not trace.is_complete:
        told.append("part of it could not be recorded, and is missing here")
    notes = "".join(f"<p>{escape(note)}.</p>\n" for note in told)
    name = escape(_clean(title))
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width">\n<title>{name}: temp space by stack</title>\n'
        f"<style>{_STYLE}</style>\n<h1>Temp space: {name}</h1>\n{notes}{''.join(panes)}"
        f"<script>{_SCRIPT}</script>\n</html>\n"
    )


@dataclass
class _Node:
    """A call, with the bytes and the number of things that it and all that it called account for."""

    bytes: int = 0
    count: int = 0
    calls: dict[Call, _Node] = field(default_factory=dict)

    def add(self, size: int, count: int) -> None:
        self.bytes += size
        self.count += count


def _pane(trace: Trace, kind: str) -> str:
    root = _Node()
    for group in trace.groups:
        size, count = _share(group, kind)
        if not count:
            continue
        node = root
        node.add(size, count)
        for call in reversed(group.stack):
            node = node.calls.setdefault(call, _Node())
            node.add(size, count)
    heading = "Left, by the calls that made it" if kind == "left" else "Made, by the calls that made it"
    if not root.bytes:
        nothing = "Nothing" if not root.count else f"{root.count:,}, of 0 bytes"
        return f"<h2>{heading}</h2>\n<p>{nothing}.</p>\n"
    boxes = list(_boxes(root, trace, kind))
    height = (max(level for level, _ in boxes) + 1) * _ROW
    drawn = "".join(box for _, box in boxes)
    return (
        f"<h2>{heading}</h2>\n<p>Widths are bytes; the outermost call is at the top.</p>\n"
        f'<svg viewBox="0 0 {_WIDTH:.0f} {height}" role="img" aria-label="{heading}">\n{drawn}</svg>\n'
    )


def _boxes(root: _Node, trace: Trace, kind: str) -> Iterator[tuple[int, str]]:
    """Yield the level of each box, and the box."""
    pending: list[tuple[int, float, Call, _Node]] = [(0, 0.0, ("", 0, "all"), root)]
    while pending:
        level, x, call, node = pending.pop()
        width = node.bytes / root.bytes * _WIDTH
        if width < _THINNEST:
            continue
        yield level, _box(level, x, width, call, node, node.bytes / root.bytes, kind, trace)
        for called, below in sorted(node.calls.items(), key=lambda item: -item[1].bytes):
            pending.append((level + 1, x, called, below))
            x += below.bytes / root.bytes * _WIDTH


def _box(level: int, x: float, width: float, call: Call, node: _Node, share: float, kind: str, trace: Trace) -> str:
    file, line, function = (_clean(call[0]), call[1], _clean(call[2]))
    label = f"{function}  {_clean(short(call[0], trace.libraries))}:{line}" if file else function
    where = f"{file}:{line}\n{function}" if file else function
    tip = f"{where}\n{words.size(node.bytes)} in {node.count:,} {kind} ({node.bytes:,} bytes, {share:.1%})"
    y = level * _ROW
    return (
        f'<g data-x="{x:.2f}" data-w="{width:.2f}" data-label="{escape(label)}"><title>{escape(tip)}</title>'
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{_ROW}" rx="2" fill="{_colour(function, kind)}"/>'
        f'<text x="{x + 4:.2f}" y="{y + 14}">{escape(_fitting(label, width))}</text></g>\n'
    )


def _share(group: Group, kind: str) -> tuple[int, int]:
    if kind == "left":
        return group.bytes_left, group.left + group.unseen
    return group.bytes_made, group.made + group.unseen - group.anonymous


def _counted(total: Group, kind: str) -> str:
    size, count = _share(total, kind)
    return f"{count:,} ({words.size(size)})"


def _fitting(label: str, width: float) -> str:
    room = int((width - 6) / _CHARACTER)
    if len(label) <= room:
        return label
    return f"{label[: room - 1]}…" if room > 2 else ""


def _colour(function: str, kind: str) -> str:
    """Return the same colour for the same function each time."""
    first, last = _HUES[kind]
    number = zlib.crc32(function.encode("utf-8", "surrogateescape"))
    return f"hsl({first + number % (last - first)} {70 + number // 64 % 20}% {68 + number // 4096 % 12}%)"


def _clean(text: str) -> str:
    """Return text that any HTML file may hold: no character that only stands for a byte, no control character."""
    return words.printable(text.encode("utf-8", "backslashreplace").decode())
