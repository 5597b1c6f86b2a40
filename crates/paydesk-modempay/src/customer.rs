//! Modem Pay's customer object.

use paydesk_core::customer::Customer;
use paydesk_core::session::CustomerDetails;
use serde::Serialize;

/// A customer as Modem Pay writes it. Its id is the merchant's own code: what a session names as its `customer`.
#[derive(Serialize)]
pub struct CustomerOut<'c> {
    id: &'c str,
    name: &'c str,
    email: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl<'c> CustomerOut<'c> {
    /// The customer that a session names, as the session has it; nothing if it names none.
    pub fn of_session(customer: &'c CustomerDetails) -> Option<Self> {
        Some(Self {
            id: customer.code.as_deref()?,
            name: customer.name.as_deref().unwrap_or_default(),
            email: customer.email.as_deref().unwrap_or_default(),
            phone: phone(customer),
        })
    }
}

impl<'c> From<&'c Customer> for CustomerOut<'c> {
    fn from(customer: &'c Customer) -> Self {
        Self {
            id: &customer.code,
            name: customer.name.as_deref().unwrap_or_default(),
            email: customer.email.as_deref().unwrap_or_default(),
            phone: customer.phone.clone(),
        }
    }
}

/// A customer's telephone number in one piece.
pub fn phone(customer: &CustomerDetails) -> Option<String> {
    let phone = customer.phone.as_ref()?;
    Some(format!("{}{}", phone.code, phone.number))
}
