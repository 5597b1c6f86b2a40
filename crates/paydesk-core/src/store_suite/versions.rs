//! Records and their versions.

use std::sync::Arc;

use super::samples::{Note, Samples, moved};
use super::{apply, puts, refused};
use crate::merchant::{ApiKey, Merchant, ProviderAccount};
use crate::payment_method::PaymentMethod;
use crate::session::{Session, State};
use crate::store::{Conflict, Record, Store};
use crate::tenant::Tenant;
use crate::transaction::{Status, Transaction};

/// One record of each kind.
fn one_of_each(samples: &Samples) -> (Tenant, Vec<Record>) {
    let merchant = samples.merchant();
    let tenant = Tenant {
        merchant: merchant.id,
        mode: crate::tenant::Mode::Live,
    };
    let session = samples.session(tenant);
    let event = samples.event(&session, 1, true);
    let records = vec![
        Record::Merchant(merchant),
        Record::ApiKey(samples.api_key(tenant)),
        Record::ProviderAccount(samples.provider_account(tenant)),
        Record::Transaction(samples.transaction(&session)),
        Record::PaymentMethod(samples.payment_method(tenant)),
        Record::Delivery(samples.delivery(&event)),
        Record::Session(session),
        Record::entry(&samples.note(tenant, None)).unwrap(),
    ];
    (tenant, records)
}

/// The record with another version, and changed in a way that is seen when it is read.
fn at_version(record: &Record, version: u64) -> Record {
    match record.clone() {
        Record::Merchant(record) => Record::Merchant(Merchant {
            version,
            name: format!("Version {version}"),
            ..record
        }),
        Record::ApiKey(record) => Record::ApiKey(ApiKey {
            version,
            revoked_at: Some(record.created_at),
            ..record
        }),
        Record::ProviderAccount(record) => Record::ProviderAccount(ProviderAccount {
            version,
            name: format!("Version {version}"),
            ..record
        }),
        Record::Session(record) => Record::Session(Session {
            version,
            state: State::Expired {
                at: record.created_at,
            },
            ..record
        }),
        Record::Transaction(record) => Record::Transaction(Transaction {
            version,
            status: Status::Succeeded {
                at: record.created_at,
            },
            ..record
        }),
        Record::PaymentMethod(record) => Record::PaymentMethod(PaymentMethod {
            version,
            customer: Some(format!("version-{version}")),
            ..record
        }),
        Record::Delivery(mut record) => {
            record.version = version;
            record.attempts += 1;
            Record::Delivery(record)
        }
        Record::Entry(record) => {
            let mut note: Note = serde_json::from_str(&record.doc.unwrap()).unwrap();
            note.version = version;
            note.text = format!("Version {version}");
            Record::entry(&note).unwrap()
        }
    }
}

/// What the store has of this record.
async fn stored(store: &Arc<dyn Store>, record: &Record) -> Option<Record> {
    match record {
        Record::Merchant(it) => {
            let found = store.merchant(it.id).await.unwrap();
            found.map(Record::Merchant)
        }
        Record::ApiKey(it) => {
            let found = store.api_key(it.secret_hash).await.unwrap();
            found.map(Record::ApiKey)
        }
        Record::ProviderAccount(it) => {
            let accounts = store.provider_accounts(it.tenant).await.unwrap();
            let mut accounts = accounts.into_iter();
            accounts
                .find(|a| a.id == it.id)
                .map(Record::ProviderAccount)
        }
        Record::Session(it) => {
            let found = store.session(it.tenant, it.id).await.unwrap();
            found.map(Record::Session)
        }
        Record::Transaction(it) => {
            let found = store.transaction(it.tenant, it.id).await.unwrap();
            found.map(Record::Transaction)
        }
        Record::PaymentMethod(it) => {
            let found = store.payment_method(it.tenant, it.id).await.unwrap();
            found.map(Record::PaymentMethod)
        }
        Record::Delivery(it) => {
            let deliveries = store.deliveries(it.tenant, it.event).await.unwrap();
            let mut deliveries = deliveries.into_iter();
            deliveries.find(|d| d.id == it.id).map(Record::Delivery)
        }
        Record::Entry(it) => {
            let found = store.find::<Note>(it.tenant, it.id).await.unwrap();
            found.map(|note| Record::entry(&note).unwrap())
        }
    }
}

pub async fn every_kind_of_record_is_read_back_as_written(store: Arc<dyn Store>) {
    let (tenant, records) = one_of_each(&Samples::new(1));
    for record in records {
        assert_eq!(stored(&store, &record).await, None);
        apply(&store, puts(tenant, [record.clone()])).await;
        assert_eq!(stored(&store, &record).await, Some(record));
    }
}

pub async fn a_new_record_must_not_be_there_yet(store: Arc<dyn Store>) {
    let (tenant, records) = one_of_each(&Samples::new(1));
    for record in records {
        apply(&store, puts(tenant, [record.clone()])).await;
        let again = at_version(&record, 1);
        assert_eq!(
            refused(&store, puts(tenant, [again])).await,
            Conflict::Stale(record.key())
        );
        assert_eq!(stored(&store, &record).await, Some(record));
    }
}

pub async fn version_n_replaces_exactly_the_one_before(store: Arc<dyn Store>) {
    let (tenant, records) = one_of_each(&Samples::new(1));
    for record in records {
        apply(&store, puts(tenant, [record.clone()])).await;
        let second = at_version(&record, 2);
        apply(&store, puts(tenant, [second.clone()])).await;
        assert_eq!(stored(&store, &record).await, Some(second.clone()));
        for wrong in [1, 2, 4, 400] {
            assert_eq!(
                refused(&store, puts(tenant, [at_version(&record, wrong)])).await,
                Conflict::Stale(record.key()),
                "version {wrong} after 2"
            );
        }
        assert_eq!(stored(&store, &record).await, Some(second));
        let third = at_version(&record, 3);
        apply(&store, puts(tenant, [third.clone()])).await;
        assert_eq!(stored(&store, &record).await, Some(third));
    }
}

pub async fn a_record_that_is_not_there_cannot_be_replaced(store: Arc<dyn Store>) {
    let (tenant, records) = one_of_each(&Samples::new(1));
    for record in records {
        assert_eq!(
            refused(&store, puts(tenant, [at_version(&record, 2)])).await,
            Conflict::Stale(record.key())
        );
        assert_eq!(stored(&store, &record).await, None);
    }
}

pub async fn many_records_change_in_one_step(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let (tenant, mut records) = one_of_each(&samples);
    apply(&store, puts(tenant, records.clone())).await;
    // Some are replaced, some are new.
    for record in &mut records {
        *record = at_version(record, 2);
    }
    let newcomer = samples.session(tenant);
    records.insert(3, Record::Session(newcomer.clone()));
    apply(&store, puts(tenant, records.clone())).await;
    for record in &records {
        assert_eq!(stored(&store, record).await.as_ref(), Some(record));
    }
    let initiated = newcomer.initiated_at(samples.tick());
    apply(
        &store,
        puts(tenant, [Record::Session(moved(&newcomer, initiated))]),
    )
    .await;
}
