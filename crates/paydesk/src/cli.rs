//! The command line. Every flag can also be given by the environment.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use clap::builder::{BoolishValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use paydesk_core::time::Span;
use url::Url;

/// What turns a flag on or off by the environment: 1, true, yes, on, or their opposites.
fn on_or_off() -> impl TypedValueParser<Value = bool> {
    BoolishValueParser::new()
}

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
    /// Make merchants, and replace their secrets
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
    /// Check an installation: the database, its schema, the server's keys, the sandbox's ledger
    ///
    /// It looks, and changes nothing: an older schema is named, and brought to this version's by `paydesk migrate`. A
    /// server may be running beside it. A ledger that is a process of its own is not looked at.
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
    /// Write all sessions or transactions of a merchant to a file, for spreadsheets and other programs
    ///
    /// Reads the database itself, page by page: a million rows take no more memory than a hundred. A server may
    /// be running beside it.
    Export(ExportOptions),
    /// Remove finished data that is old: sessions with all that belongs to them, events, deliveries, detached cards
    ///
    /// Nothing goes that is open, under way, held, or still to be told, and no payment that can be refunded unless
    /// --paid-older-than says so. References that were used stay used. A server may be running beside it; a run that was
    /// interrupted is simply started again.
    Prune(PruneOptions),
    /// Follow a merchant's events, and forward each to a program on this machine
    Listen(ListenCommandOptions),
    /// Bring an event about in test mode, such as `session.completed`
    Trigger(TriggerOptions),
    /// Look at a merchant's sessions
    #[command(subcommand)]
    Sessions(SessionCommand),
    /// Look at a merchant's events
    #[command(subcommand)]
    Events(EventCommand),
    /// Print a completion script: `paydesk completions bash > /etc/bash_completion.d/paydesk`
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// How a merchant's server is reached.
#[derive(Args, Clone)]
pub struct ApiOptions {
    /// Where the server is
    #[arg(long, env = "PAYDESK_URL", default_value = "http://127.0.0.1:8420")]
    pub url: Url,
    /// The merchant's secret [default: that of `paydesk dev`, in the folder that it runs in]
    #[arg(long, env = "PAYDESK_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
}

#[derive(Args, Clone)]
pub struct ListenCommandOptions {
    /// Where to send each event, such as <http://localhost:3000/webhooks>
    #[arg(long)]
    pub forward_to: Option<Url>,
    /// Only events of this type; may be given several times
    #[arg(long = "type")]
    pub types: Vec<String>,
    /// What to sign forwarded events with: `whsec_…` [default: a fresh one, which is printed]
    #[arg(long, env = "PAYDESK_WEBHOOK_SECRET", hide_env_values = true)]
    pub webhook_secret: Option<String>,
    #[command(flatten)]
    pub api: ApiOptions,
}

#[derive(Args, Clone)]
pub struct TriggerOptions {
    /// The event's type, such as session.completed
    pub event: String,
    #[command(flatten)]
    pub api: ApiOptions,
}

#[derive(Subcommand)]
pub enum SessionCommand {
    /// List sessions, newest first
    List(SessionListOptions),
    /// Show one, with its transactions
    Show {
        /// Its id
        id: String,
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        api: ApiOptions,
    },
    /// End one: nobody can pay it any more
    Expire {
        /// Its id
        id: String,
        /// Print JSON, for programs
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        api: ApiOptions,
    },
}

#[derive(Args, Clone)]
pub struct SessionListOptions {
    /// Only those in this status, such as completed
    #[arg(long)]
    pub status: Option<String>,
    /// Only those in which all these words begin a word
    #[arg(long)]
    pub search: Option<String>,
    /// Only the one with this reference
    #[arg(long)]
    pub reference: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub limit: u8,
    /// From where the page before ended
    #[arg(long)]
    pub after: Option<String>,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub api: ApiOptions,
}

#[derive(Subcommand)]
pub enum EventCommand {
    /// Print events as they happen
    Tail {
        /// Only events of this type; may be given several times
        #[arg(long = "type")]
        types: Vec<String>,
        /// Print JSON, one event a line, for programs
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        api: ApiOptions,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportKind {
    /// One row per session
    Sessions,
    /// One row per transaction
    Transactions,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// For spreadsheets
    Csv,
    /// One JSON object per line, as the native API writes it
    Jsonl,
}

#[derive(Args, Clone)]
pub struct ExportOptions {
    /// What to write
    pub what: ExportKind,
    /// Made at this time or later, such as 2026-01-01 or 2026-01-01T08:00:00Z
    #[arg(long)]
    pub from: Option<String>,
    /// Made before this time
    #[arg(long)]
    pub to: Option<String>,
    /// In which format
    #[arg(long, default_value = "csv")]
    pub format: ExportFormat,
    /// Whose, by the merchant's id [default: the only merchant there is]
    #[arg(long)]
    pub merchant: Option<String>,
    /// Those of test mode, instead of those of live mode
    #[arg(long)]
    pub test: bool,
    /// Into this file, which is replaced once all is written [default: standard output]
    #[arg(long)]
    pub output: Option<PathBuf>,
    /// How the server is reached from outside: the beginning of every link in the rows
    #[arg(
        long,
        env = "PAYDESK_PUBLIC_URL",
        default_value = "http://127.0.0.1:8420"
    )]
    pub public_url: Url,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Args, Clone)]
