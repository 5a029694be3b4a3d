"""`event-store types`: types for applications, from what a deployed store has registered and offers."""

import json
from pathlib import Path

import click

from deploy.commands import options
from deploy.commands.connection import choose_event_store
from deploy.commands.errors import CommandError
from deploy.commands.superuser import Superuser
from deploy.model.inventory import read_inventory
from deploy.model.project import ROOT
from deploy.types.document import document
from deploy.types.languages import LANGUAGES, GeneratorError


@click.command()
@options.inventory
@options.container
@click.option("--language", type=click.Choice([*LANGUAGES]), help="What the application is written in.")
@click.option("--out", metavar="FOLDER", default="", help="Where the file goes; it is replaced as a whole.")
def types(inventory: str, container: str | None, language: str | None, out: str) -> None:
    """Write types of the events, the rows and the functions of a deployed store.

    One type for each event type and schema version, a union of them that event_type discriminates, the rows that the
    application reads, and the arguments and results of the functions that it calls.
    """
    settings = read_inventory(inventory)
    store = choose_event_store(settings, container)
    if not language:
        raise CommandError(f"say --language {' or '.join(LANGUAGES)} (LANGUAGE=… to make)")
    if not out:
        raise CommandError("say --out FOLDER (OUT=folder to make): the types go there")
    query = (ROOT / "sql/catalogue/types.sql").read_text(encoding="utf-8")
    found = json.loads("\n".join(Superuser(settings.file, store).query(query)))
    name, comment, generate = LANGUAGES[language]
    try:
        text = generate(document(found))
    except GeneratorError as error:
        raise CommandError(str(error)) from None
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f"{name}.new"
    new.write_text(
        f"{comment} Written by `event-store types` from a deployed store. Do not edit.\n{text}", encoding="utf-8"
    )
    new.replace(folder / name)
    click.echo(f"{folder / name}: {len(found['event_types'])} event types of event store {store.name}")
