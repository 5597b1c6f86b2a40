//! Money came in on an account: it is taken in once, and counted for the payment that it is for.
//!
//! Nothing that came is ever dropped. Short: the payment waits for the rest. Over, or paid twice: completed,
//! and the surplus can be refunded. Late: a transaction of its own, for the merchant to accept or refund. For
//! nobody knows what: it is kept as unmatched, for the merchant to [assign](super::assign_transfer).

use super::idempotency::Idempotent;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot, awaited};
use crate::bank_transfer::{BankTransfer, MatchedBy, Origin, TransferState};
use crate::event::{Event, EventKind, Subject};
use crate::id::{BankTransferId, EventId, TransactionId};
use crate::money::{AmountError, Money};
use crate::rail::Transfer;
use crate::refusal::Refusal;
use crate::session::State;
use crate::store::{Change, Claim, ClaimKey, Conflict, Record, Store, Unavailable};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use crate::transaction::{Begin, Exception, ExceptionKind, Status, Transaction};

/// How long a payment's reference is.
pub(super) const NONCE_LENGTH: usize = 10;
/// How many words of a bank's text are looked at for it.
const MOST_WORDS: usize = 16;

/// What became of a transfer.
#[derive(Clone, PartialEq, Debug)]
pub enum Recorded {
    /// Counted for this transaction, which is as it now stands.
    Counted(Box<Transaction>),
    /// Taken in before.
    Known,
    /// No payment was found for it: it is kept for the merchant to assign.
    Unmatched,
}

/// A transfer that is taken in.
#[derive(Clone, PartialEq, Debug)]
pub struct TakenIn {
    /// The transfer as it is kept.
    pub bank_transfer: BankTransfer,
    /// The transaction that it was counted for just now, as it then stands.
    pub transaction: Option<Transaction>,
    /// Whether it was told before, and nothing was changed.
    pub known: bool,
}

/// Decides what a transfer does to the payment that it is for. `target` is that payment; `snapshot` its session, with
/// the session's live transaction, which may or may not be the same. Answers with the transfer as it is then to be
/// kept; the caller adds it to the change. Refuses a payment that was chosen by its amount and waits no more: no such
/// payment is meant.
pub fn decide(
    bank_transfer: &BankTransfer,
    by: MatchedBy,
    target: Transaction,
    snapshot: SessionSnapshot,
    env: Env<'_>,
) -> Result<(Change, Transaction, BankTransfer), Refusal> {
    let amount = bank_transfer.amount;
    if amount.currency() != target.amount.currency() {
        return Err(Refusal::CurrencyDiffers {
            expected: target.amount.currency(),
        });
    }
    amount.positive().map_err(|error| Refusal::InvalidAmount {
        field: "amount".into(),
        error,
    })?;
    // A rail knows what a transfer is for that it told of with the payment's reference, and of no other.
    let known_to_rail = bank_transfer.origin == Origin::Rail && by == MatchedBy::Reference;
    let placed = if known_to_rail { 0 } else { amount.minor() };

    let mut draft = Draft::new(snapshot, env);
    // Time may just have ended it, in this very draft.
    let (mut target, is_live) = match &draft.live {
        Some(live) if live.id == target.id => (live.clone(), true),
        _ => (target, false),
    };
    let waits = is_live && matches!(target.status, Status::AwaitingPayer { .. });
    // Paid or ended since it was chosen. Only a reference says that the money is for it all the same.
    if by == MatchedBy::Amount && !waits {
        return Err(Refusal::TransactionNotFound);
    }
    let transaction = match target.status {
        Status::AwaitingPayer { .. } if waits => {
            let before = target
                .received
                .unwrap_or_else(|| Money::zero(target.amount.currency()));
            let received = sum(before, amount)?;
            target.received = Some(received);
            target.placed += placed;
            arrived_in_time(&mut draft, &mut target, received);
            target
        }
        Status::Succeeded { .. } => {
            // Paid again: what was asked for counts as received before, however it was settled.
            let received = sum(target.received.unwrap_or(target.amount), amount)?;
            target.received = Some(received);
            target.placed += placed;
            target.exception = Some(Exception {
                kind: ExceptionKind::Over,
                accepted_at: None,
            });
            draft.update(&mut target, Some(EventKind::TransactionException));
            target
        }
        // Still being begun at the rail: the code is out already, the money was quicker. Not refused for
        // good: it is told again.
        Status::InFlight { .. } | Status::Unknown { .. } => return Err(Refusal::PaymentInProgress),
        _ => arrived_late(&mut draft, &target, bank_transfer, placed, env),
    };
    let mut kept = bank_transfer.clone();
    if kept.state == TransferState::Unmatched {
        kept.state = TransferState::Matched {
            transaction: transaction.id,
            by,
            at: env.now,
        };
        kept.updated_at = env.now;
    }
    draft.claim(kept.claim_key(), kept.id.0);
    // Money that came always changes something.
    let change = draft.finish().0;
    let change = change.unwrap_or_else(|| Change::new(kept.tenant));
    Ok((change, transaction, kept))
}

