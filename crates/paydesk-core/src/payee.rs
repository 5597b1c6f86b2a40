//! Whom a QR code pays: what stands for an account in each scheme, and the form that it has to have.

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

/// What stands for an account does not have the form of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not {expected}")]
pub struct Malformed {
    /// What it should be.
    pub expected: &'static str,
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

    /// Whether it has the form that its scheme's banks read.
    pub fn check(&self) -> Result<(), Malformed> {
        let (sound, expected) = match self {
            Self::PayNow(proxy) => proxy.form(),
            Self::PromptPay(proxy) => proxy.form(),
            Self::DuitNow { acquirer, merchant } => {
                let known = merchant.bytes().all(|byte| byte.is_ascii_alphanumeric());
                (
                    is_digits(acquirer, &[6]) && known && (1..=28).contains(&merchant.len()),
                    "six digits of acquirer and 1 to 28 letters and digits of merchant",
                )
            }
            Self::Fps(proxy) => proxy.form(),
        };
        if sound {
            Ok(())
        } else {
            Err(Malformed { expected })
        }
    }
}

impl PayNowProxy {
    /// The kind that a text can only be: a number with its country is a mobile's.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.starts_with('+') {
            Self::Mobile(text.to_owned())
        } else {
            Self::Uen(text.to_owned())
        }
    }

    fn form(&self) -> (bool, &'static str) {
        match self {
            Self::Mobile(number) => (is_mobile(number, "+65", 8), "+65 and eight digits"),
            Self::Uen(number) => {
                let known = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
                (
                    (9..=13).contains(&number.len()) && number.bytes().all(known),
                    "9 to 13 digits and capital letters",
                )
            }
        }
    }
}

impl PromptPayProxy {
    /// The kind that a text can only be: by its length, unless it is a number with its country.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.starts_with('+') {
            Self::Mobile(text.to_owned())
        } else if text.len() >= 15 {
            Self::EWallet(text.to_owned())
        } else {
            Self::NationalId(text.to_owned())
        }
    }

    fn form(&self) -> (bool, &'static str) {
        match self {
            Self::Mobile(number) => (is_mobile(number, "+66", 9), "+66 and nine digits"),
            Self::NationalId(number) => (is_digits(number, &[13]), "thirteen digits"),
            Self::EWallet(number) => (is_digits(number, &[15]), "fifteen digits"),
        }
    }
}

impl FpsProxy {
    /// The kind that a text can only be.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.contains('@') {
            Self::Email(text.to_owned())
        } else if text.starts_with('+') {
            Self::Mobile(text.to_owned())
        } else {
            Self::Id(text.to_owned())
        }
    }

    fn form(&self) -> (bool, &'static str) {
        match self {
            Self::Id(number) => (is_digits(number, &[7, 9]), "seven or nine digits"),
            Self::Mobile(number) => (is_mobile(number, "+852-", 8), "+852- and eight digits"),
            // So that a code's template, which also holds the scheme's name, stays within 99 characters.
            Self::Email(address) => (
                address.len() <= 75
                    && address.bytes().all(|byte| byte.is_ascii_graphic())
                    && address
                        .split_once('@')
                        .is_some_and(|(to, at)| !to.is_empty() && !at.is_empty()),
                "an email address of at most 75 ASCII characters",
            ),
        }
    }
}

fn is_mobile(number: &str, country: &str, digits: usize) -> bool {
    number
        .strip_prefix(country)
        .is_some_and(|rest| is_digits(rest, &[digits]))
}

/// Whether a text is so many digits.
pub(crate) fn is_digits(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}
