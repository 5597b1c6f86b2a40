//! The reads, and by which index each goes (the tests ask SQLite for its plan of every one).
//!
//! ?1 and ?2 are the tenant. Newest first is descending by id: ids are time-ordered.

/// Whether a session is in one of a set of states, the last parameter, at a moment, those before it: what is stored,
/// and what time alone has made of it, as `Session::state_at` tells.
pub(super) const IS_IN_STATE: &str = "((1 << CASE state
        WHEN 0 THEN iif(expires_at <= ?, 5, 0)
        WHEN 1 THEN iif(expires_at <= ?, 5, 1)
        WHEN 2 THEN iif(lapses_at <= ?, iif(expires_at <= ?, 5, 1), 2)
        ELSE state END) & ?) <> 0";
/// Whether a transaction is in one of a set of statuses, the second parameter, at the first, as
/// `Transaction::status_at` tells.
pub(super) const IS_IN_STATUS: &str =
    "((1 << CASE WHEN lapses_at <= ? THEN 6 ELSE status END) & ?) <> 0";

/// Whether a transaction has a code, the first parameter and the last, as `Transaction::code` tells; those between are
/// the tenant.
pub(super) const HAS_CODE: &str = "(reference = ? OR (reference IS NULL AND parent IS NULL AND action IN (0, 1, 5)
        AND session IN (SELECT s.id FROM sessions s WHERE s.merchant = ? AND s.mode = ? AND s.reference = ?)))";

pub(super) const MERCHANT: &str = "SELECT doc FROM merchants WHERE id = ?1";
pub(super) const MERCHANTS: &str = "SELECT id FROM merchants ORDER BY id";
pub(super) const API_KEY: &str = "SELECT doc FROM api_keys WHERE secret_hash = ?1";
/// Walks all keys: their owner is in the document only.
pub(super) const API_KEYS: &str = "SELECT doc FROM api_keys
    WHERE doc ->> '$.tenant.merchant' = ?1 AND doc ->> '$.tenant.mode' = ?2";
pub(super) const PROVIDER_ACCOUNTS: &str =
    "SELECT doc FROM provider_accounts WHERE merchant = ?1 AND mode = ?2 ORDER BY id";

/// In its place, ?4.
pub(super) const SESSION_IN_PLACE: &str =
    "SELECT doc FROM sessions WHERE place = ?4 AND merchant = ?1 AND mode = ?2 AND id = ?3";
/// Wherever it is.
pub(super) const SESSION: &str =
    "SELECT doc FROM sessions WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
/// One statement, so that session and transactions are of one moment. In its place, ?4.
pub(super) const SESSION_IN_PLACE_WITH_TRANSACTIONS: &str = "SELECT s.doc, t.doc FROM sessions s
    LEFT JOIN transactions t ON t.merchant = ?1 AND t.mode = ?2 AND t.session = ?3
    WHERE s.place = ?4 AND s.merchant = ?1 AND s.mode = ?2 AND s.id = ?3 ORDER BY t.id";
/// Wherever it is.
pub(super) const SESSION_WITH_TRANSACTIONS: &str = "SELECT s.doc, t.doc FROM sessions s
    LEFT JOIN transactions t ON t.merchant = ?1 AND t.mode = ?2 AND t.session = ?3
    WHERE s.merchant = ?1 AND s.mode = ?2 AND s.id = ?3 ORDER BY t.id";
/// All sessions before ?3.
pub(super) const SESSIONS: &str = "SELECT doc FROM sessions
    WHERE merchant = ?1 AND mode = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4";
/// Which sessions have had the reference ?3.
pub(super) const SESSIONS_OF_REFERENCE: &str =
    "SELECT id FROM sessions WHERE merchant = ?1 AND mode = ?2 AND reference = ?3";
/// As many rows as sessions, up to ?2, that time alone changes until ?1.
pub(super) const SESSIONS_DUE_UNTIL: &str = "SELECT 1 FROM sessions WHERE due_at <= ?1 LIMIT ?2";

// Searching.

/// Which sessions are not in the index of words yet, the latest first.
pub(super) const WORDS_WAITING: &str = "SELECT places FROM words_waiting ORDER BY number DESC";
/// The one in place ?3.
pub(super) const SESSION_AT: &str =
    "SELECT doc FROM sessions WHERE place = ?3 AND merchant = ?1 AND mode = ?2";
pub(super) const SESSION_AND_ROW: &str =
    "SELECT rowid, doc FROM sessions WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
/// The row of ?3, or of the one before it.
pub(super) const ROW_UP_TO: &str = "SELECT rowid, id FROM sessions
    WHERE merchant = ?1 AND mode = ?2 AND id <= ?3 ORDER BY id DESC LIMIT 1";
pub(super) const COUNT_BY_WORDS: &str = "SELECT count(*) FROM words WHERE words MATCH ?1";
pub(super) const TRANSACTION_AND_ROW: &str = "SELECT rowid, doc FROM transactions
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const TRANSACTIONS_AND_ROWS_OF_SESSION: &str = "SELECT rowid, doc FROM transactions
    WHERE merchant = ?1 AND mode = ?2 AND session = ?3";

