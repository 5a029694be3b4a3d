-- Why the present history of the store is over, so that a fork has to be recorded before anything is appended; NULL = it is
-- not over. During recovery nobody can tell.
--
--   settings  the row of settings was lost and recreated, which starts at no known time
--   restore   the table of settings is another one: a dump was restored
--   timeline  a standby has taken over, or a recovery has ended before the end of the WAL
--   start     the server has started, after a crash, a raw copy of the data that was put back, or nothing special
--
-- What an archive knows of lost WAL belongs here as well. Not for the application.
CREATE OR REPLACE FUNCTION event_store.due_fork() RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN s.server_start = '-infinity' THEN 'settings'
                WHEN s.table_id <> s.tableoid THEN 'restore'
                WHEN s.timeline <> v.timeline THEN 'timeline'
                WHEN s.server_start <> v.server_start AND v.timeline IS NOT NULL THEN 'start' END
      FROM event_store.settings s
     CROSS JOIN event_store.server_state() v
$$;
