//! QR codes that a merchant presents and a payer's bank reads: EMVCo's "QR Code Specification for Payment
//! Systems, Merchant-Presented Mode" 1.1, and what the schemes of the region put into it.
//!
//! [`Code::for_payment`] writes one, [`Code::parse`] reads one strictly. Compare codes as values, not as
//! strings: the order of the fields between the first and the last is free.

mod fields;
mod scheme;
mod text;

use std::fmt;
use std::str::FromStr;

use paydesk_core::money::{Currency, Money};
use paydesk_core::time::Timestamp;

pub use fields::Fields;
pub use paydesk_core::payee::{FpsProxy, PayNowProxy, Payee, PromptPayProxy};

/// The ids of a code's fields, as EMVCo numbers them.
pub mod id {
    /// Payload format indicator: always the first field.
    pub const FORMAT: u8 = 0;
    /// Point of initiation: `11` for many payments, `12` for one.
    pub const INITIATION: u8 = 1;
    /// The first template of a scheme's own; they end with [`LAST_SCHEME`].
    pub const FIRST_SCHEME: u8 = 26;
    /// Where `PromptPay` is; Thailand's banks look nowhere else.
    pub const PROMPT_PAY: u8 = 29;
    /// The last template of a scheme's own.
    pub const LAST_SCHEME: u8 = 51;
    /// Merchant category: `0000` where none applies.
    pub const CATEGORY: u8 = 52;
    /// Currency, three digits.
    pub const CURRENCY: u8 = 53;
    /// Amount in major units.
    pub const AMOUNT: u8 = 54;
    /// Country, two letters.
    pub const COUNTRY: u8 = 58;
    /// Merchant name.
    pub const NAME: u8 = 59;
    /// Merchant city.
    pub const CITY: u8 = 60;
    /// Additional data: a template.
    pub const ADDITIONAL: u8 = 62;
    /// Checksum: always the last field.
    pub const CRC: u8 = 63;
    /// Within [`ADDITIONAL`]: the bill number, where we put the reference of a payment.
    pub const BILL_NUMBER: u8 = 1;
}

const LONGEST_AMOUNT: usize = 13;
const LONGEST_NAME: usize = 25;
const LONGEST_CITY: usize = 15;
const LONGEST_BILL_NUMBER: usize = 25;

/// For how many payments a code is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Initiation {
    /// Any number: a sticker on the counter.
    Static,
    /// One.
    OneTime,
}

/// What a code asks the payer's bank to do.
#[derive(Clone, Debug)]
pub struct Payment<'a> {
    /// To whom.
    pub payee: &'a Payee,
    /// How much; the payer cannot change it.
    pub amount: Money,
    /// The payee's name as the bank may show it; folded to 25 ASCII characters.
    pub name: &'a str,
    /// The payee's city; folded to 15 ASCII characters.
    pub city: &'a str,
    /// The reference that comes back with the money: 1 to 25 printable ASCII characters.
    pub bill_number: &'a str,
    /// For how many payments, if the code says so.
    pub initiation: Option<Initiation>,
    /// When the code stops being valid; written where the scheme has a place for it (`PayNow`).
    pub expires_at: Option<Timestamp>,
}

/// A code: its fields without the checksum, which is computed when it is written.
#[derive(Clone, Debug)]
pub struct Code(Fields);

