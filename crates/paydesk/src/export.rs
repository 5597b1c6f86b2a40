//! `paydesk export`: all sessions or transactions of a merchant, page by page, into one file.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use paydesk_api::native::{Row, Rows};
use paydesk_core::engine::Engine;
use paydesk_core::id::MerchantId;
use paydesk_core::list::{By, Listed, Mark, Order, Page, SessionFilter, TransactionFilter, Within};
use paydesk_core::store::Unavailable;
use paydesk_core::tenant::{Mode, Tenant};
use paydesk_core::time::Timestamp;
use serde_json::value::RawValue;

use crate::cli::{ExportFormat, ExportKind, ExportOptions};
use crate::parts;

/// So many rows are held at once.
const PAGE: usize = 500;

/// The columns of a spreadsheet, as the native API names them.
const SESSION_COLUMNS: &[&str] = &[
    "id",
    "status",
    "kind",
    "amount",
    "minAmount",
    "currency",
    "reference",
    "title",
    "customer/code",
    "customer/email",
    "metadata",
    "createdAt",
    "updatedAt",
    "completedAt",
    "url",
];
const TRANSACTION_COLUMNS: &[&str] = &[
    "id",
    "sessionId",
    "action",
    "status",
    "amount",
    "currency",
    "method",
    "relatedTransactionId",
    "settledAmount",
    "refundedAmount",
    "declineReason",
    "exception",
    "providerReference",
    "createdAt",
    "updatedAt",
];

/// Writes the file.
pub async fn run(options: ExportOptions) -> anyhow::Result<()> {
    let created = Within {
        least: options.from.as_deref().map(moment).transpose()?,
        // Up to the last millisecond before.
        most: options
            .to
            .as_deref()
            .map(|to| moment(to).map(|to| Timestamp::from_millis(to.as_millis() - 1)))
            .transpose()?,
    };
    let (_, backend, keys) = parts::open(&options.store).await?;
    let public_url = options.public_url.as_str().trim_end_matches('/');
    let engine = parts::engine_of_command(&backend, keys, public_url);
    let tenant = tenant(&engine, &options).await?;
    let target = options.output.as_deref().map(Target::open).transpose()?;
    let out: Box<dyn Write + Send> = match &target {
        Some(target) => Box::new(target.file.try_clone()?),
        None => Box::new(io::stdout()),
    };
    let columns = match options.what {
        ExportKind::Sessions => SESSION_COLUMNS,
        ExportKind::Transactions => TRANSACTION_COLUMNS,
    };
    let mut sheet = Sheet::new(BufWriter::new(out), options.format, columns)?;
    // A merchant's test clock may be ahead; what it has ended is told as ended.
    engine.read_clocks().await?;
    let (now, ahead) = (engine.now(tenant), engine.ahead(tenant));
    let rows = Rows(&engine);
    let mut after: Option<Mark> = None;
    let has_bar = io::stderr().is_terminal();
    let (total, mut page) = match options.what {
        ExportKind::Sessions => {
            let filter = SessionFilter {
                ahead,
                created,
                ..SessionFilter::at(now)
            };
            let total = has_bar.then(|| engine.store().count_sessions(tenant, &filter));
            (length(total).await, Pages::Sessions(filter))
        }
        ExportKind::Transactions => {
            let filter = TransactionFilter {
                ahead,
                created,
                ..TransactionFilter::at(now)
            };
            let total = has_bar.then(|| engine.store().count_transactions(tenant, &filter));
            (length(total).await, Pages::Transactions(filter))
        }
    };
    let progress = progress(has_bar, total);
    loop {
        let (found, last) = page.next(&engine, &rows, tenant, after).await?;
        let count = found.len();
        for row in found {
            sheet.write(&row)?;
        }
        progress.inc(count as u64);
        if count < PAGE {
            break;
        }
        after = last;
    }
    sheet.finish()?;
    if let Some(target) = target {
        target.keep()?;
    }
    progress.finish_and_clear();
    eprintln!("{} rows written.", progress.position());
    Ok(())
}

