//! The directory: the small records around sessions and money, such as customers, products, orders and
//! endpoints.
//!
//! What is hot or moves money has reads and indexes of its own in the [store port](crate::store). These do not need
//! them: all are found by id, by a [name](crate::store::ClaimKey::Name), or in a list of their kind, newest first.
//! So a store keeps them in one table, and a new kind costs no store anything.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::store::{Record, Store, Unavailable};
use crate::tenant::Tenant;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal;)*) => {
        /// What kind of entry it is. The numbers are stored: they never change.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum EntryKind {
            $($(#[$doc])* $variant = $number,)*
        }
        impl EntryKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
            /// The number that is stored.
            #[must_use]
            pub const fn number(self) -> i64 {
                self as i64
            }
        }
    };
}

kinds! {
    /// Who pays, as the merchant knows them.
    Customer = 1;
    /// What can be ordered.
    Product = 2;
    /// What was ordered.
    Order = 3;
    /// Who signs in at a merchant's shop.
    User = 4;
    /// What a signed-in user holds.
    SignIn = 5;
    /// Where a merchant's events are sent.
    Endpoint = 6;
    /// Money that a bank reported.
    BankTransfer = 7;
    /// How far a merchant's test time is ahead.
    TestClock = 8;
    /// A merchant's restricted key, as its owner sees it.
    RestrictedKey = 9;
    /// Where orders of a kind are kept.
    OrderStorage = 10;
    /// How a shop uses an account on a rail.
    AccountSettings = 11;
    /// A payment that waits for pushed money, in the list of its account and amount.
    AwaitedPayment = 20;
}

/// A kind of record that the directory keeps.
pub trait Entry: Serialize + DeserializeOwned + Send + Sync {
    /// Its kind.
    const KIND: EntryKind;
    /// Whose.
    fn tenant(&self) -> Tenant;
    /// Its id; time-ordered, for lists come newest first.
    fn id(&self) -> Uuid;
    /// Grows by one with each change, from 1.
    fn version(&self) -> u64;
    /// The list that it is in, beside that of all of its kind: the orders of a user, say. May change.
    fn group(&self) -> Option<String> {
        None
    }
}

/// An entry as a store keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredEntry {
    /// Whose.
    pub tenant: Tenant,
    /// What it is.
    pub kind: EntryKind,
    /// Its id.
    pub id: Uuid,
    /// See [`Entry::version`].
    pub version: u64,
    /// See [`Entry::group`].
    pub group: Option<String>,
    /// The entry as JSON; nothing: it is removed, and its id is as if it had never been used.
    pub doc: Option<Arc<str>>,
}

impl StoredEntry {
    /// An entry to be written.
    pub fn of<E: Entry>(entry: &E) -> Result<Self, Unavailable> {
        let doc = serde_json::to_string(entry).map_err(Unavailable::because)?;
        Ok(Self {
            tenant: entry.tenant(),
            kind: E::KIND,
            id: entry.id(),
            version: entry.version(),
            group: entry.group(),
            doc: Some(doc.into()),
        })
    }

    /// The removal of an entry as it was read.
    pub fn removal_of<E: Entry>(entry: &E) -> Self {
        Self {
            tenant: entry.tenant(),
            kind: E::KIND,
            id: entry.id(),
            version: entry.version() + 1,
            group: None,
            doc: None,
        }
    }
}

impl Record {
    /// An entry to be written.
    pub fn entry<E: Entry>(entry: &E) -> Result<Self, Unavailable> {
        StoredEntry::of(entry).map(Self::Entry)
    }

    /// An entry to be removed, as it was read.
    pub fn removal<E: Entry>(entry: &E) -> Self {
        Self::Entry(StoredEntry::removal_of(entry))
    }
}

/// Which entries a list shows, newest first.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EntryPage<'a> {
    /// Only those of this group.
    pub group: Option<&'a str>,
    /// Only those older than this one.
    pub after: Option<Uuid>,
    /// Without so many from there: for dialects that count.
    pub skip: usize,
    /// At most so many.
    pub limit: usize,
}

impl<'a> EntryPage<'a> {
    /// The first so many of all.
    #[must_use]
    pub const fn first(limit: usize) -> Self {
        Self {
            group: None,
            after: None,
            skip: 0,
            limit,
        }
    }

    /// Only those of a group.
    #[must_use]
    pub const fn of(self, group: &'a str) -> Self {
        Self {
            group: Some(group),
            ..self
        }
    }
}

fn read<E: Entry>(doc: &str) -> Result<E, Unavailable> {
    serde_json::from_str(doc).map_err(Unavailable::because)
}

/// The directory of a store, typed.
impl dyn Store + '_ {
    /// An entry.
    pub async fn find<E: Entry>(&self, tenant: Tenant, id: Uuid) -> Result<Option<E>, Unavailable> {
        let doc = self.entry(tenant, E::KIND, id).await?;
        doc.as_deref().map(read).transpose()
    }

    /// Entries of many ids, in no order; nothing for an unknown one.
    pub async fn find_all<E: Entry>(
        &self,
        tenant: Tenant,
        ids: &[Uuid],
    ) -> Result<Vec<E>, Unavailable> {
        let docs = self.entries_by_id(tenant, E::KIND, ids).await?;
        docs.iter().map(|doc| read(doc)).collect()
    }

    /// A page of a list, newest first.
    pub async fn list<E: Entry>(
        &self,
        tenant: Tenant,
        page: EntryPage<'_>,
    ) -> Result<Vec<E>, Unavailable> {
        let docs = self.entries(tenant, E::KIND, page).await?;
        docs.iter().map(|doc| read(doc)).collect()
    }

    /// How many entries a list has.
    pub async fn total<E: Entry>(
        &self,
        tenant: Tenant,
        group: Option<&str>,
    ) -> Result<u64, Unavailable> {
        self.count_entries(tenant, E::KIND, group).await
    }
}
