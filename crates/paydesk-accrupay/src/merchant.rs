//! The vendor's merchant.

use async_graphql::{ID, SimpleObject};
use paydesk_core::merchant;

use crate::codes::Country;
use crate::names::{LegalIdentifierType, MerchantEntityType, MerchantStatus};
use crate::scalar::DateTimeIso;

/// A merchant as the vendor writes it; what is not known here is null.
#[derive(SimpleObject)]
#[graphql(name = "Merchant")]
pub struct MerchantOut {
    address_city: Option<String>,
    address_country: Option<Country>,
    address_line1: Option<String>,
    address_line2: Option<String>,
    address_postal_code: Option<String>,
    address_state: Option<String>,
    archived_at: Option<DateTimeIso>,
    created_at: DateTimeIso,
    email: String,
    email_verification_id: Option<String>,
    entity_type: MerchantEntityType,
    id: ID,
    industry: Option<String>,
    legal_address_city: Option<String>,
    legal_address_country: Option<Country>,
    legal_address_line1: Option<String>,
    legal_address_line2: Option<String>,
    legal_address_postal_code: Option<String>,
    legal_address_state: Option<String>,
    legal_identifier: Option<String>,
    legal_identifier_type: Option<LegalIdentifierType>,
    locale: Option<String>,
    name: String,
    phone: Option<String>,
    phone_verification_id: Option<String>,
    primary_contact_email: Option<String>,
    primary_contact_name: Option<String>,
    primary_contact_phone: Option<String>,
    public_id: Option<String>,
    public_id_updated_at: Option<DateTimeIso>,
    status: MerchantStatus,
    timezone: Option<String>,
    updated_at: DateTimeIso,
    website_url: Option<String>,
}

impl MerchantOut {
    /// A merchant; `public_id` names it, in its mode, to a browser.
    #[must_use]
    pub fn new(merchant: &merchant::Merchant, public_id: String) -> Self {
        Self {
            address_city: None,
            address_country: None,
            address_line1: None,
            address_line2: None,
            address_postal_code: None,
            address_state: None,
            archived_at: None,
            created_at: merchant.created_at.into(),
            // Not known here, and not null there: a name that no mail reaches (RFC 2606).
            email: format!("{}@merchants.invalid", merchant.id),
            email_verification_id: None,
            entity_type: MerchantEntityType::Company,
            id: merchant.id.to_string().into(),
            industry: None,
            legal_address_city: None,
            legal_address_country: None,
            legal_address_line1: None,
            legal_address_line2: None,
            legal_address_postal_code: None,
            legal_address_state: None,
            legal_identifier: None,
            legal_identifier_type: None,
            locale: None,
            name: merchant.name.clone(),
            phone: None,
            phone_verification_id: None,
            primary_contact_email: None,
            primary_contact_name: None,
            primary_contact_phone: None,
            public_id: Some(public_id),
            public_id_updated_at: None,
            status: MerchantStatus::Active,
            timezone: None,
            updated_at: merchant.updated_at.into(),
            website_url: None,
        }
    }
}