/// Keeps a transfer that no payment was found for, and tells the merchant.
#[must_use]
pub fn decide_unmatched(bank_transfer: &BankTransfer, env: Env<'_>) -> Change {
    let mut change = Change::new(bank_transfer.tenant);
    change.claims.push(Claim {
        key: bank_transfer.claim_key(),
        owner: bank_transfer.id.0,
    });
    change.events.push(Event {
        id: EventId::fresh(env.ids, env.wall),
        tenant: bank_transfer.tenant,
        kind: EventKind::BankTransferUnmatched,
        sequence: u32::try_from(bank_transfer.version).unwrap_or(u32::MAX),
        at: env.now,
        session: None,
        subject: Subject::BankTransfer {
            bank_transfer: Box::new(bank_transfer.clone()),
        },
        notify: false,
    });
    change
}

fn sum(one: Money, other: Money) -> Result<Money, Refusal> {
    let too_large = Refusal::InvalidAmount {
        field: "amount".into(),
        error: AmountError::TooLarge,
    };
    one.checked_add(other).ok_or(too_large)
}

fn arrived_in_time(draft: &mut Draft<'_>, target: &mut Transaction, received: Money) {
    if received.minor() < target.amount.minor() {
        target.exception = Some(Exception {
            kind: ExceptionKind::Partial,
            accepted_at: None,
        });
        draft.update(target, Some(EventKind::TransactionException));
        draft.live = None;
        return;
    }
    let over = received.minor() > target.amount.minor();
    target.exception = over.then_some(Exception {
        kind: ExceptionKind::Over,
        accepted_at: None,
    });
    complete(draft, target);
    if over {
        draft.exception_event(target);
    }
}

/// The payment is made: what is received is captured.
pub(super) fn complete(draft: &mut Draft<'_>, target: &mut Transaction) {
    let now = draft.env().now;
    draft.no_longer_awaited(target);
    target.status = Status::Succeeded { at: now };
    draft.live = None;
    draft.session.charge = Some(target.id);
    draft.update(target, Some(EventKind::TransactionSucceeded));
    draft.enter(State::Completed {
        at: now,
        transaction: target.id,
        payment_method: target.payment_method,
    });
}

fn arrived_late(
    draft: &mut Draft<'_>,
    target: &Transaction,
    bank_transfer: &BankTransfer,
    placed: i64,
    env: Env<'_>,
) -> Transaction {
    let amount = bank_transfer.amount;
    let late = Transaction {
        parent: Some(target.id),
        provider_reference: Some(bank_transfer.bank_transaction_id.clone()),
        destination: target.destination.clone(),
        exchange: target.exchange.and_then(|exchange| {
            if amount == target.amount {
                Some(exchange)
            } else {
                exchange.of_paid(amount)
            }
        }),
        custom_field_values: target.custom_field_values.clone(),
        customer: target.customer.clone(),
        contact: target.contact.clone(),
        received: Some(amount),
        placed,
        exception: Some(Exception {
            kind: ExceptionKind::Late,
            accepted_at: None,
        }),
        ..Transaction::begin(Begin {
            id: TransactionId::fresh(env.ids, env.wall),
            tenant: target.tenant,
            session: target.session,
            action: target.action,
            amount,
            method: target.method,
            provider_account: target.provider_account,
            status: Status::Received { at: env.now },
            at: env.now,
        })
    };
    draft.begin(late.clone(), Some(EventKind::TransactionException));
    late
}

