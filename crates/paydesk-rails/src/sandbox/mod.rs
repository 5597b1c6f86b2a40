//! The sandbox: a rail for test mode that plays the card's bank, the wallet and the payer's bank.
//!
//! Its [`Ledger`] is durable and in a file of its own. [`SandboxRail`] uses one in this process; [`router`] serves
//! one to other processes, which use [`SandboxClient`]. Both are a [`SandboxBank`], and thereby a [`Rail`].

mod accounts;
mod attempt;
mod bank;
mod cards;
mod client;
mod http;
mod ledger;
mod tax;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use paydesk_core::id::TransactionId;
use paydesk_core::money::Money;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::{FollowUp, Found, Rail, RailAnswer, RailUnreachable, Start, Transfer};

pub use attempt::Kind;
pub use bank::{
    Challenge, Choice, Decision, PushName, PushPayment, SandboxBank, SandboxError, Wakeups,
};
pub use cards::is_test_card;
pub use client::{ClientError, SandboxClient};
pub use http::router;
pub use ledger::{Charge, ChargePage, Ledger, LedgerError, Outcome};

use attempt::After;

/// The sandbox in this process.
#[derive(Clone, Debug)]
pub struct SandboxRail {
    ledger: Ledger,
    public_url: Arc<str>,
}

impl SandboxRail {
    /// On this ledger. Payers reach its pages (`/sandbox/3ds/{token}`, `/sandbox/wallet/{token}`) at `public_url`.
    #[must_use]
    pub fn new(ledger: Ledger, public_url: &str) -> Self {
        Self {
            ledger,
            public_url: public_url.trim_end_matches('/').into(),
        }
    }

    /// The ledger that it is on.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn answer(&self, answer: Result<RailAnswer, LedgerError>) -> RailAnswer {
        match answer {
            Ok(answer) => on_pages_at(&self.public_url, answer),
            Err(error) => {
                tracing::error!(%error, "the outcome is unknown");
                RailAnswer::Unknown
            }
        }
    }

    fn found(&self, found: Result<Found, LedgerError>) -> Found {
        match found {
            Ok(Found::Known(answer)) => Found::Known(on_pages_at(&self.public_url, answer)),
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "the ledger could not be asked");
                Found::Unreachable
            }
        }
    }

    async fn follow_up(&self, kind: Kind, follow_up: FollowUp) -> RailAnswer {
        self.answer(self.ledger.follow_up(After::new(kind, follow_up)).await)
    }
}

/// The ledger names a page by its path; each server that shares it shows the pages under its own address.
fn on_pages_at(public_url: &str, mut answer: RailAnswer) -> RailAnswer {
    if let RailAnswer::AwaitingPayer(waiting) = &mut answer
        && let Some(page) = &mut waiting.redirect_url
    {
        page.insert_str(0, public_url);
    }
    answer
}

#[async_trait]
impl Rail for SandboxRail {
    fn takes_card(&self, card: &Card) -> bool {
        is_test_card(&card.number)
    }

    fn automatic_tax(&self, amount: Money) -> Money {
        tax::of(amount)
    }

    async fn start(&self, start: Start) -> RailAnswer {
        self.answer(self.ledger.start(start.into()).await)
    }

    async fn settle(&self, follow_up: FollowUp) -> RailAnswer {
        self.follow_up(Kind::Settle, follow_up).await
    }

    async fn void(&self, follow_up: FollowUp) -> RailAnswer {
        self.follow_up(Kind::Void, follow_up).await
    }

    async fn refund(&self, follow_up: FollowUp) -> RailAnswer {
        self.follow_up(Kind::Refund, follow_up).await
    }

    async fn query(&self, reference: TransactionId) -> Found {
        self.found(self.ledger.query(reference).await)
    }

    async fn abandon(&self, reference: TransactionId) -> Found {
        self.found(self.ledger.abandon(reference).await)
    }

    async fn transfers(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Transfer>, RailUnreachable> {
        let after = after.map(str::to_owned);
        let told = self.ledger.transfers(after, limit).await;
        told.map_err(|error| RailUnreachable(error.to_string()))
    }

    async fn acknowledge(&self, transfers: &[String]) -> Result<(), RailUnreachable> {
        let noted = self.ledger.acknowledge(transfers.to_vec()).await;
        noted.map_err(|error| RailUnreachable(error.to_string()))
    }
}

#[async_trait]
impl SandboxBank for SandboxRail {
    async fn push(&self, named: PushName) -> Result<PushPayment, SandboxError> {
        self.ledger.push(named).await
    }

    async fn bank_transfer_with(
        &self,
        named: PushName,
        amount: Option<Money>,
        written: Option<String>,
    ) -> Result<Transfer, SandboxError> {
        self.ledger.bank_transfer(named, amount, written).await
    }

    async fn challenge(&self, token: &str) -> Result<Challenge, SandboxError> {
        self.ledger.challenge(token).await
    }

    async fn choose(&self, token: &str, choice: Choice) -> Result<Challenge, SandboxError> {
        self.ledger.choose(token, choice).await
    }

    fn wakeups(&self) -> Wakeups {
        self.ledger.wakeups()
    }
}
