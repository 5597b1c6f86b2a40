//! The vendor's transaction.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Json, Result, SimpleObject};
use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::session::{Amount, Session, State};
use paydesk_core::transaction::{self, Begin, Hold, Lease, Status, Transaction};
use serde::Serialize;

use crate::account::AccountOut;
use crate::codes::CurrencyCode;
use crate::desk::{Desk, OnTransaction};
use crate::fault::Fault;
use crate::marks::Mark;
use crate::names::{Action, PaymentMethodType, TransactionStatus};
use crate::party::Parties;
use crate::payment_method::PaymentMethodOut;
use crate::plan::PaymentPlan;
use crate::scalar::{BigInt, DateTimeIso};
use crate::session::{Light, SessionOut, token};

/// A transaction as the vendor writes it.
#[derive(SimpleObject, Clone)]
#[graphql(complex, name = "MerchantTransaction")]
pub struct TransactionOut {
    /// The transaction itself, for what is asked for further.
    #[graphql(skip)]
    record: Arc<Transaction>,
    id: ID,
    #[graphql(deprecation = "Use other identifiers instead.")]
    code: String,
    action: Action,
    amount: BigInt,
    currency: CurrencyCode,
    status: TransactionStatus,
    provider_status: TransactionStatus,
    provider_code: String,
    provider_related_code: Option<String>,
    /// Why the rail said no.
    provider_error: Option<String>,
    provider_last_synced_at: Option<DateTimeIso>,
    provider_last_verified_at: DateTimeIso,
    /// Why it came to nothing.
    transaction_error: Option<String>,
    client_transaction_session_id: Option<String>,
    merchant_internal_customer_code: Option<String>,
    merchant_internal_transaction_code: Option<String>,
    related_transaction_id: Option<String>,
    refunded_amount: Option<BigInt>,
    store_payment_method: Option<bool>,
    payload: Json<Payload>,
    payment_method_id: Option<String>,
    payment_method_code: Option<String>,
    payment_method_type: Option<PaymentMethodType>,
    payment_plan_id: Option<String>,
    payment_plan: Option<PaymentPlan>,
    transaction_provider: AccountOut,
    transaction_provider_id: String,
    #[graphql(deprecation = "Use Payment Session API instead.")]
    token: Option<String>,
    #[graphql(deprecation = "Use Payment Session API instead.")]
    token_expires_at: Option<DateTimeIso>,
    transaction_date: DateTimeIso,
    started_at: Option<DateTimeIso>,
    succeeded_at: Option<DateTimeIso>,
    failed_at: Option<DateTimeIso>,
    canceled_at: Option<DateTimeIso>,
    disputed_at: Option<DateTimeIso>,
    refunded_at: Option<DateTimeIso>,
    voided_at: Option<DateTimeIso>,
    created_at: DateTimeIso,
    updated_at: DateTimeIso,
    #[graphql(flatten)]
    parties: Parties,
}

/// What else is known of a transaction.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// The rail's own name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_reference: Option<String>,
    /// How the payer paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
}

/// When a transaction came to what.
#[derive(Default)]
struct Ends {
    succeeded: Option<DateTimeIso>,
    failed: Option<DateTimeIso>,
    canceled: Option<DateTimeIso>,
    error: Option<&'static str>,
}

impl Ends {
    fn of(status: &Status) -> Self {
        let none = Self::default();
        match status {
            Status::InFlight { .. }
            | Status::AwaitingPayer { .. }
            | Status::Unknown { .. }
            | Status::Received { .. }
            | Status::Expired { .. } => none,
            Status::Succeeded { at } => Self {
                succeeded: Some((*at).into()),
                ..none
            },
            Status::Declined { at, reason } => Self {
                failed: Some((*at).into()),
                error: Some(reason.as_str()),
                ..none
            },
            Status::Failed { at, reason } => Self {
                failed: Some((*at).into()),
                error: Some(reason.as_str()),
                ..none
            },
            Status::Cancelled { at } => Self {
                canceled: Some((*at).into()),
                ..none
            },
        }
    }
}

