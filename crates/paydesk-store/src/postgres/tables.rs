//! How each kind of record is written.
//!
//! A write that may not happen is an error: within a transaction whose statements are sent all at once, nothing else
//! keeps those behind it from happening. Inserting what is there violates the key. Replacing what is not there at
//! the version before raises an error of our own making; its text is what the server's log shows.

/// The statements of a table. They take the same parameters, the update only the first of them.
pub(super) struct Table {
    /// How many parameters, from the first, are the key.
    pub(super) key: usize,
    /// How many, from the first, the update takes: what never changes comes after them.
    pub(super) updated: usize,
    /// Reads the document there is.
    pub(super) doc: &'static str,
    /// Writes version 1.
    pub(super) insert: &'static str,
    /// Replaces the version before.
    pub(super) update: &'static str,
}

/// An update, made to fail unless it changes one row. The text cannot be a number; it is only made one, and fails,
/// where the condition behind HAVING holds.
macro_rules! exactly_one {
    ($update:literal) => {
        concat!(
            "WITH changed AS (",
            $update,
            " RETURNING 1) SELECT ('paydesk: nothing was changed, another was faster; rows ' || count(*)::text)::integer
             FROM changed HAVING count(*) <> 1"
        )
    };
}
pub(super) use exactly_one;

pub(super) const MERCHANTS: Table = Table {
    key: 1,
    updated: 3,
    doc: "SELECT doc FROM merchants WHERE id = $1",
    insert: "INSERT INTO merchants (id, version, doc) VALUES ($1, $2, $3)",
    update: exactly_one!(
        "UPDATE merchants SET version = $2, doc = $3 WHERE id = $1 AND version = $2::bigint - 1"
    ),
};

pub(super) const API_KEYS: Table = Table {
    key: 1,
    updated: 3,
    doc: "SELECT doc FROM api_keys WHERE secret_hash = $1",
    insert: "INSERT INTO api_keys (secret_hash, version, doc) VALUES ($1, $2, $3)",
    update: exactly_one!(
        "UPDATE api_keys SET version = $2, doc = $3
         WHERE secret_hash = $1 AND version = $2::bigint - 1"
    ),
};

pub(super) const PROVIDER_ACCOUNTS: Table = Table {
    key: 3,
    updated: 5,
    doc: "SELECT doc FROM provider_accounts WHERE merchant = $1 AND mode = $2 AND id = $3",
    insert: "INSERT INTO provider_accounts (merchant, mode, id, version, doc)
             VALUES ($1, $2, $3, $4, $5)",
    update: exactly_one!(
        "UPDATE provider_accounts SET version = $4, doc = $5
         WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4::bigint - 1"
    ),
};

pub(super) const SESSIONS: Table = Table {
    key: 3,
    updated: 11,
    doc: "SELECT doc FROM sessions WHERE merchant = $1 AND mode = $2 AND id = $3",
    insert: "INSERT INTO sessions
                 (merchant, mode, id, version, state, expires_at, lapses_at, due_at, updated_at, payment_method, doc,
                  bucket, first_event, created_at, kind, currency, amount, methods, account, reference, customer,
                  owner, for_order, words)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                     $22, $23, array_to_tsvector($24::text[]))",
    update: exactly_one!(
        "UPDATE sessions
         SET version = $4, state = $5, expires_at = $6, lapses_at = $7, due_at = $8, updated_at = $9,
             payment_method = $10, doc = $11
         WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4::bigint - 1"
    ),
};

pub(super) const TRANSACTIONS: Table = Table {
    key: 3,
    updated: 12,
    doc: "SELECT doc FROM transactions WHERE merchant = $1 AND mode = $2 AND id = $3",
    insert: "INSERT INTO transactions
                 (merchant, mode, id, version, status, ask_at, lapses_at, updated_at, provider_reference,
                  payment_method, reverted, doc, bucket, action, session, parent, created_at, currency, amount,
                  method, account, reference, customer)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
                     $22, $23)",
    update: exactly_one!(
        "UPDATE transactions
         SET version = $4, status = $5, ask_at = $6, lapses_at = $7, updated_at = $8, provider_reference = $9,
             payment_method = $10, reverted = $11, doc = $12
         WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4::bigint - 1"
    ),
};

pub(super) const PAYMENT_METHODS: Table = Table {
    key: 3,
    updated: 10,
    doc: "SELECT doc FROM payment_methods WHERE merchant = $1 AND mode = $2 AND id = $3",
    insert: "INSERT INTO payment_methods
                 (merchant, mode, id, version, customer, account, stored_by, detached, updated_at, doc)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    update: exactly_one!(
        "UPDATE payment_methods
         SET version = $4, customer = $5, account = $6, stored_by = $7, detached = $8, updated_at = $9, doc = $10
         WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4::bigint - 1"
    ),
};

pub(super) const DELIVERIES: Table = Table {
    key: 3,
    updated: 7,
    doc: "SELECT doc FROM deliveries WHERE merchant = $1 AND mode = $2 AND id = $3",
    insert: "INSERT INTO deliveries (merchant, mode, id, version, state, due_at, doc, bucket, event, receiver)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    update: exactly_one!(
        "UPDATE deliveries SET version = $4, state = $5, due_at = $6, doc = $7
         WHERE merchant = $1 AND mode = $2 AND id = $3 AND version = $4::bigint - 1"
    ),
};

pub(super) const ENTRIES: Table = Table {
    key: 4,
    updated: 7,
    doc: ENTRY,
    insert: "INSERT INTO entries (merchant, mode, kind, id, version, list, doc)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
    update: exactly_one!(
        "UPDATE entries SET version = $5, list = $6, doc = $7
         WHERE merchant = $1 AND mode = $2 AND kind = $3 AND id = $4 AND version = $5::bigint - 1"
    ),
};

/// Takes an entry out.
pub(super) const ENTRY_REMOVALS: Table = Table {
    key: 4,
    updated: 5,
    doc: ENTRY,
    // A removal is of what is there: it never is the first version, and as such finds nothing.
    insert: REMOVE_ENTRY,
    update: REMOVE_ENTRY,
};

const ENTRY: &str =
    "SELECT doc FROM entries WHERE merchant = $1 AND mode = $2 AND kind = $3 AND id = $4";
const REMOVE_ENTRY: &str = exactly_one!(
    "DELETE FROM entries
     WHERE merchant = $1 AND mode = $2 AND kind = $3 AND id = $4 AND version = $5::bigint - 1"
);
