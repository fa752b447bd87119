# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians, ratios, tables and the file of results."""
import json
import os
import platform
import statistics
import sys


def progress(what):
    """A word for whoever waits, on standard error."""
    print(f"bench: {what}", file=sys.stderr, flush=True)


def medians(runs):
    """The median of each figure over several runs; what is no number comes from the first."""
    first = runs[0]
    return {key: statistics.median(run[key] for run in runs)
            if isinstance(value, (int, float)) and not isinstance(value, bool) else value
            for key, value in first.items()}


def ratio(value, base):
    return value / base if base else None


def text_of(value):
    """A cell: three digits that say something."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def table(title, rows, columns):
    """Rows of dicts as a Markdown table; columns: (key, heading), left out when nobody has a value."""
    shown = [(key, head) for key, head in columns if any(row.get(key) is not None for row in rows)]
    cells = [[head for _, head in shown]]
    cells += [[text_of(row.get(key)) for key, _ in shown] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = ["| " + " | ".join(f"{cell:{width}}" for cell, width in zip(row, widths)) + " |"
             for row in cells]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(["", title, "", *lines])


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return {"cpu": models[0] if models else platform.machine(), "cpus": os.cpu_count(),
            "kernel": platform.release(), "load": os.getloadavg()[0]}


def save(path, results):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=1)
        file.write("\n")
