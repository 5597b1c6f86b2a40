use http::Method;
use paydesk_core::time::Span;
use serde_json::json;

use crate::world::{SESSIONS, User, shop, text};

const ACCOUNTS: &str = "/api/content/payments/accounts";

#[tokio::test]
async fn accounts_are_shown_without_secrets() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let accounts = user.get(ACCOUNTS).await.ok();
    let account = &accounts[0];
    assert_eq!(
        (
            &account["type"],
            &account["identifier"],
            &account["testMode"]
        ),
        (&json!("custom"), &json!("sandbox"), &json!(true))
    );
    assert_eq!(account["localizeInfos"]["title"], "Sandbox");
    assert_eq!(account["testSettings"]["status"], "connected");
    let one = user
        .get(&format!("{ACCOUNTS}/{}", account["id"]))
        .await
        .ok();
    assert_eq!(one, *account);
    for id in ["1", "x", "-1"] {
        assert_eq!(user.get(&format!("{ACCOUNTS}/{id}")).await.status, 404);
    }
    let whole = accounts.to_string();
    for secret in ["secret", "whsec", "sk_test"] {
        assert!(!whole.contains(secret), "{secret} in {whole}");
    }
}

#[tokio::test]
async fn sessions_follow_what_is_set_for_their_account() {
    let server = shop().await;
    let user = User::new(&server, "a@example.com").await;
    let tenant = server.tenant(paydesk_core::tenant::Mode::Test);
    let account = server.engine.provider_accounts(tenant).await.unwrap()[0].id;
    let path = format!("/api/v1/providerAccounts/{account}/settings");
    let settings = json!({
        "identifier": "cards",
        "successUrl": "https://shop.example/thanks",
        "cancelUrl": "https://shop.example/basket",
        "sessionTimeout": 15,
    });
    let put = server
        .native(Method::PUT, &path, settings.to_string())
        .await
        .ok();
    assert_eq!(put, settings);
    assert_eq!(server.native(Method::GET, &path, "").await.ok(), settings);
    let shown = user.get(ACCOUNTS).await.ok();
    assert_eq!(shown[0]["identifier"], "cards");
    assert_eq!(shown[0]["testSettings"]["sessionTimeout"], 15);

    let order = user.order().await;
    let session = user.session(&order, "session").await.ok();
    assert_eq!(text(&session, "successUrl"), "https://shop.example/thanks");
    assert_eq!(text(&session, "cancelUrl"), "https://shop.example/basket");
    let path = format!("{SESSIONS}/{}", session["id"]);
    server.clock.advance(Span::minutes(14));
    assert_eq!(user.get(&path).await.ok()["status"], "waiting");
    server.clock.advance(Span::minutes(1));
    assert_eq!(user.get(&path).await.ok()["status"], "expired");
}

#[tokio::test]
async fn settings_that_are_wrong_are_refused_by_name() {
    let server = shop().await;
    let tenant = server.tenant(paydesk_core::tenant::Mode::Test);
    let account = server.engine.provider_accounts(tenant).await.unwrap()[0].id;
    let path = format!("/api/v1/providerAccounts/{account}/settings");
    for (settings, field) in [
        (json!({"successUrl": "x"}), "successUrl"),
        (json!({"sessionTimeout": 0}), "sessionTimeout"),
        (
            json!({"sessionTimeout": 4_000_000_000_u32}),
            "sessionTimeout",
        ),
        (json!({"identifier": ""}), "identifier"),
    ] {
        let refused = server
            .native(Method::PUT, &path, settings.to_string())
            .await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["field"]),
            (400, &json!(field))
        );
    }
    let nowhere = "/api/v1/providerAccounts/x/settings";
    assert_eq!(server.native(Method::PUT, nowhere, "{}").await.status, 404);
}
