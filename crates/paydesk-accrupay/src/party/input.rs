//! People and devices as they come in.
#![allow(
    clippy::struct_field_names,
    reason = "the names are the published schema's"
)]

use async_graphql::InputObject;
use paydesk_core::payer::{Device, User};
use paydesk_core::session::Party;

use crate::codes::Country;
use crate::names::DeviceType;
use crate::scalar::DateTimeIso;

/// Who is billed.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "BillingDataSchema")]
pub struct BillingIn {
    /// City.
    pub billing_address_city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub billing_address_country: Country,
    /// Street.
    pub billing_address_line1: Option<String>,
    /// Flat, floor, building.
    pub billing_address_line2: Option<String>,
    /// Postal code.
    pub billing_address_postal_code: Option<String>,
    /// ISO 3166-2, with or without the country.
    pub billing_address_state: Option<String>,
    /// Email address.
    pub billing_email: String,
    /// Given name.
    pub billing_first_name: String,
    /// Family name.
    pub billing_last_name: String,
    /// Telephone, E.164.
    pub billing_phone: Option<String>,
}

impl From<BillingIn> for Party {
    fn from(it: BillingIn) -> Self {
        Self {
            city: it.billing_address_city,
            country: Some(it.billing_address_country.code().to_owned()),
            line1: it.billing_address_line1,
            line2: it.billing_address_line2,
            postal_code: it.billing_address_postal_code,
            state: state(it.billing_address_state, it.billing_address_country),
            email: Some(it.billing_email),
            first_name: Some(it.billing_first_name),
            last_name: Some(it.billing_last_name),
            phone: it.billing_phone,
        }
    }
}

/// Where it is shipped to.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "ShippingDataSchema")]
pub struct ShippingIn {
    /// City.
    pub shipping_address_city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub shipping_address_country: Country,
    /// Street.
    pub shipping_address_line1: Option<String>,
    /// Flat, floor, building.
    pub shipping_address_line2: Option<String>,
    /// Postal code.
    pub shipping_address_postal_code: Option<String>,
    /// ISO 3166-2, with or without the country.
    pub shipping_address_state: Option<String>,
    /// Email address.
    pub shipping_email: String,
    /// Given name.
    pub shipping_first_name: String,
    /// Family name.
    pub shipping_last_name: String,
    /// Telephone, E.164.
    pub shipping_phone: Option<String>,
}

impl From<ShippingIn> for Party {
    fn from(it: ShippingIn) -> Self {
        Self {
            city: it.shipping_address_city,
            country: Some(it.shipping_address_country.code().to_owned()),
            line1: it.shipping_address_line1,
            line2: it.shipping_address_line2,
            postal_code: it.shipping_address_postal_code,
            state: state(it.shipping_address_state, it.shipping_address_country),
            email: Some(it.shipping_email),
            first_name: Some(it.shipping_first_name),
            last_name: Some(it.shipping_last_name),
            phone: it.shipping_phone,
        }
    }
}

/// Who is signed in.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "UserDataSchema")]
pub struct UserIn {
    /// City.
    pub user_address_city: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub user_address_country: Country,
    /// Street.
    pub user_address_line1: Option<String>,
    /// Flat, floor, building.
    pub user_address_line2: Option<String>,
    /// Postal code.
    pub user_address_postal_code: Option<String>,
    /// ISO 3166-2, with or without the country.
    pub user_address_state: Option<String>,
    /// Email address.
    pub user_email: String,
    /// Given name.
    pub user_first_name: String,
    /// Family name.
    pub user_last_name: String,
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

impl From<UserIn> for User {
    fn from(it: UserIn) -> Self {
        Self {
            party: Party {
                city: it.user_address_city,
                country: Some(it.user_address_country.code().to_owned()),
                line1: it.user_address_line1,
                line2: it.user_address_line2,
                postal_code: it.user_address_postal_code,
                state: state(it.user_address_state, it.user_address_country),
                email: Some(it.user_email),
                first_name: Some(it.user_first_name),
                last_name: Some(it.user_last_name),
                phone: it.user_phone,
            },
            birth_date: it.user_birth_date.map(day),
            legal_identifier: it.user_legal_identifier,
            legal_identifier_type: it.user_legal_identifier_type,
            locale: it.user_locale,
        }
    }
}

/// What is paid from.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "DeviceDataSchema")]
pub struct DeviceIn {
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

impl From<DeviceIn> for Device {
    fn from(it: DeviceIn) -> Self {
        Self {
            browser: it.device_browser,
            id: it.device_id,
            ip: it.device_ip,
            name: it.device_name,
            os: it.device_os,
            kind: it.device_type.map(Into::into),
        }
    }
}

/// A state as the engine has it, with its country: the documentation writes `US-NY`, the client's examples `NY`.
pub(super) fn state(state: Option<String>, country: Country) -> Option<String> {
    state.map(|state| {
        if state.contains('-') {
            state
        } else {
            format!("{}-{state}", country.code())
        }
    })
}

pub(super) fn day(at: DateTimeIso) -> String {
    let utc = at.0.to_zoned(jiff::tz::TimeZone::UTC);
    utc.date().to_string()
}