/// What in a bank's text may be the reference of a payment: banks set it in capitals or not, alone or among other
/// words.
fn possible_nonces(text: &str) -> Vec<String> {
    let capitals = text.to_ascii_uppercase();
    let is_base32 = |word: &str| {
        word.len() == NONCE_LENGTH && word.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'))
    };
    capitals
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| is_base32(word))
        .take(MOST_WORDS)
        .map(str::to_owned)
        .collect()
}

/// The payment that a reference names on an account; nothing if none or more than one is named.
async fn named(
    store: &dyn Store,
    tenant: Tenant,
    account: &str,
    text: &str,
) -> Result<Option<TransactionId>, Unavailable> {
    // As it stands first: a reference need not be one of ours to be unique on its account.
    let mut nonces = possible_nonces(text);
    nonces.insert(0, text.trim().to_owned());
    nonces.dedup();
    let keys: Vec<ClaimKey> = nonces
        .into_iter()
        .map(|nonce| ClaimKey::PushReference {
            account: account.to_owned(),
            nonce,
        })
        .collect();
    let mut owners: Vec<_> = store.claims(tenant, &keys).await?;
    owners.sort_unstable();
    owners.dedup();
    let mut owners = owners.into_iter().flatten();
    Ok(match (owners.next(), owners.next()) {
        (Some(only), None) => Some(TransactionId(only)),
        _ => None,
    })
}

/// For which payment a transfer is.
enum Found {
    Payment(TransactionId, MatchedBy),
    /// The rail says for which, and that one is still being begun.
    NotYet,
    Nothing,
}

/// What is answered, and stored as the answer, about a transfer that is to be left as it is.
pub(super) fn known_before(
    bank_transfer: BankTransfer,
    idempotent: Option<&Idempotent<TakenIn>>,
    wall: Timestamp,
) -> (Option<Change>, TakenIn) {
    let taken = TakenIn {
        bank_transfer,
        transaction: None,
        known: true,
    };
    let change = idempotent.map(|idempotent| Change {
        idempotency: Some(idempotent.answered(&taken, wall)),
        ..Change::new(taken.bank_transfer.tenant)
    });
    (change, taken)
}

impl Engine {
    /// Takes in a transfer that a rail tells of; once, however often it is told.
    pub async fn record_transfer(&self, transfer: &Transfer) -> Result<Recorded, EngineError> {
        let taken = self.take_in(transfer, Origin::Rail, None).await?;
        Ok(match taken {
            TakenIn { known: true, .. } => Recorded::Known,
            TakenIn {
                transaction: Some(transaction),
                ..
            } => Recorded::Counted(Box::new(transaction)),
            TakenIn {
                transaction: None, ..
            } => Recorded::Unmatched,
        })
    }

    /// Takes in a transfer, and counts it for the payment that it is for, if one is found.
    pub(super) async fn take_in(
        &self,
        transfer: &Transfer,
        origin: Origin,
        idempotent: Option<&Idempotent<TakenIn>>,
    ) -> Result<TakenIn, EngineError> {
        let tenant = transfer.tenant;
        self.repeat(|conflict| async move {
            if let (Some(Conflict::Idempotency(known)), Some(idempotent)) = (&conflict, idempotent)
            {
                return Err(idempotent.refuse(known).into());
            }
            let told = BankTransfer::told(
                BankTransferId::fresh(self.ids.as_ref(), self.wall()),
                transfer,
                origin,
                self.now(tenant),
            );
            // Whoever is faster takes the claim under another id, which this commit then meets.
            if let Some(known) = self.known_transfer(tenant, &told).await? {
                if origin == Origin::Report && known.amount != told.amount {
                    let problem =
                        format!("was taken in before on this account, with {}", known.amount);
                    return Err(Refusal::field("bankTransactionId", problem).into());
                }
                return Ok(known_before(known, idempotent, self.wall()));
            }
            let counted = match self.payment_for(transfer).await? {
                Found::Nothing => None,
                Found::NotYet => return Err(Refusal::PaymentInProgress.into()),
                Found::Payment(target, by) => self.count(&told, by, target).await?,
            };
            let (mut change, taken) = if let Some((change, transaction, kept)) = counted {
                let taken = TakenIn {
                    bank_transfer: kept,
                    transaction: Some(transaction),
                    known: false,
                };
                (change, taken)
            } else {
                let change = decide_unmatched(&told, self.env(tenant));
                let taken = TakenIn {
                    bank_transfer: told,
                    transaction: None,
                    known: false,
                };
                (change, taken)
            };
            change.puts.push(Record::entry(&taken.bank_transfer)?);
            change.idempotency =
                idempotent.map(|idempotent| idempotent.answered(&taken, self.wall()));
            Ok((Some(change), taken))
        })
        .await
    }

