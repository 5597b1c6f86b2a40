//! Lists: `?limit=1..100&after=<cursor>` in, `{"data": […], "nextCursor": …|null}` out, newest first.
//!
//! A cursor says where a page ended, and is signed together with the list, what it is narrowed to, and its owner: one
//! from another list or another merchant is refused by name, and nothing can be learnt by making one up.

use data_encoding::BASE64URL_NOPAD;
use paydesk_core::directory::{Entry, EntryPage};
use paydesk_core::engine::EngineError;
use paydesk_core::keys::{Purpose, ServerKeys};
use paydesk_core::list::{By, Listed, Mark, Page};
use paydesk_core::refusal::Refusal;
use paydesk_core::tenant::Tenant;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Asked, Problem, Reply};

/// How many a page has if nobody says.
pub const USUAL: usize = 30;
/// How many a page has at most.
pub const MOST: usize = 100;
const CODE: usize = 16;

/// What part of a list is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paging {
    /// The list's name and what it is narrowed to: what a cursor belongs to.
    pub list: String,
    /// At most so many.
    pub limit: usize,
    /// What the last page ended with, as [`Paging::cursor`] was given it.
    pub after: Option<Vec<u8>>,
}

impl Paging {
    pub(super) fn read(asked: &Asked, list: &'static str) -> Result<Self, Refusal> {
        let list = narrowed(list, &asked.query);
        let limit = match asked.query("limit") {
            None => USUAL,
            Some(text) => text
                .parse()
                .ok()
                .filter(|limit| (1..=MOST).contains(limit))
                .ok_or_else(|| Refusal::field("limit", "is not a number from 1 to 100"))?,
        };
        let after = match asked.query("after") {
            None => None,
            Some(text) => Some(
                opened(text, asked.app.engine.keys(), &list, asked.tenant()).ok_or_else(|| {
                    Refusal::field(
                        "after",
                        "is not a cursor of this list: give the nextCursor of its last page, and the same filters",
                    )
                })?,
            ),
        };
        Ok(Self { list, limit, after })
    }

    /// The cursor that leads to what comes after `position`.
    #[must_use]
    pub fn cursor(&self, asked: &Asked, position: &[u8]) -> String {
        sealed(
            position,
            asked.app.engine.keys(),
            &self.list,
            asked.tenant(),
        )
    }

    /// The page of a store's list, newest first: one more than [`Self::limit`], which tells whether there is a next
    /// page. To be answered by [`Asked::page_of`].
    pub fn newest(&self) -> Result<Page, Refusal> {
        let after = self.after_id()?.map(Mark::of);
        Ok(Page::first(self.limit + 1).after(after))
    }

    fn after_id(&self) -> Result<Option<Uuid>, Refusal> {
        self.after
            .as_deref()
            .map(|bytes| {
                Uuid::from_slice(bytes)
                    .map_err(|_| Refusal::field("after", "is not a cursor of this list"))
            })
            .transpose()
    }
}

/// The list's name, and in few letters what it is narrowed to, in whatever order that was said.
fn narrowed(list: &str, query: &[(String, String)]) -> String {
    let paging = ["limit", "after"];
    let mut filters: Vec<_> = query
        .iter()
        .filter(|(name, _)| !paging.contains(&name.as_str()))
        .collect();
    filters.sort_unstable();
    let mut hash = Sha256::new();
    for (name, value) in filters {
        for part in [name, value] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
    }
    format!("{list}?{}", BASE64URL_NOPAD.encode(&hash.finalize()))
}

/// The code's parts: which list, whose, and where.
fn signed_parts<'p>(
    list: &'p str,
    tenant: &'p Tenant,
    mode: &'p [u8; 1],
    position: &'p [u8],
) -> [&'p [u8]; 5] {
    [
        list.as_bytes(),
        b"/",
        tenant.merchant.0.as_bytes(),
        mode,
        position,
    ]
}

fn sealed(position: &[u8], keys: &ServerKeys, list: &str, tenant: Tenant) -> String {
    let mode = [u8::from(tenant.mode.is_live())];
    let code = keys.sign(
        Purpose::Cursor,
        &signed_parts(list, &tenant, &mode, position),
    );
    let mut bytes = vec![keys.current()];
    bytes.extend_from_slice(position);
    bytes.extend_from_slice(&code);
    BASE64URL_NOPAD.encode(&bytes)
}

fn opened(text: &str, keys: &ServerKeys, list: &str, tenant: Tenant) -> Option<Vec<u8>> {
    let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
    let (&version, rest) = bytes.split_first()?;
    let (position, code) = rest.split_last_chunk::<CODE>()?;
    let mode = [u8::from(tenant.mode.is_live())];
    let parts = signed_parts(list, &tenant, &mode, position);
    keys.verify(version, Purpose::Cursor, &parts, code)
        .then(|| position.to_vec())
}

