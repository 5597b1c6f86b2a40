//! What may be read: by a merchant's program, and by a payer's browser.

use async_graphql::{Context, MergedObject, Object, Result};

use crate::account::{AccountOut, chosen};
use crate::codes::CurrencyCode;
use crate::config::{BaseConfig, PreSessionData};
use crate::connection::{Accounts, PaymentMethods, Sessions, Transactions};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::identify::{Found, Names};
use crate::list::{Paging, Sorting, cost};
use crate::merchant::MerchantOut;
use crate::names::{
    AccountStatus, Action, PaymentMethodType, SessionStatus, TransactionProvider, TransactionStatus,
};
use crate::payment_method::PaymentMethodOut;
use crate::plan::PlanQuery;
use crate::public::PublicQuery;
use crate::scalar::{BigInt, Cursor, DateTimeIso};
use crate::session::SessionOut;
use crate::transaction::TransactionOut;
use crate::{accounts, payment_methods, sessions, transactions};

/// All queries.
#[derive(MergedObject, Default)]
pub struct Query(MerchantQuery, PublicQuery, PlanQuery);

/// What a merchant's program may read.
#[derive(Default)]
pub struct MerchantQuery;

#[Object]
#[allow(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "the vendor's arguments, one by one"
)]
impl MerchantQuery {
    /// The merchant whose secret it is.
    async fn merchant_api(&self, ctx: &Context<'_>) -> Result<MerchantOut> {
        let desk = Desk::open(ctx).await?;
        let found = desk.store().merchant(desk.tenant().merchant).await;
        let merchant = found.map_err(Fault::from)?;
        let merchant = merchant.ok_or_else(|| Fault::not_found("merchant"))?;
        Ok(MerchantOut::new(
            &merchant,
            desk.key.publishable_key.clone(),
        ))
    }

    /// What a payer's browser is configured with; by its first name.
    #[graphql(deprecation = "Use query `merchantApiClientSessionGetBaseConfig` instead.")]
    async fn merchant_api_client_get_pre_session_data(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<PreSessionData> {
        let id = merchant_transaction_provider_id.as_deref();
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, transaction_provider)?;
        Ok(PreSessionData::new(account, &desk.key.publishable_key))
    }

