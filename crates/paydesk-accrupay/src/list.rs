//! Lists as the vendor cuts them: by counting (`skip`, `take`) or by places (`first`/`after`, `last`/`before`), sorted by
//! one field, with an exact total.

use async_graphql::InputObject;
use data_encoding::BASE64URL_NOPAD;
use paydesk_core::list::{By, Mark, Order, Page, Place};
use uuid::Uuid;

use crate::connection::{Connection, Edge, PageInfo};
use crate::fault::Fault;
use crate::names::SortOrder;
use crate::scalar::Cursor;

/// How many a page has unless it is said.
const USUAL: usize = 20;
/// As many as a page may have.
pub const MOST: usize = 100;
/// As many as may be passed by counting.
const FARTHEST: usize = 1_000_000;

/// A field to sort by.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "SortingFieldSchema")]
pub struct Sorting {
    /// `createdAt`, `updatedAt` or `amount`.
    pub field: String,
    /// In which direction.
    pub order: SortOrder,
}

/// The arguments of a list that are about its page.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// Without so many.
    pub skip: Option<i32>,
    /// So many at most.
    pub take: Option<i32>,
    /// So many at most, from the beginning or after a place.
    pub first: Option<i32>,
    /// After this place.
    pub after: Option<Cursor>,
    /// So many at most, up to the end or before a place.
    pub last: Option<i32>,
    /// Before this place.
    pub before: Option<Cursor>,
    /// Sorted by this.
    pub sorting: Option<Vec<Sorting>>,
}

/// As many as one page of a list costs at most, for bounding what a request may ask.
#[must_use]
pub fn cost(take: Option<i32>, first: Option<i32>, last: Option<i32>) -> usize {
    let asked = take.or(first).or(last);
    asked.map_or(USUAL, |asked| {
        usize::try_from(asked).unwrap_or(MOST).clamp(1, MOST)
    })
}

/// A page to be cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    page: Page,
    limit: usize,
}

impl Paging {
    /// What page that is.
    pub fn cut(&self) -> Result<Cut, Fault> {
        let together = |one: &str, other: &str| {
            Fault::argument(one, format!("is given beside {other}; give one of them"))
        };
        let limit = match (self.take, self.first, self.last) {
            (Some(_), Some(_), _) => return Err(together("take", "first")),
            (Some(_), None, Some(_)) => return Err(together("take", "last")),
            (None, Some(_), Some(_)) => return Err(together("first", "last")),
            (Some(take), None, None) => bounded("take", take, MOST)?,
            (None, Some(first), None) => bounded("first", first, MOST)?,
            (None, None, Some(last)) => bounded("last", last, MOST)?,
            (None, None, None) => USUAL,
        };
        let order = self.order()?;
        let place = match (&self.after, &self.before) {
            (Some(_), Some(_)) => return Err(together("after", "before")),
            (Some(_), None) if self.last.is_some() => return Err(together("after", "last")),
            (None, Some(_)) if self.first.is_some() => return Err(together("before", "first")),
            (Some(after), None) => Place::After(read("after", after, order.by)?),
            (None, Some(before)) => Place::Before(read("before", before, order.by)?),
            (None, None) if self.last.is_some() => Place::Last,
            (None, None) => Place::First,
        };
        let skip = bounded("skip", self.skip.unwrap_or_default(), FARTHEST)?;
        Ok(Cut {
            page: Page {
                order,
                place,
                skip,
                limit,
            },
            limit,
        })
    }

    fn order(&self) -> Result<Order, Fault> {
        let sorting = self.sorting.as_deref().unwrap_or_default();
        let [only] = sorting else {
            return if sorting.is_empty() {
                Ok(Order::NEWEST)
            } else {
                Err(Fault::argument(
                    "sorting",
                    "has more than one field; a list is sorted by one, and what is the same by time",
                ))
            };
        };
        let by = match only.field.as_str() {
            "createdAt" => By::Created,
            "updatedAt" => By::Updated,
            "amount" => By::Amount,
            _ => {
                return Err(Fault::argument(
                    "sorting[0].field",
                    "is not one of createdAt, updatedAt, amount",
                ));
            }
        };
        Ok(Order {
            by,
            descending: only.order == SortOrder::Desc,
        })
    }
}

fn bounded(name: &str, number: i32, most: usize) -> Result<usize, Fault> {
    usize::try_from(number)
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| Fault::argument(name, format!("is not a number from 0 to {most}")))
}

impl Cut {
    /// What to read: one more than is shown, which tells whether there are more.
    #[must_use]
    pub fn page(self) -> Page {
        Page {
            limit: self.limit + 1,
            ..self.page
        }
    }

    /// Where a record stands, by what the list is sorted by.
    #[must_use]
    pub const fn by(self) -> By {
        self.page.order.by
    }

    /// Whether the page is found from its end.
    const fn is_backward(self) -> bool {
        matches!(self.page.place, Place::Before(_) | Place::Last)
    }

    /// The records that are shown, of those that [`Cut::page`] found, and whether there are more.
    pub fn keep<R>(self, mut found: Vec<R>) -> (Vec<R>, bool) {
        let more = found.len() > self.limit;
        if more && self.is_backward() {
            found.remove(0);
        }
        found.truncate(self.limit);
        (found, more)
    }

