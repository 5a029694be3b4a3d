-- Takes back up.sql. Sessions that look at projections.users wait until it is over.
--
-- rebuilds projections.users

LOCK TABLE projections.users IN ACCESS EXCLUSIVE MODE;
ALTER TABLE projections.users DROP COLUMN email_key;
CREATE INDEX idx_users_email ON projections.users (lower(email));
ALTER TABLE IF EXISTS projections_rebuild.users DROP COLUMN IF EXISTS email_key;
