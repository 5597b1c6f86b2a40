//! Idempotent requests.

use std::sync::Arc;

use super::samples::Samples;
use super::{apply, refused};
use crate::id::TransactionId;
use crate::store::{
    Change, Conflict, IdempotencyKey, IdempotencyRecord, IdempotencyWrite, Store, StoredAnswer,
};
use crate::tenant::{Mode, Tenant};

fn claiming(tenant: Tenant, record: &IdempotencyRecord) -> Change {
    Change {
        idempotency: Some(IdempotencyWrite::Claim(record.clone())),
        ..Change::new(tenant)
    }
}

fn finishing(tenant: Tenant, key: &IdempotencyKey, answer: &StoredAnswer) -> Change {
    Change {
        idempotency: Some(IdempotencyWrite::Finish {
            key: key.clone(),
            answer: answer.clone(),
        }),
        ..Change::new(tenant)
    }
}

fn bytes(body: &str) -> StoredAnswer {
    StoredAnswer::Bytes {
        status: 201,
        body: body.to_owned(),
    }
}

async fn known(
    store: &Arc<dyn Store>,
    tenant: Tenant,
    key: &IdempotencyKey,
) -> Option<IdempotencyRecord> {
    store.idempotency(tenant, key).await.unwrap()
}

pub async fn a_claimed_key_is_running(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let running = samples.running("key-1");
    assert_eq!(known(&store, tenant, &running.key).await, None);
    apply(&store, claiming(tenant, &running)).await;
    assert_eq!(known(&store, tenant, &running.key).await, Some(running));
}

pub async fn a_known_key_is_refused_with_what_is_known(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let first = samples.running("key-1");
    apply(&store, claiming(tenant, &first)).await;
    // With the same body or another one: who asks is told what is known and can tell which.
    let mut second = samples.running("key-1");
    for body_hash in [first.body_hash, [8; 32]] {
        second.body_hash = body_hash;
        assert_eq!(
            refused(&store, claiming(tenant, &second)).await,
            Conflict::Idempotency(Box::new(first.clone()))
        );
    }
    apply(&store, finishing(tenant, &first.key, &bytes("{}"))).await;
    let finished = IdempotencyRecord {
        answer: bytes("{}"),
        ..first
    };
    assert_eq!(
        refused(&store, claiming(tenant, &second)).await,
        Conflict::Idempotency(Box::new(finished))
    );
}

pub async fn a_finished_key_has_its_answer_byte_for_byte(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let odd = "{ \"a\" : 1.10,\r\n\t\"b\":\"\\u0000 ' \\\" ☕ \u{1f9fa}\" }\n";
    let transaction = StoredAnswer::Transaction {
        id: TransactionId(samples.uuid()),
    };
    for answer in [bytes(odd), bytes(""), transaction] {
        let running = samples.running(&samples.uuid().to_string());
        apply(&store, claiming(tenant, &running)).await;
        apply(&store, finishing(tenant, &running.key, &answer)).await;
        let finished = IdempotencyRecord { answer, ..running };
        assert_eq!(known(&store, tenant, &finished.key).await, Some(finished));
    }
}

pub async fn a_first_answer_is_never_replaced(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let running = samples.running("key-1");
    apply(&store, claiming(tenant, &running)).await;
    apply(&store, finishing(tenant, &running.key, &bytes("first"))).await;
    // The process that answers and the reconciler may both come: the second changes nothing and is no mistake.
    let later = StoredAnswer::Transaction {
        id: TransactionId(samples.uuid()),
    };
    for answer in [later, bytes("second"), StoredAnswer::Running] {
        apply(&store, finishing(tenant, &running.key, &answer)).await;
        let there = known(&store, tenant, &running.key).await.unwrap();
        assert_eq!(there.answer, bytes("first"));
    }
}

pub async fn finishing_an_unknown_key_does_nothing(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let unknown = samples.running("key-1");
    apply(&store, finishing(tenant, &unknown.key, &bytes("{}"))).await;
    assert_eq!(known(&store, tenant, &unknown.key).await, None);
    apply(&store, claiming(tenant, &unknown)).await;
}

pub async fn an_answer_may_be_there_from_the_first_commit(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let record = IdempotencyRecord {
        answer: bytes("at once"),
        ..samples.running("key-1")
    };
    apply(&store, claiming(tenant, &record)).await;
    assert_eq!(
        known(&store, tenant, &record.key).await.as_ref(),
        Some(&record)
    );
    apply(&store, finishing(tenant, &record.key, &bytes("later"))).await;
    assert_eq!(known(&store, tenant, &record.key).await, Some(record));
}

pub async fn keys_of_different_scopes_and_tenants_never_meet(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mine = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..mine
    };
    let theirs = samples.tenant();
    let mut seen = Vec::new();
    for tenant in [mine, live, theirs] {
        // Written one after the other, scope and key are the same text.
        for (scope, key) in [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc")] {
            let mut record = samples.running(key);
            scope.clone_into(&mut record.key.scope);
            assert_eq!(known(&store, tenant, &record.key).await, None);
            apply(&store, claiming(tenant, &record)).await;
            seen.push((tenant, record));
        }
    }
    for (tenant, record) in seen {
        assert_eq!(known(&store, tenant, &record.key).await, Some(record));
    }
}

pub async fn old_answers_are_forgotten_oldest_first_and_running_requests_never(
    store: Arc<dyn Store>,
) {
    let samples = Samples::new(1);
    let tenants = [samples.tenant(), samples.tenant()];
    let mut answered = Vec::new();
    let mut running = Vec::new();
    for n in 0..6 {
        let tenant = tenants[n % 2];
        let stays = samples.running(&format!("running {n}"));
        apply(&store, claiming(tenant, &stays)).await;
        running.push((tenant, stays));
        // Answered at once, or later.
        let record = samples.running(&format!("answered {n}"));
        let finished = IdempotencyRecord {
            answer: bytes("{}"),
            ..record.clone()
        };
        if n < 3 {
            apply(&store, claiming(tenant, &finished)).await;
        } else {
            apply(&store, claiming(tenant, &record)).await;
            apply(&store, finishing(tenant, &record.key, &finished.answer)).await;
        }
        answered.push((tenant, finished));
    }
    // The last is not older than itself.
    let before = answered[5].1.created_at;
    for (limit, forgotten, in_all) in [(0, 0, 0), (2, 2, 2), (10, 3, 5), (10, 0, 5)] {
        let count = store.forget_requests(before, limit).await.unwrap();
        assert_eq!(count, forgotten);
        for (n, (tenant, record)) in answered.iter().enumerate() {
            let there = known(&store, *tenant, &record.key).await;
            assert_eq!(there.as_ref(), (n >= in_all).then_some(record));
        }
    }
    for (tenant, record) in running {
        assert_eq!(known(&store, tenant, &record.key).await, Some(record));
    }
}

pub async fn a_forgotten_key_is_new(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let first = IdempotencyRecord {
        answer: bytes("first"),
        ..samples.running("key-1")
    };
    apply(&store, claiming(tenant, &first)).await;
    assert_eq!(store.forget_requests(samples.tick(), 10).await.unwrap(), 1);
    let second = samples.running("key-1");
    apply(&store, claiming(tenant, &second)).await;
    assert_eq!(known(&store, tenant, &second.key).await, Some(second));
}
