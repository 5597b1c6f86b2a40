//! One attempt: the exact bytes, signed, to one URL, and what came back.

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use paydesk_core::id::EventId;
use paydesk_core::outgoing::{Forbidden, Policy};
use paydesk_core::tenant::Mode;
use paydesk_core::time::{Span, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect;
use rustls::crypto::CryptoProvider;
use rustls_platform_verifier::Verifier;
use tokio::time::Instant;

use crate::guard::Guard;
use crate::schedule::retry_after;
use crate::sign::Sign;

/// How much of an answer is read. Whoever answers with more is cut off.
const READ: usize = 4 * 1024;
/// How much of it is kept for the log.
const KEPT: usize = 512;
/// How long a connection is kept for the next message to the same host.
const IDLE: Duration = Duration::from_secs(15);

/// How long one attempt may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timeouts {
    /// Resolving the name, connecting and agreeing on keys.
    pub connect: Duration,
    /// The whole attempt.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(10),
        }
    }
}

/// The client could not be built: the message says what is wrong with the machine's TLS.
#[derive(Debug, thiserror::Error)]
#[error("webhooks cannot be sent from this machine: {0}")]
pub struct Unbuildable(String);

/// Sends messages. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Sender {
    client: reqwest::Client,
    policy: Policy,
    timeouts: Timeouts,
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Where to.
    pub url: &'a str,
    /// Whose money it is about.
    pub mode: Mode,
    /// The `webhook-id`.
    pub id: EventId,
    /// The `webhook-timestamp`: wall time, now.
    pub at: Timestamp,
    /// The exact bytes.
    pub body: &'a str,
    /// What signs it.
    pub keys: &'a dyn Sign,
}

/// What an attempt came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// The answer, or why none came.
    pub result: Result<Answer, NoAnswer>,
    /// How long that took.
    pub latency: Span,
}

/// What a receiver answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// How long it asks to be left alone.
    pub retry_after: Option<Span>,
    /// The first bytes of its body, as text.
    pub head: String,
}

/// Why no answer came.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It may not be called; no connection was made.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Not within the time allowed.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The name did not resolve, nobody took the connection, the certificate was not good, or the connection
    /// broke.
    #[error("{0}")]
    Failed(String),
}

impl Sender {
    /// A sender that trusts the machine's certificates.
    pub fn new(guard: Guard, timeouts: Timeouts) -> Result<Self, Unbuildable> {
        Self::with_tls(guard, timeouts, tls()?)
    }

    fn with_tls(
        guard: Guard,
        timeouts: Timeouts,
        tls: rustls::ClientConfig,
    ) -> Result<Self, Unbuildable> {
        let policy = guard.policy();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(guard))
            // A redirect would be a second URL that nobody judged, and a proxy would resolve for us.
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Paydesk/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(4)
            .build()
            .map_err(|error| Unbuildable(chain(&error)))?;
        Ok(Self {
            client,
            policy,
            timeouts,
        })
    }

    /// How long an attempt may take.
    #[must_use]
    pub const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Makes one attempt. Never longer than the total timeout.
    pub async fn send(&self, message: Message<'_>) -> Sent {
        let begun = Instant::now();
        let result = self.attempt(message).await;
        let latency = u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX);
        Sent {
            result,
            latency: Span::millis(latency),
        }
    }

    async fn attempt(&self, message: Message<'_>) -> Result<Answer, NoAnswer> {
        let url = self.policy.judge(message.url, message.mode)?;
        let mut headers = HeaderMap::new();
        let body = message.body.as_bytes();
        message
            .keys
            .sign(message.id, message.at, body, &mut headers);
        let mut response = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", message.id.to_string())
            .header("webhook-timestamp", message.at.as_seconds())
            .headers(headers)
            .body(Bytes::copy_from_slice(body))
            .send()
            .await
            .map_err(|error| self.why(error))?;
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            retry_after: asked.and_then(|value| retry_after(value, message.at)),
            head: head(&mut response).await,
        })
    }

    fn why(&self, error: reqwest::Error) -> NoAnswer {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
                return NoAnswer::Forbidden(forbidden.clone());
            }
            cause = error.source();
        }
        if error.is_timeout() {
            return NoAnswer::TimedOut(if error.is_connect() {
                self.timeouts.connect
            } else {
                self.timeouts.total
            });
        }
        // The URL may carry what a merchant holds secret; the log beside it has it anyway.
        NoAnswer::Failed(chain(&error.without_url()))
    }
}

