-- A session reads the rows of its user. The owner gets past that only while the framework applies events, which
-- event_store.projecting says. So a view or a function of the owner shows no more than its caller may see.
DROP POLICY IF EXISTS own_rows ON projections.journal;
CREATE POLICY own_rows ON projections.journal FOR SELECT
    USING (user_id = event_store.current_user_id());

DROP POLICY IF EXISTS projecting ON projections.journal;
CREATE POLICY projecting ON projections.journal TO event_store_owner
    USING (current_setting('event_store.projecting', true) = 'on');
