//! How each kind of record is written. All statements of a table take the same parameters, or the first of them.

/// The statements of a table.
pub(super) struct Table {
    /// How many parameters, from the first, are the key.
    pub(super) key: usize,
    /// Reads the version there is.
    pub(super) version: &'static str,
    /// Which parameter, counted from 0, is the row's place: a wish, as two rows may have the same.
    pub(super) place: Option<usize>,
    /// Writes version 1; changes nothing if there is a row, or if its place is taken.
    pub(super) insert: &'static str,
    /// Replaces the version before; changes nothing if there is another one. What never changes comes last, and an
    /// update may do without it.
    pub(super) update: &'static str,
}

pub(super) const MERCHANTS: Table = Table {
    key: 1,
    version: "SELECT version FROM merchants WHERE id = ?1",
    place: None,
    insert: "INSERT INTO merchants (id, version, doc) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    update: "UPDATE merchants SET version = ?2, doc = ?3 WHERE id = ?1 AND version = ?2 - 1",
};

pub(super) const API_KEYS: Table = Table {
    key: 1,
    version: "SELECT version FROM api_keys WHERE secret_hash = ?1",
    place: None,
    insert: "INSERT INTO api_keys (secret_hash, version, doc) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    update: "UPDATE api_keys SET version = ?2, doc = ?3 WHERE secret_hash = ?1 AND version = ?2 - 1",
};

pub(super) const PROVIDER_ACCOUNTS: Table = Table {
    key: 3,
    version: "SELECT version FROM provider_accounts WHERE merchant = ?1 AND mode = ?2 AND id = ?3",
    place: None,
    insert: "INSERT INTO provider_accounts (merchant, mode, id, version, doc) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO NOTHING",
    update: "UPDATE provider_accounts SET version = ?4, doc = ?5
             WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 - 1",
};

pub(super) const SESSIONS: Table = Table {
    key: 3,
    version: "SELECT version FROM sessions WHERE merchant = ?1 AND mode = ?2 AND id = ?3",
    place: Some(22),
    insert: "INSERT INTO sessions
                 (merchant, mode, id, version, state, expires_at, lapses_at, due_at, updated_at, payment_method, doc,
                  first_event, created_at, kind, currency, amount, methods, account, reference, customer, owner,
                  for_order, place)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
                     ?23)
             ON CONFLICT DO NOTHING",
    // What never changes stays; it is not even bound.
    update: "UPDATE sessions
             SET version = ?4, state = ?5, expires_at = ?6, lapses_at = ?7, due_at = ?8, updated_at = ?9,
                 payment_method = ?10, doc = ?11
             WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 - 1",
};

pub(super) const TRANSACTIONS: Table = Table {
    key: 3,
    version: "SELECT version FROM transactions WHERE merchant = ?1 AND mode = ?2 AND id = ?3",
    place: None,
    insert: "INSERT INTO transactions
                 (merchant, mode, id, version, status, ask_at, lapses_at, updated_at, provider_reference,
                  payment_method, reverted, doc, action, session, parent, created_at, currency, amount, method,
                  account, reference, customer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
                     ?22)
             ON CONFLICT DO NOTHING",
    // What never changes stays; it is not even bound.
    update: "UPDATE transactions
             SET version = ?4, status = ?5, ask_at = ?6, lapses_at = ?7, updated_at = ?8, provider_reference = ?9,
                 payment_method = ?10, reverted = ?11, doc = ?12
             WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 - 1",
};

pub(super) const PAYMENT_METHODS: Table = Table {
    key: 3,
    version: "SELECT version FROM payment_methods WHERE merchant = ?1 AND mode = ?2 AND id = ?3",
    place: None,
    insert: "INSERT INTO payment_methods
                 (merchant, mode, id, version, customer, account, stored_by, detached, updated_at, doc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
    update: "UPDATE payment_methods
             SET version = ?4, customer = ?5, account = ?6, stored_by = ?7, detached = ?8, updated_at = ?9, doc = ?10
             WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 - 1",
};

pub(super) const DELIVERIES: Table = Table {
    key: 3,
    version: "SELECT version FROM deliveries WHERE merchant = ?1 AND mode = ?2 AND id = ?3",
    place: None,
    insert:
        "INSERT INTO deliveries (merchant, mode, id, version, event, receiver, state, due_at, doc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
    // Whom it tells of what never changes.
    update: "UPDATE deliveries SET version = ?4, state = ?7, due_at = ?8, doc = ?9
             WHERE merchant = ?1 AND mode = ?2 AND id = ?3 AND version = ?4 - 1",
};

pub(super) const ENTRIES: Table = Table {
    key: 4,
    version: ENTRY_VERSION,
    place: None,
    insert: "INSERT INTO entries (merchant, mode, kind, id, version, list, doc)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    update: "UPDATE entries SET version = ?5, list = ?6, doc = ?7
             WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND id = ?4 AND version = ?5 - 1",
};

/// Takes an entry out.
pub(super) const ENTRY_REMOVALS: Table = Table {
    key: 4,
    version: ENTRY_VERSION,
    place: None,
    // A removal is of what is there: it never is the first version, and as such finds nothing.
    insert: REMOVE_ENTRY,
    update: REMOVE_ENTRY,
};

const ENTRY_VERSION: &str =
    "SELECT version FROM entries WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND id = ?4";
const REMOVE_ENTRY: &str = "DELETE FROM entries
    WHERE merchant = ?1 AND mode = ?2 AND kind = ?3 AND id = ?4 AND version = ?5 - 1";
