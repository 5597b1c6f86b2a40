//! Amounts as each language writes them. The source is the Unicode CLDR, with one exception: a sign that
//! several currencies share, such as `$`, is written so that it names one of them (`S$`, `US$`) in every
//! language, because payers of one merchant come from many countries.

use paydesk_core::money::{Currency, Money};

use super::Language;

/// How a language writes numbers.
pub(super) struct Numbers {
    pub decimal: char,
    pub group: char,
    /// Groups of two beyond the first three digits: lakhs and crores.
    pub by_twos: bool,
    /// Four digits stay together: `1234` but `12 345`.
    pub four_together: bool,
    sign: Sign,
}

/// Where the currency's sign stands.
#[derive(Clone, Copy)]
enum Sign {
    Before,
    After,
    AfterRightToLeft,
}

const NO_BREAK_SPACE: char = '\u{a0}';

/// What French groups digits with.
const NARROW_SPACE: char = '\u{202f}';
/// Makes what follows read from right to left.
const RIGHT_TO_LEFT_MARK: char = '\u{200f}';
/// Keeps the dollar of `S$` on its right side in such text.
const LEFT_TO_RIGHT_MARK: char = '\u{200e}';

impl Numbers {
    pub const fn of(language: Language) -> Self {
        let point = Self {
            decimal: '.',
            group: ',',
            by_twos: false,
            four_together: false,
            sign: Sign::Before,
        };
        let comma = Self {
            decimal: ',',
            group: '.',
            ..point
        };
        match language {
            Language::English
            | Language::SimplifiedChinese
            | Language::TraditionalChinese
            | Language::Thai
            | Language::Malay
            | Language::Korean => point,
            Language::Hindi => Self {
                by_twos: true,
                ..point
            },
            // With Latin digits, as banks and shops of most Arab countries write prices.
            Language::Arabic => Self {
                sign: Sign::AfterRightToLeft,
                ..point
            },
            Language::Indonesian => comma,
            Language::Vietnamese => Self {
                sign: Sign::After,
                ..comma
            },
            Language::Spanish => Self {
                four_together: true,
                sign: Sign::After,
                ..comma
            },
            Language::French => Self {
                group: NARROW_SPACE,
                sign: Sign::After,
                ..comma
            },
        }
    }

    /// The whole part, with its groups.
    fn grouped(&self, digits: &str) -> String {
        if self.four_together && digits.len() <= 4 {
            return digits.to_owned();
        }
        let mut written = String::with_capacity(digits.len() * 2);
        for (place, digit) in digits.chars().enumerate() {
            let left = digits.len() - place;
            let boundary = if self.by_twos {
                left % 2 == 1
            } else {
                left.is_multiple_of(3)
            };
            if place > 0 && left >= 3 && boundary {
                written.push(self.group);
            }
            written.push(digit);
        }
        written
    }
}

/// The amount with all its decimals, without its currency.
#[must_use]
pub fn decimal(money: Money, language: Language) -> String {
    let numbers = Numbers::of(language);
    let major = money.to_major();
    match major.split_once('.') {
        Some((whole, fraction)) => {
            format!("{}{}{fraction}", numbers.grouped(whole), numbers.decimal)
        }
        None => numbers.grouped(&major),
    }
}

/// The amount with its currency. Spaces in it do not break.
#[must_use]
pub fn money(money: Money, language: Language) -> String {
    let number = decimal(money, language);
    let symbol = symbol(money.currency());
    let spaced = symbol.ends_with(|c: char| c.is_alphabetic());
    match Numbers::of(language).sign {
        Sign::Before if !spaced => format!("{symbol}{number}"),
        Sign::Before => format!("{symbol}{NO_BREAK_SPACE}{number}"),
        Sign::After => format!("{number}{NO_BREAK_SPACE}{symbol}"),
        Sign::AfterRightToLeft => {
            format!("{RIGHT_TO_LEFT_MARK}{number}{NO_BREAK_SPACE}{symbol}{LEFT_TO_RIGHT_MARK}")
        }
    }
}

/// A sign that names one currency only; its code where there is none.
fn symbol(currency: Currency) -> &'static str {
    match currency.code() {
        "AUD" => "A$",
        "CAD" => "CA$",
        "CNY" => "CN¥",
        "EUR" => "€",
        "GBP" => "£",
        "HKD" => "HK$",
        "IDR" => "Rp",
        "INR" => "₹",
        "JPY" => "JP¥",
        "KRW" => "₩",
        "MYR" => "RM",
        "NZD" => "NZ$",
        "PHP" => "₱",
        "SGD" => "S$",
        "THB" => "฿",
        "TWD" => "NT$",
        "USD" => "US$",
        "VND" => "₫",
        code => code,
    }
}
