//! The rail port: whatever moves money. Every call carries our transaction's id as the idempotency reference,
//! so that a call made twice moves money once.

use std::sync::Arc;

use async_trait::async_trait;

use crate::id::{ProviderAccountId, TransactionId};
use crate::merchant::ProviderAccount;
use crate::method::Method;
use crate::money::Money;
use crate::payment_method::{Card, StoredCard};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use crate::transaction::{DeclineReason, Destination, FailureReason};

/// What is to be started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Take money.
    Pay,
    /// Hold money.
    Authorize,
    /// Only store the card.
    Store,
}

/// What a payer pays with.
#[derive(Clone, Debug)]
pub enum Source {
    /// A card, typed just now.
    Card(Card),
    /// A card that the rail keeps.
    Stored(StoredCard),
    /// The payer will push the money.
    Push {
        /// The reference that tells this payment from others on the account.
        nonce: String,
        /// When the code or the details stop being valid.
        expires_at: Timestamp,
    },
}

/// A payment, an authorization, or the storing of a card.
#[derive(Clone, Debug)]
pub struct Start {
    /// Our transaction: the idempotency reference.
    pub reference: TransactionId,
    /// Whose.
    pub tenant: Tenant,
    /// On which account.
    pub account: Arc<ProviderAccount>,
    /// What.
    pub operation: Operation,
    /// How much; zero for [`Operation::Store`].
    pub amount: Money,
    /// How.
    pub method: Method,
    /// With what.
    pub source: Source,
    /// Whether the card is kept for later.
    pub store: bool,
    /// What the payer's bank may show.
    pub merchant_name: String,
    /// Where a wallet or a bank sends the payer back to.
    pub return_url: String,
}

/// An operation on an earlier transaction.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// Our new transaction: the idempotency reference.
    pub reference: TransactionId,
    /// The transaction that it is about.
    pub original: TransactionId,
    /// The rail's own name for that.
    pub original_provider_reference: Option<String>,
    /// Whose.
    pub tenant: Tenant,
    /// On which account.
    pub account: ProviderAccountId,
    /// How the original was paid.
    pub method: Method,
    /// How much.
    pub amount: Money,
    /// Of what came in for the original, in minor units: what the rail cannot know to be of it (see
    /// [`Transaction::placed`](crate::transaction::Transaction::placed)).
    pub placed: i64,
}

/// What a rail says of an operation.
#[derive(Clone, PartialEq, Debug)]
pub enum RailAnswer {
    /// Done.
    Succeeded(Receipt),
    /// The payer must act first.
    AwaitingPayer(Waiting),
    /// No.
    Declined(DeclineReason),
    /// It came to nothing, for certain.
    Failed(FailureReason),
    /// Not known: the answer was lost, or the rail itself does not know yet. It will be asked.
    Unknown,
}

/// What a rail hands over when it is done.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Receipt {
    /// The rail's own name for the operation.
    pub provider_reference: Option<String>,
    /// The card, if it was to be stored.
    pub stored_card: Option<StoredCard>,
}

/// What the payer must do.
#[derive(Clone, PartialEq, Debug)]
pub struct Waiting {
    /// The rail's own name for the operation.
    pub provider_reference: Option<String>,
    /// Where to push the money.
    pub destination: Option<Destination>,
    /// Which page to go to.
    pub redirect_url: Option<String>,
}

/// What a rail answers when it is asked about a reference.
#[derive(Clone, PartialEq, Debug)]
pub enum Found {
    /// It knows it.
    Known(RailAnswer),
    /// It has never heard of it (yet).
    NotFound,
    /// It could not be asked.
    Unreachable,
}

/// Money that came in on an account by itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    /// The bank's id of it: counts once.
    pub id: String,
    /// Whose account.
    pub tenant: Tenant,
    /// Which account.
    pub account: String,
    /// How much.
    pub amount: Money,
    /// The reference that the payer's bank passed on, as it passed it on.
    pub nonce: Option<String>,
    /// The payment that it is for, where the rail knows.
    pub payment: Option<TransactionId>,
    /// When.
    pub received_at: Timestamp,
}

/// Whatever moves money.
#[async_trait]
pub trait Rail: Send + Sync + 'static {
    /// Whether it may be given this card at all: a sandbox takes test cards only. Asked before anything is
    /// stored or called.
    fn takes_card(&self, card: &Card) -> bool;
    /// The tax that it adds to this amount when a shop leaves that to it. None, unless it says otherwise.
    fn automatic_tax(&self, amount: Money) -> Money {
        Money::zero(amount.currency())
    }
    /// Starts a payment, an authorization, or the storing of a card.
    async fn start(&self, start: Start) -> RailAnswer;
    /// Takes what an authorization holds, whole or in part; the rail releases the rest.
    async fn settle(&self, follow_up: FollowUp) -> RailAnswer;
    /// Releases what an authorization holds.
    async fn void(&self, follow_up: FollowUp) -> RailAnswer;
    /// Gives money back.
    async fn refund(&self, follow_up: FollowUp) -> RailAnswer;
    /// What became of a reference.
    async fn query(&self, reference: TransactionId) -> Found;
    /// Refuse this reference from now on. Answers what became of it if it did arrive after all; `NotFound`
    /// means that the rail has noted to refuse it.
    async fn abandon(&self, reference: TransactionId) -> Found;
    /// Money that came in and has not been acknowledged, oldest first; only what came after the transfer `after`.
    async fn transfers(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Transfer>, RailUnreachable>;
    /// These transfers are recorded and need not be told again.
    async fn acknowledge(&self, transfers: &[String]) -> Result<(), RailUnreachable>;
}

/// The rail did not answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the rail did not answer: {0}")]
pub struct RailUnreachable(pub String);
