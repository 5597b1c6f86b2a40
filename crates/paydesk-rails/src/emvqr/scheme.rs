//! What each scheme puts into its own template of a code.

use jiff::tz::{Offset, TimeZone};
use paydesk_core::payee::{FpsProxy, PayNowProxy, Payee, PromptPayProxy};
use paydesk_core::time::Timestamp;

use super::{BuildError, Fields, id};

/// The only country whose banks read the scheme's codes.
pub(super) const fn country(payee: &Payee) -> &'static str {
    match payee {
        Payee::PayNow(_) => "SG",
        Payee::PromptPay(_) => "TH",
        Payee::DuitNow { .. } => "MY",
        Payee::Fps(_) => "HK",
    }
}

/// `EMVCo`'s payload format is `01`; Malaysia's banks expect `02`.
pub(super) const fn format(payee: &Payee) -> &'static str {
    match payee {
        Payee::DuitNow { .. } => "02",
        Payee::PayNow(_) | Payee::PromptPay(_) | Payee::Fps(_) => "01",
    }
}

pub(super) const fn template_id(payee: &Payee) -> u8 {
    match payee {
        Payee::PromptPay(_) => id::PROMPT_PAY,
        Payee::PayNow(_) | Payee::DuitNow { .. } | Payee::Fps(_) => id::FIRST_SCHEME,
    }
}

pub(super) fn template(payee: &Payee, expires_at: Option<Timestamp>) -> Result<Fields, BuildError> {
    payee.check().map_err(|wrong| BuildError::Proxy {
        expected: wrong.expected,
    })?;
    let mut fields = Fields::new();
    match payee {
        Payee::PayNow(proxy) => {
            let (kind, value) = match proxy {
                PayNowProxy::Mobile(number) => ("0", number),
                PayNowProxy::Uen(number) => ("2", number),
            };
            fields.put(0, "SG.PAYNOW")?;
            fields.put(1, kind)?;
            fields.put(2, value)?;
            fields.put(3, "0")?; // the payer cannot edit the amount
            if let Some(at) = expires_at {
                fields.put(4, in_singapore(at))?;
            }
        }
        Payee::PromptPay(proxy) => {
            fields.put(0, "A000000677010111")?;
            match proxy {
                // Thirteen digits: the country code without its plus, filled up with zeros on the left.
                PromptPayProxy::Mobile(number) => {
                    fields.put(1, format!("00{}", number.trim_start_matches('+')))?;
                }
                PromptPayProxy::NationalId(number) => fields.put(2, number)?,
                PromptPayProxy::EWallet(number) => fields.put(3, number)?,
            }
        }
        Payee::DuitNow { acquirer, merchant } => {
            fields.put(0, "A0000006150001")?;
            fields.put(1, acquirer)?;
            fields.put(2, merchant)?;
        }
        Payee::Fps(proxy) => {
            let (kind, value) = match proxy {
                FpsProxy::Id(number) => (2, number),
                FpsProxy::Mobile(number) => (3, number),
                FpsProxy::Email(address) => (4, address),
            };
            fields.put(0, "hk.com.hkicl")?;
            fields.put(kind, value)?;
        }
    }
    Ok(fields)
}

/// An expiry as `YYYYMMDDHHMMSS` in Singapore's time (UTC+8, no summer time).
///
/// The field carries no zone and the scheme names none. Its banks read it in local time, as they do the date alone
/// that most codes carry; written in UTC, a code valid for an hour would have run out seven hours ago.
/// Milliseconds are cut, so a code never outlives its session.
fn in_singapore(at: Timestamp) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    jiff::Timestamp::from_millisecond(at.as_millis())
        // Not reachable: a Timestamp is held within jiff's range.
        .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
        .to_zoned(zone)
        .strftime("%Y%m%d%H%M%S")
        .to_string()
}
