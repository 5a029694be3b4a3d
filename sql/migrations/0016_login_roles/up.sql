-- Since its password was rotated the application logs in as one of two roles, which run as stock_analysis_user. Who stored
-- something is the application all the same. The functions run as the owner, so only SESSION_USER knows who called.
ALTER TABLE event_store.events ALTER COLUMN created_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
ALTER TABLE event_store.commands ALTER COLUMN created_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
ALTER TABLE event_store.subscriptions ALTER COLUMN created_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
ALTER TABLE event_store.projection_skips ALTER COLUMN skipped_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
ALTER TABLE event_store.retirements ALTER COLUMN retired_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
ALTER TABLE event_store.erasures ALTER COLUMN erased_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
ALTER TABLE event_store.forks ALTER COLUMN recorded_by SET DEFAULT
    CASE WHEN SESSION_USER IN ('stock_analysis_user_a', 'stock_analysis_user_b') THEN 'stock_analysis_user'
         ELSE SESSION_USER END;
