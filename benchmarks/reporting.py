"""The table, the JSON file and the picture."""

from __future__ import annotations

import json
import platform
import sys
import time
from pathlib import Path

from benchmarks.timing import Result

_SCALE = {"us": 1e6, "us each": 1e6, "ms": 1e3, "MB": 1e-6}
_MET, _NOT_MET, _NOT_JUDGED, _OTHER = "#2a7f62", "#c0392b", "#3b6ea5", "#c3cad2"


def print_table(results: list[Result]) -> None:
    """Print every candidate with its median and its ratio, and the bars."""
    print(f"\n{'':<33}{'where':<15}{'candidate':<28}{'median':>14}{'ratio':>8}  bar")
    for result in results:
        print("-" * 115)
        name, place = result.name, result.place
        for candidate, median in result.medians.items():
            shown = f"{median * _SCALE[result.unit]:,.2f} {result.unit.replace('us', 'µs')}"
            verdict = _verdict(result) if candidate == result.subject else ""
            print(f"{name:<33}{place:<15}{candidate:<28}{shown:>14}{result.ratio(candidate):>8.2f}  {verdict}".rstrip())
            name = place = ""
    met = [result.is_met for result in results if _has_bar(result)]
    print(f"\n{sum(met)} of {len(met)} bars are met.")
    for result in results:
        if not result.is_met:
            print(f"  {result.name}, {result.place}: is {result.ratio(result.subject):.2f}, {_verdict(result)}")


def write_json(path: Path, results: list[Result], *, quick: bool) -> None:
    """Write the figures, in seconds, with what they were measured on."""
    told = {
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": sys.version.split()[0],
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "quick": quick,
        "results": [result.as_dict() for result in results],
    }
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def draw(path: Path, results: list[Result]) -> bool:
    """Draw the ratios, with the bars as lines; False where there is no matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [(result, candidate) for result in results for candidate in result.medians]
    figure, axes = pyplot.subplots(figsize=(10, 0.34 * len(rows) + 1.6), layout="constrained")
    for row, (result, candidate) in enumerate(rows):
        ratio = result.ratio(candidate)
        is_subject = candidate == result.subject
        color = _color(result) if is_subject else _OTHER
        axes.barh(row, ratio, color=color, height=0.72)
        median = f"{result.medians[candidate] * _SCALE[result.unit]:,.2f} {result.unit.replace('us', 'µs')}"
        axes.text(ratio + 0.01, row, f" {ratio:.2f}  ({median})", va="center", fontsize=8)
        if is_subject and result.bar and result.bar.most is not None:
            axes.plot([result.bar.most] * 2, [row - 0.5, row + 0.5], color="black", linewidth=2)
    axes.set_yticks(range(len(rows)), [f"{result.name}, {result.place}: {name}" for result, name in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(result.ratio(candidate) for result, candidate in rows))
    axes.set_xlabel("time, in times of what it is measured against (black line: at most)")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    return True


def _color(result: Result) -> str:
    if not _has_bar(result):
        return _NOT_JUDGED
    return _MET if result.is_met else _NOT_MET


def _has_bar(result: Result) -> bool:
    return result.bar is not None and result.bar.most is not None


def _verdict(result: Result) -> str:
    if result.bar is None or result.bar.most is None:
        return ""
    return f"at most {result.bar.most:.2f}: {'met' if result.is_met else 'NOT MET'}"
