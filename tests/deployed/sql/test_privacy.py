"""Personal data in envelopes: read with the subject's key, unreadable for ever without it, and no event is touched."""

import base64
import hmac
import json
import threading
from hashlib import sha512
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7
from psycopg.types.json import Jsonb

from .sealing import Connection, problems, seal
from .stores import Store

PERSON = {"name": "Ann “Ä” O'Neil 😀", "born": "1980-02-29", "limits": [1.10, None, True]}
VALUES = [PERSON, {}, [], "text", "", 0, 1.5, True, None, "x" * 100_000]


def protect(connection: Connection, subject: UUID | None, data: Any) -> dict[str, Any]:
    row = connection.execute("SELECT event_store.protect(%s, %s)", [subject, Jsonb(data)]).fetchone()
    assert row is not None
    return dict(row[0])


def reveal(connection: Connection, document: Any) -> Any:
    row = connection.execute("SELECT event_store.reveal(%s)", [Jsonb(document)]).fetchone()
    assert row is not None
    return row[0]


def erase(connection: Connection, subject: UUID | None, reason: str | None = "request") -> bool:
    row = connection.execute("SELECT event_store.erase_subject(%s, %s)", [subject, reason]).fetchone()
    assert row is not None
    return bool(row[0])


def open_by_rfc_7518(key: bytes, envelope: dict[str, Any]) -> Any:
    """A256CBC-HS512 by another implementation."""
    parts = {name: base64.b64decode(envelope[name], validate=True) for name in ("iv", "ciphertext", "tag")}
    additional = envelope["subject"].encode()
    length = (len(additional) * 8).to_bytes(8, "big")
    tag = hmac.digest(key[:32], additional + parts["iv"] + parts["ciphertext"] + length, sha512)[:32]
    assert hmac.compare_digest(tag, parts["tag"])
    cipher = Cipher(AES(key[32:]), CBC(parts["iv"])).decryptor()
    unpadder = PKCS7(128).unpadder()
    padded = cipher.update(parts["ciphertext"]) + cipher.finalize()
    return json.loads(unpadder.update(padded) + unpadder.finalize())


# Protect and reveal


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_what_was_protected_is_revealed(app: Connection, value: Any) -> None:
    subject = uuid4()
    envelope = protect(app, subject, value)
    assert list(envelope) == ["$protected"]
    assert envelope["$protected"]["subject"] == str(subject)
    assert reveal(app, envelope) == value
    assert reveal(app, {"who": envelope, "n": [1, envelope]}) == {"who": value, "n": [1, value]}


def test_the_envelope_is_that_of_rfc_7518(app: Connection, admin: Connection) -> None:
    subject = uuid4()
    envelope = protect(app, subject, PERSON)["$protected"]
    row = admin.execute("SELECT key FROM event_store.subject_keys WHERE subject_id = %s", [subject]).fetchone()
    assert row is not None
    assert len(row[0]) == 64
    assert open_by_rfc_7518(row[0], envelope) == PERSON


def test_no_two_envelopes_are_alike(app: Connection, admin: Connection) -> None:
    subject, other = uuid4(), uuid4()
    envelopes = [protect(app, who, PERSON)["$protected"] for who in (subject, subject, other)]
    for part in ("iv", "ciphertext", "tag"):
        assert len({envelope[part] for envelope in envelopes}) == 3
    keys = admin.execute(
        "SELECT DISTINCT key FROM event_store.subject_keys WHERE subject_id = ANY (%s)", [[subject, other]]
    ).fetchall()
    assert len(keys) == 2


@pytest.mark.parametrize("document", VALUES, ids=lambda value: repr(value)[:20])
def test_documents_without_an_envelope_are_revealed_as_they_are(app: Connection, document: Any) -> None:
    assert reveal(app, document) == document


def test_null_is_revealed_as_null(app: Connection) -> None:
    assert app.execute("SELECT event_store.reveal(NULL)").fetchone() == (None,)


def changed(text: str) -> str:
    return ("B" if text[0] == "A" else "A") + text[1:]


def test_a_changed_envelope_is_refused(app: Connection) -> None:
    subject, other = uuid4(), uuid4()
    good, others = (protect(app, who, PERSON)["$protected"] for who in (subject, other))
    for wrong in (
        *({**good, part: changed(good[part])} for part in ("iv", "ciphertext", "tag")),
        *({**good, part: others[part]} for part in ("subject", "iv", "ciphertext", "tag")),
        *({name: text for name, text in good.items() if name != part} for part in good),
        *({**good, part: "§"} for part in good),
        *({**good, part: None} for part in good),
        {**good, "subject": str(uuid4())},
        {**good, "ciphertext": ""},
        {**good, "ciphertext": good["ciphertext"][:24]},
        {},
        None,
        "text",
    ):
        with pytest.raises(psycopg.Error) as caught:
            reveal(app, {"$protected": wrong})
        assert caught.value.sqlstate == "SE002", wrong
        assert "Ann" not in str(caught.value)


