-- Scratch databases of runs that were killed. The name contains the process id of the backend that made the database.
-- If that backend is alive, or somebody is connected to the database, it belongs to a run that goes on (psql opens the
-- new connection before it closes the old one).
SELECT d.datname
  FROM pg_database d
 WHERE d.datname ~ '^event_store_reference_[0-9a-f]+_[0-9]+$'
   AND NOT EXISTS (SELECT FROM pg_stat_activity a
                    WHERE a.datid = d.oid OR a.pid = split_part(d.datname, '_', 5)::integer)
