//! What each scheme puts into its own template of a code.

use jiff::tz::{Offset, TimeZone};
use paydesk_core::time::Timestamp;

use super::{BuildError, Fields, id};

/// Whom a code pays, and through which scheme.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Payee {
    /// `PayNow`, Singapore.
    PayNow(PayNowProxy),
    /// `PromptPay`, Thailand.
    PromptPay(PromptPayProxy),
    /// `DuitNow`, Malaysia.
    DuitNow {
        /// The acquirer's id: six digits.
        acquirer: String,
        /// The merchant's id with the acquirer: 1 to 28 letters and digits.
        merchant: String,
    },
    /// Faster Payment System, Hong Kong.
    Fps(FpsProxy),
}

/// What stands for an account in Singapore.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PayNowProxy {
    /// A mobile number, `+65` and eight digits.
    Mobile(String),
    /// A company's Unique Entity Number, 9 or 10 characters, and its optional suffix of three.
    Uen(String),
}

/// What stands for an account in Thailand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PromptPayProxy {
    /// A mobile number, `+66` and nine digits.
    Mobile(String),
    /// A national id or tax id: thirteen digits.
    NationalId(String),
    /// An e-wallet: fifteen digits.
    EWallet(String),
}

/// What stands for an account in Hong Kong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FpsProxy {
    /// An FPS identifier: seven or nine digits.
    Id(String),
    /// A mobile number, `+852-` and eight digits.
    Mobile(String),
    /// An email address.
    Email(String),
}

impl Payee {
    /// The only currency that the scheme settles.
    #[must_use]
    pub const fn currency_code(&self) -> &'static str {
        match self {
            Self::PayNow(_) => "SGD",
            Self::PromptPay(_) => "THB",
            Self::DuitNow { .. } => "MYR",
            Self::Fps(_) => "HKD",
        }
    }

    pub(super) const fn country(&self) -> &'static str {
        match self {
            Self::PayNow(_) => "SG",
            Self::PromptPay(_) => "TH",
            Self::DuitNow { .. } => "MY",
            Self::Fps(_) => "HK",
        }
    }

    /// EMVCo's payload format is `01`; Malaysia's banks expect `02`.
    pub(super) const fn format(&self) -> &'static str {
        match self {
            Self::DuitNow { .. } => "02",
            Self::PayNow(_) | Self::PromptPay(_) | Self::Fps(_) => "01",
        }
    }

    pub(super) const fn template_id(&self) -> u8 {
        match self {
            Self::PromptPay(_) => id::PROMPT_PAY,
            Self::PayNow(_) | Self::DuitNow { .. } | Self::Fps(_) => id::FIRST_SCHEME,
        }
    }

    pub(super) fn template(&self, expires_at: Option<Timestamp>) -> Result<Fields, BuildError> {
        let mut fields = Fields::new();
        match self {
            Self::PayNow(proxy) => {
                let (kind, value) = proxy.checked()?;
                fields.put(0, "SG.PAYNOW")?;
                fields.put(1, kind)?;
                fields.put(2, value)?;
                fields.put(3, "0")?; // the payer cannot edit the amount
                if let Some(at) = expires_at {
                    fields.put(4, in_singapore(at))?;
                }
            }
            Self::PromptPay(proxy) => {
                let (kind, value) = proxy.checked()?;
                fields.put(0, "A000000677010111")?;
                fields.put(kind, value)?;
            }
            Self::DuitNow { acquirer, merchant } => {
                let known = merchant.bytes().all(|byte| byte.is_ascii_alphanumeric());
                if !is_digits(acquirer, &[6]) || !known || !(1..=28).contains(&merchant.len()) {
                    return Err(BuildError::Proxy {
                        expected: "six digits of acquirer and 1 to 28 letters and digits of merchant",
                    });
                }
                fields.put(0, "A0000006150001")?;
                fields.put(1, acquirer)?;
                fields.put(2, merchant)?;
            }
            Self::Fps(proxy) => {
                let (kind, value) = proxy.checked()?;
                fields.put(0, "hk.com.hkicl")?;
                fields.put(kind, value)?;
            }
        }
        Ok(fields)
    }
}

impl PayNowProxy {
    fn checked(&self) -> Result<(&'static str, &str), BuildError> {
        match self {
            Self::Mobile(number)
                if number
                    .strip_prefix("+65")
                    .is_some_and(|rest| is_digits(rest, &[8])) =>
            {
                Ok(("0", number))
            }
            Self::Mobile(_) => Err(BuildError::Proxy {
                expected: "+65 and eight digits",
            }),
            Self::Uen(number)
                if (9..=13).contains(&number.len())
                    && number
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()) =>
            {
                Ok(("2", number))
            }
            Self::Uen(_) => Err(BuildError::Proxy {
                expected: "9 to 13 digits and capital letters",
            }),
        }
    }
}

impl PromptPayProxy {
    fn checked(&self) -> Result<(u8, String), BuildError> {
        match self {
            // Thirteen digits: the country code without its plus, filled up with zeros on the left.
            Self::Mobile(number) => number
                .strip_prefix("+66")
                .filter(|rest| is_digits(rest, &[9]))
                .map(|rest| (1, format!("0066{rest}")))
                .ok_or(BuildError::Proxy {
                    expected: "+66 and nine digits",
                }),
            Self::NationalId(number) if is_digits(number, &[13]) => Ok((2, number.clone())),
            Self::NationalId(_) => Err(BuildError::Proxy {
                expected: "thirteen digits",
            }),
            Self::EWallet(number) if is_digits(number, &[15]) => Ok((3, number.clone())),
            Self::EWallet(_) => Err(BuildError::Proxy {
                expected: "fifteen digits",
            }),
        }
    }
}

impl FpsProxy {
    fn checked(&self) -> Result<(u8, &str), BuildError> {
        match self {
            Self::Id(number) if is_digits(number, &[7, 9]) => Ok((2, number)),
            Self::Id(_) => Err(BuildError::Proxy {
                expected: "seven or nine digits",
            }),
            Self::Mobile(number)
                if number
                    .strip_prefix("+852-")
                    .is_some_and(|rest| is_digits(rest, &[8])) =>
            {
                Ok((3, number))
            }
            Self::Mobile(_) => Err(BuildError::Proxy {
                expected: "+852- and eight digits",
            }),
            // So that the template, which also holds the scheme's name, stays within 99 characters.
            Self::Email(address)
                if address.len() <= 75
                    && address.bytes().all(|byte| byte.is_ascii_graphic())
                    && address
                        .split_once('@')
                        .is_some_and(|(to, at)| !to.is_empty() && !at.is_empty()) =>
            {
                Ok((4, address))
            }
            Self::Email(_) => Err(BuildError::Proxy {
                expected: "an email address of at most 75 ASCII characters",
            }),
        }
    }
}

fn is_digits(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
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
