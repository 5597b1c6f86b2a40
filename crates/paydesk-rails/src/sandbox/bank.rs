//! What the sandbox's pages need beside the rail: the payer's bank, the wallet and the card's bank, all played
//! by the sandbox.

use std::time::Duration;

use async_trait::async_trait;
use paydesk_core::id::TransactionId;
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::rail::{Rail, Transfer};
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::Destination;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The sandbox as its pages see it: in this process ([`SandboxRail`](super::SandboxRail)) or in another
/// ([`SandboxClient`](super::SandboxClient)). Whoever knows a code, a reference or a token of a test payment may
/// act on it; live payments are never found.
#[async_trait]
pub trait SandboxBank: Rail {
    /// The push payment that a code or a reference names, also after its time.
    async fn push(&self, named: PushName) -> Result<PushPayment, SandboxError>;

    /// The payer's bank sends money: this much, or all that is asked for. Each call is another transfer; late and
    /// repeated ones work, since real banks do both. The rail tells of it until it is acknowledged.
    async fn bank_transfer(
        &self,
        named: PushName,
        amount: Option<Money>,
    ) -> Result<Transfer, SandboxError> {
        self.bank_transfer_with(named, amount, None).await
    }

    /// The same, with another reference than the payment's, as payers write them; none at all if it is empty. The
    /// money then comes to the payment's account, and the rail does not say what for.
    async fn bank_transfer_with(
        &self,
        named: PushName,
        amount: Option<Money>,
        written: Option<String>,
    ) -> Result<Transfer, SandboxError>;

    /// What a wallet's or a card bank's page shows, for the token at the end of its address.
    async fn challenge(&self, token: &str) -> Result<Challenge, SandboxError>;

    /// The payer decides. The first decision stands: the answer says what it was.
    async fn choose(&self, token: &str, choice: Choice) -> Result<Challenge, SandboxError>;

    /// Resolves each time that something may have happened which the rail should be asked about.
    fn wakeups(&self) -> Wakeups;
}

/// How a payer names a push payment to a bank.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PushName {
    /// By the text of its QR code.
    QrCode(String),
    /// By its reference ([`Destination::nonce`]), in capitals or not.
    Reference(String),
}

/// A push payment that the sandbox's bank knows.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PushPayment {
    /// Our transaction.
    pub reference: TransactionId,
    /// Whose.
    pub tenant: Tenant,
    /// How it is paid.
    pub method: Method,
    /// How much is asked for.
    pub amount: Money,
    /// What has come so far.
    pub received: Money,
    /// Where it goes.
    pub destination: Destination,
}

/// A payer's decision that a wallet or a card's bank waits for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Challenge {
    /// Our transaction.
    pub reference: TransactionId,
    /// Whose.
    pub tenant: Tenant,
    /// A wallet, or a card at 3-D Secure.
    pub method: Method,
    /// How much; zero where a card is only stored.
    pub amount: Money,
    /// Who is paid.
    pub merchant_name: String,
    /// Where the payer goes afterwards.
    pub return_url: String,
    /// What has been decided.
    pub decision: Decision,
}

/// What has become of a challenge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// The payer has not decided.
    Open,
    /// The payer approved: the money moved.
    Approved,
    /// The payer refused.
    Refused,
    /// The payment was given up before the payer decided.
    Closed,
}

/// A payer's decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Choice {
    /// Pay.
    Approve,
    /// Do not.
    Refuse,
}

/// Why the sandbox's bank did not do it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "is", content = "of", rename_all = "camelCase")]
pub enum SandboxError {
    /// The text is no payment code.
    #[error("the QR code {0}")]
    NotACode(String),
    /// No test payment is known by that name.
    #[error("no test payment is known by it")]
    UnknownPayment,
    /// The reference is used on more than one account; the code tells which.
    #[error("the reference is in use on more than one account")]
    Ambiguous,
    /// The account takes another currency.
    #[error("the account takes {expected}")]
    WrongCurrency {
        /// What it takes.
        expected: Currency,
    },
    /// Nothing was to be sent, or more than there can be.
    #[error("the amount is out of bounds")]
    Amount,
    /// The sandbox could not be asked; it may or may not have happened.
    #[error("the sandbox did not answer: {0}")]
    Unreachable(String),
}

/// Tells a poller when to look: at once where the sandbox is in this process, else every so often.
#[derive(Debug)]
pub struct Wakeups(Source);

#[derive(Debug)]
enum Source {
    Watched(watch::Receiver<u64>),
    Polled(Duration),
}

impl Wakeups {
    pub(super) fn watched(receiver: watch::Receiver<u64>) -> Self {
        Self(Source::Watched(receiver))
    }

    pub(super) const fn every(interval: Duration) -> Self {
        Self(Source::Polled(interval))
    }

    /// The next one. Nothing that happens between two calls is missed.
    pub async fn next(&mut self) {
        match &mut self.0 {
            Source::Watched(receiver) => {
                if receiver.changed().await.is_err() {
                    // The ledger is gone, and nothing will happen any more.
                    std::future::pending::<()>().await;
                }
            }
            Source::Polled(interval) => tokio::time::sleep(*interval).await,
        }
    }
}