pub struct PruneOptions {
    /// What is finished and has not changed for so long, such as 90d, 26w or 2y; at least 30d
    #[arg(long, value_parser = crate::prune::span)]
    pub older_than: Span,
    /// Also payments of which something could still be refunded, when they have not changed for so long
    #[arg(long, value_parser = crate::prune::span)]
    pub paid_older_than: Option<Span>,
    /// Whose, by the merchant's id [default: all merchants']
    #[arg(long)]
    pub merchant: Option<String>,
    /// Of this mode only [default: of both]
    #[arg(long)]
    pub mode: Option<ModeOption>,
    /// Only count what would go
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub store: StoreOptions,
}

/// Test or live.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum ModeOption {
    /// Test mode.
    Test,
    /// Live mode.
    Live,
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
    /// Replace a merchant's secret in one mode and print the new one, once
    ///
    /// The one before opens nothing any more, within five seconds on running servers, or after --overlap. Key id and
    /// publishable key stay. Restricted keys and webhook endpoints stay, too: whoever had the secret may have made some.
    RotateSecret(RotateSecretOptions),
    /// Replace the secret that signs a merchant's notifications to its notifyUrl in one mode, and print it, once
    ///
    /// While --overlap lasts, each notification carries a signature of both.
    RotateWebhookSecret(RotateWebhookSecretOptions),
}

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Let another version of the server's key sign; links signed with older versions live on
    ///
    /// One server: rotate, and restart it. Many nodes: rotate with --prepare, give all of them the file and restart them
    /// one by one, so that each knows the version before one signs with it; then rotate, and do the same again.
    Rotate(RotateOptions),
}

#[derive(Args, Clone)]
pub struct RotateOptions {
    /// Only add the version: it is known, and signs once this command is run again without --prepare
    #[arg(long)]
    pub prepare: bool,
    #[command(flatten)]
    pub store: StoreOptions,
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
    /// Networks of the proxies in front, whose X-Forwarded-For is believed, such as 10.0.0.0/8; may be given several
    /// times. Without it all who come through a proxy count as one address
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
#[allow(clippy::struct_excessive_bools, reason = "they are flags")]
pub struct ServeOptions {
    #[command(flatten)]
    pub listen: ListenOptions,
    #[command(flatten)]
    pub store: StoreOptions,
    /// Let notifications go to private addresses, this machine's own included, and by http in live mode
    #[arg(long, env = "PAYDESK_ALLOW_PRIVATE_WEBHOOKS", value_parser = on_or_off())]
    pub allow_private_webhooks: bool,
    /// Keep the GraphQL schema to yourself: it cannot be asked for
    #[arg(long, env = "PAYDESK_NO_GRAPHQL_INTROSPECTION", value_parser = on_or_off())]
    pub no_graphql_introspection: bool,
    /// Leave the sandbox out: nothing can be paid in test mode
    #[arg(long, env = "PAYDESK_NO_SANDBOX", value_parser = on_or_off(), conflicts_with = "sandbox_url")]
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
    #[command(flatten)]
    pub rates_of_requests: RateOptions,
    /// Asked to end, how many seconds to serve on while /readyz already says 503, so that a load balancer can notice; a
    /// second signal ends the wait
    #[arg(
        long,
        env = "PAYDESK_DRAIN_DELAY",
        value_name = "SECONDS",
        default_value_t = 0
    )]
    pub drain_delay: u64,
    /// Write the log for people instead of as JSON
    #[arg(long, env = "PAYDESK_PLAIN_LOG", value_parser = on_or_off())]
    pub plain_log: bool,
}

/// How often somebody may ask.
#[derive(Args, Clone)]
#[allow(clippy::struct_field_names, reason = "they are flags")]
pub struct RateOptions {
    /// Requests per second that one API key may make (bursts of twice as many) [default: no limit]
    #[arg(long, env = "PAYDESK_KEY_RATE")]
    pub key_rate: Option<NonZeroU32>,
    /// Requests per second that one address may make to payers' pages (bursts of six times as many)
    #[arg(long, env = "PAYDESK_PAGE_RATE", default_value = "50")]
    pub page_rate: NonZeroU32,
    /// Attempts per minute to sign in to one account of a shop (bursts of twice as many)
    #[arg(long, env = "PAYDESK_SIGN_IN_RATE", default_value = "10")]
    pub sign_in_rate: NonZeroU32,
    /// Attempts per second to sign in or up from one address (bursts of ten times as many)
    #[arg(long, env = "PAYDESK_SIGN_IN_ADDRESS_RATE", default_value = "10")]
    pub sign_in_address_rate: NonZeroU32,
    /// Questions per minute without a secret that one address may ask at /graphql (bursts of as many)
    #[arg(long, env = "PAYDESK_PUBLIC_QUERY_RATE", default_value = "60")]
    pub public_query_rate: NonZeroU32,
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

/// Whose secret is replaced.
#[derive(Args, Clone)]
pub struct SecretOptions {
    /// Whose, by the merchant's id
    #[arg(long)]
    pub merchant: String,
    /// In which mode
    #[arg(long)]
    pub mode: ModeOption,
    /// Print JSON, for programs
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub store: StoreOptions,
}

#[derive(Args, Clone)]
pub struct RotateSecretOptions {
    /// For how many hours the secret before opens what it did; 0: it ends at once
    #[arg(long, value_name = "HOURS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=168))]
    pub overlap: u32,
    #[command(flatten)]
    pub of: SecretOptions,
}

#[derive(Args, Clone)]
pub struct RotateWebhookSecretOptions {
    /// For how many hours the secret before signs beside the new one; 0: it ends at once
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(..=168))]
    pub overlap: u32,
    #[command(flatten)]
    pub of: SecretOptions,
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
