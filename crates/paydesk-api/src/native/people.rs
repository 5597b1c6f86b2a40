//! The people of a native session and what they pay from, in and out. What is wrong with a field is core's to say.

use paydesk_core::payer::{Device, DeviceKind, User};
use paydesk_core::session::{CustomerDetails, Party, Phone};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SessionCustomerRequest")]
pub(super) struct CustomerIn {
    /// Your own code for the customer: the same code is the same customer.
    #[schemars(length(min = 1, max = 500))]
    code: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    name: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    email: Option<String>,
    #[schemars(length(min = 1, max = 40))]
    phone: Option<String>,
}

impl From<CustomerIn> for CustomerDetails {
    fn from(customer: CustomerIn) -> Self {
        Self {
            code: customer.code,
            name: customer.name,
            email: customer.email,
            phone: customer.phone.map(|number| Phone {
                code: String::new(),
                number,
            }),
        }
    }
}

/// Somebody with an address.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PartyRequest")]
pub(super) struct PartyIn {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    /// E.164.
    phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    /// ISO 3166-2.
    state: Option<String>,
    city: Option<String>,
    line1: Option<String>,
    line2: Option<String>,
    postal_code: Option<String>,
}

impl From<PartyIn> for Party {
    fn from(party: PartyIn) -> Self {
        Self {
            first_name: party.first_name,
            last_name: party.last_name,
            email: party.email,
            phone: party.phone,
            country: party.country,
            state: party.state,
            city: party.city,
            line1: party.line1,
            line2: party.line2,
            postal_code: party.postal_code,
        }
    }
}

/// Who is signed in at yours.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "UserRequest")]
pub(super) struct UserIn {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    /// E.164.
    phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    country: Option<String>,
    /// ISO 3166-2.
    state: Option<String>,
    city: Option<String>,
    line1: Option<String>,
    line2: Option<String>,
    postal_code: Option<String>,
    #[schemars(extend("format" = "date"))]
    birth_date: Option<String>,
    /// The number that an authority knows them by.
    #[schemars(length(min = 1, max = 100))]
    legal_identifier: Option<String>,
    /// Which number that is.
    #[schemars(length(min = 1, max = 100))]
    legal_identifier_type: Option<String>,
    /// Their language.
    #[schemars(length(min = 1, max = 35))]
    locale: Option<String>,
}

impl From<UserIn> for User {
    fn from(user: UserIn) -> Self {
        Self {
            party: Party {
                first_name: user.first_name,
                last_name: user.last_name,
                email: user.email,
                phone: user.phone,
                country: user.country,
                state: user.state,
                city: user.city,
                line1: user.line1,
                line2: user.line2,
                postal_code: user.postal_code,
            },
            birth_date: user.birth_date,
            legal_identifier: user.legal_identifier,
            legal_identifier_type: user.legal_identifier_type,
            locale: user.locale,
        }
    }
}

/// What the payer pays from, as your own page found it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DeviceRequest")]
pub(super) struct DeviceIn {
    /// Your own id of it.
    #[schemars(length(min = 1, max = 500))]
    id: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    name: Option<String>,
    #[schemars(with = "Option<schema::DeviceKindName>")]
    kind: Option<DeviceKind>,
    /// Its system.
    #[schemars(length(min = 1, max = 500))]
    os: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    browser: Option<String>,
    /// IPv4 or IPv6.
    ip: Option<String>,
}

impl From<DeviceIn> for Device {
    fn from(device: DeviceIn) -> Self {
        Self {
            id: device.id,
            name: device.name,
            kind: device.kind,
            os: device.os,
            browser: device.browser,
            ip: device.ip,
        }
    }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SessionCustomer")]
pub(super) struct CustomerOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl<'s> From<&'s CustomerDetails> for CustomerOut<'s> {
    fn from(customer: &'s CustomerDetails) -> Self {
        Self {
            code: customer.code.as_deref(),
            name: customer.name.as_deref(),
            email: customer.email.as_deref(),
            phone: customer
                .phone
                .as_ref()
                .map(|phone| format!("{}{}", phone.code, phone.number)),
        }
    }
}

/// Somebody with an address, as core writes it: what is not known is left out.
#[derive(JsonSchema)]
#[schemars(rename = "Party", rename_all = "camelCase")]
#[allow(dead_code, reason = "it only describes")]
pub(super) struct PartyOut {
    #[schemars(default)]
    first_name: String,
    #[schemars(default)]
    last_name: String,
    #[schemars(default)]
    email: String,
    #[schemars(default)]
    phone: String,
    #[schemars(default)]
    country: String,
    #[schemars(default)]
    state: String,
    #[schemars(default)]
    city: String,
    #[schemars(default)]
    line1: String,
    #[schemars(default)]
    line2: String,
    #[schemars(default)]
    postal_code: String,
}

/// Who is signed in, as core writes it: what is not known is left out.
#[derive(JsonSchema)]
#[schemars(rename = "User", rename_all = "camelCase")]
#[allow(dead_code, reason = "it only describes")]
pub(super) struct UserOut {
    #[schemars(flatten)]
    party: PartyOut,
    #[schemars(default)]
    birth_date: String,
    #[schemars(default)]
    legal_identifier: String,
    #[schemars(default)]
    legal_identifier_type: String,
    #[schemars(default)]
    locale: String,
}

/// What is paid from, as core writes it: what is not known is left out.
#[derive(JsonSchema)]
#[schemars(rename = "Device", rename_all = "camelCase")]
#[allow(dead_code, reason = "it only describes")]
pub(super) struct DeviceOut {
    #[schemars(default)]
    id: String,
    #[schemars(default)]
    name: String,
    #[schemars(default, with = "Option<schema::DeviceKindName>")]
    kind: Option<DeviceKind>,
    #[schemars(default)]
    os: String,
    #[schemars(default)]
    browser: String,
    #[schemars(default)]
    ip: String,
}
