//! Who pays, as the merchant knows them: the user who is signed in at the merchant's, and what they pay from.

use serde::{Deserialize, Serialize};

use crate::session::Party;

/// Who is signed in at the merchant's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User {
    /// Name, address, and how they are reached.
    #[serde(flatten)]
    pub party: Party,
    /// The day they were born: `2001-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// The number that an authority knows them by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_identifier: Option<String>,
    /// Which number that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_identifier_type: Option<String>,
    /// Their language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// What the payer pays from, as the merchant's own page found it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Device {
    /// The merchant's own id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What sort of thing it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<DeviceKind>,
    /// Its system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Its browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// Its address on the net.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
}

/// What sort of thing a device is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceKind {
    /// A computer.
    Desktop,
    /// A telephone.
    Smartphone,
    /// A tablet.
    Tablet,
    /// A television set.
    Tv,
    /// Nobody knows.
    Unknown,
}
