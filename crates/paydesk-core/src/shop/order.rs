//! Orders: what somebody wants to buy, and what it costs.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::directory::{Entry, EntryKind};
use crate::given::Given;
use crate::id::{OrderId, ProviderAccountId, SessionId, UserId};
use crate::money::{Currency, Money};
use crate::number::Number;
use crate::store::{ClaimKey, NameSpace};
use crate::tenant::Tenant;
use crate::time::Timestamp;

/// An order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Whose.
    pub tenant: Tenant,
    /// Grows by one with each change, from 1.
    pub version: u64,
    /// Who ordered; nobody known if the merchant did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Where it is kept.
    pub storage: Storage,
    /// Which form was filled in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// What was filled in; comes back as given.
    #[serde(default, skip_serializing_if = "Given::is_null")]
    pub form_data: Given,
    /// Through which account it is paid.
    pub account: ProviderAccountId,
    /// What the shop called that account when it ordered.
    pub account_identifier: String,
    /// What is ordered; never empty. Prices are those of the time of ordering.
    pub lines: Vec<OrderLine>,
    /// What all of it costs.
    pub total: Money,
    /// Since when it is paid; then its session is the one that paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid: Option<Paid>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A place where a shop keeps orders of a kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Storage {
    /// Its id: the same for all orders that are kept there.
    pub id: Uuid,
    /// What the shop calls it.
    pub marker: String,
}

impl Storage {
    /// Under what the id of a storage is found.
    #[must_use]
    pub fn key(marker: &str) -> ClaimKey {
        ClaimKey::Name {
            space: NameSpace::Storage,
            name: marker.to_owned(),
        }
    }
}

/// So many of a product.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderLine {
    /// The merchant's own number of the product.
    pub product: u64,
    /// What payers read.
    pub title: String,
    /// What one costs.
    pub price: Money,
    /// How many.
    pub quantity: u32,
}

/// That an order is paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Paid {
    /// Since when.
    pub at: Timestamp,
    /// By which session.
    pub session: SessionId,
}

/// Why lines have no total.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotInOneSum {
    /// The line of this place is in another currency than those before.
    Mixed {
        /// Which line, from 0.
        index: usize,
        /// The currency of those before.
        expected: Currency,
    },
    /// The sum has too many digits.
    TooLarge,
    /// There are no lines.
    Empty,
}

/// What lines cost together: exact, or nothing.
pub fn total(lines: &[OrderLine]) -> Result<Money, NotInOneSum> {
    let first = lines.first().ok_or(NotInOneSum::Empty)?;
    let expected = first.price.currency();
    let mut total = Money::zero(expected);
    for (index, line) in lines.iter().enumerate() {
        if line.price.currency() != expected {
            return Err(NotInOneSum::Mixed { index, expected });
        }
        total = line
            .total()
            .and_then(|line| total.checked_add(line))
            .ok_or(NotInOneSum::TooLarge)?;
    }
    Ok(total)
}

impl OrderLine {
    /// What it costs; nothing if that has too many digits.
    #[must_use]
    pub fn total(&self) -> Option<Money> {
        self.price.checked_times(self.quantity)
    }
}

impl Order {
    /// Its number, for clients that take no other id.
    #[must_use]
    pub const fn number(&self) -> Number {
        Number::of(self.id.0)
    }

    /// What the one live or successful session of an order holds.
    #[must_use]
    pub fn live_session(id: OrderId) -> ClaimKey {
        ClaimKey::Name {
            space: NameSpace::LiveOrder,
            name: id.to_string(),
        }
    }

    /// In which list the orders of a user in a storage are.
    #[must_use]
    pub fn group_of(user: Option<UserId>, marker: &str) -> String {
        match user {
            Some(user) => format!("{user}/{marker}"),
            None => format!("/{marker}"),
        }
    }

    /// The same order, paid.
    #[must_use]
    pub fn paid_by(self, session: SessionId, at: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            paid: Some(Paid { at, session }),
            updated_at: at,
            ..self
        }
    }
}

impl Entry for Order {
    const KIND: EntryKind = EntryKind::Order;

