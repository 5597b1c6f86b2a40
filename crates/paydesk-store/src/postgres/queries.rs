//! The reads, and by which index each goes (the tests ask the server for its plan of every one).
//!
//! $1 and $2 are the tenant. Newest first is descending by id: ids are time-ordered.

pub(super) const MERCHANT: &str = "SELECT doc FROM merchants WHERE id = $1";
pub(super) const MERCHANTS: &str = "SELECT id FROM merchants ORDER BY id";
pub(super) const API_KEY: &str = "SELECT doc FROM api_keys WHERE secret_hash = $1";
/// Walks all keys: their owner is in the document only.
pub(super) const API_KEYS: &str = "SELECT doc FROM api_keys
    WHERE doc::json #>> '{tenant,merchant}' = $1 AND doc::json #>> '{tenant,mode}' = $2";
pub(super) const PROVIDER_ACCOUNTS: &str =
    "SELECT doc FROM provider_accounts WHERE merchant = $1 AND mode = $2 ORDER BY id";

pub(super) const SESSION: &str =
    "SELECT doc FROM sessions WHERE merchant = $1 AND mode = $2 AND id = $3";
/// One statement, so that session and transactions are of one moment.
pub(super) const SESSION_WITH_TRANSACTIONS: &str = "SELECT s.doc, t.doc FROM sessions s
    LEFT JOIN transactions t
        ON t.merchant = s.merchant AND t.mode = s.mode AND t.session = s.id
    WHERE s.merchant = $1 AND s.mode = $2 AND s.id = $3 ORDER BY t.id";
pub(super) const PULSES: &str = "SELECT asked.n, s.version, s.due_at
    FROM unnest($1::bigint[], $2::uuid[], $3::smallint[], $4::uuid[]) AS asked (n, merchant, mode, id)
    JOIN sessions s ON s.merchant = asked.merchant AND s.mode = asked.mode AND s.id = asked.id";

pub(super) const TRANSACTION: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND id = $3";
pub(super) const TRANSACTIONS_OF_SESSIONS: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND session = ANY($3::uuid[]) ORDER BY id";
pub(super) const CHILDREN: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND parent = $3 ORDER BY id";

pub(super) const TRANSACTIONS_BY_ID: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND id = ANY($3::uuid[])";
pub(super) const CHILDREN_OF: &str = "SELECT doc FROM transactions
    WHERE merchant = $1 AND mode = $2 AND parent = ANY($3::uuid[]) ORDER BY id";
pub(super) const PAYMENT_METHODS_BY_ID: &str = "SELECT doc FROM payment_methods
    WHERE merchant = $1 AND mode = $2 AND id = ANY($3::uuid[])";
pub(super) const PAYMENT_METHOD: &str = "SELECT doc FROM payment_methods
    WHERE merchant = $1 AND mode = $2 AND id = $3";
pub(super) const ENTRY: &str = "SELECT doc FROM entries
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND id = $4";
pub(super) const ENTRIES_BY_ID: &str = "SELECT doc FROM entries
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND id = ANY($4::uuid[])";
/// Those before $4, without the first $5 of them.
pub(super) const ENTRIES: &str = "SELECT doc FROM entries
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND id < $4 ORDER BY id DESC LIMIT $6 OFFSET $5";
/// Those in the list $7.
pub(super) const ENTRIES_OF_LIST: &str = "SELECT doc FROM entries
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND list = $7 AND id < $4
    ORDER BY id DESC LIMIT $6 OFFSET $5";
pub(super) const COUNT_ENTRIES: &str =
    "SELECT count(*) FROM entries WHERE merchant = $1 AND mode = $2 AND kind = $3";
pub(super) const COUNT_ENTRIES_OF_LIST: &str = "SELECT count(*) FROM entries
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND list = $4";
/// One row for each that was asked about, in that order.
pub(super) const CLAIMS: &str = "SELECT held.owner
    FROM unnest($3::smallint[], $4::bytea[]) WITH ORDINALITY AS asked (kind, name, n)
    LEFT JOIN claims held ON held.merchant = $1 AND held.mode = $2
        AND held.kind = asked.kind AND held.name = asked.name
    ORDER BY asked.n";
pub(super) const CLAIM: &str = "SELECT owner FROM claims
    WHERE merchant = $1 AND mode = $2 AND kind = $3 AND name = $4";
pub(super) const IDEMPOTENCY: &str = "SELECT body_hash, created_at, answer FROM idempotency
    WHERE merchant = $1 AND mode = $2 AND key_hash = $3";
/// A sum of many numbers is of a wider type; what does not fit stays at the end of what does.
pub(super) const COUNT: &str = "SELECT least(greatest(coalesce(sum(total), 0),
        -9223372036854775808), 9223372036854775807)::bigint
    FROM counters WHERE merchant = $1 AND mode = $2 AND counter = $3";

