//! Lists: which records they show ([`SessionFilter`] and its like), in which order, and which [`Page`] of them.
//!
//! What a filter shows and how a page is cut out is said here once, in plain Rust. A store answers the same by its
//! indexes; the conformance suite holds it against these.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::delivery::Delivery;
use crate::event::Event;
use crate::payment_method::PaymentMethod;
use crate::session::Session;
use crate::transaction::Transaction;

mod filter;

pub use filter::{
    DeliveryFilter, DeliveryStateName, EventFilter, PaymentMethodFilter, SessionFilter,
    TransactionFilter,
};

/// What a list is sorted by. Records of which it is the same come in the order of their ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// When it was made: its id, which is time-ordered.
    #[default]
    Created,
    /// When it last changed.
    Updated,
    /// How much it is for, in minor units, whatever the currency; see [`Session::amount_asked`].
    Amount,
}

/// In which order a list comes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Sorted by this,
    pub by: By,
    /// the largest first.
    pub descending: bool,
}

impl Order {
    /// The latest made first; what every list is in unless asked otherwise.
    pub const NEWEST: Self = Self {
        by: By::Created,
        descending: true,
    };
    /// The first made first.
    pub const OLDEST: Self = Self {
        by: By::Created,
        descending: false,
    };

    /// The other way round.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            by: self.by,
            descending: !self.descending,
        }
    }

    /// Which of two marks comes first.
    #[must_use]
    pub fn compare(self, one: Mark, other: Mark) -> Ordering {
        if self.descending {
            other.cmp(&one)
        } else {
            one.cmp(&other)
        }
    }
}

impl Default for Order {
    fn default() -> Self {
        Self::NEWEST
    }
}

/// Where a record stands in a list. The record itself need not be there any more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// What the list is sorted by: milliseconds, or minor units; 0 for [`By::Created`], where the id says it all.
    pub key: i64,
    /// The record's id.
    pub id: Uuid,
}

impl Mark {
    /// In a list [by creation](By::Created).
    #[must_use]
    pub const fn of(id: Uuid) -> Self {
        Self { key: 0, id }
    }
}

/// A record that lists show.
pub trait Listed {
    /// Where it stands in a list that is sorted by this.
    fn mark(&self, by: By) -> Mark;
}

impl<T: Listed> Listed for &T {
    fn mark(&self, by: By) -> Mark {
        (*self).mark(by)
    }
}

macro_rules! listed {
    ($($record:ty: |$it:ident| $updated:expr, $amount:expr;)*) => {$(
        impl Listed for $record {
            fn mark(&self, by: By) -> Mark {
                let $it = self;
                let key = match by {
                    By::Created => 0,
                    By::Updated => $updated.as_millis(),
                    By::Amount => $amount,
                };
                Mark { key, id: $it.id.0 }
            }
        }
    )*};
}

listed! {
    Session: |it| it.updated_at, it.amount_asked();
    Transaction: |it| it.updated_at, it.amount.minor();
    PaymentMethod: |it| it.updated_at, 0;
    Event: |it| it.at, 0;
    Delivery: |it| it.updated_at, 0;
}

/// From where in a list a page is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Place {
    /// The first ones.
    #[default]
    First,
    /// Those that follow this place.
    After(Mark),
    /// Those up to this place: the nearest to it.
    Before(Mark),
    /// The last ones.
    Last,
}

/// A page of a list. Whatever its place, what it shows comes in the list's order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// In which order the list comes.
    pub order: Order,
    /// From where.
    pub place: Place,
    /// Without so many from there: for callers that count. It costs as much as walking past them.
    pub skip: usize,
    /// At most so many.
    pub limit: usize,
}

impl Page {
    /// The newest so many.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self {
            order: Order::NEWEST,
            place: Place::First,
            skip: 0,
            limit,
        }
    }

    /// In another order.
    #[must_use]
    pub const fn ordered(self, order: Order) -> Self {
        Self { order, ..self }
    }

    /// From another place.
    #[must_use]
    pub const fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// After a record, if one is given.
    #[must_use]
    pub fn after(self, mark: Option<Mark>) -> Self {
        self.at(mark.map_or(Place::First, Place::After))
    }

    /// Without so many from there.
    #[must_use]
    pub const fn skipping(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    /// How to find it by walking in one direction only.
    #[must_use]
    pub const fn walk(self) -> Walk {
        let (order, after, reversed) = match self.place {
            Place::First => (self.order, None, false),
            Place::After(mark) => (self.order, Some(mark), false),
            Place::Before(mark) => (self.order.reversed(), Some(mark), true),
            Place::Last => (self.order.reversed(), None, true),
        };
        Walk {
            order,
            after,
            reversed,
            skip: self.skip,
            limit: self.limit,
        }
    }

    /// Cuts the page out of a list that is all there, in any order.
    #[must_use]
    pub fn cut<T: Listed>(self, list: impl IntoIterator<Item = T>) -> Vec<T> {
        let walk = self.walk();
        let mut kept: Vec<(Mark, T)> = list
            .into_iter()
            .map(|record| (record.mark(walk.order.by), record))
            .filter(|(mark, _)| walk.passes(*mark))
            .collect();
        kept.sort_by(|(one, _), (other, _)| walk.order.compare(*one, *other));
        let page = kept.into_iter().skip(walk.skip).take(walk.limit);
        walk.in_order(page.map(|(_, record)| record).collect())
    }
}

