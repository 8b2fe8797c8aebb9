# SPDX-License-Identifier: LGPL-2.1-or-later
"""make bench: the figures of doc/benchmarks.md, each beside its yardstick.

    bench.py [--json=FILE] [--page=FILE] [--rounds=5] [--quick] [FIGURE…]    # P1 P5 P7 S1 … million

Judges nothing. A figure is a ratio of two things that were measured in the same round, and the
median of the rounds. All processes share CPU 0, unless the page says otherwise.
"""

import argparse
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]

from bus_figures import measure_calls, measure_pages  # noqa: E402
from growth_figures import measure_growth  # noqa: E402
from http_figures import measure_reconciling  # noqa: E402
from million import measure_million  # noqa: E402
from page import cells, markdown, page_update  # noqa: E402
from size_figures import measure_heap, measure_idle, measure_start  # noqa: E402
from workshop import Workshop  # noqa: E402

GROUPS = (
    (("P1", "P2", "P3"), measure_calls),
    (("P5",), measure_pages),
    (("P7", "P8", "P9"), measure_reconciling),
    (("S1",), measure_heap),
    (("S2",), measure_start),
    (("S4",), measure_idle),
    (("S6",), measure_growth),
    (("million",), measure_million),
)


class Report:
    """Collects figures; each is a list of values, one a round."""

    def __init__(self):
        self.rows = []

    def add(self, figure, what, goal, values, beside="", unit=""):
        """`goal`: "<= 1.25", ">= 0.9" or None; `beside`: the absolute rates."""
        value = statistics.median(values)
        sign, bound = goal.split() if goal else ("", 0)
        reached = value <= float(bound) if sign == "<=" else value >= float(bound)
        row = {"figure": figure, "what": what, "goal": goal, "value": round(value, 4),
               "unit": unit, "reached": reached if goal else None,
               "values": [round(one, 4) for one in values], "beside": beside}
        self.rows.append(row)
        print(f"# {figure} {what}: {value:.3f}{unit} (goal {goal}) {beside}", file=sys.stderr,
              flush=True)
        return row


def machine():
    """What a reader must know of the machine; nothing that names it."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"cpu": models[0] if models else os.uname().machine, "cpus": os.cpu_count(),
            "kernel": os.uname().release.split("-")[0], "load": round(os.getloadavg()[0], 2)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--json")
    parser.add_argument("--page", help="write what was measured into the table there")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one round, small: does it work?")
    parser.add_argument("figures", nargs="*")
    options = parser.parse_args()

    os.sched_setaffinity(0, {0})
    report = Report()
    begin = {"date": time.strftime("%Y-%m-%d"), **machine()}
    with Workshop(1 if options.quick else options.rounds, options.quick) as workshop:
        for figures, measure in GROUPS:
            if not options.figures or set(figures) & set(options.figures):
                measure(workshop, report)

    end = {"load": round(os.getloadavg()[0], 2)}
    head = (f"{begin['cpu']}, {begin['cpus']} CPUs, Linux {begin['kernel']}; load {begin['load']} "
            f"before and {end['load']} after; median of {workshop.rounds}.")
    print(head)
    print(markdown([cells(row, begin["date"]) for row in report.rows]))
    if options.page:
        measured = {row["figure"] for row in report.rows} if options.figures else None
        page_update(options.page, report.rows, measured, begin["date"], head)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": begin, "end": end, "rounds": workshop.rounds,
                       "figures": report.rows}, file,
                      indent=1, ensure_ascii=False)
            file.write("\n")


if __name__ == "__main__":
    main()
