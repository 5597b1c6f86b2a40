//! Who is billed, shipped to, signed in, and what they pay from: as it comes in and as it goes out. The vendor repeats
//! the name of the group in every field's, and flattens the groups where it answers.

use async_graphql::{InputObject, SimpleObject};
use paydesk_core::payer::{Device, User};
use paydesk_core::session::{Party, Terms};

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

/// A state as the engine has it, with its country: the documentation writes `US-NY`, the client's examples `NY`.
fn state(state: Option<String>, country: Country) -> Option<String> {
    state.map(|state| {
        if state.contains('-') {
            state
        } else {
            format!("{}-{state}", country.code())
        }
    })
}

fn day(at: DateTimeIso) -> String {
    let utc = at.0.to_zoned(jiff::tz::TimeZone::UTC);
    utc.date().to_string()
}

fn midnight(day: &str) -> Option<DateTimeIso> {
    let day: jiff::civil::Date = day.parse().ok()?;
    let zoned = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(DateTimeIso(zoned.timestamp()))
}

/// The argument that stands for a field of the engine's about people or devices: `billing.email` comes in as
/// `billing.billingEmail`. Nothing if it is none of these.
#[must_use]
pub fn argument(field: &str) -> Option<String> {
    let (group, field) = field.split_once('.')?;
    if !matches!(group, "billing" | "shipping" | "user" | "device") {
        return None;
    }
    let own = match field {
        "country" => "AddressCountry".to_owned(),
        "state" => "AddressState".to_owned(),
        "city" => "AddressCity".to_owned(),
        "line1" => "AddressLine1".to_owned(),
        "line2" => "AddressLine2".to_owned(),
        "postalCode" => "AddressPostalCode".to_owned(),
        "os" => "OS".to_owned(),
        other => {
            let (first, rest) = other.split_at_checked(1)?;
            format!("{}{rest}", first.to_ascii_uppercase())
        }
    };
    Some(format!("{group}.{group}{own}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_with_and_without_its_country() {
        let read = |text: &str| state(Some(text.to_owned()), Country::US).unwrap();
        assert_eq!(
            (read("NY"), read("US-NY")),
            ("US-NY".into(), "US-NY".into())
        );
        assert_eq!(read("CA-ON"), "CA-ON", "and refused by the engine");
    }

    #[test]
    fn a_day_of_birth_is_a_day_in_utc() {
        let born = DateTimeIso("1955-11-05T23:59:59.999Z".parse().unwrap());
        assert_eq!(day(born), "1955-11-05");
        assert_eq!(
            midnight("1955-11-05").unwrap().0.to_string(),
            "1955-11-05T00:00:00Z"
        );
    }

    #[test]
    fn a_refusal_names_the_argument() {
        assert_eq!(argument("billing.email").unwrap(), "billing.billingEmail");
        assert_eq!(
            argument("user.legalIdentifier").unwrap(),
            "user.userLegalIdentifier"
        );
        assert_eq!(
            argument("shipping.line1").unwrap(),
            "shipping.shippingAddressLine1"
        );
        assert_eq!(argument("device.ip").unwrap(), "device.deviceIp");
        assert_eq!(argument("reference"), None);
    }
}
