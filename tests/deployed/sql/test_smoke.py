def test_one(app):
    row = app.execute("SELECT event_version FROM event_store.append_event('Position', gen_random_uuid(), 0, 'PositionOpened', '{}')").fetchone()
    assert row[0] == 1
