//! A rail whose behaviour is set by the test, and that remembers what it was asked and what it moved. It
//! honours references as a real one does: the same one moves money once, and an abandoned one never.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use paydesk_core::id::TransactionId;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::{
    FollowUp, Found, Rail, RailAnswer, RailUnreachable, Receipt, Source, Start, Transfer, Waiting,
};
use paydesk_core::transaction::{DeclineReason, Destination, FailureReason};
use tokio::sync::Semaphore;

/// What the rail does with what is started from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Behaviour {
    Succeeds,
    Declines,
    /// It does it, and its answer is lost.
    LosesTheAnswer,
    /// The call is lost on its way.
    NeverArrives,
    /// The payer must confirm on a page, or push.
    Waits,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    Start,
    Settle,
    Void,
    Refund,
    Query,
    Abandon,
}

#[derive(Default)]
struct Book {
    known: HashMap<TransactionId, RailAnswer>,
    refused: HashSet<TransactionId>,
    calls: Vec<(Call, TransactionId)>,
    taken: i64,
    given_back: i64,
    transfers: Vec<Transfer>,
    /// What each refund was told that the rail cannot know.
    placed: Vec<i64>,
}

pub struct ScriptedRail {
    behaviour: Mutex<Behaviour>,
    book: Mutex<Book>,
    /// Calls that move money wait for a permit.
    gate: Semaphore,
}

impl ScriptedRail {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            behaviour: Mutex::new(Behaviour::Succeeds),
            book: Mutex::default(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        })
    }

    pub fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock() = behaviour;
    }

    /// From now on calls that move money wait.
    pub fn shut(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub fn open(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    pub fn count(&self, call: Call) -> usize {
        let book = self.book.lock();
        book.calls.iter().filter(|(one, _)| *one == call).count()
    }

    /// Minor units that were taken from payers, and that were given back.
    pub fn moved(&self) -> (i64, i64) {
        let book = self.book.lock();
        (book.taken, book.given_back)
    }

    /// The payer confirms on the page.
    pub fn confirm(&self, reference: TransactionId, minor: i64) {
        let mut book = self.book.lock();
        if !book.refused.contains(&reference) {
            book.known.insert(reference, succeeded());
            book.taken += minor;
        }
    }

    pub fn tell(&self, transfer: Transfer) {
        self.book.lock().transfers.push(transfer);
    }

    pub fn placed(&self) -> Vec<i64> {
        self.book.lock().placed.clone()
    }

    pub fn untold(&self) -> usize {
        self.book.lock().transfers.len()
    }

    async fn moves(
        &self,
        call: Call,
        reference: TransactionId,
        minor: i64,
        waiting: Option<Waiting>,
    ) -> RailAnswer {
        self.book.lock().calls.push((call, reference));
        let permit = self.gate.acquire().await;
        drop(permit);
        let behaviour = *self.behaviour.lock();
        let mut book = self.book.lock();
        if book.refused.contains(&reference) {
            return RailAnswer::Failed(FailureReason::NeverArrived);
        }
        if let Some(known) = book.known.get(&reference) {
            return known.clone();
        }
        let answer = match (behaviour, waiting) {
            (Behaviour::NeverArrives, _) => return RailAnswer::Unknown,
            (Behaviour::Declines, _) => RailAnswer::Declined(DeclineReason::Declined),
            (Behaviour::Waits, Some(waiting)) => RailAnswer::AwaitingPayer(waiting),
            _ => succeeded(),
        };
        if answer == succeeded() {
            match call {
                Call::Refund => book.given_back += minor,
                Call::Start => book.taken += minor,
                _ => {}
            }
        }
        book.known.insert(reference, answer.clone());
        match behaviour {
            Behaviour::LosesTheAnswer => RailAnswer::Unknown,
            _ => answer,
        }
    }
}

fn succeeded() -> RailAnswer {
    RailAnswer::Succeeded(Receipt::default())
}

#[async_trait]
impl Rail for ScriptedRail {
    fn takes_card(&self, card: &Card) -> bool {
        card.number == "4242424242424242"
    }

    async fn start(&self, start: Start) -> RailAnswer {
        let waiting = match start.source {
            Source::Push { nonce, .. } => Waiting {
                provider_reference: None,
                destination: Some(Destination {
                    account: "account 1".into(),
                    nonce,
                    qr_code: None,
                    account_name: "Tea House".into(),
                    bank: String::new(),
                }),
                redirect_url: None,
            },
            Source::Card(_) | Source::Stored(_) => Waiting {
                provider_reference: None,
                destination: None,
                redirect_url: Some("https://bank.example/confirm".into()),
            },
        };
        let minor = start.amount.minor();
        self.moves(Call::Start, start.reference, minor, Some(waiting))
            .await
    }

    async fn settle(&self, follow_up: FollowUp) -> RailAnswer {
        self.moves(Call::Settle, follow_up.reference, 0, None).await
    }

    async fn void(&self, follow_up: FollowUp) -> RailAnswer {
        self.moves(Call::Void, follow_up.reference, 0, None).await
    }

    async fn refund(&self, follow_up: FollowUp) -> RailAnswer {
        let minor = follow_up.amount.minor();
        self.book.lock().placed.push(follow_up.placed);
        self.moves(Call::Refund, follow_up.reference, minor, None)
            .await
    }

    async fn query(&self, reference: TransactionId) -> Found {
        let mut book = self.book.lock();
        book.calls.push((Call::Query, reference));
        let known = book.known.get(&reference).cloned();
        known.map_or(Found::NotFound, Found::Known)
    }

    async fn abandon(&self, reference: TransactionId) -> Found {
        let mut book = self.book.lock();
        book.calls.push((Call::Abandon, reference));
        match book.known.get(&reference).cloned() {
            Some(RailAnswer::AwaitingPayer(_)) | None => {
                book.known.remove(&reference);
                book.refused.insert(reference);
                Found::NotFound
            }
            Some(known) => Found::Known(known),
        }
    }

    async fn transfers(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Transfer>, RailUnreachable> {
        let book = self.book.lock();
        let told = after.map_or(0, |after| {
            let at = book.transfers.iter().position(|one| one.id == after);
            at.map_or(0, |at| at + 1)
        });
        Ok(book
            .transfers
            .iter()
            .skip(told)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn acknowledge(&self, transfers: &[String]) -> Result<(), RailUnreachable> {
        let mut book = self.book.lock();
        book.transfers.retain(|one| !transfers.contains(&one.id));
        Ok(())
    }
}
