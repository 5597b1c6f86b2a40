//! What a merchant may do.

use std::borrow::Cow;

use async_graphql::{Context, Object, Result};
use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::operate::Operate;
use paydesk_core::money::Money;
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Kind, Session};
use paydesk_core::transaction::Transaction;

use crate::account::chosen;
use crate::desk::Desk;
use crate::fault::{Code, Fault};
use crate::identify::{Found, Names};
use crate::marks::Mark;
use crate::names::TransactionProvider;
use crate::payment_method::PaymentMethodOut;
use crate::plan::{
    PaymentPlan, PaymentPlanCreate, PaymentPlanTemplate, PaymentPlanTemplateCreate,
    PaymentPlanTemplateUpdate,
};
use crate::scalar::BigInt;
use crate::session::SessionOut;
use crate::start::{
    self, AchCharge, AddPaymentMethodSessionStart, PaymentMethodCharge, PaymentSessionStart,
    PaymentStart, Purpose,
};
use crate::transaction::{TransactionOut, decisive, is_to_be_asked_about};

/// All mutations.
pub struct Mutation;

/// How a session went: asked of the rail, if it is not known.
async fn verify(names: Names, kind: Kind, desk: &Desk<'_>) -> Result<TransactionOut, Fault> {
    let session = names.session(desk).await?;
    if session.terms.kind != kind {
        return Err(Fault::new(
            Code::Validation,
            format!(
                "the session is of the kind {}: verify it as that",
                crate::names::kind_name(session.terms.kind)
            ),
        ));
    }
    let (session, transactions) = desk.app.engine.session(desk.tenant(), session.id).await?;
    match decisive(&transactions) {
        None => TransactionOut::unattempted(&session, desk),
        Some(transaction) => {
            let transaction = asked(transaction.clone(), desk).await?;
            TransactionOut::new(transaction, Some(&session), desk)
        }
    }
}

/// A transaction as the rail knows it, if the rail knows more.
async fn asked(transaction: Transaction, desk: &Desk<'_>) -> Result<Transaction, Fault> {
    if !is_to_be_asked_about(&transaction) {
        return Ok(transaction);
    }
    Ok(desk.app.engine.sync(desk.tenant(), transaction.id).await?)
}

/// Settles, voids or refunds the transaction that is named.
async fn operate(
    names: Names,
    operation: impl FnOnce(&Transaction) -> Result<Operate, Fault>,
    desk: &Desk<'_>,
) -> Result<TransactionOut, Fault> {
    let parent = match names.transaction(desk).await? {
        Found::Stored(parent) => *parent,
        // Its first attempt is still to come.
        Found::Unattempted(_) => {
            return Err(Fault::new(
                Code::Validation,
                "the payer has not acted on this session: there is nothing to settle, void or refund",
            ));
        }
    };
    let operation = operation(&parent)?;
    let done = desk
        .app
        .engine
        .operate(desk.tenant(), parent.id, operation, None)
        .await
        .map_err(|error| Fault::engine(error, |field| Cow::Owned(field.to_owned())))?;
    TransactionOut::with_session(done, desk).await
}

fn portion(amount: BigInt, parent: &Transaction) -> Result<Option<Money>, Fault> {
    Money::from_minor(amount.0, parent.amount.currency())
        .map(Some)
        .map_err(|error| Fault::argument("amount", error))
}

fn shown(session: Session, desk: &Desk<'_>) -> Result<SessionOut, Fault> {
    SessionOut::new(session, desk)
}

#[Object]
#[allow(
    clippy::too_many_arguments,
    reason = "the vendor's arguments, one by one"
)]
impl Mutation {
    /// Opens a session that stores a card and charges nothing.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_add_payment_method_session_start(
        &self,
        ctx: &Context<'_>,
        data: AddPaymentMethodSessionStart,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<SessionOut> {
        let desk = Desk::open(ctx).await?;
        let id = merchant_transaction_provider_id.as_deref();
        let account = chosen(&desk, id, transaction_provider)?;
        let session = start::open(data.common, Purpose::Store, account, &desk).await?;
        Ok(shown(session, &desk)?)
    }