/// The list that is walked.
enum Pages {
    Sessions(SessionFilter),
    Transactions(TransactionFilter),
}

impl Pages {
    /// The rows after this one, oldest first, and where they end.
    async fn next(
        &mut self,
        engine: &Engine,
        rows: &Rows<'_>,
        tenant: Tenant,
        after: Option<Mark>,
    ) -> anyhow::Result<(Vec<Row>, Option<Mark>)> {
        let page = Page::first(PAGE).ordered(Order::OLDEST).after(after);
        let store = engine.store();
        Ok(match self {
            Self::Sessions(filter) => {
                let found = store.sessions(tenant, filter, page).await?;
                let last = found.last().map(|last| last.mark(By::Created));
                (
                    found
                        .iter()
                        .map(|it| rows.session(it, filter.now))
                        .collect(),
                    last,
                )
            }
            Self::Transactions(filter) => {
                let found = store.transactions(tenant, filter, page).await?;
                let last = found.last().map(|last| last.mark(By::Created));
                (
                    found
                        .iter()
                        .map(|it| rows.transaction(it, filter.now))
                        .collect(),
                    last,
                )
            }
        })
    }
}

/// Where rows are written.
enum Sheet<W: Write> {
    Csv(Box<csv::Writer<W>>, &'static [&'static str]),
    Jsonl(W),
}

impl<W: Write> Sheet<W> {
    fn new(out: W, format: ExportFormat, columns: &'static [&'static str]) -> anyhow::Result<Self> {
        Ok(match format {
            ExportFormat::Jsonl => Self::Jsonl(out),
            ExportFormat::Csv => {
                let mut csv = csv::Writer::from_writer(out);
                csv.write_record(columns.iter().map(|column| column.replace('/', ".")))?;
                Self::Csv(Box::new(csv), columns)
            }
        })
    }

    fn write(&mut self, row: &Row) -> anyhow::Result<()> {
        match self {
            Self::Jsonl(out) => writeln!(out, "{}", serde_json::to_string(row)?)?,
            Self::Csv(csv, columns) => {
                csv.write_record(columns.iter().map(|column| cell(row, column)))?;
            }
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Jsonl(mut out) => out.flush()?,
            Self::Csv(mut csv, _) => csv.flush()?,
        }
        Ok(())
    }
}

/// A value as a cell. What a merchant or a payer wrote may begin as a formula does, and spreadsheets would run it: such
/// text gets an apostrophe before it, as they themselves write it.
fn cell(row: &Row, column: &str) -> String {
    let (field, inner) = match column.split_once('/') {
        Some((field, inner)) => (field, Some(inner)),
        None => (column, None),
    };
    let value = row.get(field).map(|value| value.get());
    match inner {
        None => value.map(as_text).unwrap_or_default(),
        Some(inner) => {
            let fields = value.map(serde_json::from_str::<BTreeMap<&str, &RawValue>>);
            let fields = fields.and_then(Result::ok).unwrap_or_default();
            fields
                .get(inner)
                .map(|it| as_text(it.get()))
                .unwrap_or_default()
        }
    }
}

fn as_text(json: &str) -> String {
    match serde_json::from_str::<String>(json) {
        Ok(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Ok(text) => text,
        Err(_) if json == "null" => String::new(),
        // Anything but a text stands for itself.
        Err(_) => json.to_owned(),
    }
}

/// A date, or a time with its offset.
fn moment(text: &str) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Timestamp::from_millis(at.as_millisecond()));
    }
    let wrong = || {
        format!(
            "{text} is neither a date such as 2026-01-31 nor a time such as 2026-01-31T08:00:00Z"
        )
    };
    let date: jiff::civil::Date = text.parse().with_context(wrong)?;
    let at = date.to_zoned(jiff::tz::TimeZone::UTC).with_context(wrong)?;
    Ok(Timestamp::from_millis(at.timestamp().as_millisecond()))
}

