"""A rehearsal as one HTML page with plots, which opens without a network."""

from collections.abc import Sequence
from html import escape

from nexusctl.rehearsal.acts import Act
from nexusctl.rehearsal.figures import Expected, Figure, figures
from nexusctl.rehearsal.rehearsal import Rehearsal
from nexusctl.report import rehearsal_plots as plots
from nexusctl.report.rehearsal import (
    DIFFERENCES,
    conclusions,
    conditions,
    headline,
    number,
    said_by_servers,
)

STYLE = """
:root { color-scheme: light dark; --ink: #1f2933; --soft: #697586; --paper: #fff; --rule: #dde3ea;
  --red: #dc2626; --green: #15803d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #97a3b4; --paper: #14181f;
  --rule: #2b333f; --red: #ff7b72; --green: #56d364; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 820px; margin: 2.5rem auto; padding: 0 1.2rem; }
h1 { font-size: 1.6rem; margin: 0 0 .3rem; } h2 { font-size: 1.2rem; margin: 2.6rem 0 .6rem; }
p.soft, ul.soft, dd { color: var(--soft); font-size: .9rem; } ul.soft { padding-left: 1.1rem; }
ul.conclusions { list-style: none; padding: 0; font-size: 1.05rem; }
ul.conclusions li { padding: .35rem .8rem; margin: .4rem 0; border-left: 4px solid var(--green); }
ul.conclusions li.bad { border-color: var(--red); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 500; color: var(--soft); font-size: .85rem; text-align: right; }
th:first-child, td:first-child { text-align: left; } td { text-align: right; }
td, th { padding: .25rem .2rem; border-bottom: 1px solid var(--rule); }
figure { margin: 1.4rem 0; } figcaption { font-size: .9rem; }
svg { width: 100%; height: auto; display: block; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; }
"""


def page(name: str, played: Rehearsal) -> str:
    """The page of a rehearsal of environment `name`, whole in itself."""
    expected = Expected(played.storm)
    direct, pooled, restart = played.acts
    drawn = (
        [("Clients that connect", plots.connecting(direct, expected))],
        [
            ("Clients, and the database connections that they share", plots.sharing(pooled)),
            ("How many transactions wait longer than so long", plots.waiting(pooled, expected)),
        ],
        [("How long transactions wait, by when asked for", plots.restarting(restart, expected))],
    )
    acts = "".join(
        f"<h2>{position}. {escape(act.title.capitalize())}</h2>{_table(table)}{_said(act)}"
        + "".join(f"<figure><figcaption>{what}</figcaption>{svg}</figure>" for what, svg in each)
        for position, ((act, table), each) in enumerate(zip(figures(played), drawn, strict=True), 1)
    )
    told = "".join(
        f"<li{'' if good else ' class=bad'}>{escape(_sentence(said))}</li>"
        for good, said in conclusions(played)
    )
    under = "".join(f"<li>{escape(_sentence(each))}</li>" for each in conditions(played))
    differences = "".join(
        f"<dt>{escape(subject)}</dt><dd>{escape(said)}</dd>"
        for subject, said in DIFFERENCES.items()
    )
    title = f"A rehearsal of {escape(name)}"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style>"
        f'<h1>{title}</h1><p class="soft">{escape(_sentence(headline(played)))}</p>'
        f'<ul class="conclusions">{told}</ul>{acts}'
        f'<h2>Conditions</h2><ul class="soft">{under}</ul>'
        f"<h2>What pgbouncer does not share with RDS Proxy</h2><dl>{differences}</dl></html>\n"
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _table(table: Sequence[Figure]) -> str:
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{number(each.measured, each.unit)}</td>"
        f"<td>{'≤ ' * each.at_most}{number(each.predicted, each.unit)}</td></tr>"
        for each in table
    )
    return f"<table><tr><th></th><th>measured</th><th>predicted</th></tr>{rows}</table>"


def _said(act: Act) -> str:
    said = "; ".join(f"{count:,} × “{text}”" for text, count in said_by_servers(act))
    return f'<p class="soft">Errors: {escape(said)}</p>' if said else ""