impl Code {
    /// The code for one payment.
    pub fn for_payment(payment: &Payment<'_>) -> Result<Self, BuildError> {
        let Payment {
            payee, bill_number, ..
        } = *payment;
        let amount = payment.amount.to_major();
        if payment.amount.is_zero() || amount.len() > LONGEST_AMOUNT {
            return Err(BuildError::Amount);
        }
        let currency = payment.amount.currency();
        if currency.code() != payee.currency_code() {
            return Err(BuildError::Currency);
        }
        let fits = (1..=LONGEST_BILL_NUMBER).contains(&bill_number.len());
        if !fits || !text::is_printable_ascii(bill_number) {
            return Err(BuildError::BillNumber);
        }
        let mut fields = Fields::new();
        fields.put(id::FORMAT, scheme::format(payee))?;
        match payment.initiation {
            None => {}
            Some(Initiation::Static) => fields.put(id::INITIATION, "11")?,
            Some(Initiation::OneTime) => fields.put(id::INITIATION, "12")?,
        }
        fields.put(
            scheme::template_id(payee),
            scheme::template(payee, payment.expires_at)?.encode(),
        )?;
        fields.put(id::CATEGORY, "0000")?;
        fields.put(id::CURRENCY, format!("{:03}", currency.numeric()))?;
        fields.put(id::AMOUNT, amount)?;
        fields.put(id::COUNTRY, scheme::country(payee))?;
        fields.put(id::NAME, text::fold(payment.name, LONGEST_NAME))?;
        fields.put(id::CITY, text::fold(payment.city, LONGEST_CITY))?;
        let mut additional = Fields::new();
        additional.put(id::BILL_NUMBER, bill_number)?;
        fields.put(id::ADDITIONAL, additional.encode())?;
        Ok(Self(fields))
    }

    /// Reads a code. What is refused: text that is not fields to its end, a field twice, a wrong order of the
    /// first and the last, a wrong checksum, a known field that breaks its own form or limit.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let body_length = text.len().checked_sub(4).ok_or(ParseError::NotAField)?;
        let mut fields = Fields::parse(text)?;
        let Some((id::CRC, checksum)) = fields.iter().last() else {
            return Err(ParseError::NoChecksum);
        };
        let body = text.get(..body_length).ok_or(ParseError::Checksum)?;
        if checksum != crc(body) {
            return Err(ParseError::Checksum);
        }
        fields = Fields::parse(body.strip_suffix("6304").ok_or(ParseError::Checksum)?)?;
        if fields.get(id::CRC).is_some() {
            return Err(ParseError::Twice { id: id::CRC });
        }
        if !matches!(fields.iter().next(), Some((id::FORMAT, "01" | "02"))) {
            return Err(ParseError::Format);
        }
        for (at, value) in fields.iter() {
            if !well_formed(at, value) {
                return Err(ParseError::Malformed { id: at });
            }
        }
        Ok(Self(fields))
    }

    /// The same code, asking for another amount.
    pub fn asking_for(&self, amount: Money) -> Result<Self, BuildError> {
        let currency = format!("{:03}", amount.currency().numeric());
        if self.0.get(id::CURRENCY) != Some(&currency) {
            return Err(BuildError::Currency);
        }
        let written = amount.to_major();
        if amount.is_zero() || written.len() > LONGEST_AMOUNT {
            return Err(BuildError::Amount);
        }
        let mut fields = Fields::new();
        for (at, value) in self.0.iter() {
            fields.put(at, if at == id::AMOUNT { &written } else { value })?;
        }
        Ok(Self(fields))
    }

    /// What it asks for; nothing if the payer chooses, or if it is in another currency.
    #[must_use]
    pub fn amount(&self, currency: Currency) -> Option<Money> {
        let own = format!("{:03}", currency.numeric());
        let amount = self.0.get(id::AMOUNT)?;
        (self.0.get(id::CURRENCY) == Some(&own))
            .then(|| Money::from_major(amount, currency).ok())
            .flatten()
    }

    /// The fields without the checksum.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.0
    }

    /// The fields of a template.
    #[must_use]
    pub fn template(&self, template: u8) -> Option<Fields> {
        Fields::parse(self.0.get(template)?).ok()
    }

    /// Its fields and those of its templates by id.
    fn canonical(&self) -> Vec<(u8, String)> {
        let sorted = |fields: &Fields| {
            let mut sorted: Vec<_> = fields
                .iter()
                .map(|(at, value)| (at, value.to_owned()))
                .collect();
            sorted.sort_unstable();
            sorted
        };
        let mut fields = sorted(&self.0);
        for (at, value) in fields.iter_mut().filter(|(at, _)| is_template(*at)) {
            if let Some(inner) = self.template(*at) {
                *value = format!("{:?}", sorted(&inner));
            }
        }
        fields
    }

    /// The bill number: the reference that comes back with the money.
    #[must_use]
    pub fn bill_number(&self) -> Option<String> {
        Some(
            self.template(id::ADDITIONAL)?
                .get(id::BILL_NUMBER)?
                .to_owned(),
        )
    }
}

