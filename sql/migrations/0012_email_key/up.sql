-- The key by which find_user() finds a user: the address in lower case, as a column. An index on lower(email) is of no use
-- to it: lower() is not leakproof, so row security has to look at each row first, and each login read all users. The
-- comparison of two texts is leakproof.
--
-- An address is as long as somebody writes it, and an entry of the index is not: so the key has 320 characters at most,
-- the longest address there is. Whoever looks for one compares the address as well.
ALTER TABLE projections.users ADD COLUMN email_key text GENERATED ALWAYS AS (left(lower(email), 320)) STORED;
DROP INDEX projections.idx_users_email;
CREATE INDEX idx_users_email ON projections.users (email_key);

-- A rebuild that is under way: its table is compared with the other one, row by row.
ALTER TABLE IF EXISTS projections_rebuild.users
    ADD COLUMN email_key text GENERATED ALWAYS AS (left(lower(email), 320)) STORED;