async fn tenant(engine: &Engine, options: &ExportOptions) -> anyhow::Result<Tenant> {
    let known = engine.store().merchants().await?;
    let merchant = match (&options.merchant, known.as_slice()) {
        (Some(id), known) => {
            let id: MerchantId = id
                .parse()
                .with_context(|| format!("{id} is not the id of a merchant"))?;
            if !known.contains(&id) {
                bail!("there is no merchant {id}");
            }
            id
        }
        (None, [only]) => *only,
        (None, []) => bail!("there is no merchant in this database"),
        (None, many) => {
            let ids: Vec<_> = many.iter().take(20).map(ToString::to_string).collect();
            bail!(
                "there are {} merchants: say which with --merchant\n{}",
                many.len(),
                ids.join("\n")
            );
        }
    };
    let mode = if options.test { Mode::Test } else { Mode::Live };
    Ok(Tenant { merchant, mode })
}

/// A bar on a terminal, and nothing in a script.
/// How many rows there are, where somebody is shown how far it is. Counting may take longer than a store allows: then
/// nobody knows, and the rows are written all the same.
async fn length(count: Option<impl Future<Output = Result<u64, Unavailable>>>) -> Option<u64> {
    count?.await.ok()
}

fn progress(is_shown: bool, total: Option<u64>) -> ProgressBar {
    if !is_shown {
        return ProgressBar::hidden();
    }
    let (bar, style) = match total {
        Some(total) => (
            ProgressBar::new(total),
            ProgressStyle::with_template("{bar:40} {human_pos} of {human_len}, {eta} left"),
        ),
        None => (
            ProgressBar::no_length(),
            ProgressStyle::with_template("{human_pos} rows"),
        ),
    };
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

/// The file that is written: beside the one that was asked for, whose place it takes when it is complete. What was there
/// before stays until then.
struct Target<'p> {
    path: &'p Path,
    /// Where it is written; nothing if it is no plain file, which is written to as it is.
    beside: Option<PathBuf>,
    file: File,
}

impl<'p> Target<'p> {
    fn open(path: &'p Path) -> anyhow::Result<Self> {
        let is_plain = !path.exists() || path.is_file();
        let beside = is_plain.then(|| {
            let mut name = path.as_os_str().to_owned();
            name.push(".part");
            PathBuf::from(name)
        });
        let mut options = OpenOptions::new();
        options.write(true);
        if is_plain {
            options.create(true).truncate(true);
        }
        // Customers' names and addresses are nobody else's.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = beside.as_deref().unwrap_or(path);
        let file = options
            .open(written)
            .with_context(|| format!("{} cannot be written", written.display()))?;
        Ok(Self { path, beside, file })
    }

    fn keep(self) -> anyhow::Result<()> {
        let Some(beside) = &self.beside else {
            return Ok(());
        };
        self.file.sync_all()?;
        fs::rename(beside, self.path)
            .with_context(|| format!("{} cannot be replaced", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        let row: Row = serde_json::from_str(
            r#"{"formula": "=HYPERLINK(\"x\")", "tea": "Tea, green", "number": -5, "nothing": null,
                "customer": {"phone": "+65 1", "code": "c-1"}, "metadata": {"digits": 0.10}}"#,
        )
        .unwrap();
        for (column, text) in [
            ("formula", "'=HYPERLINK(\"x\")"),
            ("tea", "Tea, green"),
            ("number", "-5"),
            ("nothing", ""),
            ("absent", ""),
            ("customer/phone", "'+65 1"),
            ("customer/code", "c-1"),
            ("customer/absent", ""),
            ("absent/code", ""),
            ("metadata", r#"{"digits": 0.10}"#),
        ] {
            assert_eq!(cell(&row, column), text, "{column}");
        }
    }

    #[test]
    fn moments_are_dates_or_times() {
        assert_eq!(moment("1970-01-02").unwrap().as_millis(), 86_400_000);
        assert_eq!(moment("1970-01-01T01:00:00+01:00").unwrap().as_millis(), 0);
        for wrong in ["", "yesterday", "2026-13-01", "1.1.2026"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
