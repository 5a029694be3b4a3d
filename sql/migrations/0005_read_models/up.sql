-- The read models of users, accounts, journal and preferences: what sessions read, one row for each thing as it is now,
-- fed from events by the projections of the same names. The apply functions document events and payloads.
--
-- No foreign keys between them, although the documents draw some: each is fed on its own, so an account may be there
-- before its user, and an event that is stored must never be refused by a read model.
--
-- Row security: a session sees its own user's rows only (policies in sql/repeatable/policies). FORCE, so that it holds for
-- the owner as well: a view or a function that runs as the owner must not hand out everybody's rows.

-- The documents ask for a password_hash here. There is none, on purpose: every column of a read model comes out of events,
-- and an event is kept for seven years at least and is never changed, while a hash has to be replaced and forgotten.
-- credential_id names the user's row in the tables of whatever checks passwords.
-- Not unique: the store refuses no second user with the same address, so neither does this.
CREATE TABLE projections.users (
    user_id           uuid        NOT NULL CONSTRAINT users_pkey PRIMARY KEY,
    email             text,
    display_name      text,
    subscription_tier text        NOT NULL,
    credential_id     uuid,
    registered_at     timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    erased_at         timestamptz
);
CREATE INDEX idx_users_email ON projections.users (lower(email));

CREATE TABLE projections.accounts (
    account_id uuid        NOT NULL CONSTRAINT accounts_pkey PRIMARY KEY,
    user_id    uuid        NOT NULL,
    name       text,
    broker     text,
    currency   text        NOT NULL,
    opened_at  timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed_at  timestamptz
);
CREATE INDEX idx_accounts_user_id ON projections.accounts (user_id);

-- ts is when the transaction took place, recorded_at when it was written down. amount is what it did to the account's cash,
-- fees included. deleted_at: a deleted entry stays, for the books; who lists the journal leaves it out.
CREATE TABLE projections.journal (
    entry_id    uuid        NOT NULL CONSTRAINT journal_pkey PRIMARY KEY,
    user_id     uuid        NOT NULL,
    account_id  uuid        NOT NULL,
    ts          timestamptz NOT NULL,
    type        text        NOT NULL CONSTRAINT journal_type_check CHECK (type IN (
        'sell_to_open', 'buy_to_close', 'buy_to_open', 'sell_to_close', 'assignment', 'exercise', 'expiration',
        'buy', 'sell', 'dividend', 'interest', 'fee', 'deposit', 'withdrawal', 'adjustment')),
    symbol      text,
    quantity    numeric,
    price       numeric,
    amount      numeric,
    fees        numeric,
    currency    text,
    option_type text        CONSTRAINT journal_option_type_check CHECK (option_type IN ('call', 'put')),
    strike      numeric,
    expires_on  date,
    note        text,
    recorded_at timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);
-- Under the documented names. Every query of a session has its user_id, so the others begin with it.
CREATE INDEX idx_journal_user_id ON projections.journal (user_id, account_id, ts);
CREATE INDEX idx_journal_ts ON projections.journal (user_id, ts);
CREATE INDEX idx_journal_symbol ON projections.journal (user_id, symbol, ts);
CREATE INDEX idx_journal_type ON projections.journal (user_id, type, ts);
CREATE INDEX idx_journal_deleted_at ON projections.journal (user_id, deleted_at) WHERE deleted_at IS NOT NULL;

-- One row for each preference. version is that of the event in the user's aggregate: pass it as the expected version to
-- change what was read and nothing newer.
CREATE TABLE projections.user_preferences (
    user_id    uuid        NOT NULL,
    key        text        NOT NULL,
    value      jsonb       NOT NULL,
    version    integer     NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT user_preferences_pkey PRIMARY KEY (user_id, key)
);

ALTER TABLE projections.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE projections.accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE projections.journal ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE projections.user_preferences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
