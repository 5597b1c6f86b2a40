//! The command line. Every flag can also be given by the environment.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use url::Url;

/// Paydesk: a self-hosted payment session server.
///
/// Start with `paydesk dev`: it runs everything on this machine with a sandbox bank, and prints a command to
/// paste. For real use, `paydesk merchant create` makes a merchant and `paydesk serve` serves.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Start everything for development, with a demo merchant and the sandbox
    ///
    /// Keeps its data in `paydesk-dev.db` in this folder, so that what you created is still there next time, and
    /// the demo merchant's test credentials beside it in `paydesk-dev.json`.
    Dev(DevOptions),
    /// Run the server
    ///
    /// The public listener answers merchants and payers; the admin listener answers `/healthz`, `/readyz` and
    /// `/metrics`. SIGTERM ends it gracefully: requests under way are finished first.
    Serve(ServeOptions),
    /// Make merchants
    #[command(subcommand)]
    Merchant(MerchantCommand),
    /// Bring the database to this version's schema, and make the server's keys if there are none
    Migrate(StoreOptions),
    /// Copy the SQLite database while it is in use, to a new file
    ///
    /// The copy is as the database was at one moment, and is checked. The server's keys are a file of their own: they
    /// are copied only with --with-keys.
    Backup(BackupOptions),
    /// Move an installation from SQLite to PostgreSQL
    ///
    /// The server must be stopped. What was interrupted goes on where it was; at the end both databases are compared.
    MigrateStore(MigrateStoreOptions),
    /// Check an installation: the database, its schema, the server's keys, the sandbox
    Doctor(StoreOptions),
    /// Look after the server's keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Run the sandbox's ledger as a process of its own, to be shared with `serve --sandbox-url`
    Sandbox(SandboxOptions),
    /// Check from outside that a payer's page is what this build serves, and nothing was put into it
    ///
    /// Fetches the page and the files that it refers to, and compares headers, files and markup with this build's.
    /// Run it with the same version as the server, from somewhere that sees what payers see. Fails if anything
    /// differs. Without an address it lists the files and their hashes.
    VerifyPage(VerifyPageOptions),
}

#[derive(Args, Clone)]
pub struct VerifyPageOptions {
    /// The address of a payer's page
    pub url: Option<Url>,
    /// A header that a proxy in front of the server adds, by its name; may be given several times
    #[arg(long = "allow-header")]
    pub allow_headers: Vec<String>,
}

#[derive(Subcommand)]
pub enum MerchantCommand {
    /// Make a merchant and print its test and live credentials, once
    Create(MerchantOptions),
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Add a new version of the server's key; links signed with older versions live on
    ///
    /// Restart every server afterwards, so that it signs with the new version.
    Rotate(StoreOptions),
}

/// Where everything is kept, and with which keys.
#[derive(Args, Clone)]
pub struct StoreOptions {
    /// The database: `sqlite:FILE`, or `postgres://USER@HOST/DATABASE` for many nodes on one
    #[arg(
        long,
        env = "PAYDESK_DATABASE_URL",
        hide_env_values = true,
        default_value = "sqlite:paydesk.db"
    )]
    pub database: String,
    /// The most connections to a PostgreSQL server that are open at a time
    #[arg(
        long = "database-connections",
        env = "PAYDESK_DATABASE_CONNECTIONS",
        default_value = "20"
    )]
    pub connections: NonZeroUsize,
    /// The file with the server's keys; with SQLite it is made beside the database at first start, with PostgreSQL by
    /// `paydesk migrate`
    #[arg(long)]
    pub key_file: Option<PathBuf>,
    /// The server's keys themselves, instead of a file
    #[arg(long, env = "PAYDESK_KEYS", hide_env_values = true, hide = true)]
    pub keys: Option<String>,
}

