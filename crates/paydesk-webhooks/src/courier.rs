//! One delivery in hand: lease it, send it, write down what came of it.
//!
//! The lease is a commit of the next version, so of two workers that want a delivery one is refused. A worker
//! that dies leaves a lease that ends, and the delivery is due again.

use std::sync::Arc;
use std::time::Duration;

use paydesk_core::delivery::{Attempt, Delivery, DeliveryState};
use paydesk_core::engine::endpoint_health::Attempted;
use paydesk_core::id::{Ids, NodeId};
use paydesk_core::keys::ServerKeys;
use paydesk_core::store::{Change, CommitError, Record, Store, Unavailable};
use paydesk_core::time::{Clock, Span, Timestamp};
use tokio::time::{Instant, sleep};

use crate::bound::Unbound;
use crate::schedule::{Jitter, next_delay};
use crate::send::{Message, Sender, Sent};

/// The status of an address that wants nothing more.
const GONE: u16 = 410;
/// How long a delivery waits whose message cannot be signed. Nothing was sent, so it counts as no attempt.
const UNSIGNABLE: Span = Span::minutes(5);
/// What a lease is longer than two attempts: time to read, to commit, and for clocks that differ.
const SLACK: Duration = Duration::from_secs(10);

/// What all deliveries need.
pub struct Courier {
    pub store: Arc<dyn Store>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub keys: Arc<ServerKeys>,
    pub node: NodeId,
    pub sender: Sender,
}

/// What became of a delivery that was taken in hand.
#[derive(Debug)]
pub enum Landed {
    /// It was sent.
    Attempted {
        /// Whether the receiver took it.
        took: bool,
    },
    /// It was not: another worker has it, or it cannot be signed.
    LetGo,
    /// The store failed. Whatever state that left it in, it will be due again.
    Unavailable(Unavailable),
}

impl Courier {
    /// How long a lease is.
    fn lease(&self) -> Duration {
        self.sender.timeouts().total * 2 + SLACK
    }

    /// Takes a due delivery all the way.
    pub async fn carry(&self, delivery: Delivery) -> Landed {
        // Counted from before the lease is written, on this machine's own clock: what was sent after the
        // lease has ended could be in two workers' hands.
        let begun = Instant::now();
        let leased = match self.take(delivery).await {
            Ok(Some(leased)) => leased,
            Ok(None) => return Landed::LetGo,
            Err(unavailable) => return Landed::Unavailable(unavailable),
        };
        let bound = match self.bind(&leased).await {
            Ok(Ok(bound)) => bound,
            Ok(Err(Unbound::Unwanted(why))) => {
                self.write_down(give_up(leased, why, self.clock.now()), begun)
                    .await;
                return Landed::LetGo;
            }
            Ok(Err(Unbound::Unsignable(reason))) => {
                tracing::error!(delivery = %leased.id, merchant = %leased.tenant.merchant, %reason,
                    "a notification cannot be signed; trying again later");
                let later = put_off(leased, &reason.to_string(), self.clock.now());
                self.write_down(later, begun).await;
                return Landed::LetGo;
            }
            Err(unavailable) => return Landed::Unavailable(unavailable),
        };
        if begun.elapsed() + self.sender.timeouts().total >= self.lease() {
            tracing::warn!(delivery = %leased.id, "a lease was nearly over before anything was sent");
            return Landed::LetGo;
        }
        let at = self.clock.now();
        let sent = self
            .sender
            .send(Message {
                url: &bound.url,
                mode: leased.tenant.mode,
                id: leased.event,
                at,
                body: &leased.body,
                keys: &*bound.keys,
            })
            .await;
        let leased = Delivery {
            url: bound.url,
            ..leased
        };
        let after = settle(
            leased,
            &sent,
            at,
            self.clock.now(),
            Jitter::draw(&*self.ids),
        );
        log(&after);
        let took = matches!(after.state, DeliveryState::Delivered { .. });
        self.write_down(after, begun).await;
        if let Some(endpoint) = bound.endpoint {
            let gone = matches!(&sent.result, Ok(answer) if answer.status == GONE);
            let attempted = match (took, gone) {
                (true, _) => Attempted::Took,
                (false, true) => Attempted::Gone,
                (false, false) => Attempted::Failed,
            };
            self.note(endpoint, attempted).await;
        }
        Landed::Attempted { took }
    }