/// Reads the beginning of the body. The status has already said what the answer is, so a body that breaks off
/// or dawdles changes nothing.
async fn head(response: &mut reqwest::Response) -> String {
    let mut head: Vec<u8> = Vec::new();
    let mut read = 0;
    while read < READ
        && let Ok(Some(chunk)) = response.chunk().await
    {
        read += chunk.len();
        head.extend(chunk.iter().take(KEPT - head.len()));
    }
    printable(&String::from_utf8_lossy(&head))
}

/// Control characters say nothing in a log, and some stores cannot keep a NUL.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// An error and its causes in one line, bounded like an answer.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            // Writing to a `String` cannot fail.
            let _ = write!(text, ": {more}");
        }
        cause = error.source();
    }
    printable(&text).chars().take(KEPT).collect()
}

/// TLS 1.2 and 1.3, trusting what the machine trusts; on a machine that trusts nobody (an empty container),
/// what Mozilla trusts. Private, so that no process-wide default has to be set or is changed.
fn tls() -> Result<rustls::ClientConfig, Unbuildable> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider))
        .or_else(|error| {
            tracing::warn!(%error, "the system's certificates cannot be used; trusting Mozilla's");
            let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
            Verifier::new_with_extra_roots(mozilla, Arc::clone(&provider))
        })
        .map_err(|error| Unbuildable(error.to_string()))?;
    tls_trusting(verifier, provider)
}

fn tls_trusting(
    verifier: Verifier,
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ClientConfig, Unbuildable> {
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Unbuildable(error.to_string()))?
        .dangerous() // rustls's word for any verifier that is not its own; this is the platform's
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use async_trait::async_trait;
    use paydesk_core::id::SeededIds;
    use paydesk_core::merchant::Credentials;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::guard::Lookup;
    use crate::sign::{SigningKey, SigningKeys};

    /// Takes every name for this machine.
    struct Here;

    #[async_trait]
    impl Lookup for Here {
        async fn lookup(&self, _: &str) -> std::io::Result<Vec<IpAddr>> {
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        }
    }

    fn provider() -> Arc<CryptoProvider> {
        Arc::new(rustls::crypto::ring::default_provider())
    }

    /// Serves TLS as `shop.example` with a certificate of its own making; answers 200 to every request.
    async fn receiver() -> (SocketAddr, CertificateDer<'static>) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
                let _ = stream.write_all(answer).await;
            }
        });
        (address, cert.der().clone())
    }

    async fn send(host: &str, port: u16, tls: rustls::ClientConfig) -> Result<Answer, NoAnswer> {
        let guard = Guard::with_lookup(
            Policy {
                allow_private: true,
            },
            Arc::new(Here),
        );
        let sender = Sender::with_tls(guard, Timeouts::default(), tls).unwrap();
        let ids = SeededIds::new(1);
        let secret = Credentials::fresh(&ids, Mode::Live).webhook_secret;
        let keys = SigningKeys::only(SigningKey::from_secret(&secret).unwrap());
        let message = Message {
            url: &format!("https://{host}:{port}/hook"),
            mode: Mode::Live,
            id: EventId::fresh(&ids, Timestamp::EPOCH),
            at: Timestamp::EPOCH,
            body: "{}",
            keys: &keys,
        };
        sender.send(message).await.result
    }

    #[tokio::test]
    async fn a_receiver_with_a_trusted_certificate_is_told() {
        let (address, certificate) = receiver().await;
        let verifier = Verifier::new_with_extra_roots([certificate], provider()).unwrap();
        let trusting = tls_trusting(verifier, provider()).unwrap();
        let answer = send("shop.example", address.port(), trusting)
            .await
            .unwrap();
        assert_eq!((answer.status, answer.head.as_str()), (200, "ok"));
    }

    #[tokio::test]
    async fn a_receiver_whose_certificate_is_anothers_or_nobodys_is_not() {
        let (address, certificate) = receiver().await;
        let verifier = Verifier::new_with_extra_roots([certificate], provider()).unwrap();
        let trusting = tls_trusting(verifier, provider()).unwrap();
        let Err(NoAnswer::Failed(why)) = send("other.example", address.port(), trusting).await
        else {
            panic!("the certificate is shop.example's");
        };
        assert!(why.contains("not valid for name"), "{why}");

        let Err(NoAnswer::Failed(why)) = send("shop.example", address.port(), tls().unwrap()).await
        else {
            panic!("nobody vouches for the certificate");
        };
        assert!(why.contains("UnknownIssuer"), "{why}");
    }
}
