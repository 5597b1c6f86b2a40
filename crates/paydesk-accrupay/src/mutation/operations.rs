//! What is done to transactions and with stored cards.

use std::borrow::Cow;

use async_graphql::{Context, Object, Result};
use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::operate::Operate;
use paydesk_core::id::PaymentMethodId;
use paydesk_core::money::Money;
use paydesk_core::transaction::Transaction;

use super::asked;
use crate::account::chosen;
use crate::desk::Desk;
use crate::fault::{Code, Fault};
use crate::identify::{Found, Names};
use crate::marks::Mark;
use crate::names::TransactionProvider;
use crate::payment_method::PaymentMethodOut;
use crate::scalar::BigInt;
use crate::start::{self, AchCharge, PaymentMethodCharge};
use crate::transaction::TransactionOut;

/// What is done to transactions and with stored cards.
#[derive(Default)]
pub struct OperationMutation;

/// Settles, voids or refunds the transaction that is named.
async fn operate(
    names: Names,
    operation: impl FnOnce(&Transaction) -> Result<Operate, Fault>,
    mut desk: Desk<'_>,
) -> Result<TransactionOut, Fault> {
    let parent = match names.transaction(&desk).await? {
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
    // All that the answer needs: once it is done, nothing may fail that has the caller do it again.
    desk.know(parent.provider_account).await?;
    let session = desk.session_of(&parent).await?;
    let done = desk
        .app
        .engine
        .operate(desk.tenant(), parent.id, operation, None)
        .await
        .map_err(|error| Fault::engine(error, |field| Cow::Owned(field.to_owned())))?;
    TransactionOut::new(done, session.as_ref(), &desk)
}

fn portion(amount: BigInt, parent: &Transaction) -> Result<Option<Money>, Fault> {
    Money::from_minor(amount.0, parent.amount.currency())
        .map(Some)
        .map_err(|error| Fault::argument("amount", error))
}

#[Object]
#[allow(
    clippy::too_many_arguments,
    reason = "the vendor's arguments, one by one"
)]
impl OperationMutation {
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
        Ok(operate(names, settle, desk).await?)
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
        Ok(operate(names, |_| Ok(Operate::Void), desk).await?)
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
        Ok(operate(names, refund, desk).await?)
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
        Ok(operate(names, |_| Ok(Operate::Void), desk).await?)
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
        let id = Some(merchant_transaction_provider_id.as_str());
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, None)?;
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
        let (id, provider) = (
            merchant_transaction_provider_id.as_deref(),
            transaction_provider,
        );
        let mut desk = Desk::open(ctx).await?.knowing(id).await?;
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
            let account = chosen(&desk, id, provider)?;
            if account.id != stored.provider_account {
                return Err(Fault::argument(
                    "merchantTransactionProviderId",
                    "is not the account that keeps this payment method",
                )
                .into());
            }
        }
        desk.know(stored.provider_account).await?;
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
        let id = Some(merchant_transaction_provider_id.as_str());
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, None)?;
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
        let id = Some(merchant_transaction_provider_id.as_str());
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, None)?;
        let stored = match Mark::PaymentMethod.read(&provider_code) {
            Some(id) => {
                let id = PaymentMethodId(id);
                desk.store().payment_method(desk.tenant(), id).await?
            }
            None => None,
        };
        let stored = stored
            .filter(|stored| {
                stored.provider_account == account.id
                    && stored.customer.as_deref() == Some(&merchant_internal_customer_code)
            })
            .ok_or_else(|| Fault::not_found("payment method of this customer"))?;
        Ok(PaymentMethodOut::new(&stored, desk.now))
    }
}