#[derive(Args, Clone)]
pub struct ListenOptions {
    /// Where merchants and payers reach the server
    #[arg(long, env = "PAYDESK_LISTEN", default_value = "127.0.0.1:8420")]
    pub listen: SocketAddr,
    /// Where the operator reaches /healthz, /readyz and /metrics
    #[arg(long, env = "PAYDESK_ADMIN_LISTEN", default_value = "127.0.0.1:8421")]
    pub admin_listen: SocketAddr,
    /// How the server is reached from outside: the beginning of every link [default: http://<listen>]
    #[arg(long, env = "PAYDESK_PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// Networks whose X-Forwarded-For is believed, such as 10.0.0.0/8; may be given several times
    #[arg(
        long = "trusted-proxy",
        env = "PAYDESK_TRUSTED_PROXIES",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<IpNet>,
}

#[derive(Args, Clone)]
pub struct DevOptions {
    #[command(flatten)]
    pub listen: ListenOptions,
    /// The folder that the data is kept in
    #[arg(long, default_value = ".")]
    pub data: PathBuf,
}

#[derive(Args, Clone)]
pub struct ServeOptions {
    #[command(flatten)]
    pub listen: ListenOptions,
    #[command(flatten)]
    pub store: StoreOptions,
    /// Let notifications go to private addresses, this machine's own included
    #[arg(long, env = "PAYDESK_ALLOW_PRIVATE_WEBHOOKS")]
    pub allow_private_webhooks: bool,
    /// Leave the sandbox out: test keys can open no sessions
    #[arg(long, env = "PAYDESK_NO_SANDBOX", conflicts_with = "sandbox_url")]
    pub no_sandbox: bool,
    /// Use the sandbox of another process (`paydesk sandbox`), shared between servers
    #[arg(long, env = "PAYDESK_SANDBOX_URL")]
    pub sandbox_url: Option<Url>,
    /// What the shared sandbox asks for
    #[arg(long, env = "PAYDESK_SANDBOX_TOKEN", hide_env_values = true)]
    pub sandbox_token: Option<String>,
    /// What other currencies are worth in live mode, so that payers may pay in them: a JSON list of
    /// `{"from": "SGD", "to": "MYR", "rate": "3.4125"}`, read at start
    #[arg(long, env = "PAYDESK_RATES", value_name = "FILE")]
    pub rates: Option<PathBuf>,
    /// Requests per second that one API key may make (bursts of twice as many)
    #[arg(long, env = "PAYDESK_KEY_RATE")]
    pub key_rate: Option<std::num::NonZeroU32>,
    /// Requests per second that one address may make to payers' pages (bursts of six times as many)
    #[arg(long, env = "PAYDESK_PAGE_RATE")]
    pub page_rate: Option<std::num::NonZeroU32>,
    /// Write the log for people instead of as JSON
    #[arg(long, env = "PAYDESK_PLAIN_LOG")]
    pub plain_log: bool,
}

#[derive(Args, Clone)]
pub struct MerchantOptions {
    /// What payers read
    #[arg(long)]
    pub name: String,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Args, Clone)]
pub struct BackupOptions {
    /// The file that is made
    #[arg(long)]
    pub to: PathBuf,
    /// Copy the server's keys, too, to a file beside it that ends in `.keys`
    #[arg(long)]
    pub with_keys: bool,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Args, Clone)]
pub struct MigrateStoreOptions {
    /// What is moved: `sqlite:FILE`
    #[arg(long)]
    pub from: String,
    /// Where to: `postgres://USER@HOST/DATABASE`, a new database
    #[arg(long, env = "PAYDESK_DATABASE_URL", hide_env_values = true)]
    pub to: String,
}

#[derive(Args, Clone)]
pub struct SandboxOptions {
    /// Where servers reach it
    #[arg(long, env = "PAYDESK_SANDBOX_LISTEN", default_value = "127.0.0.1:8430")]
    pub listen: SocketAddr,
    /// The ledger's file
    #[arg(
        long,
        env = "PAYDESK_SANDBOX_DATA",
        default_value = "paydesk-sandbox.db"
    )]
    pub data: PathBuf,
    /// What servers must show, if anything
    #[arg(long, env = "PAYDESK_SANDBOX_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}
