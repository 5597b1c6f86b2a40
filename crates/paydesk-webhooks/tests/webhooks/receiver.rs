//! A receiver on a loopback port, which writes down what it is sent.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request.
#[derive(Clone, Debug)]
pub struct Hit {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Hit {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }
}

type Answering =
    Arc<dyn Fn(Hit, usize) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

/// Stops listening when it is dropped.
pub struct Receiver {
    pub address: SocketAddr,
    hits: Arc<Mutex<Vec<Hit>>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Answers every request with what `answer` makes of it and of how many came before it.
    pub async fn answering<F, A>(answer: A) -> Self
    where
        F: Future<Output = Response> + Send + 'static,
        A: Fn(Hit, usize) -> F + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hits = Arc::new(Mutex::new(Vec::new()));
        let answer: Answering = Arc::new(move |hit, before| Box::pin(answer(hit, before)));
        let seen = Arc::clone(&hits);
        let app = Router::new().fallback(move |method, uri, headers, body| {
            let hit = Hit {
                method,
                uri,
                headers,
                body,
            };
            let before = {
                let mut seen = seen.lock();
                seen.push(hit.clone());
                seen.len() - 1
            };
            answer(hit, before)
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            address,
            hits,
            task,
        }
    }

    /// Answers with these statuses, and the last of them from then on.
    pub async fn with_statuses(statuses: &'static [u16]) -> Self {
        Self::answering(move |_, before| async move {
            let status = statuses.get(before).or(statuses.last()).copied().unwrap();
            plain(status)
        })
        .await
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?shop=1", self.address)
    }

    pub fn hits(&self) -> Vec<Hit> {
        self.hits.lock().clone()
    }

    pub fn count(&self) -> usize {
        self.hits.lock().len()
    }
}

/// An empty answer.
pub fn plain(status: u16) -> Response {
    with_headers(status, &[])
}

/// An empty answer with headers.
pub fn with_headers(status: u16, headers: &[(&str, &str)]) -> Response {
    let mut answer = Response::builder().status(StatusCode::from_u16(status).unwrap());
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(Body::empty()).unwrap()
}
