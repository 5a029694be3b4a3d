"""Backups, where they are declared: what is archived, what there is to restore, and that both sides are as declared."""

import time

import pytest
from testinfra.host import Host

from deploy.backups.config import (
    KEY_FILE,
    REPOSITORY,
    TIMERS,
    copy_configuration,
    job_texts,
    program_texts,
    repository_configuration,
    store_configuration,
)
from deploy.backups.facts import ArchiverFact, ForeignBackups, StanzasFact
from deploy.backups.status import of_archiver, of_stanza
from deploy.machine.status import State
from deploy.model.backup_repositories import BackupRepository
from deploy.model.backups import BACKUP_PORT, BACKUP_UNIT, CONFIGURATION
from deploy.model.cluster import ClusterPaths
from deploy.model.event_stores import EventStore
from deploy.model.settings import Settings
from deploy.worker.deploy import UNITS


@pytest.fixture
def kept_in(store: EventStore, settings: Settings) -> BackupRepository:
    """Where the backups of a store are."""
    found = settings.repository_of(store)
    if found is None:
        pytest.skip('not verifiable here: there are no backups; key "backup_repository" declares them')
    return found


def _listens(inside: Host) -> bool:
    service = inside.service(BACKUP_UNIT)
    return service.is_running and service.is_enabled and f":{BACKUP_PORT} " in inside.check_output("ss -Hltn")


def test_a_store_and_its_repository_reach_each_other(
    inside: Host, store: EventStore, kept_in: BackupRepository
) -> None:
    assert _listens(inside)
    assert inside.file(CONFIGURATION).content_string == store_configuration(store, kept_in)
    paths = ClusterPaths(store.version)
    fact = ForeignBackups()
    said = inside.check_output(fact.command(store.lxc_name, paths.data, paths.programs).get_raw_value()).splitlines()
    assert len(said) > 1  # the repository has answered
    assert fact.process(said) == ""


def test_wal_is_archived(inside: Host, kept_in: BackupRepository) -> None:
    said = inside.check_output(ArchiverFact().command()).splitlines()
    state, detail = of_archiver(ArchiverFact().process(said))
    assert state == State.WELL, detail


def test_a_copy_archives_nothing_and_nothing_works_in_it(inside: Host, store: EventStore, settings: Settings) -> None:
    repository = settings.read_repository_of(store)
    if store.copy_of is None or repository is None:
        pytest.skip('not verifiable here: it is no copy; key "copy_of" declares one')
    assert inside.file(CONFIGURATION).content_string == copy_configuration(store, repository)
    # Of units that were never there, systemd knows no state at all.
    for question, answer in (("is-active", "active"), ("is-enabled", "enabled")):
        said = inside.run(f"systemctl {question} {' '.join([*UNITS, BACKUP_UNIT])}").stdout.split()
        assert answer not in said, said
    said = inside.check_output(ArchiverFact().command()).splitlines()
    assert ArchiverFact().process(said).mode == "off"


def test_there_are_backups_and_they_were_checked(
    inside: Host, repository: BackupRepository, settings: Settings
) -> None:
    stanzas = StanzasFact().process(inside.check_output(StanzasFact().command()).splitlines())
    assert set(stanzas) == {store.lxc_name for store in settings.stores_of(repository)}
    for name, stanza in stanzas.items():
        state, detail = of_stanza(stanza, time.time())
        assert state == State.WELL, f"{name}: {detail}"


def test_a_repository_runs_what_is_declared(inside: Host, repository: BackupRepository, settings: Settings) -> None:
    assert _listens(inside) == bool(settings.stores_of(repository))
    declared = {
        CONFIGURATION: repository_configuration(repository, settings),
        **job_texts(repository),
        **program_texts(),
    }
    for path, text in declared.items():
        assert inside.file(path).content_string == text, path
    for timer in TIMERS:
        unit = inside.service(timer)
        assert (unit.is_running, unit.is_enabled) == (True, True), timer


@pytest.mark.parametrize(("path", "mode", "owner"), [(KEY_FILE, 0o640, "root"), (REPOSITORY, 0o750, "postgres")])
def test_nobody_else_reads_what_is_kept(
    inside: Host,
    repository: BackupRepository,
    path: str,
    mode: int,
    owner: str,
) -> None:
    file = inside.file(path)
    assert (file.mode, file.user, file.group) == (mode, owner, "postgres")
