//! The operator's listener: is it alive, is it ready, what has it counted.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::edge::Edge;
use super::metrics;

/// As long as a readiness check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// `/healthz`: 200 while the process runs. `/readyz`: 200 if `check` succeeds within 2 s and the server is not
/// draining, else 503 and why. `/metrics`: what Prometheus reads. None of it for the public: the reasons
/// name the inside.
pub fn router<C, F, E>(edge: Arc<Edge>, check: C) -> Router
where
    C: Fn() -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<(), E>> + Send,
    E: Display + Send + 'static,
{
    let counted = edge.metrics().clone();
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route(
            "/readyz",
            get(move || {
                let (edge, checking) = (edge.clone(), check());
                async move {
                    if edge.is_draining() {
                        return unready(&"the server is draining");
                    }
                    match tokio::time::timeout(PATIENCE, checking).await {
                        Ok(Ok(())) => (StatusCode::OK, "ready\n".to_owned()),
                        Ok(Err(reason)) => unready(&reason),
                        Err(_) => unready(&"the check did not answer within 2 s"),
                    }
                }
            }),
        )
        .route(
            "/metrics",
            get(async move || match counted.text() {
                Ok(text) => ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
                Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
            }),
        )
}

fn unready(reason: &dyn Display) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use paydesk_core::id::SeededIds;
    use tower::Service as _;

    use super::*;
    use crate::http::body::{BodyLimits, read};
    use crate::http::edge::EdgeConfig;
    use crate::http::metrics::Metrics;

    fn edge() -> Arc<Edge> {
        Edge::new(
            EdgeConfig::default(),
            Arc::new(Metrics::new("1.2.3")),
            &SeededIds::new(1),
        )
    }

    async fn get(mut router: Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.call(request).await.unwrap();
        let status = response.status();
        let body = read(response.into_body(), &BodyLimits::default())
            .await
            .unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_server_is_ready_while_its_store_answers_and_until_it_drains() {
        let edge = edge();
        let ready = router(edge.clone(), async || Ok::<_, String>(()));
        assert_eq!(
            get(ready.clone(), "/readyz").await,
            (StatusCode::OK, "ready\n".into())
        );
        let unreachable = router(edge.clone(), async || Err("the store is away"));
        let said = get(unreachable, "/readyz").await;
        assert_eq!(
            said,
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the store is away\n".into()
            )
        );

        edge.start_draining();
        assert_eq!(
            get(ready.clone(), "/readyz").await.0,
            StatusCode::SERVICE_UNAVAILABLE
        );
        assert_eq!(
            get(ready, "/healthz").await,
            (StatusCode::OK, "ok\n".into())
        );
    }

    #[tokio::test]
    async fn a_check_that_hangs_is_not_waited_for() {
        let hanging = router(edge(), std::future::pending::<Result<(), String>>);
        let (status, said) = get(hanging, "/readyz").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(said.contains("within 2 s"), "{said}");
    }

    #[tokio::test]
    async fn what_was_counted_is_told() {
        let (status, text) = get(router(edge(), async || Ok::<_, String>(())), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            text.contains(r#"paydesk_build_info{version="1.2.3"} 1"#) && text.ends_with("# EOF\n"),
            "{text}"
        );
    }
}
