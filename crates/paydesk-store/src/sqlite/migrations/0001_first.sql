-- Shapes. Documents lie in rowid tables: rows are appended to the right-hand edge of the table, and interior pages
-- hold integers only. WITHOUT ROWID would put whole documents, three or four to a page, into interior pages, and
-- so make a much deeper tree; in trial runs inserts then took about 1.6 times as long. What is narrow is WITHOUT ROWID.
--
-- Keys lead with the tenant (merchant, mode) and end with a UUIDv7, so that each tenant's entries are appended,
-- too. `doc` is the record itself as JSON and comes last: what stands before it is read without reading it. The
-- other columns repeat what is looked up, sorted or compared.
--
-- Each index costs every insert a page of the log per group. The opening of a session, which happens most,
-- touches five trees: sessions, sessions_by_id, sessions_due, events, events_by_id (and once per group,
-- counters). An index that can do without newly opened sessions is partial.

-- One row per merchant.
CREATE TABLE merchants (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Looked up with every request that carries a key.
CREATE TABLE api_keys (
    secret_hash BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A few rows per tenant, read all together.
CREATE TABLE provider_accounts (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (merchant, mode, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    state INTEGER NOT NULL,  -- as stored: 0 created, 1 initiated, 2 processing, 3 completed, 4 cancelled, 5 expired
    expires_at INTEGER,      -- Session::expires_at
    lapses_at INTEGER,       -- of a pushed payment under way
    due_at INTEGER,          -- Session::due_at
    first_event BLOB,        -- the event written together with the session's first version
    doc TEXT NOT NULL
) STRICT;
-- Finds one, keeps versions apart, and is the list of a tenant's sessions, newest first.
CREATE UNIQUE INDEX sessions_by_id ON sessions (merchant, mode, id);
-- What time changes next; over all tenants, for the sweeper.
CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
-- The list of those in a state. Newly opened ones are left out: they are looked for by walking the list.
CREATE INDEX sessions_by_state ON sessions (merchant, mode, state, id) WHERE state <> 0;

CREATE TABLE transactions (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    action INTEGER NOT NULL, -- 0 payment, 1 authorization, 2 settle, 3 void, 4 refund, 5 add payment method
    session BLOB,
    parent BLOB,
    ask_at INTEGER,          -- Transaction::ask_at
    doc TEXT NOT NULL
) STRICT;
-- Finds one, keeps versions apart, and is the list of a tenant's transactions, newest first.
CREATE UNIQUE INDEX transactions_by_id ON transactions (merchant, mode, id);
-- A session's transactions: read with nearly every session.
CREATE INDEX transactions_by_session ON transactions (merchant, mode, session, id) WHERE session IS NOT NULL;
-- The operations on a transaction.
CREATE INDEX transactions_by_parent ON transactions (merchant, mode, parent, id) WHERE parent IS NOT NULL;
-- The list of one kind: refunds are few among payments.
CREATE INDEX transactions_by_action ON transactions (merchant, mode, action, id);
-- Whose outcome is to be asked for; over all tenants, for the reconciler.
CREATE INDEX transactions_due ON transactions (ask_at) WHERE ask_at IS NOT NULL;

CREATE TABLE payment_methods (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX payment_methods_by_id ON payment_methods (merchant, mode, id);

CREATE TABLE events (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    session BLOB,            -- NULL also where sessions.first_event names this event
    sequence INTEGER NOT NULL,
    undispatched INTEGER,    -- 1 while somebody is still to be told; otherwise NULL
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (merchant, mode, id);
-- A session's events but for the one that opened it, which the session's own row names: most sessions have no
-- other for a long time, and so none in this index.
CREATE INDEX events_by_session ON events (merchant, mode, session, sequence) WHERE session IS NOT NULL;
-- The outbox, in the order of the commits; nearly empty.
CREATE INDEX events_undispatched ON events (undispatched) WHERE undispatched IS NOT NULL;

CREATE TABLE deliveries (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    event BLOB NOT NULL,
    due_at INTEGER,          -- Delivery::due_at
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX deliveries_by_id ON deliveries (merchant, mode, id);
CREATE INDEX deliveries_by_event ON deliveries (merchant, mode, event, id);
-- What is to be sent next; over all tenants, for the workers.
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;

-- The directory: small records of many kinds.
CREATE TABLE entries (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    kind INTEGER NOT NULL,   -- EntryKind::number
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    list TEXT,               -- Entry::group
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_id ON entries (merchant, mode, kind, id);
CREATE INDEX entries_by_list ON entries (merchant, mode, kind, list, id) WHERE list IS NOT NULL;

-- What only one may have at a time.
CREATE TABLE claims (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    kind INTEGER NOT NULL,   -- 0 live payment, 1 reference, 2 bank transfer, 3 push reference, 4 name
    name BLOB NOT NULL,      -- of two parts, the first is led by its length; 4: NameSpace::number in two bytes leads
    owner BLOB NOT NULL,
    PRIMARY KEY (merchant, mode, kind, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    answer TEXT              -- NULL while it is running
) STRICT;
CREATE UNIQUE INDEX idempotency_by_key ON idempotency (merchant, mode, scope, key);

CREATE TABLE counters (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    counter INTEGER NOT NULL, -- 0 sessions, 1 transactions
    total INTEGER NOT NULL,
    PRIMARY KEY (merchant, mode, counter)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_fingerprints (
    version INTEGER NOT NULL PRIMARY KEY,
    fingerprint BLOB NOT NULL
) STRICT;