impl TransactionOut {
    /// A transaction, of this session if it has one.
    pub fn new(
        record: Transaction,
        session: Option<&Session>,
        desk: &Desk<'_>,
    ) -> Result<Self, Fault> {
        let account = desk.account(record.provider_account)?;
        let status = record.status_at(desk.now);
        let ends = Ends::of(&status);
        let terms = session.map(|session| &*session.terms);
        let (token, token_expires_at) = session
            .and_then(|session| token(session, Light::from(desk)))
            .unzip();
        let takes = matches!(
            record.action,
            transaction::Action::Payment | transaction::Action::Settle
        );
        let is_refunded = takes && record.done > 0;
        let updated_at: DateTimeIso = record.updated_at.into();
        Ok(Self {
            id: record.id.to_string().into(),
            code: record.id.to_string(),
            action: record.action.into(),
            amount: record.amount.into(),
            currency: record.amount.currency().into(),
            status: status.status_name().into(),
            provider_status: status.status_name().into(),
            provider_code: Mark::Transaction.write(record.id.0),
            provider_related_code: record.parent.map(|id| Mark::Transaction.write(id.0)),
            provider_error: ends.error.map(str::to_owned),
            provider_last_synced_at: Some(updated_at),
            provider_last_verified_at: updated_at,
            transaction_error: ends.error.map(str::to_owned),
            client_transaction_session_id: record.session.map(|id| id.to_string()),
            merchant_internal_customer_code: record.customer.clone(),
            merchant_internal_transaction_code: record.code(session).map(str::to_owned),
            related_transaction_id: record.parent.map(|id| id.to_string()),
            refunded_amount: takes.then_some(BigInt(record.done)),
            store_payment_method: terms.map(|terms| terms.store_payment_method),
            payload: Json(Payload {
                provider_reference: record.provider_reference.clone(),
                method: Some(record.method),
            }),
            payment_method_id: record.payment_method.map(|id| id.to_string()),
            payment_method_code: record
                .payment_method
                .map(|id| Mark::PaymentMethod.write(id.0)),
            payment_method_type: Some(record.method.into()),
            payment_plan_id: None,
            payment_plan: None,
            transaction_provider: AccountOut::new(account, account.tenant.merchant.to_string()),
            transaction_provider_id: account.id.to_string(),
            token,
            token_expires_at: token_expires_at.map(Into::into),
            transaction_date: record.created_at.into(),
            started_at: Some(record.created_at.into()),
            succeeded_at: ends.succeeded,
            failed_at: ends.failed,
            canceled_at: ends.canceled,
            disputed_at: None,
            refunded_at: is_refunded.then_some(updated_at),
            voided_at: matches!(record.hold, Some(Hold::Voided)).then_some(updated_at),
            created_at: record.created_at.into(),
            updated_at,
            parties: terms.map(Parties::from).unwrap_or_default(),
            record: Arc::new(record),
        })
    }

    /// What the first attempt at a session will be, before there was any: it has its id already, and fares as the
    /// session does.
    pub fn unattempted(session: &Session, desk: &Desk<'_>) -> Result<Self, Fault> {
        let (status, shown) = match session.state_at(desk.now) {
            State::Created { .. }
            | State::Initiated { .. }
            | State::Processing { .. }
            | State::Completed { .. } => (
                Status::InFlight {
                    lease: Lease {
                        node: desk.app.engine.node(),
                        until: desk.now,
                    },
                },
                Some(TransactionStatus::Started),
            ),
            State::Expired { at } => (Status::Expired { at }, None),
            State::Cancelled { at, .. } => (Status::Cancelled { at }, None),
        };
        let terms = &session.terms;
        let mut record = Transaction::begin(Begin {
            id: session.first_transaction,
            tenant: session.tenant,
            session: Some(session.id),
            action: transaction::Action::of(terms.kind),
            amount: match terms.amount {
                Amount::Fixed(money) | Amount::AtLeast(money) => money,
                Amount::Nothing(currency) => Money::zero(currency),
            },
            method: Method::Card,
            provider_account: terms.provider_account,
            status,
            at: session.created_at,
        });
        record.customer = session.customer_code().map(str::to_owned);
        let mut out = Self::new(record, Some(session), desk)?;
        if let Some(shown) = shown {
            (out.status, out.provider_status) = (shown, shown);
        }
        // Nobody has chosen how to pay, and nobody was asked.
        out.payment_method_type = None;
        out.payload = Json(Payload::default());
        out.provider_last_synced_at = None;
        Ok(out)
    }