    /// The transfer of the same account and bank's id, if it is taken in.
    async fn known_transfer(
        &self,
        tenant: Tenant,
        told: &BankTransfer,
    ) -> Result<Option<BankTransfer>, EngineError> {
        let Some(owner) = self.store().claim(tenant, &told.claim_key()).await? else {
            return Ok(None);
        };
        let known = self.store().find::<BankTransfer>(tenant, owner).await?;
        let gone = || Unavailable::because("a bank transfer is claimed and not kept");
        Ok(Some(known.ok_or_else(gone)?))
    }

    async fn payment_for(&self, transfer: &Transfer) -> Result<Found, EngineError> {
        let (tenant, store) = (transfer.tenant, self.store().as_ref());
        let reference = transfer.nonce.as_deref().map(str::trim);
        let Some(reference) = reference.filter(|reference| !reference.is_empty()) else {
            let on = (transfer.account.as_str(), transfer.amount);
            let only = awaited::only_one(store, tenant, on, self.now(tenant)).await?;
            return Ok(only.map_or(Found::Nothing, |only| {
                Found::Payment(only, MatchedBy::Amount)
            }));
        };
        if let Some(named) = named(store, tenant, &transfer.account, reference).await? {
            return Ok(Found::Payment(named, MatchedBy::Reference));
        }
        // The reference becomes known with the rail's answer to the payment's beginning.
        let Some(payment) = transfer.payment else {
            return Ok(Found::Nothing);
        };
        let begun = store.transaction(tenant, payment).await?;
        let being_begun = begun.is_some_and(|begun| {
            matches!(
                begun.status,
                Status::InFlight { .. } | Status::Unknown { .. }
            )
        });
        Ok(if being_begun {
            Found::NotYet
        } else {
            Found::Nothing
        })
    }

    /// Loads the payment and decides; nothing if the money cannot be counted for it, which is no reason to drop it.
    async fn count(
        &self,
        told: &BankTransfer,
        by: MatchedBy,
        target: TransactionId,
    ) -> Result<Option<(Change, Transaction, BankTransfer)>, EngineError> {
        match self.decide_for(told, by, target).await {
            Ok(decided) => Ok(Some(decided)),
            Err(EngineError::Refused(
                refusal @ (Refusal::CurrencyDiffers { .. }
                // Removed long ago, with its reference still used; or no longer the one that waits for the amount.
                | Refusal::TransactionNotFound
                | Refusal::SessionNotFound
                | Refusal::InvalidAmount {
                    error: AmountError::TooLarge,
                    ..
                }),
            )) => {
                tracing::warn!(%refusal, transfer = %told.id, "a transfer does not fit the payment that was found for it");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn decide_for(
        &self,
        transfer: &BankTransfer,
        by: MatchedBy,
        target: TransactionId,
    ) -> Result<(Change, Transaction, BankTransfer), EngineError> {
        let tenant = transfer.tenant;
        let session = self.transaction(tenant, target).await?.session;
        let session = session.ok_or(Refusal::SessionNotFound)?;
        let snapshot = self.session_with_live(tenant, session).await?;
        // After the session: if the payment changes in between, the session has too, and the commit is
        // refused. The other way round, a payment that was just made would look like one that ended.
        let target = self.transaction(tenant, target).await?;
        Ok(decide(transfer, by, target, snapshot, self.env(tenant))?)
    }
}

#[cfg(test)]
mod tests;