    /// The answer: these nodes, at these places.
    pub fn connection<T>(self, nodes: Vec<(Mark, T)>, more: bool, total: u64) -> Connection<T> {
        let by = self.by();
        let edges: Vec<Edge<T>> = nodes
            .into_iter()
            .map(|(mark, node)| Edge {
                cursor: write(mark, by),
                node,
            })
            .collect();
        let left_behind = match self.page.place {
            Place::First | Place::Last => self.page.skip > 0,
            Place::After(_) | Place::Before(_) => true,
        };
        let (has_next_page, has_previous_page) = if self.is_backward() {
            (left_behind, more)
        } else {
            (more, left_behind)
        };
        Connection {
            page_info: PageInfo {
                start_cursor: edges.first().map(|edge| edge.cursor.0.clone()),
                end_cursor: edges.last().map(|edge| edge.cursor.0.clone()),
                has_next_page,
                has_previous_page,
            },
            edges,
            total: i32::try_from(total).unwrap_or(i32::MAX),
        }
    }
}

fn number(by: By) -> u8 {
    match by {
        By::Created => 1,
        By::Updated => 2,
        By::Amount => 3,
    }
}

fn write(mark: Mark, by: By) -> Cursor {
    let mut bytes = vec![number(by)];
    bytes.extend(mark.key.to_be_bytes());
    bytes.extend(mark.id.as_bytes());
    Cursor(BASE64URL_NOPAD.encode(&bytes))
}

fn read(name: &str, cursor: &Cursor, by: By) -> Result<Mark, Fault> {
    let not_one = || Fault::argument(name, "is not a cursor that this list gave");
    let bytes = BASE64URL_NOPAD
        .decode(cursor.0.as_bytes())
        .map_err(|_| not_one())?;
    let (sorted, rest) = bytes.split_first().ok_or_else(not_one)?;
    let (key, id) = rest.split_first_chunk::<8>().ok_or_else(not_one)?;
    let id = Uuid::from_slice(id).map_err(|_| not_one())?;
    if *sorted != number(by) {
        return Err(Fault::argument(
            name,
            "is a cursor of a list that is sorted otherwise",
        ));
    }
    Ok(Mark {
        key: i64::from_be_bytes(*key),
        id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(paging: &Paging) -> String {
        paging.cut().unwrap_err().message
    }

    #[test]
    fn a_cursor_is_good_in_the_list_that_gave_it() {
        let mark = Mark {
            key: -7,
            id: Uuid::from_u128(42),
        };
        let cursor = write(mark, By::Amount);
        assert_eq!(read("after", &cursor, By::Amount).unwrap(), mark);
        assert!(read("after", &cursor, By::Created).is_err());
        for wrong in ["", "x", "☃", "AAAA", &"A".repeat(34), &"A".repeat(1_000)] {
            assert!(read("after", &Cursor(wrong.to_owned()), By::Created).is_err());
        }
    }

    #[test]
    fn a_page_is_asked_for_in_one_way() {
        let cut = Paging::default().cut().unwrap();
        assert_eq!((cut.limit, cut.page.place), (USUAL, Place::First));
        let cursor = || Some(write(Mark::of(Uuid::nil()), By::Created));
        for (paging, argument) in [
            (
                Paging {
                    take: Some(1),
                    first: Some(1),
                    ..Paging::default()
                },
                "take ",
            ),
            (
                Paging {
                    take: Some(1),
                    last: Some(1),
                    ..Paging::default()
                },
                "take ",
            ),
            (
                Paging {
                    first: Some(1),
                    last: Some(1),
                    ..Paging::default()
                },
                "first ",
            ),
            (
                Paging {
                    after: cursor(),
                    before: cursor(),
                    ..Paging::default()
                },
                "after ",
            ),
            (
                Paging {
                    after: cursor(),
                    last: Some(1),
                    ..Paging::default()
                },
                "after ",
            ),
            (
                Paging {
                    before: cursor(),
                    first: Some(1),
                    ..Paging::default()
                },
                "before ",
            ),
            (
                Paging {
                    take: Some(-1),
                    ..Paging::default()
                },
                "take ",
            ),
            (
                Paging {
                    take: Some(101),
                    ..Paging::default()
                },
                "take ",
            ),
            (
                Paging {
                    skip: Some(-1),
                    ..Paging::default()
                },
                "skip ",
            ),
            (
                Paging {
                    after: Some(Cursor("x".into())),
                    ..Paging::default()
                },
                "after ",
            ),
        ] {
            let message = refused(&paging);
            assert!(message.starts_with(argument), "{message}");
        }
    }

    #[test]
    fn a_list_is_sorted_by_one_known_field() {
        let by = |field: &str| Sorting {
            field: field.to_owned(),
            order: SortOrder::Asc,
        };
        let sorted = |sorting: Vec<Sorting>| Paging {
            sorting: Some(sorting),
            ..Paging::default()
        };
        let cut = sorted(vec![by("amount")]).cut().unwrap();
        assert_eq!(cut.by(), By::Amount);
        assert!(refused(&sorted(vec![by("token")])).starts_with("sorting[0].field "));
        assert!(refused(&sorted(vec![by("amount"), by("createdAt")])).starts_with("sorting "));
    }

    #[test]
    fn one_more_than_is_shown_tells_that_there_are_more() {
        let cut = |paging: Paging| paging.cut().unwrap();
        let forward = cut(Paging {
            first: Some(2),
            ..Paging::default()
        });
        assert_eq!(forward.keep(vec![1, 2, 3]), (vec![1, 2], true));
        assert_eq!(forward.keep(vec![1, 2]), (vec![1, 2], false));
        let backward = cut(Paging {
            last: Some(2),
            ..Paging::default()
        });
        assert_eq!(backward.keep(vec![1, 2, 3]), (vec![2, 3], true));
    }
}