/// A page of a list as it is written.
#[derive(Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PageOut<T> {
    /// What was found, newest first.
    pub data: Vec<T>,
    /// What `after` takes to go on; null at the end.
    pub next_cursor: Option<String>,
}

impl Asked {
    /// Answers with a page: `found` holds one more than [`Paging::limit`] if there is a next page. Each is written by
    /// `write`; `position` tells where it stands in the list.
    pub fn page<'t, T, O: Serialize>(
        &self,
        paging: &Paging,
        found: &'t [T],
        position: impl Fn(&T) -> Vec<u8>,
        write: impl FnMut(&'t T) -> O,
    ) -> Reply {
        let shown = found.get(..paging.limit).unwrap_or(found);
        let next_cursor = (found.len() > shown.len())
            .then(|| shown.last())
            .flatten()
            .map(|last| paging.cursor(self, &position(last)));
        let page = PageOut {
            data: shown.iter().map(write).collect(),
            next_cursor,
        };
        Reply::list(&page, shown.len())
    }

    /// Answers with a page of a store's list, newest first, as [`Paging::newest`] asked for it.
    pub fn page_of<'t, T: Listed, O: Serialize>(
        &self,
        paging: &Paging,
        found: &'t [T],
        write: impl FnMut(&'t T) -> O,
    ) -> Reply {
        let id = |one: &T| one.mark(By::Created).id.as_bytes().to_vec();
        self.page(paging, found, id, write)
    }

    /// A page of the directory, of all entries of a kind or of those of a group: to be answered by
    /// [`Asked::page_of_entries`].
    pub async fn entries<E: Entry>(
        &self,
        paging: &Paging,
        group: Option<&str>,
    ) -> Result<Vec<E>, Problem> {
        let page = EntryPage {
            group,
            after: paging.after_id()?,
            skip: 0,
            limit: paging.limit + 1,
        };
        let store = self.app.engine.store();
        let found = store.list(self.tenant(), page).await;
        Ok(found.map_err(EngineError::from)?)
    }

    /// Answers with a page of the directory.
    pub fn page_of_entries<'t, E: Entry, O: Serialize>(
        &self,
        paging: &Paging,
        found: &'t [E],
        write: impl FnMut(&'t E) -> O,
    ) -> Reply {
        self.page(paging, found, |entry| entry.id().as_bytes().to_vec(), write)
    }
}

#[cfg(test)]
mod tests {
    use paydesk_core::id::{MerchantId, SeededIds};
    use paydesk_core::tenant::Mode;

    use super::*;

    #[test]
    fn a_list_is_another_when_it_is_narrowed_otherwise() {
        let query = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            let owned: Vec<_> = pairs
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect();
            narrowed("sessions", &owned)
        };
        let all = query(&[]);
        assert_eq!(query(&[("limit", "3"), ("after", "x")]), all);
        let two = query(&[("status", "created"), ("kind", "payment")]);
        assert_eq!(
            query(&[("kind", "payment"), ("limit", "1"), ("status", "created")]),
            two
        );
        let others = [
            all,
            two,
            query(&[("status", "created")]),
            query(&[("status", "createdkindpayment")]),
            query(&[("statusc", "reated")]),
            narrowed("transactions", &[]),
        ];
        let different: std::collections::HashSet<_> = others.iter().collect();
        assert_eq!(different.len(), others.len());
    }

    #[test]
    fn a_cursor_counts_only_in_its_list_for_its_owner() {
        let ids = SeededIds::new(1);
        let keys = ServerKeys::generate(&ids);
        let tenant = |merchant, mode| Tenant {
            merchant: MerchantId(Uuid::from_u128(merchant)),
            mode,
        };
        let own = tenant(1, Mode::Test);
        let cursor = sealed(b"here", &keys, "sessions", own);
        assert_eq!(
            opened(&cursor, &keys, "sessions", own).as_deref(),
            Some(&b"here"[..])
        );
        for (list, whose) in [
            ("transactions", own),
            ("session", own),
            ("sessions", tenant(2, Mode::Test)),
            ("sessions", tenant(1, Mode::Live)),
        ] {
            assert_eq!(
                opened(&cursor, &keys, list, whose),
                None,
                "{list} {whose:?}"
            );
        }
        let mut other = cursor.clone();
        other.replace_range(3..4, if &cursor[3..4] == "A" { "B" } else { "A" });
        for wrong in [other.as_str(), "", "A", "!", &cursor[1..]] {
            assert_eq!(opened(wrong, &keys, "sessions", own), None, "{wrong}");
        }
        let rotated = keys.rotated(&ids).unwrap();
        assert!(
            opened(&cursor, &rotated, "sessions", own).is_some(),
            "an old one lives on"
        );
    }
}
