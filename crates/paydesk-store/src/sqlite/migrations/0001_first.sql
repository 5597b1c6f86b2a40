-- Shapes. Documents lie in rowid tables: rows are appended to the right-hand edge of the table, and interior pages
-- hold integers only. WITHOUT ROWID would put whole documents, three or four to a page, into interior pages, and
-- so make a much deeper tree; in trial runs inserts then took about 1.6 times as long. What is narrow is WITHOUT ROWID.
--
-- Keys lead with the tenant (merchant, mode) and end with a UUIDv7, so that each tenant's entries are appended,
-- too. `doc` is the record itself as JSON and comes last: what stands before it is read without reading it. The
-- other columns repeat what is looked up, sorted or compared.
--
-- Each index costs every insert a page of the log per group. The opening of a session, which happens most,
-- touches six trees: sessions, sessions_by_id, sessions_by_class, sessions_due, events, events_by_id (and once per
-- group, counters). An index that can do without newly opened sessions is partial.

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

-- A session is read far more often than anything else, mostly by its id alone. Its place follows from its id, so
-- that such a read goes through one tree; by way of an index it would be two, the index's leaf most likely not in
-- memory either. Places grow with time as ids do, so rows are still appended.
CREATE TABLE sessions (
    place INTEGER PRIMARY KEY, -- from the id: 42 bits of its time, 21 of its randomness; any other if that is taken
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    state INTEGER NOT NULL,  -- as stored: 0 created, 1 initiated, 2 processing, 3 completed, 4 cancelled, 5 expired
    expires_at INTEGER,      -- Session::expires_at
    lapses_at INTEGER,       -- of a pushed payment under way
    due_at INTEGER,          -- Session::due_at
    updated_at INTEGER NOT NULL,
    payment_method BLOB,     -- the card that completed it
    first_event BLOB,        -- the event written together with the session's first version
    -- From here on: what never changes.
    created_at INTEGER NOT NULL,
    kind INTEGER NOT NULL,   -- 0 payment, 1 authorization, 2 add payment method
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL, -- Session::amount_asked
    methods INTEGER NOT NULL, -- those offered, a bit each
    account BLOB NOT NULL,
    reference TEXT,
    customer TEXT,
    owner TEXT,
    for_order TEXT,
    doc TEXT NOT NULL
) STRICT;
-- Keeps versions apart, is the list of a tenant's sessions, newest first, and finds those that are not in their place.
CREATE UNIQUE INDEX sessions_by_id ON sessions (merchant, mode, id);
-- What time changes next; over all tenants, for the sweeper.
CREATE INDEX sessions_due ON sessions (due_at) WHERE due_at IS NOT NULL;
-- Filtered lists, and how many they show. Sessions that are alike in its first columns make a class; a tenant has few,
-- and each lies together in the order of ids: what a filter shows is the classes that it names, side by side. The last
-- columns are there so that the rest of a filter, and sorting, can do without the documents.
CREATE INDEX sessions_by_class ON sessions (
    merchant, mode, state, kind, currency, methods, account, id,
    amount, created_at, updated_at, expires_at, lapses_at
);
-- What merchants look for by a name of their own.
CREATE INDEX sessions_by_reference ON sessions (merchant, mode, reference, id) WHERE reference IS NOT NULL;
CREATE INDEX sessions_by_customer ON sessions (merchant, mode, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX sessions_by_owner ON sessions (merchant, mode, owner, id) WHERE owner IS NOT NULL;
CREATE INDEX sessions_by_order ON sessions (merchant, mode, for_order, id) WHERE for_order IS NOT NULL;
-- What a stored card completed.
CREATE INDEX sessions_by_card ON sessions (merchant, mode, payment_method, id) WHERE payment_method IS NOT NULL;

-- The words that sessions are found by, each led by its tenant's number (see `words.rs`): which rows of sessions have a word, and
-- nothing else. The words are taken apart beforehand: here they are only set apart by spaces.
CREATE VIRTUAL TABLE words USING fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
-- Which number leads the words of which tenant.
CREATE TABLE words_tenants (
    number INTEGER PRIMARY KEY,
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    UNIQUE (merchant, mode)
) STRICT;
-- Which sessions are not indexed yet: for each group of commits, the places of those that it opened, eight bytes each.
CREATE TABLE words_waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    places BLOB NOT NULL
) STRICT;
CREATE TRIGGER sessions_deleted AFTER DELETE ON sessions BEGIN
    DELETE FROM words WHERE rowid = old.place;
END;