    /// The same with its session, which is read if it has one.
    pub async fn with_session(record: Transaction, desk: &Desk<'_>) -> Result<Self, Fault> {
        let session = desk.session_of(&record).await?;
        Self::new(record, session.as_ref(), desk)
    }

    /// Many with their sessions, in the order given.
    pub async fn with_sessions(
        records: Vec<Transaction>,
        desk: &Desk<'_>,
    ) -> Result<Vec<Self>, Fault> {
        let sessions = desk
            .loader
            .load_many(records.iter().filter_map(|record| record.session))
            .await?;
        records
            .into_iter()
            .map(|record| {
                let session = record.session.and_then(|id| sessions.get(&id));
                Self::new(record, session, desk)
            })
            .collect()
    }
}

#[ComplexObject]
impl TransactionOut {
    /// The session that it is of.
    async fn client_transaction_session(&self, ctx: &Context<'_>) -> Result<Option<SessionOut>> {
        let Some(id) = self.record.session else {
            return Ok(None);
        };
        let desk = Desk::open(ctx).await?;
        let session = desk.session(id).await?;
        Ok(session
            .map(|session| SessionOut::new(session, &desk))
            .transpose()?)
    }

    /// The stored card that it charged or made.
    async fn payment_method(&self, ctx: &Context<'_>) -> Result<Option<PaymentMethodOut>> {
        if self.record.payment_method.is_none() {
            return Ok(None);
        }
        let desk = Desk::open(ctx).await?;
        Ok(PaymentMethodOut::load(self.record.payment_method, &desk).await?)
    }

    /// The stored card that it made.
    async fn payment_method_initial_transaction(
        &self,
        ctx: &Context<'_>,
    ) -> Result<Option<PaymentMethodOut>> {
        let Some(id) = self.record.payment_method else {
            return Ok(None);
        };
        let desk = Desk::open(ctx).await?;
        let stored = desk.loader.load_one(id).await.map_err(Fault::from)?;
        Ok(stored
            .filter(|stored| stored.stored_by == self.record.id)
            .map(|stored| PaymentMethodOut::new(&stored, desk.now)))
    }

    /// The transaction that it settles, voids or refunds.
    async fn related_transaction(&self, ctx: &Context<'_>) -> Result<Option<Self>> {
        let Some(id) = self.record.parent else {
            return Ok(None);
        };
        let desk = Desk::open(ctx).await?;
        let parent = desk.loader.load_one(id).await.map_err(Fault::from)?;
        Ok(match parent {
            Some(parent) => Some(Self::with_session(parent, &desk).await?),
            None => None,
        })
    }

    /// What was done to it: settled, voided, refunded. Oldest first.
    #[graphql(complexity = "10 * child_complexity")]
    async fn transactions_related(&self, ctx: &Context<'_>) -> Result<Option<Vec<Self>>> {
        let desk = Desk::open(ctx).await?;
        let key = OnTransaction(self.record.id);
        let children = desk.loader.load_one(key).await.map_err(Fault::from)?;
        let children = children.unwrap_or_default().to_vec();
        Ok(Some(Self::with_sessions(children, &desk).await?))
    }
}

/// What a merchant who asks how a session went is told: the successful transaction, be it late money that was accepted,
/// else the one under way, else the latest attempt. Nothing before the payer did anything.
#[must_use]
pub fn decisive(transactions: &[Transaction]) -> Option<&Transaction> {
    let attempts = || transactions.iter().filter(|it| it.is_attempt());
    let took =
        |it: &&Transaction| it.action.is_attempt() && matches!(it.status, Status::Succeeded { .. });
    let succeeded = transactions.iter().find(took);
    succeeded
        .or_else(|| attempts().rfind(|it| !it.status.is_terminal()))
        .or_else(|| attempts().next_back())
}

/// Whether the rail knows more of it than we do.
#[must_use]
pub const fn is_to_be_asked_about(transaction: &Transaction) -> bool {
    matches!(
        transaction.status,
        Status::Unknown { .. }
            | Status::AwaitingPayer {
                ask_at: Some(_),
                ..
            }
    )
}
