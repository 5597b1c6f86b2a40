//! What describes the API is generated, checked in, and served.

use http::Method;
use paydesk_api::native::{errors, openapi};
use paydesk_testing::TestServer;

/// Holds a generated text against the file that is checked in; writes it instead where `UPDATE_GENERATED` is set.
fn is_checked_in(name: &str, text: &str) {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        known == text,
        "docs/{name} is not what the code says: run `UPDATE_GENERATED=1 cargo test -p paydesk-api --test native document`"
    );
}

#[test]
fn the_document_is_checked_in() {
    is_checked_in("openapi.json", openapi::text());
}

#[test]
fn the_catalogue_of_errors_is_checked_in() {
    is_checked_in("errors.md", &errors::catalogue());
}

#[tokio::test]
async fn the_document_and_the_reference_are_served_to_anybody_from_our_own_files() {
    let server = TestServer::start().await;
    let served = server
        .request(Method::GET, "/api/v1/openapi.json", &[], "")
        .await;
    assert_eq!(served.text(), openapi::text());
    let page = server.request(Method::GET, "/api/v1/docs", &[], "").await;
    assert!(page.status.is_success());
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'self';"));
    let html = page.text();
    assert!(
        !html.contains("<script") && !html.contains("http://") && !html.contains("https://cdn")
    );
    for call in paydesk_api::native::calls() {
        assert!(
            html.contains(&format!("id=\"{}\"", call.name)),
            "{}",
            call.name
        );
    }
    let path = "/api/v1/docs/reference.css";
    let style = server.request(Method::GET, path, &[], "").await;
    assert_eq!(style.headers["content-type"], "text/css; charset=utf-8");
}
