//! What a list is narrowed to: the parameters of its query, read.

use std::str::FromStr;

use paydesk_core::list::Within;
use paydesk_core::money::{Currency, MAX_MINOR};
use paydesk_core::refusal::Refusal;
use paydesk_core::search::Search;
use paydesk_core::time::Timestamp;

use super::{Asked, Problem};

impl Asked {
    /// All that a parameter names, each of them one of these.
    pub fn named<T: Copy>(
        &self,
        parameter: &str,
        known: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>, Refusal> {
        let mut named = Vec::new();
        for asked in self.queries(parameter) {
            let before = named.len();
            // Several may go by one name.
            named.extend(known.iter().copied().filter(|one| name(*one) == asked));
            if named.len() == before {
                let mut names: Vec<_> = known.iter().map(|one| name(*one)).collect();
                names.dedup();
                let problem = format!("is not one of {}", names.join(", "));
                return Err(Refusal::field(parameter, problem));
            }
        }
        Ok(named)
    }

    /// A parameter that is no plain text, if it is given. `problem` reads on from its name.
    pub fn parsed<T: FromStr>(&self, parameter: &str, problem: &str) -> Result<Option<T>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| Refusal::field(parameter, problem));
        self.query(parameter).map(parse).transpose()
    }

    /// A text, if it is given.
    #[must_use]
    pub fn text(&self, parameter: &str) -> Option<String> {
        self.query(parameter).map(str::to_owned)
    }

    /// The currency.
    pub fn currency(&self) -> Result<Option<Currency>, Refusal> {
        self.parsed(
            "currency",
            "is not an ISO 4217 currency code such as SGD or USD",
        )
    }

    /// The bounds of amounts.
    pub fn amounts(&self) -> Result<Within<i64>, Refusal> {
        let bound = |parameter| {
            let problem = "is not a whole number of minor units, 0 or more";
            let bound: Option<i64> = self.parsed(parameter, problem)?;
            match bound {
                Some(amount) if !(0..=MAX_MINOR).contains(&amount) => {
                    Err(Refusal::field(parameter, problem))
                }
                bound => Ok(bound),
            }
        };
        Ok(Within {
            least: bound("minAmount")?,
            most: bound("maxAmount")?,
        })
    }

    /// The bounds of when something was made.
    pub fn created(&self) -> Result<Within<Timestamp>, Refusal> {
        let bound = |parameter| {
            self.parsed(
                parameter,
                "is not a time such as 2026-01-31T09:30:00Z, with its offset from UTC",
            )
        };
        Ok(Within {
            least: bound("createdFrom")?,
            most: bound("createdTo")?,
        })
    }

    /// What is looked for among sessions.
    pub async fn sought_sessions(&self) -> Result<Option<Search>, Problem> {
        let text = self.query("q").unwrap_or_default();
        let engine = self.engine();
        Ok(engine.search_sessions(self.tenant(), "q", text).await?)
    }

    /// What is looked for among transactions.
    pub async fn sought_transactions(&self) -> Result<Option<Search>, Problem> {
        let text = self.query("q").unwrap_or_default();
        let engine = self.engine();
        Ok(engine.search_transactions(self.tenant(), "q", text).await?)
    }
}
