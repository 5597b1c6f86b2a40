//! People and devices as they go out.
#![allow(
    clippy::struct_field_names,
    reason = "the names are the published schema's"
)]

use async_graphql::SimpleObject;
use paydesk_core::payer::{Device, User};
use paydesk_core::session::{Party, Terms};

use crate::codes::Country;
use crate::names::DeviceType;
use crate::scalar::DateTimeIso;

/// Who is billed.
#[derive(SimpleObject, Clone, Debug, Default)]
pub struct BillingOut {
    /// City.
    pub billing_address_city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub billing_address_country: Option<Country>,
    /// Street.
    pub billing_address_line1: Option<String>,
    /// Flat, floor, building.
    pub billing_address_line2: Option<String>,
    /// Postal code.
    pub billing_address_postal_code: Option<String>,
    /// ISO 3166-2, with or without the country.
    pub billing_address_state: Option<String>,
    /// Email address.
    pub billing_email: Option<String>,
    /// Given name.
    pub billing_first_name: Option<String>,
    /// Family name.
    pub billing_last_name: Option<String>,
    /// Telephone, E.164.
    pub billing_phone: Option<String>,
}

impl From<&Party> for BillingOut {
    fn from(it: &Party) -> Self {
        Self {
            billing_address_city: it.city.clone(),
            billing_address_country: it.country.as_deref().and_then(Country::from_code),
            billing_address_line1: it.line1.clone(),
            billing_address_line2: it.line2.clone(),
            billing_address_postal_code: it.postal_code.clone(),
            billing_address_state: it.state.clone(),
            billing_email: it.email.clone(),
            billing_first_name: it.first_name.clone(),
            billing_last_name: it.last_name.clone(),
            billing_phone: it.phone.clone(),
        }
    }
}

/// Where it is shipped to.
#[derive(SimpleObject, Clone, Debug, Default)]
pub struct ShippingOut {
    /// City.
    pub shipping_address_city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub shipping_address_country: Option<Country>,
    /// Street.
    pub shipping_address_line1: Option<String>,
    /// Flat, floor, building.
    pub shipping_address_line2: Option<String>,
    /// Postal code.
    pub shipping_address_postal_code: Option<String>,
    /// ISO 3166-2, with or without the country.
    pub shipping_address_state: Option<String>,
    /// Email address.
    pub shipping_email: Option<String>,
    /// Given name.
    pub shipping_first_name: Option<String>,
    /// Family name.
    pub shipping_last_name: Option<String>,
    /// Telephone, E.164.
    pub shipping_phone: Option<String>,
}

impl From<&Party> for ShippingOut {
    fn from(it: &Party) -> Self {
        Self {
            shipping_address_city: it.city.clone(),
            shipping_address_country: it.country.as_deref().and_then(Country::from_code),
            shipping_address_line1: it.line1.clone(),
            shipping_address_line2: it.line2.clone(),
            shipping_address_postal_code: it.postal_code.clone(),
            shipping_address_state: it.state.clone(),
            shipping_email: it.email.clone(),
            shipping_first_name: it.first_name.clone(),
            shipping_last_name: it.last_name.clone(),
            shipping_phone: it.phone.clone(),
        }
    }
}

/// Who is signed in.
#[derive(SimpleObject, Clone, Debug, Default)]
pub struct UserOut {
    /// City.
    pub user_address_city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub user_address_country: Option<Country>,
    /// Street.
    pub user_address_line1: Option<String>,
    /// Flat, floor, building.
    pub user_address_line2: Option<String>,
    /// Postal code.
    pub user_address_postal_code: Option<String>,
    /// ISO 3166-2, with or without the country.
    pub user_address_state: Option<String>,
    /// Email address.
    pub user_email: Option<String>,
    /// Given name.
    pub user_first_name: Option<String>,
    /// Family name.
    pub user_last_name: Option<String>,
    /// Telephone, E.164.
    pub user_phone: Option<String>,
    /// Day of birth.
    pub user_birth_date: Option<DateTimeIso>,
    /// The number that an authority knows them by.
    pub user_legal_identifier: Option<String>,
    /// Which number that is.
    pub user_legal_identifier_type: Option<String>,
    /// Their language.
    pub user_locale: Option<String>,
}

impl From<&User> for UserOut {
    fn from(it: &User) -> Self {
        let party = &it.party;
        Self {
            user_address_city: party.city.clone(),
            user_address_country: party.country.as_deref().and_then(Country::from_code),
            user_address_line1: party.line1.clone(),
            user_address_line2: party.line2.clone(),
            user_address_postal_code: party.postal_code.clone(),
            user_address_state: party.state.clone(),
            user_email: party.email.clone(),
            user_first_name: party.first_name.clone(),
            user_last_name: party.last_name.clone(),
            user_phone: party.phone.clone(),
            user_birth_date: it.birth_date.as_deref().and_then(midnight),
            user_legal_identifier: it.legal_identifier.clone(),
            user_legal_identifier_type: it.legal_identifier_type.clone(),
            user_locale: it.locale.clone(),
        }
    }
}

/// What is paid from.
#[derive(SimpleObject, Clone, Debug, Default)]
pub struct DeviceOut {
    /// Its browser.
    pub device_browser: Option<String>,
    /// The merchant's own id of it.
    pub device_id: Option<String>,
    /// Its address on the net.
    pub device_ip: Option<String>,
    /// Its name.
    pub device_name: Option<String>,
    /// Its system.
    #[graphql(name = "deviceOS")]
    pub device_os: Option<String>,
    /// What sort of thing it is.
    pub device_type: Option<DeviceType>,
}

impl From<&Device> for DeviceOut {
    fn from(it: &Device) -> Self {
        Self {
            device_browser: it.browser.clone(),
            device_id: it.id.clone(),
            device_ip: it.ip.clone(),
            device_name: it.name.clone(),
            device_os: it.os.clone(),
            device_type: it.kind.map(Into::into),
        }
    }
}

/// All of it, of a session, flat.
#[derive(SimpleObject, Clone, Debug, Default)]
pub struct Parties {
    /// Who is billed.
    #[graphql(flatten)]
    pub billing: BillingOut,
    /// Where it is shipped to.
    #[graphql(flatten)]
    pub shipping: ShippingOut,
    /// Who is signed in.
    #[graphql(flatten)]
    pub user: UserOut,
    /// What is paid from.
    #[graphql(flatten)]
    pub device: DeviceOut,
}

impl From<&Terms> for Parties {
    fn from(terms: &Terms) -> Self {
        Self {
            billing: terms.billing.as_ref().map(Into::into).unwrap_or_default(),
            shipping: terms.shipping.as_ref().map(Into::into).unwrap_or_default(),
            user: terms.user.as_ref().map(Into::into).unwrap_or_default(),
            device: terms.device.as_ref().map(Into::into).unwrap_or_default(),
        }
    }
}

pub(super) fn midnight(day: &str) -> Option<DateTimeIso> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let zoned = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(DateTimeIso(zoned.timestamp()))
}
