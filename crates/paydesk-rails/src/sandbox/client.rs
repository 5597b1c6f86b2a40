//! A sandbox in another process.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use paydesk_core::id::TransactionId;
use paydesk_core::keys::Secret;
use paydesk_core::money::Money;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::{FollowUp, Found, Rail, RailAnswer, RailUnreachable, Start, Transfer};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::attempt::{After, Attempt, Kind};
use super::bank::{Challenge, Choice, PushName, PushPayment, SandboxBank, SandboxError, Wakeups};
use super::cards::is_test_card;
use super::on_pages_at;
use super::wire::{About, Answered, Asked, AtMost, Chosen, Recorded, Sent, Told};

const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(10);
/// How often a poller looks, since nobody wakes it.
const POLL: Duration = Duration::from_millis(500);
/// More than any answer; a page of transfers is the longest.
const LARGEST_ANSWER: u64 = 1024 * 1024;

/// The sandbox at an address (`paydesk sandbox`). Whatever keeps an answer from coming makes the outcome unknown.
#[derive(Clone)]
pub struct SandboxClient {
    http: reqwest::Client,
    base: Arc<str>,
    token: Option<Secret>,
    public_url: Arc<str>,
}

impl std::fmt::Debug for SandboxClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxClient")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// The sandbox cannot be called at all.
#[derive(Debug, thiserror::Error)]
#[error("no client for the sandbox: {0}")]
pub struct ClientError(String);

impl SandboxClient {
    /// For the sandbox at `sandbox_url`. Payers reach its pages through this server's `public_url`.
    pub fn new(
        sandbox_url: &str,
        token: Option<Secret>,
        public_url: &str,
    ) -> Result<Self, ClientError> {
        let url =
            reqwest::Url::parse(sandbox_url).map_err(|error| ClientError(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ClientError(
                "its address begins with http:// or https://".to_owned(),
            ));
        }
        // The client wants a provider of cryptography even where it only speaks plain HTTP. If there is one
        // already, that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .redirect(reqwest::redirect::Policy::none())
            // A card travels with the call: to the sandbox and nowhere else.
            .no_proxy()
            .build()
            .map_err(|error| ClientError(error.to_string()))?;
        Ok(Self {
            http,
            base: url.as_str().trim_end_matches('/').into(),
            token,
            public_url: public_url.trim_end_matches('/').into(),
        })
    }

    async fn call<A: DeserializeOwned>(
        &self,
        path: &str,
        question: &(impl Serialize + Sync),
    ) -> Result<A, SandboxError> {
        let mut request = self
            .http
            .post(format!("{}{path}", self.base))
            .json(question);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        let unreachable =
            |error: reqwest::Error| SandboxError::Unreachable(error.without_url().to_string());
        let mut response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() as u64 > LARGEST_ANSWER {
                return Err(SandboxError::Unreachable(
                    "its answer is too long".to_owned(),
                ));
            }
        }
        if status.is_success() {
            return serde_json::from_slice(&body)
                .map_err(|_| SandboxError::Unreachable("its answer cannot be read".to_owned()));
        }
        // The bank's own refusals have names; anything else is a call that did not come through.
        Err(serde_json::from_slice(&body)
            .unwrap_or_else(|_| SandboxError::Unreachable(format!("it answered {status}"))))
    }

    async fn answer(&self, path: &str, question: &(impl Serialize + Sync)) -> RailAnswer {
        match self.call(path, question).await {
            Ok(Answered(answer)) => on_pages_at(&self.public_url, answer),
            Err(error) => {
                tracing::warn!(%error, path, "the outcome is unknown");
                RailAnswer::Unknown
            }
        }
    }

    async fn found(&self, path: &str, reference: TransactionId) -> Found {
        match self.call(path, &About { reference }).await {
            Ok(Asked(Found::Known(answer))) => Found::Known(on_pages_at(&self.public_url, answer)),
            Ok(Asked(found)) => found,
            Err(error) => {
                tracing::warn!(%error, path, "the sandbox could not be asked");
                Found::Unreachable
            }
        }
    }

    async fn follow_up(&self, kind: Kind, follow_up: FollowUp) -> RailAnswer {
        self.answer("/rail/followUp", &After::new(kind, follow_up))
            .await
    }
}

#[async_trait]
impl Rail for SandboxClient {
    fn takes_card(&self, card: &Card) -> bool {
        is_test_card(&card.number)
    }

    fn automatic_tax(&self, amount: Money) -> Money {
        super::tax::of(amount)
    }

    async fn start(&self, start: Start) -> RailAnswer {
        self.answer("/rail/start", &Attempt::from(start)).await
    }

    async fn settle(&self, follow_up: FollowUp) -> RailAnswer {
        self.follow_up(Kind::Settle, follow_up).await
    }

    async fn void(&self, follow_up: FollowUp) -> RailAnswer {
        self.follow_up(Kind::Void, follow_up).await
    }

    async fn refund(&self, follow_up: FollowUp) -> RailAnswer {
        self.follow_up(Kind::Refund, follow_up).await
    }

    async fn query(&self, reference: TransactionId) -> Found {
        self.found("/rail/query", reference).await
    }

    async fn abandon(&self, reference: TransactionId) -> Found {
        self.found("/rail/abandon", reference).await
    }

    async fn transfers(
        &self,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Transfer>, RailUnreachable> {
        let after = after.map(str::to_owned);
        let told: Vec<Told> = self
            .call("/rail/transfers", &AtMost { after, limit })
            .await
            .map_err(|error| RailUnreachable(error.to_string()))?;
        Ok(told.into_iter().map(|Told(transfer)| transfer).collect())
    }

    async fn acknowledge(&self, transfers: &[String]) -> Result<(), RailUnreachable> {
        let recorded = Recorded {
            transfers: transfers.to_vec(),
        };
        self.call("/rail/acknowledge", &recorded)
            .await
            .map_err(|error| RailUnreachable(error.to_string()))
    }
}

#[async_trait]
impl SandboxBank for SandboxClient {
    async fn push(&self, named: PushName) -> Result<PushPayment, SandboxError> {
        self.call("/bank/push", &named).await
    }

    async fn bank_transfer_with(
        &self,
        named: PushName,
        amount: Option<Money>,
        written: Option<String>,
    ) -> Result<Transfer, SandboxError> {
        let Told(transfer) = self
            .call(
                "/bank/transfers",
                &Sent {
                    named,
                    amount,
                    written,
                },
            )
            .await?;
        Ok(transfer)
    }

    async fn challenge(&self, token: &str) -> Result<Challenge, SandboxError> {
        let (token, choice) = (token.to_owned(), None);
        self.call("/bank/challenges", &Chosen { token, choice })
            .await
    }

    async fn choose(&self, token: &str, choice: Choice) -> Result<Challenge, SandboxError> {
        let (token, choice) = (token.to_owned(), Some(choice));
        self.call("/bank/challenges", &Chosen { token, choice })
            .await
    }

    fn wakeups(&self) -> Wakeups {
        Wakeups::every(POLL)
    }
}