pub(super) const PULSE: &str = "SELECT version, due_at FROM sessions
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3";

pub(super) const TRANSACTION: &str = "SELECT doc FROM transactions
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const TRANSACTIONS_OF_SESSION: &str = "SELECT doc FROM transactions
    WHERE merchant = ?1 AND mode = ?2 AND session = ?3 ORDER BY id";
pub(super) const CHILDREN: &str = "SELECT doc FROM transactions
    WHERE merchant = ?1 AND mode = ?2 AND parent = ?3 ORDER BY id";

pub(super) const PAYMENT_METHOD: &str = "SELECT doc FROM payment_methods
    WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const ENTRY: &str = "SELECT doc FROM entries
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND id = ?4";
/// Those before ?4, without the first ?5 of them.
pub(super) const ENTRIES: &str = "SELECT doc FROM entries
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND id < ?4 ORDER BY id DESC LIMIT ?6 OFFSET ?5";
/// Those in the list ?7.
pub(super) const ENTRIES_OF_LIST: &str = "SELECT doc FROM entries
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND list = ?7 AND id < ?4
    ORDER BY id DESC LIMIT ?6 OFFSET ?5";
pub(super) const COUNT_ENTRIES: &str =
    "SELECT count(*) FROM entries WHERE merchant = ?1 AND mode = ?2 AND kind = ?3";
pub(super) const COUNT_ENTRIES_OF_LIST: &str = "SELECT count(*) FROM entries
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND list = ?4";
pub(super) const CLAIM: &str = "SELECT owner FROM claims
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND name = ?4";
pub(super) const IDEMPOTENCY: &str = "SELECT body_hash, created_at, answer FROM idempotency
    WHERE merchant = ?1 AND mode = ?2 AND scope = ?3 AND key = ?4";
pub(super) const COUNT: &str =
    "SELECT total FROM counters WHERE merchant = ?1 AND mode = ?2 AND counter = ?3";

pub(super) const EVENT: &str =
    "SELECT doc FROM events WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
/// The one that the session's row names, and those in the index.
pub(super) const EVENTS: &str = "SELECT sequence, doc FROM events WHERE merchant = ?1 AND mode = ?2
        AND id = (SELECT first_event FROM sessions WHERE merchant = ?1 AND mode = ?2 AND id = ?3)
    UNION ALL
    SELECT sequence, doc FROM events WHERE merchant = ?1 AND mode = ?2 AND session = ?3";
pub(super) const DELIVERY: &str =
    "SELECT doc FROM deliveries WHERE merchant = ?1 AND mode = ?2 AND id = ?3";
pub(super) const DELIVERIES: &str = "SELECT doc FROM deliveries
    WHERE merchant = ?1 AND mode = ?2 AND event = ?3 ORDER BY id";

// The job reads, over all tenants. ?1 is now, ?2 the limit.

pub(super) const DUE_SESSIONS: &str = "SELECT merchant, mode, id FROM sessions
    WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
pub(super) const DUE_TRANSACTIONS: &str = "SELECT merchant, mode, id FROM transactions
    WHERE ask_at <= ?1 ORDER BY ask_at LIMIT ?2";
pub(super) const DUE_DELIVERIES: &str = "SELECT doc FROM deliveries
    WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2";
pub(super) const TEST_CLOCKS: &str = "SELECT doc FROM entries WHERE kind = 8";
// The same of one tenant, whose time is ahead: of its sessions that are open, or that may hold money.
pub(super) const DUE_SESSIONS_OF: &str = "SELECT id FROM (
        SELECT id, due_at FROM sessions INDEXED BY sessions_by_class
            WHERE merchant = ?1 AND mode = ?2 AND state IN (0, 1, 2) AND due_at <= ?3
        UNION ALL
        SELECT id, due_at FROM sessions INDEXED BY sessions_by_class
            WHERE merchant = ?1 AND mode = ?2 AND state = 3 AND kind = 1 AND due_at <= ?3
    ) ORDER BY due_at LIMIT ?4";
pub(super) const DUE_DELIVERIES_OF: &str =
    "SELECT doc FROM deliveries INDEXED BY deliveries_by_state
    WHERE merchant = ?1 AND mode = ?2 AND state = 0 AND due_at <= ?3 ORDER BY due_at LIMIT ?4";
pub(super) const UNDISPATCHED: &str = "SELECT doc FROM events
    WHERE undispatched = 1 ORDER BY rowid LIMIT ?1";

/// As many rows as requests to be forgotten, up to ?2.
pub(super) const OLD_REQUESTS: &str = "SELECT 1 FROM idempotency
    WHERE created_at < ?1 AND answer IS NOT NULL LIMIT ?2";

pub(super) const KEY_FINGERPRINTS: &str =
    "SELECT version, fingerprint FROM key_fingerprints ORDER BY version";
