"""The schema of the event store: migrations, then whatever else differs from the files."""

from collections.abc import Generator, Mapping

from pyinfra.api.operation import operation
from pyinfra.context import host

from deploy.machine.differences import MARK, Commands, refuse, report, unanswered
from deploy.machine.look import forget, look
from deploy.machine.pooler_console import reconnected
from deploy.machine.psql import psql
from deploy.machine.records import Difference
from deploy.schema import catalogue, migrations
from deploy.schema.catalogue import Schema
from deploy.schema.facts import Answer, SchemaState, State


@operation()
def converged(database: str) -> Generator[object, None, None]:
    """Make the schema of ``database`` what the folder ``sql/`` says.

    Migrations first, each in its own transaction; then the reference, if the files or the server are others than those
    it was built from; then one repair of all that differs from it. A difference that cannot be repaired without losing
    rows ends the run for this host.

    One operation for all of it, because each step decides on what the one before left behind, and because one look at
    the database is all that a run with nothing to change should cost.
    """
    schema = catalogue.load()
    state: State = look(SchemaState, database=database)
    if state.answer is Answer.SERVER_SILENT:
        yield from unanswered(f"database {database}", state.silence)
        return
    if reason := _ledger_refusal(schema, state) or loss_refusal(state):
        yield refuse(reason)
        return
    pending = migrations.pending(schema.migrations, state.ledger)
    report([*(Difference(f"migration {migration}", "pending") for migration in pending), *_describe(state)])

    if pending:  # each in a transaction of its own, all in one session
        scripts = (f"BEGIN;\n{migrations.up_script(migration, schema.ledger)}COMMIT;\n" for migration in pending)
        yield psql("".join(scripts), database=database, single_transaction=False)
    renewed = pending or state.drift is None
    if renewed:
        yield psql(schema.reference, database=database, single_transaction=False)
        # A dry run never comes as far as here: pyinfra stops a generator at its first command.
        forget()
        state = look(SchemaState, database=database)
        if reason := loss_refusal(state):
            yield refuse(reason)
            return
    if state.drift:
        yield psql(schema.repair, database=database)
    elif not pending:
        host.noop(f"the schema of {database} is as described")
    if renewed or state.drift:
        # If this run is killed before, the pooler's part sees that its connections are older than the reference.
        yield reconnected()


@operation()
def configured(database: str, settings: Mapping[str, str]) -> Commands:
    """Have these values in the one row of ``event_store.settings``."""
    state: State = look(SchemaState, database=database)
    present = state.settings or {}
    different = {name: value for name, value in settings.items() if present.get(name) != value}
    if state.answer is Answer.SERVER_SILENT or not different:
        host.noop("the settings are as declared")
        return
    report(
        Difference(f"setting {name}", f"{present.get(name, 'missing')}, should be {value}")
        for name, value in different.items()
    )
    # Names and values come from `deploy.model.settings`, which admits no other ones. The row is changed where it is: its
    # triggers for a new one lock the events. A row that somebody deleted is recreated; a trigger completes it.
    names, values = ", ".join(settings), ", ".join(f"'{value}'" for value in settings.values())
    changes = ", ".join(f"{name} = '{value}'" for name, value in settings.items())
    yield psql(
        f"""
        UPDATE event_store.settings SET {changes};
        INSERT INTO event_store.settings (cluster_identifier, {names}) SELECT system_identifier, {values}
          FROM pg_control_system() WHERE NOT EXISTS (SELECT FROM event_store.settings);
        """,
        database=database,
    )


@operation()
def rebased(database: str) -> Commands:
    """Have the feed go on where the restored one ended, after a dump of another cluster was restored into this one."""
    state: State = look(SchemaState, database=database)
    if state.rebase_due:
        report([Difference("feed", "restored from another cluster, to be rebased")])
        yield psql("SELECT event_store.rebase_feed()", database=database)


def _describe(state: State) -> list[Difference]:
    if state.drift is None:
        return [Difference("catalogue reference", "missing or outdated")]
    return [deviation.difference for deviation in state.drift]


def _ledger_refusal(schema: Schema, state: State) -> str | None:
    """Why the migrations of this checkout cannot go on from what was applied."""
    if state.has_store and not state.ledger:
        return (
            "the schema event_store is there, but deployment.migrations does not say which migrations made it. "
            "Restore that table from a backup, or insert its rows (version, name, sha256 of up.sql) by hand"
        )
    try:
        migrations.pending(schema.migrations, state.ledger)
    except migrations.MigrationError as error:
        return str(error)
    return None


def loss_refusal(state: State) -> str | None:
    """Why the drift must not be repaired: rows would be lost, or are lost and nothing here can bring them back.

    Lists the repairable differences as well: none of them is touched as long as one of the others is there.
    """
    drift = state.drift or ()
    if all(deviation.repairable for deviation in drift):
        return None
    return "\n".join(
        [
            "the schema differs in ways that cannot be repaired without losing rows; nothing of it is touched:",
            *(f"{MARK}{deviation.difference}" for deviation in drift if not deviation.repairable),
            *(f"{MARK}{deviation.difference} (can be repaired)" for deviation in drift if deviation.repairable),
            "Restore from a backup what is missing. Take back by hand what is extra or changed, or write a migration",
            "that makes it part of the schema. Then run this again.",
        ]
    )