    /// How a session that stores a card went; the card is in `paymentMethod`.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_add_payment_method_session_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            deprecation = "Transaction `code` field is deprecated. Please use the other identifiers instead."
        )]
        code: Option<String>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
        token: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code,
        };
        let desk = Desk::open(ctx).await?;
        Ok(verify(names, Kind::AddPaymentMethod, &desk).await?)
    }

    /// Opens a session that takes money, and answers with its first transaction, which the payer has not begun.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_payment_session_start(
        &self,
        ctx: &Context<'_>,
        data: PaymentStart,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<TransactionOut> {
        let desk = Desk::open(ctx).await?;
        let id = merchant_transaction_provider_id.as_deref();
        let account = chosen(&desk, id, transaction_provider)?;
        let purpose = Purpose::Pay {
            amount: data.amount.0,
            store: data.store_payment_method,
        };
        let session = start::open(data.common, purpose, account, &desk).await?;
        // It may be one that was opened, and paid, before.
        let transactions = desk.transactions_of(session.id).await?;
        Ok(match decisive(&transactions) {
            None => TransactionOut::unattempted(&session, &desk)?,
            Some(it) => TransactionOut::new(it.clone(), Some(&session), &desk)?,
        })
    }

    /// Opens a session that takes money.
    #[graphql(
        name = "merchantApiClientTransactionPaymentSessionStartV2",
        complexity = "20 + child_complexity"
    )]
    async fn merchant_api_client_transaction_payment_session_start_v2(
        &self,
        ctx: &Context<'_>,
        data: PaymentSessionStart,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<SessionOut> {
        let desk = Desk::open(ctx).await?;
        let id = merchant_transaction_provider_id.as_deref();
        let account = chosen(&desk, id, transaction_provider)?;
        let purpose = Purpose::Pay {
            amount: data.amount.0,
            store: data.store_payment_method,
        };
        let session = start::open(data.common, purpose, account, &desk).await?;
        Ok(shown(session, &desk)?)
    }

    /// How a session that takes money went. Always look at the transaction's `status`: a decline is no error.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_payment_session_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            deprecation = "Transaction `code` field is deprecated. Please use the other identifiers instead."
        )]
        code: Option<String>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
        token: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code,
        };
        let desk = Desk::open(ctx).await?;
        Ok(verify(names, Kind::Payment, &desk).await?)
    }

    /// Opens a session that holds money, to be settled or voided later.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_authorization_session_start(
        &self,
        ctx: &Context<'_>,
        data: PaymentSessionStart,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<SessionOut> {
        let desk = Desk::open(ctx).await?;
        let id = merchant_transaction_provider_id.as_deref();
        let account = chosen(&desk, id, transaction_provider)?;
        let purpose = Purpose::Authorize {
            amount: data.amount.0,
            store: data.store_payment_method,
        };
        let session = start::open(data.common, purpose, account, &desk).await?;
        Ok(shown(session, &desk)?)
    }

    /// How a session that holds money went.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_authorization_session_verify(
        &self,
        ctx: &Context<'_>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
        token: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code: None,
        };
        let desk = Desk::open(ctx).await?;
        Ok(verify(names, Kind::Authorization, &desk).await?)
    }

    /// Takes what an authorization holds, whole or in part; the rest is released. Answers with the new transaction.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_transaction_authorization_settle(
        &self,
        ctx: &Context<'_>,
        amount: BigInt,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            ..Names::default()
        };
        let desk = Desk::open(ctx).await?;
        let settle = |parent: &Transaction| Ok(Operate::Settle(portion(amount, parent)?));
        Ok(operate(names, settle, &desk).await?)
    }

    /// Releases what an authorization holds. Answers with the new transaction.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_transaction_authorization_void(
        &self,
        ctx: &Context<'_>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            ..Names::default()
        };
        let desk = Desk::open(ctx).await?;
        Ok(operate(names, |_| Ok(Operate::Void), &desk).await?)
    }

    /// Gives money back. Answers with the new transaction.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_transaction_refund(
        &self,
        ctx: &Context<'_>,
        amount: BigInt,
        #[graphql(
            deprecation = "Transaction `code` field is deprecated. Please use the other identifiers instead."
        )]
        code: Option<String>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
        #[graphql(deprecation = "Use Transaction Session API.")] token: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code,
        };
        let desk = Desk::open(ctx).await?;
        let refund = |parent: &Transaction| Ok(Operate::Refund(portion(amount, parent)?));
        Ok(operate(names, refund, &desk).await?)
    }

    /// Releases what an authorization holds, before it is settled. Answers with the new transaction.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_transaction_void(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            deprecation = "Transaction `code` field is deprecated. Please use the other identifiers instead."
        )]
        code: Option<String>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        provider_code: Option<String>,
        #[graphql(deprecation = "Use Transaction Session API.")] token: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code,
        };
        let desk = Desk::open(ctx).await?;
        Ok(operate(names, |_| Ok(Operate::Void), &desk).await?)
    }

    /// A transaction as it is after the rail was asked, if its outcome was not known.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_transaction_sync_one(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            deprecation = "Transaction `code` field is deprecated. Please use the other identifiers instead."
        )]
        code: Option<String>,
        id: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        merchant_transaction_provider_id: String,
        provider_code: Option<String>,
        #[graphql(deprecation = "Use Transaction Session API.")] token: Option<String>,
    ) -> Result<TransactionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code,
        };
        let desk = Desk::open(ctx).await?;
        let account = chosen(&desk, Some(&merchant_transaction_provider_id), None)?;
        match names.transaction(&desk).await? {
            Found::Stored(found) if found.provider_account == account.id => {
                let transaction = asked(*found, &desk).await?;
                Ok(TransactionOut::with_session(transaction, &desk).await?)
            }
            Found::Unattempted(session) if session.terms.provider_account == account.id => {
                Ok(TransactionOut::unattempted(&session, &desk)?)
            }
            Found::Stored(_) | Found::Unattempted(_) => {
                Err(Fault::not_found("transaction of this transaction provider").into())
            }
        }
    }

    /// Charges a stored card without the payer. A decline is no error: look at `status`.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_server_payment_method_transaction_create(
        &self,
        ctx: &Context<'_>,
        data: PaymentMethodCharge,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<TransactionOut> {
        let desk = Desk::open(ctx).await?;
        let (id, provider) = (merchant_transaction_provider_id, transaction_provider);
        let customer = data.common.customer_code()?;
        let stored = match data.merchant_customer_payment_method_id.parse() {
            Ok(id) => desk.store().payment_method(desk.tenant(), id).await?,
            Err(_) => None,
        };
        // Somebody else's card is as good as none.
        let stored = stored
            .filter(|stored| customer.is_none() || stored.customer == customer)
            .ok_or_else(|| Fault::not_found("payment method of this customer"))?;
        // A card is charged where it is kept; an account that is named beside it must be that one.
        if id.is_some() || provider.is_some() {
            let account = chosen(&desk, id.as_deref(), provider)?;
            if account.id != stored.provider_account {
                return Err(Fault::argument(
                    "merchantTransactionProviderId",
                    "is not the account that keeps this payment method",
                )
                .into());
            }
        }
        let request = ChargePaymentMethod {
            payment_method: stored.id,
            amount: data.common.money(data.amount.0)?,
            reference: Some(data.common.merchant_internal_transaction_code),
        };
        let charged = desk
            .app
            .engine
            .charge_payment_method(desk.tenant(), request, None)
            .await
            .map_err(|error| Fault::engine(error, start::argument))?;
        Ok(TransactionOut::new(charged, None, &desk)?)
    }

    /// Direct debits are not offered: this is refused.
    async fn merchant_api_server_ach_payment_transaction_create(
        &self,
        ctx: &Context<'_>,
        data: AchCharge,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<TransactionOut> {
        let _ = (data, merchant_transaction_provider_id, transaction_provider);
        Desk::open(ctx).await?;
        Err(Fault::not_supported("ACH payments").into())
    }

    /// A customer's stored cards on an account.
    #[graphql(complexity = "20 + 10 * child_complexity")]
    async fn merchant_api_customer_payment_method_sync_all(
        &self,
        ctx: &Context<'_>,
        merchant_internal_customer_code: String,
        merchant_transaction_provider_id: String,
    ) -> Result<Vec<PaymentMethodOut>> {
        let desk = Desk::open(ctx).await?;
        let account = chosen(&desk, Some(&merchant_transaction_provider_id), None)?;
        Ok(
            PaymentMethodOut::of_customer(merchant_internal_customer_code, account.id, &desk)
                .await?,
        )
    }

    /// A stored card of a customer's on an account.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_customer_payment_method_sync_one(
        &self,
        ctx: &Context<'_>,
        merchant_internal_customer_code: String,
        merchant_transaction_provider_id: String,
        provider_code: String,
    ) -> Result<PaymentMethodOut> {
        let desk = Desk::open(ctx).await?;
        let account = chosen(&desk, Some(&merchant_transaction_provider_id), None)?;
        let stored = match Mark::PaymentMethod.read(&provider_code) {
            Some(id) => {
                let id = paydesk_core::id::PaymentMethodId(id);
                desk.store().payment_method(desk.tenant(), id).await?
            }
            None => None,
        };
        let stored = stored
            .filter(|stored| {
                stored.provider_account == account.id
                    && stored.customer.as_deref() == Some(&merchant_internal_customer_code)
            })
            .ok_or_else(|| {
                Fault::refused(Refusal::PaymentMethodNotFound, |field| {
                    Cow::Owned(field.to_owned())
                })
            })?;
        Ok(PaymentMethodOut::new(&stored, desk.now))
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_cancel(
        &self,
        ctx: &Context<'_>,
        merchant_payment_plan_id: String,
        merchant_transaction_provider_id: String,
    ) -> Result<PaymentPlan> {
        let _ = (merchant_payment_plan_id, merchant_transaction_provider_id);
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_create(
        &self,
        ctx: &Context<'_>,
        data: PaymentPlanCreate,
        merchant_transaction_provider_id: String,
    ) -> Result<PaymentPlan> {
        let _ = (data, merchant_transaction_provider_id);
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_sync_all(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: String,
    ) -> Result<Vec<PaymentPlan>> {
        let _ = merchant_transaction_provider_id;
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_sync_one(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: String,
        provider_code: String,
    ) -> Result<PaymentPlan> {
        let _ = (merchant_transaction_provider_id, provider_code);
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_template_create(
        &self,
        ctx: &Context<'_>,
        data: PaymentPlanTemplateCreate,
        merchant_transaction_provider_id: String,
    ) -> Result<PaymentPlanTemplate> {
        let _ = (data, merchant_transaction_provider_id);
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_template_sync_all(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: String,
    ) -> Result<Vec<PaymentPlanTemplate>> {
        let _ = merchant_transaction_provider_id;
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_template_sync_one(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: String,
        provider_code: String,
    ) -> Result<PaymentPlanTemplate> {
        let _ = (merchant_transaction_provider_id, provider_code);
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_template_update(
        &self,
        ctx: &Context<'_>,
        data: PaymentPlanTemplateUpdate,
        merchant_payment_plan_template_id: String,
        merchant_transaction_provider_id: String,
    ) -> Result<PaymentPlanTemplate> {
        let _ = (
            data,
            merchant_payment_plan_template_id,
            merchant_transaction_provider_id,
        );
        Ok(no_plans(ctx).await?)
    }
}

/// Refuses what is asked of payment plans, of those who may ask.
pub(crate) async fn no_plans<T>(ctx: &Context<'_>) -> Result<T, Fault> {
    Desk::open(ctx).await?;
    Err(Fault::not_supported("payment plans"))
}