/// A page as a walk: from the first record that follows `after` in this order, past `skip`, up to `limit`; and what
/// was found the other way round, if it was `reversed`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Walk {
    /// In which order the walk goes.
    pub order: Order,
    /// After which place.
    pub after: Option<Mark>,
    /// Whether that is the list's order the other way round.
    pub reversed: bool,
    /// How many to pass.
    pub skip: usize,
    /// How many to find.
    pub limit: usize,
}

impl Walk {
    /// Whether the walk comes by this place.
    #[must_use]
    pub fn passes(&self, mark: Mark) -> bool {
        self.after
            .is_none_or(|after| self.order.compare(after, mark) == Ordering::Less)
    }

    /// What was found, in the list's order.
    #[must_use]
    pub fn in_order<T>(&self, mut found: Vec<T>) -> Vec<T> {
        if self.reversed {
            found.reverse();
        }
        found
    }
}

/// Bounds, both within.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Within<T> {
    /// Not below this one.
    pub least: Option<T>,
    /// Not above this one.
    pub most: Option<T>,
}

impl<T> Within<T> {
    /// No bounds.
    pub const ANY: Self = Self {
        least: None,
        most: None,
    };
}

impl<T: PartialOrd> Within<T> {
    /// Whether there are no bounds.
    #[must_use]
    pub const fn is_any(&self) -> bool {
        self.least.is_none() && self.most.is_none()
    }

    /// Whether this is within.
    #[must_use]
    pub fn holds(&self, value: T) -> bool
    where
        T: Copy,
    {
        self.least.is_none_or(|least| value >= least) && self.most.is_none_or(|most| value <= most)
    }
}

impl<T> Default for Within<T> {
    fn default() -> Self {
        Self::ANY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Number(u8);

    impl Listed for Number {
        fn mark(&self, by: By) -> Mark {
            let id = Uuid::from_u128(self.0.into());
            let key = if by == By::Amount {
                i64::from(self.0 / 2)
            } else {
                0
            };
            Mark { key, id }
        }
    }

    fn cut(page: Page) -> Vec<u8> {
        let numbers = [3, 1, 5, 2, 4].map(Number);
        page.cut(numbers)
            .into_iter()
            .map(|number| number.0)
            .collect()
    }

    #[test]
    fn a_page_comes_in_the_lists_order_wherever_it_is() {
        let page = Page::first(2);
        let three = Mark::of(Uuid::from_u128(3));
        assert_eq!(cut(page), [5, 4]);
        assert_eq!(cut(page.skipping(1)), [4, 3]);
        assert_eq!(cut(page.at(Place::After(three))), [2, 1]);
        assert_eq!(cut(page.at(Place::Before(three))), [5, 4]);
        assert_eq!(cut(page.at(Place::Last)), [2, 1]);
        assert_eq!(cut(page.at(Place::Last).skipping(1)), [3, 2]);
        assert_eq!(cut(page.ordered(Order::OLDEST)), [1, 2]);
        let oldest = page.ordered(Order::OLDEST);
        assert_eq!(cut(oldest.at(Place::After(three))), [4, 5]);
        assert_eq!(cut(oldest.at(Place::Last)), [4, 5]);
        assert_eq!(cut(Page::first(0)), [0; 0]);
    }

    #[test]
    fn what_is_the_same_comes_in_the_order_of_ids() {
        let by_amount = |descending| Order {
            by: By::Amount,
            descending,
        };
        let page = Page::first(9);
        assert_eq!(cut(page.ordered(by_amount(true))), [5, 4, 3, 2, 1]);
        let three = Number(3).mark(By::Amount);
        let after = page.at(Place::After(three));
        assert_eq!(cut(after.ordered(by_amount(false))), [4, 5]);
        assert_eq!(cut(after.ordered(by_amount(true))), [2, 1]);
    }

    #[test]
    fn bounds_are_within() {
        let within = Within {
            least: Some(2),
            most: Some(4),
        };
        assert_eq!(
            (1..6).filter(|n| within.holds(*n)).collect::<Vec<_>>(),
            [2, 3, 4]
        );
        assert!(Within::ANY.holds(7) && Within::<i64>::ANY.is_any());
    }
}
