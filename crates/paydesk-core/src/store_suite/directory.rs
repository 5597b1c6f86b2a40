//! The directory: small records, their lists and names.

use std::sync::Arc;

use uuid::Uuid;

use super::samples::{Note, Samples};
use super::{apply, puts, refused};
use crate::directory::{Entry as _, EntryKind, EntryPage};
use crate::store::{Change, Claim, ClaimKey, Conflict, NameSpace, Record, RecordKey, Store};
use crate::tenant::{Mode, Tenant};

async fn put(store: &Arc<dyn Store>, note: &Note) {
    let record = Record::entry(note).unwrap();
    apply(store, puts(note.tenant, [record])).await;
}

async fn ids(store: &Arc<dyn Store>, tenant: Tenant, page: EntryPage<'_>) -> Vec<Uuid> {
    let notes = store.list::<Note>(tenant, page).await.unwrap();
    notes.into_iter().map(|note| note.id).collect()
}

pub async fn an_entry_is_read_back_as_written(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let note = samples.note(tenant, Some("group"));
    let found = store.find::<Note>(tenant, note.id).await.unwrap();
    assert_eq!(found, None);
    put(&store, &note).await;
    let found = store.find::<Note>(tenant, note.id).await.unwrap();
    assert_eq!(found, Some(note));
}

pub async fn entries_come_newest_first_in_pages(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let mut notes: Vec<_> = (0..7).map(|_| samples.note(tenant, None).id).collect();
    let samples = Samples::new(1);
    let tenant_again = samples.tenant();
    assert_eq!(tenant, tenant_again);
    for _ in 0..7 {
        put(&store, &samples.note(tenant, None)).await;
    }
    notes.reverse();
    let page = EntryPage::first(3);
    assert_eq!(ids(&store, tenant, page).await, notes[..3]);
    let after = EntryPage {
        after: Some(notes[2]),
        ..page
    };
    assert_eq!(ids(&store, tenant, after).await, notes[3..6]);
    let skip = EntryPage { skip: 5, ..page };
    assert_eq!(ids(&store, tenant, skip).await, notes[5..]);
    let beyond = EntryPage { skip: 7, ..page };
    assert_eq!(ids(&store, tenant, beyond).await, [] as [Uuid; 0]);
    assert_eq!(store.total::<Note>(tenant, None).await.unwrap(), 7);
}

pub async fn an_entry_is_listed_in_its_group_and_moves_with_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let [a, b, none] = [Some("a"), Some("b"), None].map(|group| samples.note(tenant, group));
    for note in [&a, &b, &none] {
        put(&store, note).await;
    }
    let list = |group| EntryPage::first(9).of(group);
    assert_eq!(ids(&store, tenant, list("a")).await, [a.id]);
    assert_eq!(ids(&store, tenant, list("b")).await, [b.id]);
    assert_eq!(ids(&store, tenant, list("c")).await, [] as [Uuid; 0]);
    let moved = Note {
        version: 2,
        group: Some("b".to_owned()),
        ..a.clone()
    };
    put(&store, &moved).await;
    assert_eq!(ids(&store, tenant, list("a")).await, [] as [Uuid; 0]);
    assert_eq!(ids(&store, tenant, list("b")).await, [b.id, a.id]);
    assert_eq!(store.total::<Note>(tenant, Some("b")).await.unwrap(), 2);
    let listed_no_more = Note {
        version: 3,
        group: None,
        ..a.clone()
    };
    put(&store, &listed_no_more).await;
    assert_eq!(ids(&store, tenant, list("b")).await, [b.id]);
    let all = EntryPage::first(9);
    assert_eq!(ids(&store, tenant, all).await, [none.id, b.id, a.id]);
}