    fn tenant(&self) -> Tenant {
        self.tenant
    }

    fn id(&self) -> Uuid {
        self.id.0
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn group(&self) -> Option<String> {
        Some(Self::group_of(self.user, &self.storage.marker))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::MAX_MINOR;

    fn line(minor: i64, code: &str, quantity: u32) -> OrderLine {
        OrderLine {
            product: 1,
            title: "Tea".into(),
            price: Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap(),
            quantity,
        }
    }

    #[test]
    fn lines_of_two_currencies_have_no_total() {
        let lines = [
            line(100, "USD", 1),
            line(100, "USD", 1),
            line(100, "JPY", 1),
        ];
        let expected = Currency::from_code("USD").unwrap();
        assert_eq!(
            total(&lines),
            Err(NotInOneSum::Mixed { index: 2, expected })
        );
        assert_eq!(total(&[]), Err(NotInOneSum::Empty));
    }

    #[test]
    fn a_total_never_overflows_silently() {
        for lines in [
            vec![line(MAX_MINOR, "USD", 2)],
            vec![line(MAX_MINOR, "USD", u32::MAX)],
            vec![line(MAX_MINOR, "USD", 1), line(1, "USD", 1)],
        ] {
            assert_eq!(total(&lines), Err(NotInOneSum::TooLarge), "{lines:?}");
        }
        let most = total(&[line(MAX_MINOR - 1, "USD", 1), line(1, "USD", 1)]);
        assert_eq!(most.map(Money::minor), Ok(MAX_MINOR));
    }

    /// Decimal numbers as they are added and multiplied on paper: digits, the lowest first.
    #[derive(Clone, PartialEq, Debug)]
    struct Paper(Vec<u8>);

    impl Paper {
        /// Of a text in major units with so many decimals.
        fn read(text: &str) -> Self {
            let digits = text.bytes().rev().filter(u8::is_ascii_digit);
            Self(digits.map(|digit| digit - b'0').collect()).trimmed()
        }

        fn trimmed(mut self) -> Self {
            while self.0.last() == Some(&0) {
                self.0.pop();
            }
            self
        }

        fn plus(&self, other: &Self) -> Self {
            let (mut sum, mut carry) = (Vec::new(), 0);
            for at in 0..=self.0.len().max(other.0.len()) {
                let of = |one: &Self| one.0.get(at).copied().unwrap_or(0);
                let digit = of(self) + of(other) + carry;
                sum.push(digit % 10);
                carry = digit / 10;
            }
            Self(sum).trimmed()
        }

        fn times(&self, by: &Self) -> Self {
            let mut product = Self(Vec::new());
            for (zeros, digit) in by.0.iter().enumerate() {
                for _ in 0..*digit {
                    let mut row = vec![0; zeros];
                    row.extend(&self.0);
                    product = product.plus(&Self(row));
                }
            }
            product
        }
    }

    proptest! {
        #[test]
        fn a_total_is_what_paper_says(
            code in prop::sample::select(vec!["JPY", "USD", "KWD"]),
            prices in prop::collection::vec((0..=99_999_999_999_i64, 1..=1_000_u32), 1..20),
        ) {
            let lines: Vec<_> = prices
                .iter()
                .map(|(minor, quantity)| line(*minor, code, *quantity))
                .collect();
            let mut expected = Paper(Vec::new());
            for line in &lines {
                let price = Paper::read(&line.price.to_major());
                let quantity = Paper::read(&line.quantity.to_string());
                expected = expected.plus(&price.times(&quantity));
            }
            match total(&lines) {
                Ok(total) => {
                    prop_assert_eq!(Paper::read(&total.to_major()), expected);
                    prop_assert_eq!(total.currency().code(), code);
                    // A client that reads the number as a double writes the same digits back.
                    let double: f64 = total.to_major_number().parse().unwrap();
                    prop_assert_eq!(double.to_string(), total.to_major_number());
                }
                Err(error) => {
                    prop_assert_eq!(error, NotInOneSum::TooLarge);
                    prop_assert!(expected.0.len() > 15, "{expected:?}");
                }
            }
        }
    }
}
