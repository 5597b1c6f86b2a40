//! What is asked of payment plans, and refused.

use async_graphql::{Context, Object, Result};

use super::{
    PaymentPlan, PaymentPlanCreate, PaymentPlanTemplate, PaymentPlanTemplateCreate,
    PaymentPlanTemplateUpdate,
};
use crate::codes::CurrencyCode;
use crate::connection::{PaymentPlanTemplates, PaymentPlans};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::list::Sorting;
use crate::names::{
    PaymentMethodType, PaymentPlanStatus, PaymentPlanTemplateStatus, TransactionProvider,
};
use crate::scalar::Cursor;

/// What is read of payment plans.
#[derive(Default)]
pub struct PlanQuery;

/// What is done with payment plans.
#[derive(Default)]
pub struct PlanMutation;

/// Refuses what is asked of payment plans, of those who may ask.
async fn no_plans<T>(ctx: &Context<'_>) -> Result<T, Fault> {
    Desk::open(ctx).await?;
    Err(Fault::not_supported("payment plans"))
}

#[Object]
#[allow(
    clippy::too_many_arguments,
    clippy::fn_params_excessive_bools,
    reason = "the vendor's arguments, one by one"
)]
impl PlanQuery {
    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan(
        &self,
        ctx: &Context<'_>,
        merchant_payment_plan_id: String,
    ) -> Result<PaymentPlan> {
        let _ = merchant_payment_plan_id;
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_template(
        &self,
        ctx: &Context<'_>,
        merchant_payment_plan_template_id: String,
    ) -> Result<PaymentPlanTemplate> {
        let _ = merchant_payment_plan_template_id;
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plan_templates(
        &self,
        ctx: &Context<'_>,
        after: Option<Cursor>,
        before: Option<Cursor>,
        currency: Option<CurrencyCode>,
        first: Option<i32>,
        id: Option<String>,
        last: Option<i32>,
        name: Option<String>,
        provider_code: Option<String>,
        provider_status: Option<PaymentPlanTemplateStatus>,
        skip: Option<i32>,
        sorting: Option<Vec<Sorting>>,
        take: Option<i32>,
        transaction_provider: Option<TransactionProvider>,
        transaction_provider_id: Option<String>,
    ) -> Result<PaymentPlanTemplates> {
        let _ = (after, before, first, last, skip, sorting, take);
        let _ = (currency, id, name, provider_code, provider_status);
        let _ = (transaction_provider, transaction_provider_id);
        Ok(no_plans(ctx).await?)
    }

    /// Payment plans are not offered: this is refused.
    async fn merchant_api_payment_plans(
        &self,
        ctx: &Context<'_>,
        after: Option<Cursor>,
        before: Option<Cursor>,
        canceled: Option<bool>,
        currency: Option<CurrencyCode>,
        ended: Option<bool>,
        first: Option<i32>,
        has_provider_error: Option<bool>,
        id: Option<String>,
        last: Option<i32>,
        merchant_internal_customer_code: Option<String>,
        merchant_internal_payment_plan_code: Option<String>,
        payment_method: Option<PaymentMethodType>,
        payment_method_id: Option<String>,
        provider_code: Option<String>,
        provider_status: Option<PaymentPlanStatus>,
        skip: Option<i32>,
        sorting: Option<Vec<Sorting>>,
        started: Option<bool>,
        take: Option<i32>,
        template_id: Option<String>,
        transaction_provider: Option<TransactionProvider>,
        transaction_provider_id: Option<String>,
    ) -> Result<PaymentPlans> {
        let _ = (after, before, first, last, skip, sorting, take);
        let _ = (canceled, ended, has_provider_error, started);
        let _ = (currency, id, provider_code, provider_status, template_id);
        let _ = (payment_method, payment_method_id);
        let _ = (
            merchant_internal_customer_code,
            merchant_internal_payment_plan_code,
        );
        let _ = (transaction_provider, transaction_provider_id);
        Ok(no_plans(ctx).await?)
    }
}

#[Object]
impl PlanMutation {
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
