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
    expires_at bigint,       -- Session::expires_at, in milliseconds; so all times
    lapses_at bigint,        -- of a pushed payment under way
    due_at bigint,           -- Session::due_at
    updated_at bigint NOT NULL,
    payment_method uuid,     -- the card that completed it
    doc text NOT NULL,
    -- From here on: what never changes.
    bucket smallint NOT NULL,
    first_event uuid,        -- the event written together with the session's first version
    created_at bigint NOT NULL,
    kind smallint NOT NULL,  -- 0 payment, 1 authorization, 2 add payment method
    currency text NOT NULL,
    amount bigint NOT NULL,  -- Session::amount_asked
    methods bigint NOT NULL, -- those offered, a bit each
    account uuid NOT NULL,
    reference bytea,         -- names: led by a zero; led by a one it is the hash of a long one
    customer bytea,
    owner bytea,
    for_order bytea,
    words tsvector,          -- what it is found by, each word led by its tenant's mark
    -- Finds one, keeps versions apart, and is the list of a tenant's sessions, newest first.
    PRIMARY KEY (merchant, mode, id)
);
-- What time changes next; over all tenants, for the sweeper.
CREATE INDEX sessions_due ON sessions (bucket, due_at) WHERE due_at IS NOT NULL;
-- Filtered lists. Sessions that are alike in its first columns make a class; a tenant has few, and each lies together
-- in the order of ids: what a filter shows is the classes that it names, side by side.
CREATE INDEX sessions_by_class ON sessions (merchant, mode, state, kind, currency, methods, account, id);
-- What merchants look for by a name of their own.
CREATE INDEX sessions_by_reference ON sessions (merchant, mode, reference, id) WHERE reference IS NOT NULL;
CREATE INDEX sessions_by_customer ON sessions (merchant, mode, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX sessions_by_owner ON sessions (merchant, mode, owner, id) WHERE owner IS NOT NULL;
CREATE INDEX sessions_by_order ON sessions (merchant, mode, for_order, id) WHERE for_order IS NOT NULL;
-- What a stored card completed.
CREATE INDEX sessions_by_card ON sessions (merchant, mode, payment_method, id) WHERE payment_method IS NOT NULL;
CREATE INDEX sessions_by_word ON sessions USING gin (words) WHERE words IS NOT NULL;

CREATE TABLE transactions (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    status smallint NOT NULL, -- as stored: 0 in flight, 1 awaiting payer, 2 unknown, 3 succeeded, 4 declined, 5 failed,
                              -- 6 expired, 7 cancelled, 8 received
    ask_at bigint,            -- Transaction::ask_at
    lapses_at bigint,         -- when time alone makes it expired
    updated_at bigint NOT NULL,
    provider_reference bytea,
    payment_method uuid,
    reverted boolean NOT NULL, -- Transaction::is_reverted
    doc text NOT NULL,
    -- From here on: what never changes.
    bucket smallint NOT NULL,
    action smallint NOT NULL, -- 0 payment, 1 authorization, 2 settle, 3 void, 4 refund, 5 add payment method
    session uuid,
    parent uuid,
    created_at bigint NOT NULL,
    currency text NOT NULL,
    amount bigint NOT NULL,
    method bigint NOT NULL,   -- as a bit of sessions.methods
    account uuid NOT NULL,
    reference bytea,
    customer bytea,
    PRIMARY KEY (merchant, mode, id)
);
-- A session's transactions: read with nearly every session.
CREATE INDEX transactions_by_session ON transactions (merchant, mode, session, id) WHERE session IS NOT NULL;
-- The operations on a transaction.
CREATE INDEX transactions_by_parent ON transactions (merchant, mode, parent, id) WHERE parent IS NOT NULL;
-- Filtered lists, as for sessions.
CREATE INDEX transactions_by_class ON transactions (
    merchant, mode, action, status, currency, method, account, reverted, id
);
CREATE INDEX transactions_by_customer ON transactions (merchant, mode, customer, id) WHERE customer IS NOT NULL;
CREATE INDEX transactions_by_card ON transactions (merchant, mode, payment_method, id)
    WHERE payment_method IS NOT NULL;
CREATE INDEX transactions_by_reference ON transactions (merchant, mode, reference, id) WHERE reference IS NOT NULL;
CREATE INDEX transactions_by_provider_reference ON transactions (merchant, mode, provider_reference, id)
    WHERE provider_reference IS NOT NULL;
-- Whose outcome is to be asked for; over all tenants, for the reconciler.
CREATE INDEX transactions_due ON transactions (bucket, ask_at) WHERE ask_at IS NOT NULL;

CREATE TABLE payment_methods (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    customer bytea,
    account uuid NOT NULL,
    stored_by uuid NOT NULL,
    detached boolean NOT NULL, -- when it can no longer be charged
    updated_at bigint NOT NULL,
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);
CREATE INDEX payment_methods_by_customer ON payment_methods (merchant, mode, customer, id) WHERE customer IS NOT NULL;

CREATE TABLE events (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    bucket smallint NOT NULL,
    session uuid,             -- NULL also where sessions.first_event names this event
    sequence bigint NOT NULL,
    kind text NOT NULL,
    undispatched boolean NOT NULL, -- while somebody is still to be told
    doc text NOT NULL,
    PRIMARY KEY (merchant, mode, id)
);
-- A session's events but for the one that opened it, which the session's own row names: most sessions have no
-- other for a long time, and so none in this index.
CREATE INDEX events_by_session ON events (merchant, mode, session, sequence) WHERE session IS NOT NULL;
-- The list of one kind. Most are of the first kind: those are found by walking the list of all.
CREATE INDEX events_by_kind ON events (merchant, mode, kind, id) WHERE kind <> 'session.created';
-- The outbox; nearly empty.
CREATE INDEX events_undispatched ON events (bucket, id) WHERE undispatched;

CREATE TABLE deliveries (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    id uuid NOT NULL,
    version bigint NOT NULL,
    state smallint NOT NULL,  -- 0 pending, 1 delivered, 2 given up
    due_at bigint,            -- Delivery::due_at
    doc text NOT NULL,
    bucket smallint NOT NULL,
    event uuid NOT NULL,
    receiver uuid NOT NULL,   -- the endpoint, or the session whose own address it is
    PRIMARY KEY (merchant, mode, id)
);
CREATE INDEX deliveries_by_event ON deliveries (merchant, mode, event, id);
CREATE INDEX deliveries_by_receiver ON deliveries (merchant, mode, receiver, id);
CREATE INDEX deliveries_by_state ON deliveries (merchant, mode, state, id);
-- What is to be sent next; over all tenants, for the workers.
CREATE INDEX deliveries_due ON deliveries (bucket, due_at) WHERE due_at IS NOT NULL;

-- The directory: small records of many kinds.
CREATE TABLE entries (
    merchant uuid NOT NULL,
    mode smallint NOT NULL,
    kind smallint NOT NULL,   -- EntryKind::number
    id uuid NOT NULL,
    version bigint NOT NULL,
    list bytea,               -- Entry::group, as names are
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
-- What is to be forgotten next; over all tenants.
CREATE INDEX idempotency_by_age ON idempotency (created_at) WHERE answer IS NOT NULL;

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

-- How far a move from another store has come; see `import`.
CREATE TABLE moved (
    what text NOT NULL PRIMARY KEY,
    source bytea NOT NULL,
    rows_moved bigint NOT NULL
);

-- Written to when nothing else is, to wait until all that was written before is where the server's settings want it:
-- on the disk, and on the synchronous standbys.
CREATE TABLE barriers (
    slot smallint NOT NULL PRIMARY KEY,
    passed bigint NOT NULL
);