    /// Leases it; nothing if another worker was faster.
    async fn take(&self, mut delivery: Delivery) -> Result<Option<Delivery>, Unavailable> {
        let now = self.clock.now();
        let lease = u32::try_from(self.lease().as_millis()).unwrap_or(u32::MAX);
        delivery.version += 1;
        delivery.updated_at = now;
        delivery.state = DeliveryState::Leased {
            node: self.node,
            until: now.after(Span::millis(lease)),
        };
        match self.store.commit(put(delivery.clone())).await {
            Ok(()) => Ok(Some(delivery)),
            Err(CommitError::Conflict(_)) => Ok(None),
            Err(CommitError::Unavailable(unavailable)) => Err(unavailable),
        }
    }

    /// Commits what came of it, as long as the lease lasts. If the store stays away that long, it is sent
    /// once more: better twice than unknown.
    async fn write_down(&self, delivery: Delivery, begun: Instant) {
        let mut pause = Duration::from_millis(100);
        loop {
            match self.store.commit(put(delivery.clone())).await {
                Ok(()) => return,
                Err(CommitError::Conflict(conflict)) => {
                    // An earlier try of ours did arrive, or somebody asked for it to be sent again.
                    tracing::info!(delivery = %delivery.id, %conflict, "what came of a delivery was not written down");
                    return;
                }
                Err(CommitError::Unavailable(unavailable)) => {
                    if begun.elapsed() + pause >= self.lease() {
                        tracing::error!(delivery = %delivery.id, %unavailable,
                            "what came of a delivery could not be written down; it will be sent again");
                        return;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
            }
        }
    }
}

fn put(delivery: Delivery) -> Change {
    let mut change = Change::new(delivery.tenant);
    change.puts.push(Record::Delivery(delivery));
    change
}

/// What a leased delivery becomes by an attempt that was made at `at` and over at `now`.
fn settle(
    leased: Delivery,
    sent: &Sent,
    at: Timestamp,
    now: Timestamp,
    jitter: Jitter,
) -> Delivery {
    let attempts = leased.attempts.saturating_add(1);
    let (status, asked, answer) = match &sent.result {
        Ok(answer) => (Some(answer.status), answer.retry_after, answer.head.clone()),
        Err(no_answer) => (None, None, no_answer.to_string()),
    };
    let state = match status {
        Some(200..=299) => DeliveryState::Delivered { at: now },
        // It wants nothing more.
        Some(GONE) => DeliveryState::GivenUp { at: now },
        _ => match next_delay(attempts, asked, jitter) {
            Some(delay) => DeliveryState::Due {
                at: now.after(delay),
            },
            None => DeliveryState::GivenUp { at: now },
        },
    };
    Delivery {
        version: leased.version + 1,
        state,
        attempts,
        last: Some(Attempt {
            at,
            status,
            latency: u32::try_from(sent.latency.as_millis()).unwrap_or(u32::MAX),
            answer,
        }),
        updated_at: now,
        ..leased
    }
}

/// What a leased delivery becomes that nobody wants any more.
fn give_up(leased: Delivery, why: &str, now: Timestamp) -> Delivery {
    Delivery {
        state: DeliveryState::GivenUp { at: now },
        ..put_off(leased, why, now)
    }
}

/// What a leased delivery becomes that could not be signed.
fn put_off(leased: Delivery, reason: &str, now: Timestamp) -> Delivery {
    Delivery {
        version: leased.version + 1,
        state: DeliveryState::Due {
            at: now.after(UNSIGNABLE),
        },
        last: Some(Attempt {
            at: now,
            status: None,
            latency: 0,
            answer: format!("not sent: {reason}"),
        }),
        updated_at: now,
        ..leased
    }
}

fn log(delivery: &Delivery) {
    let status = delivery.last.as_ref().and_then(|last| last.status);
    let attempts = delivery.attempts;
    match delivery.state {
        DeliveryState::Delivered { .. } => {
            tracing::debug!(delivery = %delivery.id, event = %delivery.event, attempts, "delivered");
        }
        DeliveryState::GivenUp { .. } => {
            tracing::warn!(delivery = %delivery.id, event = %delivery.event, attempts, status, "given up");
        }
        DeliveryState::Due { at } | DeliveryState::Leased { until: at, .. } => {
            tracing::info!(delivery = %delivery.id, event = %delivery.event, attempts, status, next = %at, "not delivered yet");
        }
    }
}

#[cfg(test)]
mod tests {
    use paydesk_core::delivery::Receiver;
    use paydesk_core::id::{DeliveryId, EventId, MerchantId, SeededIds, SessionId};
    use paydesk_core::tenant::{Mode, Tenant};

    use super::*;
    use crate::send::{Answer, NoAnswer};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn leased(attempts: u32) -> Delivery {
        let ids = SeededIds::new(1);
        Delivery {
            id: DeliveryId::fresh(&ids, NOW),
            tenant: Tenant {
                merchant: MerchantId::fresh(&ids, NOW),
                mode: Mode::Test,
            },
            version: 7,
            event: EventId::fresh(&ids, NOW),
            receiver: Receiver::Notify(SessionId::fresh(&ids, NOW)),
            url: "https://shop.example/hook".into(),
            body: "{}".into(),
            state: DeliveryState::Leased {
                node: NodeId::fresh(&ids, NOW),
                until: NOW,
            },
            attempts,
            last: None,
            ahead: Span::NONE,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    fn answered(status: u16, retry_after: Option<Span>) -> Sent {
        Sent {
            result: Ok(Answer {
                status,
                retry_after,
                head: "said".into(),
            }),
            latency: Span::millis(12),
        }
    }

    fn state_after(attempts: u32, sent: &Sent) -> DeliveryState {
        settle(leased(attempts), sent, NOW, NOW, Jitter::LATEST).state
    }

    #[test]
    fn every_answer_has_its_consequence() {
        let due = |millis| DeliveryState::Due {
            at: NOW.after(Span::millis(millis)),
        };
        let delivered = DeliveryState::Delivered { at: NOW };
        let given_up = DeliveryState::GivenUp { at: NOW };
        for status in [200, 201, 202, 204, 226, 299] {
            assert_eq!(
                state_after(0, &answered(status, None)),
                delivered,
                "{status}"
            );
            assert_eq!(
                state_after(9, &answered(status, None)),
                delivered,
                "{status}, the last attempt"
            );
        }
        for status in [
            199, 300, 301, 302, 307, 308, 400, 401, 404, 408, 429, 500, 502, 503, 599,
        ] {
            assert_eq!(
                state_after(0, &answered(status, None)),
                due(5_500),
                "{status}"
            );
            assert_eq!(
                state_after(1, &answered(status, None)),
                due(330_000),
                "{status}"
            );
            assert_eq!(
                state_after(9, &answered(status, None)),
                given_up,
                "{status}, the last attempt"
            );
        }
        assert_eq!(state_after(0, &answered(410, None)), given_up);
        assert_eq!(
            state_after(0, &answered(503, Some(Span::seconds(90)))),
            due(90_000)
        );
        let silent = Sent {
            result: Err(NoAnswer::TimedOut(Duration::from_secs(10))),
            latency: Span::seconds(10),
        };
        assert_eq!(state_after(0, &silent), due(5_500));
        assert_eq!(state_after(9, &silent), given_up);
    }

    #[test]
    fn the_attempt_is_written_down_and_nothing_else_is_touched() {
        let before = leased(2);
        let after = settle(
            before.clone(),
            &answered(500, None),
            NOW,
            NOW,
            Jitter::EARLIEST,
        );
        assert_eq!(after.version, 8);
        assert_eq!(after.attempts, 3);
        let last = after.last.clone().unwrap();
        assert_eq!(
            (last.status, last.latency, last.answer.as_str()),
            (Some(500), 12, "said")
        );
        assert_eq!(
            (
                after.id,
                after.event,
                after.receiver,
                &after.url,
                &after.body
            ),
            (
                before.id,
                before.event,
                before.receiver,
                &before.url,
                &before.body
            )
        );
    }

    #[test]
    fn what_cannot_be_signed_waits_and_counts_as_no_attempt() {
        let after = put_off(leased(9), "no key", NOW);
        assert_eq!(after.attempts, 9);
        assert_eq!(after.due_at(), Some(NOW.after(UNSIGNABLE)));
        assert_eq!(after.last.unwrap().answer, "not sent: no key");
    }
}
