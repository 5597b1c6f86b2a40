//! The merchant sent money back from its own bank: that is written down as a refund.
//!
//! Payers push money to a merchant's own account; Paydesk moves none of it, in either direction. So it never says that
//! money went back before the merchant names the transfer that took it there.

use super::idempotency::Idempotent;
use super::operate::{operation_on, to_refund};
use super::record_outcome::conclude_operation;
use super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::id::TransactionId;
use crate::merchant::ProviderAccount;
use crate::money::Money;
use crate::rail::{RailAnswer, Receipt};
use crate::refusal::Refusal;
use crate::session::Session;
use crate::store::{Change, ClaimKey, NameSpace};
use crate::tenant::Tenant;
use crate::transaction::{Action, Transaction};

const LONGEST_REFERENCE: usize = 200;
const FIELD: &str = "providerReference";

/// Money that the merchant sent back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordRefund {
    /// How much; all that is left if it is not said.
    pub amount: Option<Money>,
    /// The bank's id of the transfer that took it there: counts once per account.
    pub provider_reference: String,
}

/// A refund that is written down.
#[derive(Clone, PartialEq, Debug)]
pub struct RefundRecorded {
    /// The refund.
    pub refund: Transaction,
    /// Whether it was written down before, and nothing was changed.
    pub known: bool,
}

/// What a bank's id is already known as, on the account that the payment came in on.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct KnownAs {
    /// Money that was sent back: its refund, unless that was removed since.
    pub sent_back: Option<Option<Transaction>>,
    /// Money that came in.
    pub came_in: bool,
}

/// Decides a refund that the merchant made itself. The same bank's id for the same payment and amount again is the same
/// refund. Refuses, in this order: an account whose rail moves the money, what is no bank's id, one that is used for
/// something else, what cannot be refunded, the amount.
pub fn decide(
    request: &RecordRefund,
    mut parent: Transaction,
    session: Option<Session>,
    account: &ProviderAccount,
    known: KnownAs,
    env: Env<'_>,
) -> Result<(Option<Change>, RefundRecorded), Refusal> {
    if account.provider.moves_money() {
        return Err(Refusal::field(
            FIELD,
            "is given, but the money on this account is sent back by Paydesk: leave it out",
        ));
    }
    let reference = checked(&request.provider_reference)?;
    if known.came_in {
        return Err(Refusal::field(
            FIELD,
            "is the id of a transfer that came in: give that of the one that you sent back",
        ));
    }
    if let Some(earlier) = known.sent_back {
        let same = earlier.filter(|earlier| {
            earlier.parent == Some(parent.id)
                && request.amount.is_none_or(|amount| amount == earlier.amount)
        });
        let refund = same.ok_or_else(|| {
            Refusal::field(
                FIELD,
                "is recorded for another refund already: each transfer counts once",
            )
        })?;
        return Ok((
            None,
            RefundRecorded {
                refund,
                known: true,
            },
        ));
    }
    let amount = to_refund(&parent, request.amount)?;
    // Money is pushed for sessions only.
    let session = session.ok_or(Refusal::NotRefundable)?;

    let mut refund = operation_on(&parent, Action::Refund, amount, env);
    parent.reserved += amount.minor();
    let sent = RailAnswer::Succeeded(Receipt {
        provider_reference: Some(reference.to_owned()),
        stored_card: None,
    });
    let concluded = conclude_operation(&mut refund, Some(&mut parent), sent, env);
    let snapshot = SessionSnapshot {
        session,
        live: None,
    };
    let mut draft = Draft::new(snapshot, env);
    draft.begin(refund.clone(), concluded.event);
    draft.update(&mut parent, None);
    draft.claim(sent_back(&parent, reference), refund.id.0);
    let recorded = RefundRecorded {
        refund,
        known: false,
    };
    Ok((draft.finish().0, recorded))
}

/// A bank's id, without what surrounds it.
fn checked(reference: &str) -> Result<&str, Refusal> {
    let reference = reference.trim();
    let length = reference.chars().count();
    if !(1..=LONGEST_REFERENCE).contains(&length) || reference.chars().any(char::is_control) {
        return Err(Refusal::field(
            FIELD,
            format!("is not a text of 1 to {LONGEST_REFERENCE} characters"),
        ));
    }
    Ok(reference)
}

/// The account that a payment's money came in on.
fn account_of(payment: &Transaction) -> &str {
    let destination = payment.destination.as_ref();
    destination.map_or("", |destination| &destination.account)
}

/// What makes a transfer that was sent back count once. Neither half has a line break in it.
fn sent_back(payment: &Transaction, reference: &str) -> ClaimKey {
    ClaimKey::Name {
        space: NameSpace::SentBack,
        name: format!("{}\n{reference}", account_of(payment)),
    }
}

impl Engine {
    /// Writes down a refund that the merchant made from its own bank; once per bank's id and account, however often it is
    /// told.
    pub async fn record_refund(
        &self,
        tenant: Tenant,
        payment: TransactionId,
        request: &RecordRefund,
        idempotent: Option<Idempotent<RefundRecorded>>,
    ) -> Result<RefundRecorded, EngineError> {
        // Whoever is faster takes the claim, which the next look then finds.
        self.once(tenant, idempotent.as_ref(), |_| async move {
            let parent = self.transaction(tenant, payment).await?;
            let account = self.provider_account(tenant, parent.provider_account);
            let account = account.await?;
            let session = self.its_session(&parent).await?;
            let known = self.known_as(&parent, &request.provider_reference).await?;
            let env = self.env(tenant);
            Ok(decide(request, parent, session, &account, known, env)?)
        })
        .await
    }

    async fn known_as(
        &self,
        payment: &Transaction,
        reference: &str,
    ) -> Result<KnownAs, EngineError> {
        let (tenant, reference) = (payment.tenant, reference.trim());
        let came_in = ClaimKey::BankTransfer {
            account: account_of(payment).to_owned(),
            id: reference.to_owned(),
        };
        let came_in = self.store().claim(tenant, &came_in).await?;
        let sent_back = sent_back(payment, reference);
        let sent_back = match self.store().claim(tenant, &sent_back).await? {
            Some(refund) => {
                let refund = TransactionId(refund);
                Some(self.store().transaction(tenant, refund).await?)
            }
            None => None,
        };
        Ok(KnownAs {
            sent_back,
            came_in: came_in.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
