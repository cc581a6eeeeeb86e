"""`python -m benchmarks [NAME...] [--json]`: measure, print one table, exit 1 if a claim fails."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.claims import BENCHMARKS
from benchmarks.measure import Row
from benchmarks.project import temporary_project

VERDICTS = {True: "holds", False: "DOES NOT HOLD", None: "no claim"}


def main() -> int:
    """Run the named benchmarks, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - BENCHMARKS.keys()
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")

    rows: list[Row] = []
    load = os.getloadavg()[0]
    try:
        with temporary_project() as project:
            for name in arguments.names or BENCHMARKS:
                print(f"{name} …", file=sys.stderr)
                rows += BENCHMARKS[name](project)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except RuntimeError as error:
        sys.exit(f"error: {error}")
    if arguments.json:
        measured = [asdict(row) | {"figure": row.figure, "holds": row.holds} for row in rows]
        print(json.dumps({"cpus": os.cpu_count(), "load_before": load, "rows": measured}, indent=2))
    else:
        print(f"{os.cpu_count()} CPUs, load average {load:.1f} before the first run\n")
        print(table(rows))
    return int(any(row.holds is False for row in rows))


def table(rows: Sequence[Row]) -> str:
    """The rows in Markdown, as docs/benchmarks.md holds them."""
    cells = [["benchmark", "what", "median", "lowest to highest", "at most", "verdict"]]
    for row in rows:
        figure, lowest, highest = (
            _number(value, row.unit) for value in (row.figure, min(row.runs), max(row.runs))
        )
        limit = _number(row.limit, row.unit) if row.limit else ""
        verdict = VERDICTS[row.holds]
        cells.append([row.benchmark, row.what, figure, f"{lowest} to {highest}", limit, verdict])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    cells.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(map(str.ljust, line, widths))} |" for line in cells)


def _number(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.1%}"
    return f"{value:.0f} MB" if unit == "MB" else f"{value:.2f}{unit if unit == 'x' else ' s'}"


if __name__ == "__main__":
    sys.exit(main())
