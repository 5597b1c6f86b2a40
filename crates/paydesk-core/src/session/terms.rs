//! What a merchant asks for when it opens a session, and what it is made of.

use serde::{Deserialize, Serialize};

use crate::given::Metadata;
use crate::id::ProviderAccountId;
use crate::method::Method;
use crate::money::{Currency, Money};
use crate::payer::{Device, User};
use crate::time::Span;

/// What a session is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Take the money.
    Payment,
    /// Hold the money, to be settled or voided later.
    Authorization,
    /// Store a card, charge nothing.
    AddPaymentMethod,
}

/// What is to be paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Amount {
    /// This much.
    Fixed(Money),
    /// What the payer chooses, at least this much.
    AtLeast(Money),
    /// Nothing: a card is stored.
    Nothing(Currency),
}

impl Amount {
    /// In which currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        match self {
            Self::Fixed(money) | Self::AtLeast(money) => money.currency(),
            Self::Nothing(currency) => *currency,
        }
    }
}

/// One thing that is bought.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineItem {
    /// The merchant's id of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What payers read.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// As the merchant gave it, in the session's currency; not summed.
    pub amount: Money,
}

/// A telephone number in the two parts in which forms ask for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Phone {
    /// Country code with its plus sign, or empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// The rest.
    pub number: String,
}

/// What the merchant knows of the payer; prefills the page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CustomerDetails {
    /// The merchant's own code for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Email address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Phone>,
}

/// How the payer may be reached about a payment, as the payer wrote it on the page.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Contact {
    /// Email address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Somebody with an address: who is billed, shipped to, or signed in.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Party {
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// ISO 3166-2 subdivision, with the country's prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// City.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Street.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line1: Option<String>,
    /// Flat, floor, building.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
}

/// A question that the merchant asks the payer on the page.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomField {
    /// The merchant's name for it; unique within the session.
    pub name: String,
    /// What payers read.
    pub label: String,
    /// Whether paying needs an answer.
    pub required: bool,
}

/// An answer to a [`CustomField`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CustomFieldValue {
    /// The field's name.
    pub name: String,
    /// What the payer wrote.
    pub value: String,
}

/// The address that one session's news go to, beside the merchant's endpoints.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notify {
    /// Where to.
    pub url: String,
    /// In which words.
    pub format: NotifyFormat,
}

/// The words of a notification.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NotifyFormat {
    /// XanPay's charge, when it completes.
    XanPayCharge,
    /// Our own event, for every step from the first payment on.
    Event,
}

/// Through which door a session came in. It changes no rule; it tells how to speak of the session
/// where nobody asked, as in a notification.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Door {
    /// Our own API.
    Native,
    /// XanPay's.
    XanPay,
    /// Modem Pay's.
    ModemPay,
    /// `AccruPay`'s.
    AccruPay,
    /// `OneEntry`'s.
    OneEntry,
}

/// What the merchant asked for. Never changes once the session is open.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// What for.
    pub kind: Kind,
    /// How much.
    pub amount: Amount,
    /// The methods that the payer may choose from, in the order offered; never empty.
    pub methods: Vec<Method>,
    /// The account that the payment goes through.
    pub provider_account: ProviderAccountId,
    /// Who opened it.
    pub door: Door,
    /// The merchant's own code; unique among its open and completed sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The user of the merchant's shop whom it belongs to: what they have is listed by this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The order that it pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// What payers read first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// More of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is bought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub line_items: Vec<LineItem>,
    /// Who pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerDetails>,
    /// Who is billed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing: Option<Party>,
    /// Where it is shipped to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Party>,
    /// Who is signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// What is paid from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// What the page asks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custom_fields: Vec<CustomField>,
    /// The merchant's own data; comes back as given.
    #[serde(default, skip_serializing_if = "Metadata::is_empty")]
    pub metadata: Metadata,
    /// Where the payer goes after paying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success_url: Option<String>,
    /// Where the payer goes after giving up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_url: Option<String>,
    /// Who is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify: Option<Notify>,
    /// What is repeated, untouched, wherever the charge is told of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notify_payload: Option<String>,
    /// The merchant's own lifetime, from creation; overrides both defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// The language of the page, if the merchant knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether a card that pays is also stored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub store_payment_method: bool,
}
