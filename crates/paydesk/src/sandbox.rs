//! `paydesk sandbox`: the sandbox's ledger as a process of its own; and which sandbox a server uses.

use std::sync::Arc;

use anyhow::Context as _;
use paydesk_api::http::serve::EndRequests;
use paydesk_core::id::SystemIds;
use paydesk_core::keys::Secret;
use paydesk_core::time::SystemClock;
use paydesk_rails::sandbox::{Ledger, SandboxBank, SandboxClient, SandboxRail, router};
use url::Url;

use crate::cli::SandboxOptions;
use crate::logs;
use crate::parts::Database;
use crate::serve::serve_plainly;

/// Runs the ledger until it is asked to end.
pub async fn run(options: SandboxOptions) -> anyhow::Result<()> {
    logs::start(true, "info");
    let mut end = EndRequests::listen().context("signals cannot be received")?;
    let ledger = Ledger::open(&options.data, Arc::new(SystemClock), Arc::new(SystemIds))
        .with_context(|| format!("the ledger {} cannot be opened", options.data.display()))?;
    let listener = tokio::net::TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    eprintln!(
        "The sandbox's ledger is at http://{}",
        listener.local_addr()?
    );
    serve_plainly(
        listener,
        router(ledger, options.token.map(Secret::new)),
        end.next(),
    )
    .await
}

/// The sandbox in this process, with its ledger beside the database.
pub fn in_process(database: &Database, public_url: &str) -> anyhow::Result<Arc<dyn SandboxBank>> {
    let path = database.beside("sandbox").context(
        "where many nodes serve one database, the sandbox's ledger is a process of its own: start `paydesk sandbox` and \
         name it with --sandbox-url, or do without by --no-sandbox",
    )?;
    let ledger = Ledger::open(&path, Arc::new(SystemClock), Arc::new(SystemIds))
        .with_context(|| format!("the sandbox's ledger {} cannot be opened", path.display()))?;
    Ok(Arc::new(SandboxRail::new(ledger, public_url)))
}

/// The sandbox of another process.
pub fn shared(
    url: &Url,
    token: Option<String>,
    public_url: &str,
) -> anyhow::Result<Arc<dyn SandboxBank>> {
    let client = SandboxClient::new(
        url.as_str().trim_end_matches('/'),
        token.map(Secret::new),
        public_url,
    );
    Ok(Arc::new(client.with_context(|| {
        format!("the sandbox at {url} cannot be used")
    })?))
}
