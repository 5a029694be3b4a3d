-- Raises the error that says why the new history of the store cannot begin yet: always SE019. Not for the application.
CREATE OR REPLACE FUNCTION event_store.refuse_history(reason text) RETURNS void
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RAISE EXCEPTION 'the event store begins a new history, which is not recorded yet'
        USING ERRCODE = 'SE019',
              DETAIL = refuse_history.reason,
              HINT = 'Try again in a moment. If that does not help: the detail says what stands in the way.';
END
$$;
