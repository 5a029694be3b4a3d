from event_store.client import EventStore


def test_role(client: EventStore) -> None:
    with client.session() as session:
        row = session.connection.execute("SELECT current_user").fetchone()
    assert row == ("stock_analysis_user",)
