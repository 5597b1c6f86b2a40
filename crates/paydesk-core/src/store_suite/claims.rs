//! Claims: what only one may have at a time.

use std::sync::Arc;

use uuid::Uuid;

use super::samples::{Samples, reference};
use super::{apply, refused};
use crate::id::SessionId;
use crate::store::{Change, Claim, ClaimKey, Conflict, Store};
use crate::tenant::{Mode, Tenant};

fn taking(tenant: Tenant, claims: impl IntoIterator<Item = Claim>) -> Change {
    Change {
        claims: claims.into_iter().collect(),
        ..Change::new(tenant)
    }
}

fn releasing(tenant: Tenant, releases: impl IntoIterator<Item = Claim>) -> Change {
    Change {
        releases: releases.into_iter().collect(),
        ..Change::new(tenant)
    }
}

async fn holder(store: &Arc<dyn Store>, tenant: Tenant, claim: &Claim) -> Option<Uuid> {
    store.claim(tenant, &claim.key).await.unwrap()
}

pub async fn a_claim_is_held_by_who_took_it(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let claim = reference("order-1", samples.uuid());
    assert_eq!(holder(&store, tenant, &claim).await, None);
    apply(&store, taking(tenant, [claim.clone()])).await;
    assert_eq!(holder(&store, tenant, &claim).await, Some(claim.owner));
}

pub async fn a_claim_may_be_retaken_by_its_owner(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let claim = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [claim.clone()])).await;
    apply(&store, taking(tenant, [claim.clone()])).await;
    apply(&store, taking(tenant, [claim.clone(), claim.clone()])).await;
    assert_eq!(holder(&store, tenant, &claim).await, Some(claim.owner));
    // It is still one claim: giving it up once frees it.
    apply(&store, releasing(tenant, [claim.clone()])).await;
    assert_eq!(holder(&store, tenant, &claim).await, None);
}

pub async fn a_claim_that_another_has_is_refused_by_name(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let held = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [held.clone()])).await;
    let free = reference("order-2", samples.uuid());
    let wanted = reference("order-1", samples.uuid());
    assert_eq!(
        refused(&store, taking(tenant, [free.clone(), wanted])).await,
        Conflict::Claimed {
            key: held.key.clone(),
            owner: held.owner
        }
    );
    assert_eq!(holder(&store, tenant, &held).await, Some(held.owner));
    assert_eq!(holder(&store, tenant, &free).await, None);
}

pub async fn a_released_claim_is_free(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let first = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [first.clone()])).await;
    apply(&store, releasing(tenant, [first.clone()])).await;
    assert_eq!(holder(&store, tenant, &first).await, None);
    let second = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [second.clone()])).await;
    assert_eq!(holder(&store, tenant, &second).await, Some(second.owner));
    // Nobody has it: giving it up once more is no mistake.
    apply(&store, releasing(tenant, [first])).await;
    assert_eq!(holder(&store, tenant, &second).await, Some(second.owner));
}

pub async fn a_release_by_another_does_nothing(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let held = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [held.clone()])).await;
    let stranger = reference("order-1", samples.uuid());
    apply(&store, releasing(tenant, [stranger])).await;
    assert_eq!(holder(&store, tenant, &held).await, Some(held.owner));
}

pub async fn claims_are_released_before_any_is_taken(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let old = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [old.clone()])).await;
    let new = reference("order-1", samples.uuid());
    let handover = Change {
        releases: vec![old.clone()],
        claims: vec![new.clone()],
        ..Change::new(tenant)
    };
    apply(&store, handover).await;
    assert_eq!(holder(&store, tenant, &new).await, Some(new.owner));
    // An owner that gives its claim up and takes it again in one step has it.
    let renewal = Change {
        releases: vec![new.clone()],
        claims: vec![new.clone()],
        ..Change::new(tenant)
    };
    apply(&store, renewal).await;
    assert_eq!(holder(&store, tenant, &new).await, Some(new.owner));
}

pub async fn releasing_what_another_has_does_not_free_it_for_the_same_change(
    store: Arc<dyn Store>,
) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let held = reference("order-1", samples.uuid());
    apply(&store, taking(tenant, [held.clone()])).await;
    let thief = reference("order-1", samples.uuid());
    let theft = Change {
        releases: vec![thief.clone()],
        claims: vec![thief],
        ..Change::new(tenant)
    };
    assert_eq!(
        refused(&store, theft).await,
        Conflict::Claimed {
            key: held.key.clone(),
            owner: held.owner
        }
    );
    assert_eq!(holder(&store, tenant, &held).await, Some(held.owner));
}

pub async fn one_change_cannot_give_a_claim_to_two(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let first = reference("order-1", samples.uuid());
    let second = reference("order-1", samples.uuid());
    assert_eq!(
        refused(&store, taking(tenant, [first.clone(), second])).await,
        Conflict::Claimed {
            key: first.key.clone(),
            owner: first.owner
        }
    );
    assert_eq!(holder(&store, tenant, &first).await, None);
}

pub async fn claims_of_different_kinds_and_parts_never_meet(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let tenant = samples.tenant();
    let session = SessionId(samples.uuid());
    let transfer = |account: &str, id: &str| ClaimKey::BankTransfer {
        account: account.to_owned(),
        id: id.to_owned(),
    };
    let push = |account: &str, nonce: &str| ClaimKey::PushReference {
        account: account.to_owned(),
        nonce: nonce.to_owned(),
    };
    // Written one after the other, the parts of several of these are the same text.
    let keys = [
        ClaimKey::LivePayment(session),
        ClaimKey::LivePayment(SessionId(samples.uuid())),
        ClaimKey::Reference(session.to_string()),
        ClaimKey::Reference(String::new()),
        ClaimKey::Reference("12/3".to_owned()),
        ClaimKey::Reference("Ab".to_owned()),
        ClaimKey::Reference("AB".to_owned()),
        ClaimKey::Reference("AB ".to_owned()),
        transfer("12", "3"),
        transfer("1", "23"),
        transfer("12/", "3"),
        transfer("12", "/3"),
        transfer("123", ""),
        transfer("", "123"),
        push("12", "3"),
        push("1", "23"),
        push("123", ""),
        push("", "123"),
    ];
    let claims: Vec<Claim> = keys
        .into_iter()
        .map(|key| Claim {
            key,
            owner: samples.uuid(),
        })
        .collect();
    for claim in &claims {
        apply(&store, taking(tenant, [claim.clone()])).await;
    }
    for claim in &claims {
        assert_eq!(holder(&store, tenant, claim).await, Some(claim.owner));
    }
}

pub async fn claims_of_different_tenants_never_meet(store: Arc<dyn Store>) {
    let samples = Samples::new(1);
    let mine = samples.tenant();
    let live = Tenant {
        mode: Mode::Live,
        ..mine
    };
    let theirs = samples.tenant();
    for tenant in [mine, live, theirs] {
        let claim = reference("order-1", samples.uuid());
        assert_eq!(holder(&store, tenant, &claim).await, None);
        apply(&store, taking(tenant, [claim.clone()])).await;
        assert_eq!(holder(&store, tenant, &claim).await, Some(claim.owner));
    }
}
