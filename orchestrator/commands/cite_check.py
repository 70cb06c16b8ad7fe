"""Command `cite-check`: whether a bibliography is of works that exist."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.commands.options import json_flag, scholar_flag

if TYPE_CHECKING:
    from orchestrator.citation_check import Checked


@click.command("cite-check")
@click.argument("file", metavar="FILE.bib", type=click.Path(path_type=Path))
@click.option(
    "--library",
    type=click.Path(path_type=Path),
    multiple=True,
    help="A verified .bib file; the templates' if left out.",
)
@scholar_flag
@json_flag
def cite_check(file: Path, library: tuple[Path, ...], scholar: str | None, *, as_json: bool) -> None:
    """Compare every entry of FILE.bib with the sources; status 1 where one isn't verified.

    Without --scholar nothing leaves this machine: the entries are looked for in the libraries alone.
    """
    import json

    from orchestrator.citation_check import check_entry, repeated_entry
    from orchestrator.paper.bib import read_sources
    from orchestrator.scholars import citation_sources

    scholars = citation_sources(scholar, library)
    entries, repeated = read_sources(file)
    checked = [repeated_entry(key) for key in repeated]
    for key, entry in entries.items():
        checked.append(check_entry(key, entry, scholars))
        for line in () if as_json else _lines(checked[-1]):
            click.echo(line)
    counts = {
        word: sum(one.verdict == word for one in checked) for word in ("verified", "altered", "unknown", "unchecked")
    }
    names = [one.name for one in scholars]
    if as_json:
        report = {"asked": names, "counts": counts, "entries": [one.model_dump() for one in checked]}
        click.echo(json.dumps(report, indent=1, ensure_ascii=False))
    else:
        click.echo(
            f"{file}: {', '.join(f'{count} {word}' for word, count in counts.items())}; asked: {', '.join(names)}"
        )
        if counts["unknown"] and not scholar:
            click.echo("A library doesn't know every work; --scholar asks services for those that it lacks.")
    sys.exit(0 if counts["verified"] == len(checked) else 1)


def _lines(checked: Checked) -> Iterator[str]:
    """Say what became of an entry; text of a file or a service shows no control character on a terminal."""
    lines = [f"{checked.verdict:<10}{checked.key}" + (f"  ({checked.source})" if checked.source else "")]
    lines += [f"  {one.field}: {one.entry or 'none'} -- source: {one.source or 'none'}" for one in checked.differences]
    lines += [f"  {reason}" for reason in checked.unreached]
    yield from ("".join(c if c.isprintable() else "?" for c in line) for line in lines)