/// Two codes are equal if they say the same, in whatever order.
impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}
impl Eq for Code {}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{}6304", self.0.encode());
        write!(f, "{body}{}", crc(&body))
    }
}

impl FromStr for Code {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

/// CRC-16/CCITT-FALSE, which the catalogue now calls IBM-3740.
fn crc(body: &str) -> String {
    const CRC: crc::Crc<u16> = crc::Crc::<u16>::new(&crc::CRC_16_IBM_3740);
    format!("{:04X}", CRC.checksum(body.as_bytes()))
}

const fn is_template(at: u8) -> bool {
    matches!(at, id::FIRST_SCHEME..=id::LAST_SCHEME | id::ADDITIONAL)
}

/// Whether a value has the form that EMVCo gives its field; fields that it does not know may hold anything.
fn well_formed(at: u8, value: &str) -> bool {
    let digits = |value: &str| value.bytes().all(|byte| byte.is_ascii_digit());
    match at {
        id::INITIATION => matches!(value, "11" | "12"),
        id::CATEGORY => value.len() == 4 && digits(value),
        id::CURRENCY => value.len() == 3 && digits(value),
        id::AMOUNT => {
            let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
            value.len() <= LONGEST_AMOUNT && !whole.is_empty() && digits(whole) && digits(decimals)
        }
        id::COUNTRY => value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
        id::NAME => value.chars().count() <= LONGEST_NAME,
        id::CITY => value.chars().count() <= LONGEST_CITY,
        id::ADDITIONAL => Fields::parse(value).is_ok_and(|inner| {
            inner
                .get(id::BILL_NUMBER)
                .is_none_or(|number| number.chars().count() <= LONGEST_BILL_NUMBER)
        }),
        id::FIRST_SCHEME..=id::LAST_SCHEME => Fields::parse(value).is_ok(),
        _ => true,
    }
}

/// Why a code cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The amount is zero or longer than thirteen characters.
    #[error(
        "the amount of a QR code is more than zero and has at most {LONGEST_AMOUNT} characters"
    )]
    Amount,
    /// The scheme settles another currency.
    #[error("the scheme does not settle this currency")]
    Currency,
    /// The bill number is empty, too long or not printable ASCII.
    #[error("a bill number has 1 to {LONGEST_BILL_NUMBER} printable ASCII characters")]
    BillNumber,
    /// The payee's proxy does not have the form of its kind.
    #[error("the payee's proxy should be {expected}")]
    Proxy {
        /// What it should be.
        expected: &'static str,
    },
    /// A field that cannot be written: its id is over 99 or used twice, its value empty or longer than 99.
    #[error("field {id:02} cannot be written")]
    Field {
        /// Which.
        id: u8,
    },
}

/// Why a text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It is not made of fields.
    #[error(
        "is not a QR payment code: two digits of id and two of length are expected before each value"
    )]
    NotAField,
    /// It ends within a field.
    #[error("ends within field {id:02}")]
    Truncated {
        /// Which.
        id: u8,
    },
    /// A field without a value.
    #[error("has nothing in field {id:02}")]
    Empty {
        /// Which.
        id: u8,
    },
    /// A field twice.
    #[error("has field {id:02} twice")]
    Twice {
        /// Which.
        id: u8,
    },
    /// It does not begin with a payload format that is known.
    #[error("does not begin with payload format 01 or 02")]
    Format,
    /// It does not end with a checksum.
    #[error("does not end with a checksum (field 63)")]
    NoChecksum,
    /// The checksum is wrong: a character was lost or changed.
    #[error("has a wrong checksum")]
    Checksum,
    /// A known field that breaks its own form or limit.
    #[error("has a malformed field {id:02}")]
    Malformed {
        /// Which.
        id: u8,
    },
}

#[cfg(test)]
mod tests;