def test_an_envelope_whose_key_was_rolled_back_says_so(store: Store, app: Connection) -> None:
    session, subject = store.connect(autocommit=False), uuid4()
    envelope = protect(session, subject, PERSON)
    session.rollback()
    for message in ("no key in this store", "not what the key of its subject has wrapped"):
        with pytest.raises(psycopg.Error) as caught:
            reveal(app, envelope)
        assert caught.value.sqlstate == "SE002"
        assert message in (caught.value.diag.message_primary or "")
        assert "skip_event" in (caught.value.diag.message_hint or "")
        # Another one: no envelope of before opens with it.
        protect(app, subject, PERSON)


@pytest.mark.parametrize(("subject", "data"), [("NULL", "'{}'"), ("gen_random_uuid()", "NULL")])
def test_arguments_are_needed(app: Connection, subject: str, data: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        app.execute(f"SELECT event_store.protect({subject}, {data})")
    assert caught.value.sqlstate == "SE002"


# Erase


def test_an_erased_subject_is_null_and_marked(app: Connection) -> None:
    ann, bob = uuid4(), uuid4()
    document = {
        "holder": protect(app, ann, PERSON),
        "a/b~c": {"list": [1, protect(app, ann, "x"), protect(app, bob, "y")]},
        "kept": protect(app, bob, PERSON),
    }
    assert erase(app, ann)
    revealed = reveal(app, document)
    assert sorted(revealed.pop("$erased")) == ["/a~1b~0c/list/1", "/holder"]
    assert revealed == {"holder": None, "a/b~c": {"list": [1, None, "y"]}, "kept": PERSON}
    assert reveal(app, [document["holder"], 1]) == [None, 1]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_an_erased_document_is_told_from_one_that_was_null(app: Connection, value: Any) -> None:
    subject = uuid4()
    document = protect(app, subject, value)
    assert erase(app, subject)
    assert reveal(app, document) == {"$erased": [""]}


def test_an_erased_subject_never_gets_a_new_key(app: Connection, admin: Connection) -> None:
    known, unknown = uuid4(), uuid4()
    protect(app, known, PERSON)
    for subject in (known, unknown):
        assert erase(app, subject)
        with pytest.raises(psycopg.Error) as caught:
            protect(app, subject, PERSON)
        assert caught.value.sqlstate == "SE014"
        assert caught.value.diag.message_detail
        assert caught.value.diag.message_hint
        assert admin.execute(
            "SELECT key FROM event_store.subject_keys WHERE subject_id = %s", [subject]
        ).fetchall() == [(None,)]


def test_an_erasure_is_recorded_and_told_once(app: Connection) -> None:
    subject = uuid4()
    protect(app, subject, PERSON)
    app.execute(
        "SELECT event_store.erase_subject(%s, 'consent withdrawn', actor => 'desk', actor_type => 'user', source => 'ui')",
        [subject],
    )
    assert not erase(app, subject)
    events = app.execute(
        "SELECT event_id, event_type, event_data, actor FROM event_store.get_events('Subject', %s)", [subject]
    ).fetchall()
    [(event, *rest)] = events
    assert rest == ["PersonalDataErased", {"reason": "consent withdrawn"}, "desk"]
    erasures = app.execute(
        "SELECT reason, event_id, erased_by FROM event_store.erasures WHERE subject_id = %s", [subject]
    ).fetchall()
    assert erasures == [("consent withdrawn", event, "stock_analysis_user")]


def test_unknown_event_types_may_be_refused_and_an_erasure_still_works(empty_store: Store) -> None:
    empty_store.connect("postgres").execute("UPDATE event_store.settings SET unknown_event_types = 'refuse'")
    assert erase(empty_store.connect(), uuid4())


def test_nobody_gives_the_stores_own_event_type_another_schema(app: Connection) -> None:
    for statement in (
        "SELECT event_store.register_event_type('PersonalDataErased', 1, '{\"properties\": {\"reason\": false}}')",
        "SELECT event_store.register_event_type('PersonalDataErased', 2, '{}')",
        "SELECT event_store.set_event_type_validation('PersonalDataErased', 'off')",
    ):
        with pytest.raises(psycopg.Error) as caught:
            app.execute(statement)
        assert caught.value.sqlstate == "SE008", statement
        assert caught.value.diag.message_hint
    assert erase(app, uuid4())


@pytest.mark.parametrize(("subject", "reason"), [(None, "request"), (uuid4(), "Ann asked"), (uuid4(), None)])
def test_a_reason_is_one_of_a_list(app: Connection, subject: UUID | None, reason: str | None) -> None:
    with pytest.raises(psycopg.Error) as caught:
        erase(app, subject, reason)
    assert caught.value.sqlstate == "SE002"


def test_erasing_breaks_neither_stream_nor_seals(empty_store: Store) -> None:
    app, admin = empty_store.connect(), empty_store.connect("postgres")
    subject, aggregate = uuid4(), uuid4()
    envelope = protect(app, subject, PERSON)
    append = "SELECT event_store.append_event('Account', %s, %s, 'AccountOpened', %s)"
    app.execute(append, [aggregate, 0, Jsonb({"holder": envelope})])
    seal(admin)
    before = admin.execute("SELECT event_store.export_events(1, 1)").fetchall()
    assert erase(app, subject)
    seal(admin)
    assert problems(admin) == []
    assert admin.execute("SELECT event_store.export_events(1, 1)").fetchall() == before
    app.execute(append, [aggregate, 1, Jsonb({"holder": envelope})])
    data = app.execute("SELECT event_data FROM event_store.get_events('Account', %s)", [aggregate]).fetchall()
    assert [reveal(app, document) for (document,) in data] == [{"holder": None, "$erased": ["/holder"]}] * 2


def test_an_erasure_that_is_rolled_back_erases_nothing(store: Store) -> None:
    session, subject = store.connect(autocommit=False), uuid4()
    envelope = protect(session, subject, PERSON)
    session.commit()
    assert erase(session, subject)
    session.rollback()
    assert reveal(store.connect(), envelope) == PERSON


def test_whoever_makes_a_key_and_whoever_erases_it_wait_for_each_other(store: Store) -> None:
    """The key is made first and erased afterwards: none is left, and what was wrapped with it is unreadable."""
    first, second = store.connect(autocommit=False), store.connect()
    subject = uuid4()
    envelope = protect(first, subject, PERSON)
    erasing = threading.Thread(target=erase, args=[second, subject])
    erasing.start()
    erasing.join(timeout=0.5)
    assert erasing.is_alive()
    first.commit()
    erasing.join()
    assert reveal(second, envelope) == {"$erased": [""]}


def test_many_at_once_share_one_key(store: Store) -> None:
    subject, envelopes = uuid4(), list[dict[str, Any]]()

    def work(connection: Connection) -> None:
        envelopes.extend(protect(connection, subject, PERSON) for _ in range(20))

    threads = [threading.Thread(target=work, args=[store.connect()]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    app = store.connect()
    assert len(envelopes) == 160
    assert reveal(app, envelopes) == [PERSON] * 160
    erase(app, subject)
    assert reveal(app, envelopes) == [None] * 160


# Who may see keys


def test_nobody_but_the_owner_reads_keys(store: Store) -> None:
    for role in ("stock_analysis_user", "event_store_worker"):
        session = store.connect(role)
        for statement in (
            "SELECT key FROM event_store.subject_keys",
            "UPDATE event_store.subject_keys SET key = NULL",
            "COPY event_store.subject_keys TO STDOUT",
            "SELECT event_store.envelope_tag('', gen_random_uuid(), '', '')",
            "SELECT event_store.open_envelope('{}')",
            "SELECT extensions.gen_random_bytes(1)",
        ):
            with pytest.raises(psycopg.Error) as caught:
                session.execute(statement)
            assert caught.value.sqlstate == "42501", statement


def test_a_slip_does_not_destroy_keys(app: Connection, admin: Connection) -> None:
    protect(app, uuid4(), PERSON)
    for statement in (
        "DELETE FROM event_store.subject_keys",
        "TRUNCATE event_store.subject_keys",
        "UPDATE event_store.subject_keys SET key = decode(repeat('00', 64), 'hex')",
        "UPDATE event_store.subject_keys SET subject_id = gen_random_uuid(), key = NULL",
    ):
        with pytest.raises(psycopg.Error) as caught:
            admin.execute(statement)
        assert caught.value.sqlstate == "SE005", statement


def test_no_statement_has_the_key_as_a_parameter(app: Connection, store: Store) -> None:
    """What a server logs of nested statements are their texts and parameters: the function over the key is inlined."""
    subject = uuid4()
    envelope = protect(app, subject, PERSON)
    admin = store.connect("postgres")
    row = admin.execute(
        "SELECT encode(key, 'hex') FROM event_store.subject_keys WHERE subject_id = %s", [subject]
    ).fetchone()
    assert row is not None
    notices = list[str]()
    admin.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    admin.execute("LOAD 'auto_explain'")
    for name, value in {
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_verbose": "on",
        "client_min_messages": "log",
        "debug_print_plan": "off",
    }.items():
        admin.execute("SELECT set_config(%s, %s, false)", [name, value])
    assert reveal(admin, envelope) == PERSON
    protect(admin, subject, PERSON)
    logged = "\n".join(notices)
    assert "subject_keys" in logged
    for text in (row[0], row[0][:32], base64.b64encode(bytes.fromhex(row[0])).decode()[:40]):
        assert text not in logged
