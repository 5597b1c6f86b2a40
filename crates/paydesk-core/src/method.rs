//! The ways to pay.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::time::Span;

macro_rules! methods {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $family:ident, $currency:expr;)*) => {
        /// A way to pay. Their names are XanPay's, which are the field's; `card` is ours.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Method {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl Method {
            /// All of them, in the order in which a page offers them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// How the payer pays with it.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

            /// The code of the only currency that it settles; nothing if it takes every currency.
            #[must_use]
            pub const fn currency_code(self) -> Option<&'static str> {
                match self { $(Self::$variant => $currency,)* }
            }
        }
    };
}

methods! {
    /// A card.
    Card = "card", Card, None;
    /// PayNow, Singapore.
    PayNow = "paynow", Qr, Some("SGD");
    /// PromptPay, Thailand.
    PromptPay = "prompt-pay", Qr, Some("THB");
    /// DuitNow, Malaysia.
    DuitNow = "duit-now", Qr, Some("MYR");
    /// Faster Payment System, Hong Kong.
    Fps = "fps", Qr, Some("HKD");
    /// `InstaPay`, Philippines.
    InstaPay = "instapay", BankTransfer, Some("PHP");
    /// Bank transfer in Hong Kong.
    HkBankTransfer = "hk-bank-transfer", BankTransfer, Some("HKD");
    /// Bank transfer in India.
    InBankTransfer = "in-bank-transfer", BankTransfer, Some("INR");
    /// Bank transfer in Indonesia.
    IdBankTransfer = "id-bank-transfer", BankTransfer, Some("IDR");
    /// Bank transfer in Australia.
    AuBankTransfer = "au-bank-transfer", BankTransfer, Some("AUD");
    /// Bank transfer in New Zealand.
    NzBankTransfer = "nz-bank-transfer", BankTransfer, Some("NZD");
    /// Viettel Pay, Vietnam.
    ViettelPay = "viettel-pay", Wallet, Some("VND");
    /// Gojek, Indonesia.
    GojekId = "gojek-id", Wallet, Some("IDR");
    /// Toss, South Korea.
    Toss = "toss", Wallet, Some("KRW");
}

/// How a payer pays with a method.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Family {
    /// The rail takes the money while the payer waits.
    Card,
    /// The payer's bank pushes it after scanning a code.
    Qr,
    /// The payer's bank pushes it to an account with a reference.
    BankTransfer,
    /// The payer confirms it in the wallet's own app or page.
    Wallet,
}

impl Family {
    /// Whether the payer's bank pushes the money, so that it may still come after nobody waits for it.
    #[must_use]
    pub const fn is_pushed(self) -> bool {
        matches!(self, Self::Qr | Self::BankTransfer)
    }

    /// How long a payment waits for the payer to push the money; nothing where it is not pushed.
    #[must_use]
    pub const fn push_lifetime(self) -> Option<Span> {
        match self {
            // Their rails know the outcome and can be told to let nothing more happen.
            Self::Card | Self::Wallet => None,
            Self::Qr => Some(Span::hours(1)),
            Self::BankTransfer => Some(Span::days(3)),
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a method of payment")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|method| method.name() == name)
            .ok_or(UnknownMethod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn every_method_is_found_by_its_name_and_settles_a_real_currency() {
        for &method in Method::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert!(
                method
                    .currency_code()
                    .is_none_or(|code| Currency::from_code(code).is_some())
            );
        }
        assert_eq!("PayNow".parse::<Method>(), Err(UnknownMethod));
    }
}
