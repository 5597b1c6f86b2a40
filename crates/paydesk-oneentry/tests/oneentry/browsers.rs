use http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN};
use http::{HeaderName, HeaderValue, Method};
use paydesk_testing::TestServer;

use crate::world::{SESSIONS, TICKETS, USERS, app_token, shop};

const ALLOW_ORIGIN: &str = "access-control-allow-origin";

fn from_page(origin: &'static str) -> (HeaderName, HeaderValue) {
    (ORIGIN, HeaderValue::from_static(origin))
}

async fn readable(server: &TestServer, app: &str, origin: &'static str) -> bool {
    let headers = [app_token(app), from_page(origin)];
    let answer = server.request(Method::GET, SESSIONS, &headers, "").await;
    assert_eq!(answer.status, 401);
    assert!(answer.headers["vary"].to_str().unwrap().contains("origin"));
    answer
        .headers
        .get(ALLOW_ORIGIN)
        .is_some_and(|value| value == origin)
}

#[tokio::test]
async fn a_browser_learns_what_it_may_send() {
    let server = shop().await;
    let asked = (
        ACCESS_CONTROL_REQUEST_METHOD,
        HeaderValue::from_static("POST"),
    );
    let sign_up = format!("{USERS}/sign-up");
    for path in [SESSIONS, TICKETS, sign_up.as_str()] {
        let headers = [asked.clone(), from_page("https://shop.example")];
        let answer = server.request(Method::OPTIONS, path, &headers, "").await;
        assert_eq!(answer.status, 204);
        assert_eq!(answer.headers[ALLOW_ORIGIN], "https://shop.example");
        let allowed = answer.headers["access-control-allow-headers"]
            .to_str()
            .unwrap();
        for header in [
            "authorization",
            "content-type",
            "x-app-token",
            "x-device-metadata",
        ] {
            assert!(allowed.contains(header), "{allowed}");
        }
        assert!(
            !answer
                .headers
                .contains_key("access-control-allow-credentials")
        );
    }
}

#[tokio::test]
async fn any_page_reads_in_test_mode_and_the_allowed_ones_in_live_mode() {
    let server = shop().await;
    let (test, live) = (
        &server.merchant.test.publishable_key,
        &server.merchant.live.publishable_key,
    );
    assert!(readable(&server, test, "https://anywhere.example").await);
    assert!(!readable(&server, test, "null").await);
    assert!(!readable(&server, live, "https://anywhere.example").await);
    let mut merchant = server.merchant.merchant.clone();
    merchant.version += 1;
    merchant.settings.live.allowed_origins = vec!["https://shop.example".into()];
    let tenant = server.tenant(paydesk_core::tenant::Mode::Live);
    let mut change = paydesk_core::store::Change::new(tenant);
    change
        .puts
        .push(paydesk_core::store::Record::Merchant(merchant));
    server.engine.store().commit(change).await.unwrap();
    assert!(readable(&server, live, "https://shop.example").await);
    assert!(!readable(&server, live, "https://anywhere.example").await);
}
