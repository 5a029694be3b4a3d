-- Scratch databases of runs that were killed. The name carries the backend that made it: one whose maker lives or that
-- somebody is connected to belongs to a run that goes on (psql opens the new connection before it closes the old one).
SELECT d.datname
  FROM pg_database d
 WHERE d.datname ~ '^event_store_reference_[0-9a-f]+_[0-9]+$'
   AND NOT EXISTS (SELECT FROM pg_stat_activity a
                    WHERE a.datid = d.oid OR a.pid = split_part(d.datname, '_', 5)::integer)