CREATE TABLE transactions (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    action INTEGER NOT NULL, -- 0 payment, 1 authorization, 2 settle, 3 void, 4 refund, 5 add payment method
    status INTEGER NOT NULL, -- as stored: 0 in flight, 1 awaiting payer, 2 unknown, 3 succeeded, 4 declined, 5 failed,
                             -- 6 expired, 7 cancelled, 8 received
    session BLOB,
    parent BLOB,
    ask_at INTEGER,          -- Transaction::ask_at
    lapses_at INTEGER,       -- when time alone makes it expired
    updated_at INTEGER NOT NULL,
    provider_reference TEXT,
    payment_method BLOB,
    reverted INTEGER NOT NULL, -- 1 where Transaction::is_reverted
    -- From here on: what never changes.
    created_at INTEGER NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    method INTEGER NOT NULL, -- as a bit of sessions.methods
    account BLOB NOT NULL,
    reference TEXT,
    customer TEXT,
    doc TEXT NOT NULL
) STRICT;
-- Finds one, keeps versions apart, and is the list of a tenant's transactions, newest first.
CREATE UNIQUE INDEX transactions_by_id ON transactions (merchant, mode, id);
-- A session's transactions: read with nearly every session.
CREATE INDEX transactions_by_session ON transactions (merchant, mode, session, id) WHERE session IS NOT NULL;
-- The operations on a transaction.
CREATE INDEX transactions_by_parent ON transactions (merchant, mode, parent, id) WHERE parent IS NOT NULL;
-- Filtered lists, as for sessions.
CREATE INDEX transactions_by_class ON transactions (
    merchant, mode, action, status, currency, method, account, reverted, id,
    amount, created_at, updated_at, lapses_at
);
CREATE INDEX transactions_by_customer ON transactions (merchant, mode, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX transactions_by_card ON transactions (merchant, mode, payment_method, id) WHERE payment_method IS NOT NULL;
CREATE INDEX transactions_by_reference ON transactions (merchant, mode, reference, id) WHERE reference IS NOT NULL;
CREATE INDEX transactions_by_provider_reference ON transactions (merchant, mode, provider_reference, id)
    WHERE provider_reference IS NOT NULL;
-- Whose outcome is to be asked for; over all tenants, for the reconciler.
CREATE INDEX transactions_due ON transactions (ask_at) WHERE ask_at IS NOT NULL;

CREATE TABLE payment_methods (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    customer TEXT,
    account BLOB NOT NULL,
    stored_by BLOB NOT NULL,
    detached INTEGER NOT NULL, -- 1 when it can no longer be charged
    updated_at INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX payment_methods_by_id ON payment_methods (merchant, mode, id);
CREATE INDEX payment_methods_by_customer ON payment_methods (merchant, mode, customer, id) WHERE customer IS NOT NULL;

CREATE TABLE events (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    session BLOB,            -- NULL also where sessions.first_event names this event
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    undispatched INTEGER,    -- 1 while somebody is still to be told; otherwise NULL
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (merchant, mode, id);
-- A session's events but for the one that opened it, which the session's own row names: most sessions have no
-- other for a long time, and so none in this index.
CREATE INDEX events_by_session ON events (merchant, mode, session, sequence) WHERE session IS NOT NULL;
-- The list of one kind. Most are of the first kind: those are found by walking the list of all.
CREATE INDEX events_by_kind ON events (merchant, mode, kind, id) WHERE kind <> 'session.created';
-- The outbox, in the order of the commits; nearly empty.
CREATE INDEX events_undispatched ON events (undispatched) WHERE undispatched IS NOT NULL;

CREATE TABLE deliveries (
    merchant BLOB NOT NULL,
    mode INTEGER NOT NULL,
    id BLOB NOT NULL,
    version INTEGER NOT NULL,
    event BLOB NOT NULL,
    receiver BLOB NOT NULL,  -- the endpoint, or the session whose own address it is
    state INTEGER NOT NULL,  -- 0 pending, 1 delivered, 2 given up
    due_at INTEGER,          -- Delivery::due_at
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX deliveries_by_id ON deliveries (merchant, mode, id);
CREATE INDEX deliveries_by_event ON deliveries (merchant, mode, event, id);
CREATE INDEX deliveries_by_receiver ON deliveries (merchant, mode, receiver, state, id);
CREATE INDEX deliveries_by_state ON deliveries (merchant, mode, state, id);
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
-- The few test clocks that are moved; over all tenants, for the sweeper.
CREATE INDEX entries_test_clocks ON entries (kind) WHERE kind = 8;

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
-- What is to be forgotten next; over all tenants.
CREATE INDEX idempotency_by_age ON idempotency (created_at) WHERE answer IS NOT NULL;

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
