//! Claims: what only one may have at a time.

use uuid::Uuid;

use crate::id::SessionId;

/// Something that only one may have at a time, per tenant: a uniqueness constraint of the store.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ClaimKey {
    /// The one live or successful payment of a session; held by a transaction.
    LivePayment(SessionId),
    /// A merchant's own code, over sessions and charges of stored cards; held by either.
    Reference(String),
    /// A bank's id of a transfer, so that each counts once; held by the transfer as it is kept.
    BankTransfer {
        /// The account it came in on.
        account: String,
        /// The bank's id of it.
        id: String,
    },
    /// The reference in a QR code or a transfer's text; unique per account for ever; held by its transaction.
    PushReference {
        /// The account.
        account: String,
        /// The reference.
        nonce: String,
    },
    /// A name that means one thing within its space.
    Name {
        /// Among what.
        space: NameSpace,
        /// The name.
        name: String,
    },
}

/// Among what a [name](ClaimKey::Name) is unique, per tenant. The numbers are stored: they never change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum NameSpace {
    /// A merchant's own code for a customer; held by the customer.
    Customer = 1,
    /// A merchant's own number of a product; held by the product.
    Product = 2,
    /// The number of an order; held by the order.
    Order = 3,
    /// The number of a session; held by the session.
    Session = 4,
    /// What a user signs in with; held by the user.
    Login = 5,
    /// The number of an account on a rail; held by the account.
    Account = 6,
    /// A dialect's own code of a session; held by the session.
    SessionCode = 7,
    /// A merchant's own name for a place where orders are kept; held by the storage.
    Storage = 8,
    /// The number of a user; held by the user.
    User = 9,
    /// The one live session of an order; held by the session.
    LiveOrder = 10,
    /// A bank's id of money that the merchant sent back, so that each counts once; held by the refund.
    SentBack = 11,
}

impl NameSpace {
    /// The number that is stored.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// A claim and who has it (the id of a session or a transaction).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Claim {
    /// On what.
    pub key: ClaimKey,
    /// By whom.
    pub owner: Uuid,
}
