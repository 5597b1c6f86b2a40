//! Which fields about people and devices are wrong in themselves: addresses, telephone numbers, countries.

use email_address::{EmailAddress, Options};

use super::fields::text;
use crate::payer::{Device, User};
use crate::refusal::Refusal;
use crate::session::Party;

/// No telephone number in the world has fewer digits, country code included.
const SHORTEST_PHONE: usize = 7;
/// E.164: "15 digits".
const LONGEST_PHONE: usize = 15;
/// RFC 5321: a path of 256 octets, with its brackets.
const LONGEST_EMAIL: usize = 254;
const MOST_TEXT: usize = 500;

/// Refuses the first field of a party that is wrong in itself. `name` is the party's own.
pub(super) fn check_party(name: &str, party: &Party) -> Result<(), Refusal> {
    let named = |field: &str| format!("{name}.{field}");
    for (field, value) in [
        ("firstName", &party.first_name),
        ("lastName", &party.last_name),
        ("city", &party.city),
        ("line1", &party.line1),
        ("line2", &party.line2),
        ("postalCode", &party.postal_code),
    ] {
        text(&named(field), value.as_deref(), MOST_TEXT)?;
    }
    if let Some(email) = &party.email {
        check_email(&named("email"), email)?;
    }
    if let Some(phone) = &party.phone {
        check_phone(&named("phone"), phone)?;
    }
    if let Some(country) = &party.country
        && !is_country(country)
    {
        return Err(Refusal::field(
            named("country"),
            "is not an ISO 3166-1 country such as US or SG",
        ));
    }
    if let Some(state) = &party.state {
        check_state(&named("state"), state, party.country.as_deref())?;
    }
    Ok(())
}

/// The same of a signed-in user.
pub(super) fn check_user(user: &User) -> Result<(), Refusal> {
    check_party("user", &user.party)?;
    if let Some(birth_date) = &user.birth_date
        && birth_date.parse::<jiff::civil::Date>().is_err()
    {
        return Err(Refusal::field(
            "user.birthDate",
            "is not a day such as 2001-12-31",
        ));
    }
    let legal = "user.legalIdentifier";
    text(legal, user.legal_identifier.as_deref(), 100)?;
    let kind = user.legal_identifier_type.as_deref();
    text("user.legalIdentifierType", kind, 100)?;
    text("user.locale", user.locale.as_deref(), 35)
}

/// The same of a device.
pub(super) fn check_device(device: &Device) -> Result<(), Refusal> {
    text("device.id", device.id.as_deref(), MOST_TEXT)?;
    text("device.name", device.name.as_deref(), MOST_TEXT)?;
    text("device.os", device.os.as_deref(), MOST_TEXT)?;
    text("device.browser", device.browser.as_deref(), MOST_TEXT)?;
    match device.ip.as_ref().map(|ip| ip.parse::<std::net::IpAddr>()) {
        Some(Err(_)) => Err(Refusal::field(
            "device.ip",
            "is not an IP address such as 203.0.113.7",
        )),
        Some(Ok(_)) | None => Ok(()),
    }
}

fn check_email(field: &str, email: &str) -> Result<(), Refusal> {
    let options = Options::default()
        .with_required_tld()
        .without_display_text()
        .without_domain_literal();
    let is_one =
        email.len() <= LONGEST_EMAIL && EmailAddress::parse_with_options(email, options).is_ok();
    if is_one {
        return Ok(());
    }
    Err(Refusal::field(
        field,
        "is not an email address such as jane@example.com",
    ))
}

/// E.164: a plus sign, a country code that is in use, and digits. Whether the number is given to anybody changes by
/// the day, so it is not asked.
fn check_phone(field: &str, phone: &str) -> Result<(), Refusal> {
    let digits = phone.strip_prefix('+').unwrap_or_default();
    let is_one = (SHORTEST_PHONE..=LONGEST_PHONE).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && phonenumber::parse(None, phone).is_ok();
    if is_one {
        return Ok(());
    }
    Err(Refusal::field(
        field,
        "is not an E.164 telephone number such as +12125550100",
    ))
}

fn is_country(code: &str) -> bool {
    // The library reads any case; the standard writes capitals.
    code.bytes().all(|byte| byte.is_ascii_uppercase()) && rust_iso3166::from_alpha2(code).is_some()
}