pub(super) const EVENT: &str =
    "SELECT doc FROM events WHERE merchant = $1 AND mode = $2 AND id = $3";
/// The one that the session's row names, and those in the index.
pub(super) const EVENTS: &str = "SELECT sequence, doc FROM (
        SELECT sequence, doc FROM events WHERE merchant = $1 AND mode = $2
            AND id = (SELECT first_event FROM sessions WHERE merchant = $1 AND mode = $2 AND id = $3)
        UNION ALL
        SELECT sequence, doc FROM events WHERE merchant = $1 AND mode = $2 AND session = $3
    ) AS of_it ORDER BY sequence";
pub(super) const DELIVERY: &str =
    "SELECT doc FROM deliveries WHERE merchant = $1 AND mode = $2 AND id = $3";
pub(super) const DELIVERIES: &str = "SELECT doc FROM deliveries
    WHERE merchant = $1 AND mode = $2 AND event = $3 ORDER BY id";

// The job reads, over all tenants: the first few of each bucket, and of these the first few. $1 is the limit, $2
// is now.

macro_rules! of_all_buckets {
    ($columns:literal, $rows:literal, $order:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM generate_series(0, 15) AS buckets (n) CROSS JOIN LATERAL (",
            $rows,
            " LIMIT $1) AS found ORDER BY ",
            $order,
            " LIMIT $1"
        )
    };
}
pub(super) const DUE_SESSIONS: &str = of_all_buckets!(
    "merchant, mode, id",
    "SELECT merchant, mode, id, due_at FROM sessions
        WHERE bucket = buckets.n AND due_at <= $2 ORDER BY due_at",
    "due_at"
);
pub(super) const DUE_TRANSACTIONS: &str = of_all_buckets!(
    "merchant, mode, id",
    "SELECT merchant, mode, id, ask_at FROM transactions
        WHERE bucket = buckets.n AND ask_at <= $2 ORDER BY ask_at",
    "ask_at"
);
pub(super) const DUE_DELIVERIES: &str = of_all_buckets!(
    "doc",
    "SELECT doc, due_at FROM deliveries
        WHERE bucket = buckets.n AND due_at <= $2 ORDER BY due_at",
    "due_at"
);
/// Of one tenant, $3 and $4, whose time is ahead of the others'.
pub(super) const DUE_SESSIONS_OF: &str = "SELECT id FROM (
        SELECT id, due_at FROM sessions
            WHERE merchant = $3 AND mode = $4 AND state IN (0, 1, 2) AND due_at <= $2
        UNION ALL
        SELECT id, due_at FROM sessions
            WHERE merchant = $3 AND mode = $4 AND state = 3 AND kind = 1 AND due_at <= $2
    ) AS due ORDER BY due_at LIMIT $1";
pub(super) const DUE_DELIVERIES_OF: &str = of_all_buckets!(
    "doc",
    "SELECT doc, due_at FROM deliveries
        WHERE bucket = buckets.n AND due_at <= $2 AND merchant = $3 AND mode = $4 ORDER BY due_at",
    "due_at"
);
/// A merchant's clock is the entry of kind $2 in mode $1 that has its own id.
pub(super) const TEST_CLOCKS: &str = "SELECT clock.doc FROM merchants
    JOIN entries AS clock ON clock.merchant = merchants.id AND clock.mode = $1 AND clock.kind = $2
        AND clock.id = merchants.id";
pub(super) const UNDISPATCHED: &str = of_all_buckets!(
    "doc",
    "SELECT doc, id FROM events WHERE bucket = buckets.n AND undispatched ORDER BY id",
    "id"
);

pub(super) const KEY_FINGERPRINTS: &str =
    "SELECT version, fingerprint FROM key_fingerprints ORDER BY version";
/// As many rows as requests to be forgotten, up to $2.
pub(super) const OLD_REQUESTS: &str = "SELECT 1 FROM idempotency
    WHERE created_at < $1 AND answer IS NOT NULL LIMIT $2";
/// Another node may be forgetting at the same moment: each takes what the other has not.
pub(super) const FORGET_REQUESTS: &str = "DELETE FROM idempotency WHERE (merchant, mode, key_hash) IN (
    SELECT merchant, mode, key_hash FROM idempotency
    WHERE created_at < $1 AND answer IS NOT NULL ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)";

pub(super) const ADD_FINGERPRINT: &str =
    "INSERT INTO key_fingerprints (version, fingerprint) VALUES ($1, $2) ON CONFLICT DO NOTHING";
pub(super) const PING: &str = "SELECT 1";
pub(super) const DURABILITY: &str = "SELECT name, setting FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names')
        AND setting <> '' ORDER BY name";
pub(super) const MOVED: &str = "SELECT source, rows_moved FROM moved WHERE what = $1";
