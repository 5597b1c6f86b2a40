//! `paydesk events tail`: follows what happens.

use std::time::Duration;

use serde_json::Value;

use super::{Api, ApiError, text};
use crate::cli::EventCommand;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at a server that does not answer.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// So many are read at once, and at most so many pages to catch up.
const PAGE: usize = 100;
const PAGES: usize = 50;

/// Prints events as they happen, until it is stopped.
pub async fn run(command: EventCommand) -> anyhow::Result<()> {
    let EventCommand::Tail { types, json, api } = command;
    let api = Api::new(&api)?;
    let mut events = Events::from_now(&api).await?;
    loop {
        for event in events.next(&api).await? {
            if !is_wanted(&event, &types) {
                continue;
            }
            if json {
                println!("{event}");
            } else {
                println!("{}", line(&event));
            }
        }
    }
}

/// Whether the event is of one of these types; any is, if none is named.
pub fn is_wanted(event: &Value, types: &[String]) -> bool {
    types.is_empty() || types.iter().any(|name| name == text(event, "type"))
}

/// An event in a line.
pub fn line(event: &Value) -> String {
    let data = event.get("data").unwrap_or(&Value::Null);
    format!(
        "{}  {:<24} {}  of {}",
        text(event, "createdAt"),
        text(event, "type"),
        text(event, "id"),
        text(data, "id"),
    )
}

/// What has happened since a moment, as it comes in.
pub struct Events {
    /// The newest that was seen.
    last: Option<String>,
    /// Whether the server answered the last time.
    is_connected: bool,
}

impl Events {
    /// What happens from now on. Fails if the server does not let us read.
    pub async fn from_now(api: &Api) -> anyhow::Result<Self> {
        let page = api.get("/events?limit=1").await?;
        Ok(Self {
            last: ids(&page).next().map(str::to_owned),
            is_connected: true,
        })
    }

    /// Waits for the next events, oldest first. While the server does not answer it says so, once, and waits for it.
    pub async fn next(&mut self, api: &Api) -> anyhow::Result<Vec<Value>> {
        loop {
            match self.look(api).await {
                Ok(found) => {
                    if !self.is_connected {
                        eprintln!("Connected again; nothing was missed.");
                        self.is_connected = true;
                    }
                    if !found.is_empty() {
                        return Ok(found);
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error @ ApiError::NoAnswer { .. }) => self.wait(&error).await,
                Err(ref error @ ApiError::Refused { status, .. })
                    if status.is_server_error() || status.as_u16() == 429 =>
                {
                    self.wait(error).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn wait(&mut self, error: &ApiError) {
        if self.is_connected {
            eprintln!("Not connected: {error} Trying again.");
            self.is_connected = false;
        }
        tokio::time::sleep(LONG_PAUSE).await;
    }

    async fn look(&mut self, api: &Api) -> Result<Vec<Value>, ApiError> {
        let mut found = Vec::new();
        let mut path = format!("/events?limit={PAGE}");
        'pages: for _ in 0..PAGES {
            let page = api.get(&path).await?;
            let none = Vec::new();
            for event in page.get("data").and_then(Value::as_array).unwrap_or(&none) {
                if Some(text(event, "id")) == self.last.as_deref() {
                    break 'pages;
                }
                found.push(event.clone());
            }
            match page.get("nextCursor").and_then(Value::as_str) {
                // With nothing seen before, what is there at first is all there is to tell.
                Some(next) if self.last.is_some() => {
                    path = format!("/events?limit={PAGE}&after={next}");
                }
                _ => break,
            }
        }
        if let Some(newest) = found.first() {
            self.last = Some(text(newest, "id").to_owned());
        }
        found.reverse();
        Ok(found)
    }
}

fn ids(page: &Value) -> impl Iterator<Item = &str> {
    let data = page.get("data").and_then(Value::as_array);
    data.into_iter().flatten().map(|event| text(event, "id"))
}
