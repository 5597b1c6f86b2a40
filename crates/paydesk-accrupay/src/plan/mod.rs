//! Payment plans, their templates and direct debits: in the vendor's schema, outside this product. The types are there
//! so that no client breaks on them; whatever asks for one is refused.
#![allow(
    dead_code,
    reason = "no value of these types is ever made, and what comes in is refused unread"
)]

mod operations;

pub use operations::{PlanMutation, PlanQuery};

use async_graphql::{ID, InputObject, SimpleObject};

use crate::account::AccountOut;
use crate::codes::CurrencyCode;
use crate::names::{AchSecCode, PaymentPlanStatus, PaymentPlanTemplateStatus};
use crate::payment_method::PaymentMethodOut;
use crate::scalar::{BigInt, DateTimeIso};
use crate::transaction::TransactionOut;

/// A payment plan.
#[derive(SimpleObject, Clone)]
#[graphql(name = "MerchantPaymentPlan")]
pub struct PaymentPlan {
    amount: BigInt,
    canceled_at: Option<DateTimeIso>,
    created_at: DateTimeIso,
    currency: CurrencyCode,
    current_period_end: DateTimeIso,
    current_period_start: DateTimeIso,
    ends_after_days: i32,
    ends_after_months: i32,
    ends_after_years: i32,
    ends_at: DateTimeIso,
    id: ID,
    initial_amount: BigInt,
    merchant_internal_customer_code: String,
    merchant_internal_payment_plan_code: String,
    merchant_internal_payment_plan_description: Option<String>,
    payload: serde_json::Value,
    payment_method: PaymentMethodOut,
    payment_method_id: String,
    period_count: i32,
    provider_code: String,
    provider_error: Option<String>,
    provider_last_synced_at: Option<DateTimeIso>,
    provider_last_verified_at: DateTimeIso,
    provider_status: PaymentPlanStatus,
    renewal_interval_days: i32,
    renewal_interval_months: i32,
    renewal_interval_years: i32,
    started_at: Option<DateTimeIso>,
    status: PaymentPlanStatus,
    template: Option<PaymentPlanTemplate>,
    template_id: Option<String>,
    time_anchor: DateTimeIso,
    transaction_provider: AccountOut,
    transaction_provider_id: String,
    transactions: Vec<TransactionOut>,
    trial_ends_at: DateTimeIso,
    trial_period_days: i32,
    trial_period_months: i32,
    trial_period_years: i32,
    updated_at: DateTimeIso,
}

/// A template of payment plans.
#[derive(SimpleObject, Clone)]
#[graphql(name = "MerchantPaymentPlanTemplate")]
pub struct PaymentPlanTemplate {
    amount: BigInt,
    created_at: DateTimeIso,
    currency: CurrencyCode,
    description: Option<String>,
    ends_after_days: i32,
    ends_after_months: i32,
    ends_after_years: i32,
    id: ID,
    initial_amount: BigInt,
    name: String,
    payload: serde_json::Value,
    provider_code: String,
    provider_error: Option<String>,
    provider_last_synced_at: Option<DateTimeIso>,
    provider_last_verified_at: DateTimeIso,
    provider_status: PaymentPlanTemplateStatus,
    renewal_interval_days: i32,
    renewal_interval_months: i32,
    renewal_interval_years: i32,
    transaction_provider_id: String,
    trial_period_days: i32,
    trial_period_months: i32,
    trial_period_years: i32,
    updated_at: DateTimeIso,
}

/// A payment plan to be made.
#[derive(InputObject)]
#[graphql(name = "MerchantPaymentPlanCreateSchema")]
pub struct PaymentPlanCreate {
    amount: BigInt,
    currency: CurrencyCode,
    ends_after_days: i32,
    ends_after_months: i32,
    ends_after_years: i32,
    initial_amount: BigInt,
    merchant_internal_customer_code: String,
    merchant_internal_payment_plan_code: String,
    merchant_internal_payment_plan_description: Option<String>,
    payment_method_id: String,
    renewal_interval_days: i32,
    renewal_interval_months: i32,
    renewal_interval_years: i32,
    template_id: String,
    trial_period_days: i32,
    trial_period_months: i32,
    trial_period_years: i32,
}

/// A template to be made.
#[derive(InputObject)]
#[graphql(name = "MerchantPaymentPlanTemplateCreateSchema")]
pub struct PaymentPlanTemplateCreate {
    amount: BigInt,
    currency: CurrencyCode,
    description: Option<String>,
    ends_after_days: i32,
    ends_after_months: i32,
    ends_after_years: i32,
    initial_amount: BigInt,
    name: String,
    provider_status: PaymentPlanTemplateStatus,
    renewal_interval_days: i32,
    renewal_interval_months: i32,
    renewal_interval_years: i32,
    trial_period_days: i32,
    trial_period_months: i32,
    trial_period_years: i32,
}

/// Changes to a template.
#[derive(InputObject)]
#[graphql(name = "MerchantPaymentPlanTemplateUpdateSchema")]
pub struct PaymentPlanTemplateUpdate {
    amount: Option<BigInt>,
    currency: Option<CurrencyCode>,
    description: Option<String>,
    ends_after_days: Option<i32>,
    ends_after_months: Option<i32>,
    ends_after_years: Option<i32>,
    initial_amount: Option<BigInt>,
    name: Option<String>,
    provider_status: Option<PaymentPlanTemplateStatus>,
    renewal_interval_days: Option<i32>,
    renewal_interval_months: Option<i32>,
    renewal_interval_years: Option<i32>,
    trial_period_days: Option<i32>,
    trial_period_months: Option<i32>,
    trial_period_years: Option<i32>,
}

/// The account of a direct debit.
#[derive(InputObject)]
#[graphql(name = "MerchantServerAchTransactionDataSchema")]
pub struct AchIn {
    account_number: String,
    routing_number: String,
    sec_code: Option<AchSecCode>,
}