fn check_state(field: &str, state: &str, country: Option<&str>) -> Result<(), Refusal> {
    let Some(country) = country else {
        return Err(Refusal::field(
            field,
            "is given, but no country that it could be in",
        ));
    };
    let found = rust_iso3166::iso3166_2::from_code(state);
    if found.is_some_and(|found| found.country_code == country) {
        return Ok(());
    }
    Err(Refusal::field(
        field,
        format!("is not an ISO 3166-2 subdivision of {country}, such as US-NY of US"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jane() -> Party {
        Party {
            first_name: Some("Jane".into()),
            email: Some("jane@example.com".into()),
            phone: Some("+12125550100".into()),
            country: Some("US".into()),
            state: Some("US-NY".into()),
            ..Party::default()
        }
    }

    fn refused(party: &Party) -> String {
        check_party("billing", party).unwrap_err().to_string()
    }

    #[test]
    fn what_is_right_passes() {
        check_party("billing", &jane()).unwrap();
        check_party("billing", &Party::default()).unwrap();
        for phone in ["+6583927461", "+442079460958", "+2902345678"] {
            check_phone("phone", phone).unwrap();
        }
        for email in [
            "a@b.example",
            "o'hara+paydesk@sub.example.org",
            "用户@例子.中国",
        ] {
            check_email("email", email).unwrap();
        }
    }

    #[test]
    fn no_text_of_a_party_is_without_an_end() {
        type Field = fn(&mut Party) -> &mut Option<String>;
        let fields: [(&str, Field); 10] = [
            ("firstName", |party| &mut party.first_name),
            ("lastName", |party| &mut party.last_name),
            ("email", |party| &mut party.email),
            ("phone", |party| &mut party.phone),
            ("country", |party| &mut party.country),
            ("state", |party| &mut party.state),
            ("city", |party| &mut party.city),
            ("line1", |party| &mut party.line1),
            ("line2", |party| &mut party.line2),
            ("postalCode", |party| &mut party.postal_code),
        ];
        for (name, field) in fields {
            let mut party = jane();
            *field(&mut party) = Some("x".repeat(MOST_TEXT + 1));
            let refusal = refused(&party);
            assert!(
                refusal.starts_with(&format!("billing.{name} is ")),
                "{refusal}"
            );
        }
        let mut party = jane();
        party.line1 = Some("x".repeat(MOST_TEXT));
        check_party("billing", &party).unwrap();
    }

    #[test]
    fn an_email_address_has_a_name_and_a_domain() {
        for email in [
            "",
            "jane",
            "jane@",
            "@example.com",
            "jane@localhost",
            "Jane <jane@example.com>",
            "a b@example.com",
        ] {
            let refusal = refused(&Party {
                email: Some(email.into()),
                ..jane()
            });
            assert_eq!(
                refusal,
                "billing.email is not an email address such as jane@example.com"
            );
        }
    }

    #[test]
    fn a_telephone_number_is_e164() {
        for phone in [
            "",
            "+",
            "12125550100",
            "+1 212 555 0100",
            "+1-212-555-0100",
            "+123",
            "+9995550100123",
            "+1234567890123456",
            "+1212555010x",
        ] {
            let refusal = refused(&Party {
                phone: Some(phone.into()),
                ..jane()
            });
            assert_eq!(
                refusal, "billing.phone is not an E.164 telephone number such as +12125550100",
                "{phone}"
            );
        }
    }

    #[test]
    fn a_state_is_one_of_its_country() {
        for country in ["", "us", "USA", "XX", "Germany"] {
            let refusal = refused(&Party {
                country: Some(country.into()),
                ..jane()
            });
            assert!(refusal.starts_with("billing.country is not"), "{refusal}");
        }
        for state in ["", "NY", "US-ZZ", "CA-ON", "us-ny"] {
            let refusal = refused(&Party {
                state: Some(state.into()),
                ..jane()
            });
            assert!(
                refusal.starts_with("billing.state is not an ISO 3166-2 subdivision of US"),
                "{refusal}"
            );
        }
        let refusal = refused(&Party {
            country: None,
            ..jane()
        });
        assert!(
            refusal.starts_with("billing.state is given, but no country"),
            "{refusal}"
        );
    }

    #[test]
    fn a_day_of_birth_and_an_address_on_the_net_are_what_they_say() {
        let user = User {
            birth_date: Some("2001-02-30".into()),
            ..User::default()
        };
        assert!(
            check_user(&user)
                .unwrap_err()
                .to_string()
                .starts_with("user.birthDate ")
        );
        let device = Device {
            ip: Some("256.0.0.1".into()),
            ..Device::default()
        };
        assert!(
            check_device(&device)
                .unwrap_err()
                .to_string()
                .starts_with("device.ip ")
        );
    }
}
