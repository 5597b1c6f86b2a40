//! Who is billed, shipped to, signed in, and what they pay from: as it comes in and as it goes out. The vendor repeats
//! the name of the group in every field's, and flattens the groups where it answers.

mod input;
mod output;

pub use input::{BillingIn, DeviceIn, ShippingIn, UserIn};
pub use output::{BillingOut, Parties};

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
    use super::input::{day, state};
    use super::output::midnight;
    use super::*;
    use crate::codes::Country;
    use crate::scalar::DateTimeIso;

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
