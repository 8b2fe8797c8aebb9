# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of doc/benchmarks.md: rows that were measured anew replace those of before."""

import re

BEGIN, END = "<!-- table: make bench -->\n", "<!-- end of the table -->\n"
HEAD = ("figure", "what", "goal", "measured", "", "spread", "absolute", "on")


def cells(row, date):
    """What a row of the report shows."""
    if row["goal"] is None:
        return (row["figure"], row["what"], "", "", "", "", row["beside"], date)
    return (row["figure"], row["what"], row["goal"], f"{row['value']:.3g}{row['unit']}",
            "yes" if row["reached"] else "no",
            f"{min(row['values']):.3g}–{max(row['values']):.3g}", row["beside"], date)


def markdown(lines):
    lines = [HEAD, tuple("---" for _ in HEAD), *lines]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    return "".join("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths))
                   .rstrip() + " |\n" for line in lines)


def parse(text):
    """The rows of a table that markdown() made."""
    lines = [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
             for line in text.splitlines() if line.startswith("| ")]
    return [line for line in lines[2:] if len(line) == len(HEAD)]


def page_update(path, rows, figures, date, head):
    """Replaces the rows of `figures` (None: all), and the line of the machine above the table."""
    with open(path, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    old, after = rest.split(END)
    new = [cells(row, date) for row in rows]
    kept = [line for line in parse(old) if figures is not None and line[0] not in figures]
    order = {figure: i for i, figure in enumerate(sorted({line[0] for line in kept + new},
                                                         key=figure_key))}
    lines = sorted(kept + new, key=lambda line: order[line[0]])
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + "\n" + head + "\n\n" + markdown(lines) + "\n" + END + after)


def figure_key(figure):
    """P1 before P10, P before S, and the million last."""
    letter, number = figure[:1], figure[1:]
    return (letter, int(number)) if number.isdigit() else ("~", 0)
