//! The vendor's customer payment method: a stored card.

use async_graphql::{ID, SimpleObject, Union};
use paydesk_core::id::PaymentMethodId;
use paydesk_core::payment_method::{PaymentMethod, StoredCard};
use paydesk_core::time::Timestamp;

use crate::desk::Desk;
use crate::fault::Fault;
use crate::marks::Mark;
use crate::names::{AchSecCode, PaymentMethodStatus, PaymentMethodType};
use crate::party::BillingOut;
use crate::scalar::DateTimeIso;

/// A stored card as the vendor writes it.
#[derive(SimpleObject, Clone)]
#[graphql(name = "MerchantCustomerPaymentMethod")]
pub struct PaymentMethodOut {
    id: ID,
    initial_transaction_id: Option<String>,
    is_default: bool,
    is_enabled: bool,
    merchant_internal_customer_code: String,
    method_type: PaymentMethodType,
    payment_method_info: Option<PaymentMethodInfo>,
    provider_code: String,
    provider_error: Option<String>,
    provider_last_synced_at: Option<DateTimeIso>,
    provider_last_verified_at: DateTimeIso,
    provider_status: PaymentMethodStatus,
    status: PaymentMethodStatus,
    transaction_provider_id: String,
    expires_at: Option<DateTimeIso>,
    created_at: DateTimeIso,
    updated_at: DateTimeIso,
    #[graphql(flatten)]
    billing: BillingOut,
}

/// What a stored method is known by.
#[derive(Union, Clone)]
#[graphql(name = "MerchantCustomerPaymentMethodInfo")]
pub enum PaymentMethodInfo {
    /// A direct debit; not offered.
    Ach(AchInfo),
    /// A card.
    Card(CardInfo),
    /// Anything else.
    Generic(GenericInfo),
}

/// What a direct debit is known by; not offered.
#[derive(SimpleObject, Clone)]
#[graphql(name = "MerchantCustomerPaymentMethodAchInfo")]
pub struct AchInfo {
    account_number: Option<String>,
    method_type: PaymentMethodType,
    routing_number: Option<String>,
    sec_code: Option<AchSecCode>,
}

/// What a card is known by.
#[derive(SimpleObject, Clone)]
#[graphql(name = "MerchantCustomerPaymentMethodCreditCardInfo")]
pub struct CardInfo {
    card_brand: Option<String>,
    card_number_masked: Option<String>,
    method_type: PaymentMethodType,
}

/// What anything else is known by.
#[derive(SimpleObject, Clone)]
#[graphql(name = "MerchantCustomerPaymentMethodGenericInfo")]
pub struct GenericInfo {
    method_type: PaymentMethodType,
}

impl PaymentMethodOut {
    /// A stored card, as it is at `now`.
    #[must_use]
    pub fn new(stored: &PaymentMethod, now: Timestamp) -> Self {
        let expires_at = end_of_card(&stored.card);
        let status = if stored.detached_at.is_some() {
            PaymentMethodStatus::Disabled
        } else if expires_at.is_some_and(|at| at.timestamp() <= now) {
            PaymentMethodStatus::Expired
        } else {
            PaymentMethodStatus::Enabled
        };
        Self {
            id: stored.id.to_string().into(),
            initial_transaction_id: Some(stored.stored_by.to_string()),
            is_default: false,
            is_enabled: status == PaymentMethodStatus::Enabled,
            // Whatever was stored without a customer belongs to one of its own.
            merchant_internal_customer_code: stored
                .customer
                .clone()
                .unwrap_or_else(|| format!("customer-{}", stored.stored_by)),
            method_type: PaymentMethodType::Card,
            payment_method_info: Some(PaymentMethodInfo::Card(CardInfo {
                card_brand: Some(stored.card.brand.clone()),
                card_number_masked: Some(format!("**** **** **** {}", stored.card.last_four)),
                method_type: PaymentMethodType::Card,
            })),
            provider_code: Mark::PaymentMethod.write(stored.id.0),
            provider_error: None,
            provider_last_synced_at: None,
            provider_last_verified_at: stored.updated_at.into(),
            provider_status: status,
            status,
            transaction_provider_id: stored.provider_account.to_string(),
            expires_at,
            created_at: stored.created_at.into(),
            updated_at: stored.updated_at.into(),
            billing: BillingOut::default(),
        }
    }

    /// The stored card with this id, if there is one.
    pub async fn load(id: Option<PaymentMethodId>, desk: &Desk<'_>) -> Result<Option<Self>, Fault> {
        let Some(id) = id else { return Ok(None) };
        let stored = desk.loader.load_one(id).await?;
        Ok(stored.map(|stored| Self::new(&stored, desk.now)))
    }
}

/// A card is good until the end of its month.
fn end_of_card(card: &StoredCard) -> Option<DateTimeIso> {
    let year = i16::try_from(card.exp_year).ok()?;
    let month = i8::try_from(card.exp_month).ok()?;
    let first = jiff::civil::Date::new(year, month, 1).ok()?;
    let after = first.checked_add(jiff::Span::new().months(1)).ok()?;
    let zoned = after.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(DateTimeIso(zoned.timestamp()))
}
