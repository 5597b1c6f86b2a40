-- Shapes. Every key is led by the merchant, every unique constraint contains it, and no table refers to another: the
-- schema shards by merchant. Ids are UUIDv7, so that each tenant's rows are appended. There is no sequence, no
-- trigger and no function.
--
-- `doc` is the record itself as JSON. It is text, because nothing in the database looks into it, and because a record
-- must come back byte for byte. The other columns repeat what is looked up, sorted or compared.
--
-- The job reads span tenants. Their indexes are led by a bucket, the last four bits of the record's id, so that what
-- falls due next is not all on one page (or, where data is spread over machines, on one of them).

-- One row per merchant.
CREATE TABLE merchants (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    doc text NOT NULL
);

-- Looked up with every request that carries a key; the one look-up that only then learns whose it is.
CREATE TABLE api_keys (
    secret_hash bytea NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    doc text NOT NULL
);

-- A few rows per tenant, read all together.
CREATE TABLE provider_accounts (
    merchant uuid NOT NULL,
    mode smallint NOT NULL, -- 0 test, 1 live; so in every table
    id uuid NOT NULL,
    version bigint NOT NULL,
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);

CREATE TABLE sessions (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    state smallint NOT NULL, -- as stored: 0 created, 1 initiated, 2 processing, 3 completed, 4 cancelled, 5 expired
    bucket smallint NOT NULL,
    expires_at bigint,       -- Session::expires_at, in milliseconds; so all times
    lapses_at bigint,        -- of a pushed payment under way
    due_at bigint,           -- Session::due_at
    first_event uuid,        -- the event written together with the session's first version
    doc text NOT NULL,
    -- Finds one, keeps versions apart, and is the list of a tenant's sessions, newest first.
    PRIMARY KEY (merchant, mode, id)
);
-- The list of those in a state.
CREATE INDEX sessions_by_state ON sessions (merchant, mode, state, id);
-- What time changes next; over all tenants, for the sweeper.
CREATE INDEX sessions_due ON sessions (bucket, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE transactions (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    action smallint NOT NULL, -- 0 payment, 1 authorization, 2 settle, 3 void, 4 refund, 5 add payment method
    bucket smallint NOT NULL,
    session uuid,
    parent uuid,
    ask_at bigint,            -- Transaction::ask_at
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);
-- A session's transactions: read with nearly every session.
CREATE INDEX transactions_by_session ON transactions (merchant, mode, session, id) WHERE session IS NOT NULL;
-- The operations on a transaction.
CREATE INDEX transactions_by_parent ON transactions (merchant, mode, parent, id) WHERE parent IS NOT NULL;
-- The list of one kind: refunds are few among payments.
CREATE INDEX transactions_by_action ON transactions (merchant, mode, action, id);
-- Whose outcome is to be asked for; over all tenants, for the reconciler.
CREATE INDEX transactions_due ON transactions (bucket, ask_at) WHERE ask_at IS NOT NULL;

CREATE TABLE payment_methods (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);

CREATE TABLE events (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    bucket smallint NOT NULL,
    session uuid,             -- NULL also where sessions.first_event names this event
    sequence bigint NOT NULL,
    undispatched boolean NOT NULL, -- while somebody is still to be told
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);
-- A session's events but for the one that opened it, which the session's own row names: most sessions have no
-- other for a long time, and so none in this index.
CREATE INDEX events_by_session ON events (merchant, mode, session, sequence) WHERE session IS NOT NULL;
-- The outbox; nearly empty.
CREATE INDEX events_undispatched ON events (bucket, id) WHERE undispatched;

CREATE TABLE deliveries (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    bucket smallint NOT NULL,
    event uuid NOT NULL,
    due_at bigint,            -- Delivery::due_at
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);
CREATE INDEX deliveries_by_event ON deliveries (merchant, mode, event, id);
-- What is to be sent next; over all tenants, for the workers.
CREATE INDEX deliveries_due ON deliveries (bucket, due_at) WHERE due_at IS NOT NULL;

-- The directory: small records of many kinds.
CREATE TABLE entries (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    kind smallint NOT NULL,   -- EntryKind::number
    id uuid NOT NULL,
    version bigint NOT NULL,
    list bytea,               -- Entry::group, led by a zero; led by a one it is the hash of a long one
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, kind, id)
);
CREATE INDEX entries_by_list ON entries (merchant, mode, kind, list, id) WHERE list IS NOT NULL;

-- What only one may have at a time.
CREATE TABLE claims (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    kind smallint NOT NULL,   -- 0 live payment, 1 reference, 2 bank transfer, 3 push reference, 4 name; 128 more
                              -- where the name is the hash of a long one
    name bytea NOT NULL,      -- of two parts, the first is led by its length; 4: NameSpace::number in two bytes leads
    owner uuid NOT NULL,
    PRIMARY KEY (merchant, mode, kind, name)
);

CREATE TABLE idempotency (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    key_hash bytea NOT NULL,  -- SHA-256 of the scope, led by its length, and the key
    body_hash bytea NOT NULL,
    created_at bigint NOT NULL,
    answer text,              -- NULL while it is running
    PRIMARY KEY (merchant, mode, key_hash)
);

-- A total is the sum of its slots. Who adds takes any slot, so that those who add at once do not wait for each other.
CREATE TABLE counters (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    counter smallint NOT NULL, -- 0 sessions, 1 transactions
    slot smallint NOT NULL,
    total bigint NOT NULL,
    PRIMARY KEY (merchant, mode, counter, slot)
) WITH (fillfactor = 50);

CREATE TABLE key_fingerprints (
    version smallint NOT NULL PRIMARY KEY,
    fingerprint bytea NOT NULL
);

-- Written to when nothing else is, to wait until all that was written before is where the server's settings want it:
-- on the disk, and on the synchronous standbys.
CREATE TABLE barriers (
    slot smallint NOT NULL PRIMARY KEY,
    passed bigint NOT NULL
);