    /// A session, by exactly one of its names.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_client_transaction_session(
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
    ) -> Result<SessionOut> {
        let names = Names {
            id,
            token,
            provider_code,
            merchant_code: merchant_internal_transaction_code,
            code,
        };
        let desk = Desk::open(ctx).await?;
        let session = names.session(&desk).await?;
        Ok(SessionOut::new(session, &desk)?)
    }

    /// What a payer's browser is configured with.
    async fn merchant_api_client_transaction_session_base_config(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
    ) -> Result<BaseConfig> {
        let id = merchant_transaction_provider_id.as_deref();
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, transaction_provider)?;
        Ok(BaseConfig::new(account, &desk.key.publishable_key))
    }

    /// Sessions.
    #[graphql(complexity = "20 + cost(take, first, last) * child_complexity")]
    async fn merchant_api_client_transaction_sessions(
        &self,
        ctx: &Context<'_>,
        action: Option<Action>,
        after: Option<Cursor>,
        amount: Option<BigInt>,
        before: Option<Cursor>,
        canceled: Option<bool>,
        completed: Option<bool>,
        currency: Option<CurrencyCode>,
        first: Option<i32>,
        has_provider_error: Option<bool>,
        id: Option<String>,
        last: Option<i32>,
        merchant_internal_customer_code: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        payment_method_id: Option<String>,
        payment_plan_id: Option<String>,
        provider_code: Option<String>,
        provider_status: Option<SessionStatus>,
        skip: Option<i32>,
        sorting: Option<Vec<Sorting>>,
        started: Option<bool>,
        take: Option<i32>,
        token: Option<String>,
        transaction_provider_id: Option<String>,
    ) -> Result<Sessions> {
        let paging = Paging {
            skip,
            take,
            first,
            after,
            last,
            before,
            sorting,
        };
        let wanted = sessions::Wanted {
            action,
            amount,
            canceled,
            completed,
            currency,
            has_provider_error,
            id,
            customer: merchant_internal_customer_code,
            reference: merchant_internal_transaction_code,
            payment_method_id,
            payment_plan_id,
            provider_code,
            status: provider_status,
            started,
            token,
            account: transaction_provider_id,
        };
        let desk = Desk::open(ctx).await?;
        Ok(sessions::list(wanted, &paging, &desk).await?.into())
    }

    /// A stored card.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_customer_payment_method(
        &self,
        ctx: &Context<'_>,
        merchant_customer_payment_method_id: String,
    ) -> Result<PaymentMethodOut> {
        let desk = Desk::open(ctx).await?;
        let id = merchant_customer_payment_method_id.parse().ok();
        let found = PaymentMethodOut::load(id, &desk).await?;
        Ok(found.ok_or_else(|| Fault::not_found("payment method"))?)
    }

    /// Stored cards.
    #[graphql(complexity = "20 + cost(take, first, last) * child_complexity")]
    async fn merchant_api_customer_payment_methods(
        &self,
        ctx: &Context<'_>,
        after: Option<Cursor>,
        before: Option<Cursor>,
        first: Option<i32>,
        has_provider_error: Option<bool>,
        id: Option<String>,
        initial_transaction_id: Option<String>,
        is_default: Option<bool>,
        last: Option<i32>,
        merchant_internal_customer_code: Option<String>,
        method_type: Option<PaymentMethodType>,
        provider_code: Option<String>,
        skip: Option<i32>,
        sorting: Option<Vec<Sorting>>,
        take: Option<i32>,
        transaction_provider: Option<TransactionProvider>,
        transaction_provider_id: Option<String>,
    ) -> Result<PaymentMethods> {
        let paging = Paging {
            skip,
            take,
            first,
            after,
            last,
            before,
            sorting,
        };
        let wanted = payment_methods::Wanted {
            has_provider_error,
            id,
            initial_transaction_id,
            is_default,
            customer: merchant_internal_customer_code,
            method_type,
            provider_code,
            provider: transaction_provider,
            account: transaction_provider_id,
        };
        let desk = Desk::open(ctx).await?;
        Ok(payment_methods::list(&wanted, &paging, &desk).await?.into())
    }

    /// A transaction, by exactly one of its names.
    #[graphql(complexity = "20 + child_complexity")]
    async fn merchant_api_transaction(
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
        Ok(match names.transaction(&desk).await? {
            Found::Stored(found) => TransactionOut::with_session(*found, &desk).await?,
            Found::Unattempted(session) => TransactionOut::unattempted(&session, &desk)?,
        })
    }

    /// An account on a rail.
    async fn merchant_api_transaction_provider(
        &self,
        ctx: &Context<'_>,
        merchant_transaction_provider_id: String,
    ) -> Result<AccountOut> {
        let id = Some(merchant_transaction_provider_id.as_str());
        let desk = Desk::open(ctx).await?.knowing(id).await?;
        let account = chosen(&desk, id, None)?;
        Ok(AccountOut::new(account, desk.tenant().merchant.to_string()))
    }

    /// Accounts on rails.
    #[graphql(complexity = "20 + cost(take, first, last) * child_complexity")]
    async fn merchant_api_transaction_providers(
        &self,
        ctx: &Context<'_>,
        after: Option<Cursor>,
        before: Option<Cursor>,
        first: Option<i32>,
        id: Option<String>,
        last: Option<i32>,
        provider: Option<TransactionProvider>,
        skip: Option<i32>,
        sorting: Option<Vec<Sorting>>,
        status: Option<AccountStatus>,
        take: Option<i32>,
    ) -> Result<Accounts> {
        let paging = Paging {
            skip,
            take,
            first,
            after,
            last,
            before,
            sorting,
        };
        let desk = Desk::open(ctx).await?;
        Ok(accounts::list(id.as_deref(), provider, status, &paging, &desk)?.into())
    }

    /// Transactions.
    #[graphql(complexity = "20 + cost(take, first, last) * child_complexity")]
    async fn merchant_api_transactions(
        &self,
        ctx: &Context<'_>,
        action: Option<Action>,
        actions: Option<Vec<Action>>,
        after: Option<Cursor>,
        before: Option<Cursor>,
        canceled: Option<bool>,
        client_transaction_session_id: Option<String>,
        #[graphql(deprecation = "Use other identifiers instead.")] code: Option<String>,
        currency: Option<CurrencyCode>,
        disputed: Option<bool>,
        failed: Option<bool>,
        first: Option<i32>,
        has_provider_error: Option<bool>,
        id: Option<String>,
        last: Option<i32>,
        merchant_internal_customer_code: Option<String>,
        merchant_internal_transaction_code: Option<String>,
        payment_method_code: Option<String>,
        payment_method_id: Option<String>,
        payment_method_type: Option<PaymentMethodType>,
        payment_plan_id: Option<String>,
        provider_code: Option<String>,
        provider_related_code: Option<String>,
        related_transaction_id: Option<String>,
        reverted: Option<bool>,
        skip: Option<i32>,
        sorting: Option<Vec<Sorting>>,
        started: Option<bool>,
        status: Option<TransactionStatus>,
        statuses: Option<Vec<TransactionStatus>>,
        succeeded: Option<bool>,
        take: Option<i32>,
        #[graphql(deprecation = "Use Payment Session API instead.")] token: Option<String>,
        transaction_date_from: Option<DateTimeIso>,
        transaction_date_to: Option<DateTimeIso>,
        transaction_provider: Option<TransactionProvider>,
        transaction_provider_id: Option<String>,
    ) -> Result<Transactions> {
        let paging = Paging {
            skip,
            take,
            first,
            after,
            last,
            before,
            sorting,
        };
        let wanted = transactions::Wanted {
            action,
            actions,
            canceled,
            session: client_transaction_session_id,
            code,
            currency,
            disputed,
            failed,
            has_provider_error,
            id,
            customer: merchant_internal_customer_code,
            reference: merchant_internal_transaction_code,
            payment_method_code,
            payment_method_id,
            payment_method_type,
            payment_plan_id,
            provider_code,
            provider_related_code,
            related_transaction_id,
            reverted,
            started,
            status,
            statuses,
            succeeded,
            token,
            from: transaction_date_from,
            to: transaction_date_to,
            provider: transaction_provider,
            account: transaction_provider_id,
        };
        let desk = Desk::open(ctx).await?;
        Ok(transactions::list(&wanted, &paging, &desk).await?.into())
    }
}