pub async fn a_removed_entry_is_gone_and_its_id_is_free(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let note = samples.note(tenant, Some("a"));
    put(&store, &note).await;
    apply(&store, puts(tenant, [Record::removal(&note)])).await;
    let found = store.find::<Note>(tenant, note.id).await.unwrap();
    assert_eq!(found, None);
    let everything = EntryPage::first(9);
    assert_eq!(ids(&store, tenant, everything).await, [] as [Uuid; 0]);
    assert_eq!(
        ids(&store, tenant, everything.of("a")).await,
        [] as [Uuid; 0]
    );
    assert_eq!(store.total::<Note>(tenant, None).await.unwrap(), 0);
    put(&store, &note).await;
    assert_eq!(ids(&store, tenant, everything.of("a")).await, [note.id]);
}

pub async fn an_entry_is_removed_only_as_it_was_read(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let note = samples.note(tenant, None);
    let stale = Conflict::Stale(RecordKey::Entry(Note::KIND, note.id));
    let removal = puts(tenant, [Record::removal(&note)]);
    assert_eq!(refused(&store, removal.clone()).await, stale);
    put(&store, &note).await;
    let second = Note {
        version: 2,
        ..note.clone()
    };
    put(&store, &second).await;
    assert_eq!(refused(&store, removal.clone()).await, stale);
    let with_more = Change {
        puts: vec![
            Record::entry(&samples.note(tenant, None)).unwrap(),
            Record::removal(&note),
        ],
        ..Change::new(tenant)
    };
    assert_eq!(refused(&store, with_more).await, stale);
    let all = EntryPage::first(9);
    assert_eq!(ids(&store, tenant, all).await, [note.id]);
}

pub async fn many_entries_are_found_at_once(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let notes: Vec<_> = (0..5).map(|_| samples.note(tenant, None)).collect();
    for note in &notes {
        put(&store, note).await;
    }
    let asked = [notes[3].id, samples.uuid(), notes[1].id, notes[3].id];
    let mut found = store.find_all::<Note>(tenant, &asked).await.unwrap();
    found.sort_by_key(|note| note.id);
    assert_eq!(found, [notes[1].clone(), notes[3].clone()]);
    assert_eq!(store.find_all::<Note>(tenant, &[]).await.unwrap(), []);
}

pub async fn entries_of_other_tenants_and_kinds_never_meet(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mine = samples.tenant();
    let note = samples.note(mine, Some("a"));
    put(&store, &note).await;
    let live = Tenant {
        mode: Mode::Live,
        ..mine
    };
    for stranger in [live, samples.tenant()] {
        let found = store.find::<Note>(stranger, note.id).await.unwrap();
        assert_eq!(found, None);
        let found = store.find_all::<Note>(stranger, &[note.id]).await.unwrap();
        assert_eq!(found, []);
        for page in [EntryPage::first(9), EntryPage::first(9).of("a")] {
            assert_eq!(ids(&store, stranger, page).await, [] as [Uuid; 0]);
            let total = store.total::<Note>(stranger, page.group).await.unwrap();
            assert_eq!(total, 0);
        }
    }
    for &kind in EntryKind::ALL.iter().filter(|&&kind| kind != Note::KIND) {
        assert_eq!(store.entry(mine, kind, note.id).await.unwrap(), None);
        let list = store.entries(mine, kind, EntryPage::first(9)).await;
        assert_eq!(list.unwrap().len(), 0);
        assert_eq!(store.count_entries(mine, kind, None).await.unwrap(), 0);
    }
}

pub async fn names_of_different_spaces_never_meet(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let name = |space| ClaimKey::Name {
        space,
        name: "7".to_owned(),
    };
    let keys = [NameSpace::Order, NameSpace::Session].map(name);
    let owners = [samples.uuid(), samples.uuid()];
    for (key, owner) in keys.iter().cloned().zip(owners) {
        let change = Change {
            claims: vec![Claim { key, owner }],
            ..Change::new(tenant)
        };
        apply(&store, change).await;
    }
    let [order, session] = keys;
    let asked = [session.clone(), name(NameSpace::Login), order, session];
    let found = store.claims(tenant, &asked).await.unwrap();
    let [order, session] = owners.map(Some);
    assert_eq!(found, [session, None, order, session]);
    let stranger = samples.tenant();
    let found = store.claims(stranger, &asked).await.unwrap();
    assert_eq!(found, [None; 4]);
}
