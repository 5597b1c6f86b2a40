//! The client token: what the payer's browser pays with.

use paydesk_core::authority::{Authority, Right};
use paydesk_core::id::SystemIds;
use paydesk_core::keys::ServerKeys;
use paydesk_core::tenant::Mode;
use paydesk_core::time::Span;

use super::*;

async fn read(shop: &Shop, session: &Value) -> Value {
    let query = format!(
        "query($id: String!) {{ it: merchantApiClientTransactionSession(id: $id) {{ ...Session }} }} {SESSION}"
    );
    shop.ask(&query, json!({"id": session["id"]})).await["it"].clone()
}

#[tokio::test]
async fn each_read_of_an_open_session_makes_a_fresh_token_and_leaves_older_ones_as_they_are() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    shop.server.clock.advance(Span::minutes(10));
    let again = read(&shop, &session).await;
    assert_ne!(again["token"], session["token"]);
    assert_ne!(again["tokenExpiresAt"], session["tokenExpiresAt"]);
    shop.server.clock.advance(Span::minutes(11));
    let refused = shop.pay(&session, GOOD).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text());
    assert_eq!(shop.pay(&again, GOOD).await.ok()["status"], "succeeded");
    let ended = read(&shop, &session).await;
    assert_eq!(
        (&ended["token"], &ended["tokenExpiresAt"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(ended["payload"]["payUrl"], Value::Null);
    assert_eq!(ended["status"], "COMPLETED");
}

#[tokio::test]
async fn a_token_works_to_its_last_second_and_not_beyond() {
    let shop = Shop::open().await;
    for (wait, status) in [(19 * 60 + 58, 200), (20 * 60, 403)] {
        let session = shop
            .start("Payment", payment(&format!("order-{wait}")))
            .await;
        shop.server.clock.advance(Span::seconds(wait));
        assert_eq!(shop.pay(&session, GOOD).await.status, status);
    }
}

#[tokio::test]
async fn what_is_no_token_of_this_session_opens_nothing_and_all_are_refused_alike() {
    let shop = Shop::open().await;
    let session = shop.start("Payment", payment("order-1")).await;
    let token = session["token"].as_str().unwrap().to_owned();
    let mine = Authority::from_text(&token, shop.server.engine.keys()).unwrap();
    let Right::ClientToken { .. } = mine.right else {
        panic!("a client token");
    };
    let others = ServerKeys::generate(&SystemIds);
    let live = Authority {
        tenant: shop.server.tenant(Mode::Live),
        ..mine
    };
    let stranger = shop
        .server
        .engine
        .create_merchant("Stranger")
        .await
        .unwrap();
    let theirs = Authority {
        tenant: paydesk_core::tenant::Tenant {
            merchant: stranger.merchant.id,
            mode: Mode::Test,
        },
        ..mine
    };
    let keys = shop.server.engine.keys();
    let mut answers = Vec::new();
    for wrong in [
        mine.to_text(&others),
        token[..token.len() - 1].to_owned(),
        live.to_text(keys),
        theirs.to_text(keys),
    ] {
        let session = json!({"token": wrong});
        let answer = shop.pay(&session, GOOD).await;
        assert_eq!(answer.status, 404, "{}", answer.text());
        let mut body = answer.json();
        body.as_object_mut().unwrap().remove("requestId");
        answers.push(body);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    // And as a name: nobody else's token names a session here.
    for wrong in [
        live.to_text(keys),
        theirs.to_text(keys),
        Authority {
            right: Right::Page,
            ..mine
        }
        .to_text(keys),
    ] {
        let query =
            "query($it: String!) { merchantApiClientTransactionSession(token: $it) { id } }";
        let error = shop.refused(query, json!({"it": wrong})).await;
        assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
    }
}
