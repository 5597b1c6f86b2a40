//! `paydesk events tail`: follows what happens.

use std::collections::VecDeque;
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
const PAGES: usize = 500;
/// So many pages are remembered: what comes late stands among them.
const REMEMBERED: usize = 5;

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
///
/// Events are listed in the order of their ids, which is not quite the order in which they are committed: one may appear
/// below others that were seen. So what is new is not what stands above the last one seen, but what was not seen before.
pub struct Events {
    /// The ids that were seen last, so that none is told twice; the newest at the end.
    seen: VecDeque<String>,
    /// Whether the server answered the last time.
    is_connected: bool,
}

impl Events {
    /// What happens from now on. Fails if the server does not let us read.
    pub async fn from_now(api: &Api) -> anyhow::Result<Self> {
        let mut events = Self {
            seen: VecDeque::new(),
            is_connected: true,
        };
        events.read_back(api, REMEMBERED).await?;
        Ok(events)
    }

    /// Waits for the next events, oldest first. While the server does not answer it says so, once, and waits for it.
    pub async fn next(&mut self, api: &Api) -> anyhow::Result<Vec<Value>> {
        loop {
            match self.read_back(api, PAGES).await {
                Ok((found, is_all)) => {
                    match (self.is_connected, is_all) {
                        (false, true) => eprintln!("Connected again; nothing was missed."),
                        (_, false) => eprintln!(
                            "More than {} events happened meanwhile; those before them are not shown.",
                            found.len()
                        ),
                        (true, true) => {}
                    }
                    self.is_connected = true;
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

    /// What was not seen before, oldest first, and whether that is all of it: reads back, so many pages at most, to one
    /// whose oldest is known.
    async fn read_back(&mut self, api: &Api, pages: usize) -> Result<(Vec<Value>, bool), ApiError> {
        let (mut found, mut is_all) = (Vec::new(), false);
        let mut path = format!("/events?limit={PAGE}");
        for _ in 0..pages {
            let page = api.get(&path).await?;
            let mut oldest_is_known = true;
            for event in of(&page) {
                oldest_is_known = self.seen.iter().any(|seen| seen == id(event));
                if !oldest_is_known {
                    found.push(event.clone());
                }
            }
            let next = page.get("nextCursor").and_then(Value::as_str);
            let Some(next) = next.filter(|_| !oldest_is_known) else {
                is_all = true;
                break;
            };
            path = format!("/events?limit={PAGE}&after={next}");
        }
        found.reverse();
        self.seen
            .extend(found.iter().map(|event| id(event).to_owned()));
        let forgotten = self.seen.len().saturating_sub(REMEMBERED * PAGE);
        self.seen.drain(..forgotten);
        Ok((found, is_all))
    }
}

fn of(page: &Value) -> impl Iterator<Item = &Value> {
    let data = page.get("data").and_then(Value::as_array);
    data.into_iter().flatten()
}

fn id(event: &Value) -> &str {
    text(event, "id")
}
