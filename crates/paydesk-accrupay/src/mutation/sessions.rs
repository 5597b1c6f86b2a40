//! Opening sessions, and how they went.

use async_graphql::{Context, Object, Result};
use paydesk_core::session::Kind;

use super::asked;
use crate::account::chosen;
use crate::desk::Desk;
use crate::fault::{Code, Fault};
use crate::identify::Names;
use crate::names::{TransactionProvider, kind_name};
use crate::session::SessionOut;
use crate::start::{
    self, AddPaymentMethodSessionStart, PaymentSessionStart, PaymentStart, Purpose,
};
use crate::transaction::{TransactionOut, decisive};

/// What is done with sessions.
#[derive(Default)]
pub struct SessionMutation;

/// How a session went: asked of the rail, if it is not known.
async fn verify(names: Names, kind: Kind, desk: &Desk<'_>) -> Result<TransactionOut, Fault> {
    let session = names.session(desk).await?;
    if session.terms.kind != kind {
        return Err(Fault::new(
            Code::Validation,
            format!(
                "the session is of the kind {}: verify it as that",
                kind_name(session.terms.kind)
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

#[Object]
#[allow(
    clippy::too_many_arguments,
    reason = "the vendor's arguments, one by one"
)]
impl SessionMutation {
    /// Opens a session that stores a card and charges nothing.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_add_payment_method_session_start(
        &self,
        ctx: &Context<'_>,
        data: AddPaymentMethodSessionStart,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<SessionOut> {
        let id = merchant_transaction_provider_id.as_deref();
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, transaction_provider)?;
        let session = start::open(data.common, Purpose::Store, account, &desk).await?;
        Ok(SessionOut::new(session, &desk)?)
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
        let id = merchant_transaction_provider_id.as_deref();
        let desk = Desk::open(ctx).await?.knowing(id).await?;
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
        let id = merchant_transaction_provider_id.as_deref();
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, transaction_provider)?;
        let purpose = Purpose::Pay {
            amount: data.amount.0,
            store: data.store_payment_method,
        };
        let session = start::open(data.common, purpose, account, &desk).await?;
        Ok(SessionOut::new(session, &desk)?)
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
        let id = merchant_transaction_provider_id.as_deref();
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, transaction_provider)?;
        let purpose = Purpose::Authorize {
            amount: data.amount.0,
            store: data.store_payment_method,
        };
        let session = start::open(data.common, purpose, account, &desk).await?;
        Ok(SessionOut::new(session, &desk)?)
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
}
