//! What the framework does alone: the server that the measurements are set beside.
//!
//! It stores nothing and checks nothing: it parses the same body and echoes it, or answers constant bytes.

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Where the bare server listens and what it answers.
#[derive(clap::Args)]
pub struct Options {
    /// The address to listen on.
    #[arg(long)]
    pub listen: SocketAddr,
    /// A file with the bytes that `GET /session` answers.
    #[arg(long)]
    pub session: PathBuf,
    /// A file with the bytes that `GET /page` answers.
    #[arg(long)]
    pub page: PathBuf,
}

/// Serves until the process is ended.
pub async fn serve(options: Options) -> anyhow::Result<()> {
    let session = Bytes::from(std::fs::read(&options.session)?);
    let page = Bytes::from(std::fs::read(&options.page)?);
    let router = Router::new()
        .route("/echo", post(echo))
        .route("/session", get(async move || constant(session.clone())))
        .route("/page", get(async move || constant(page.clone())));
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

fn constant(body: Bytes) -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], body)
}

async fn echo(Json(session): Json<Session>) -> Json<Session> {
    Json(session)
}

/// The body that opens a session, typed as a server would type it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    amount: String,
    currency: String,
    redirect_url: Option<String>,
    notify_url: Option<String>,
    notify_payload: Option<String>,
    #[serde(default)]
    orders: Vec<Order>,
    customer: Option<Customer>,
}

#[derive(Serialize, Deserialize)]
struct Order {
    id: String,
    name: String,
    quantity: u32,
    amount: u64,
}

#[derive(Serialize, Deserialize)]
struct Customer {
    email: Option<String>,
    phone: Option<Phone>,
}

#[derive(Serialize, Deserialize)]
struct Phone {
    code: String,
    phone: String,
}
