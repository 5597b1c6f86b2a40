//! Fan-out: an event becomes one delivery for each receiver that is to hear of it.
//!
//! Events are claimed, one by one: the commit that makes an event's deliveries also marks it as dispatched,
//! and is refused if it already is. Any number of nodes may do this at once, and none can skip an event.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use paydesk_core::delivery::{Delivery, DeliveryState, Receiver};
use paydesk_core::endpoint::{Endpoint, EndpointFormat};
use paydesk_core::engine::Hearing;
use paydesk_core::event::{Event, Subject};
use paydesk_core::id::{DeliveryId, Ids};
use paydesk_core::session::Session;
use paydesk_core::store::{Change, CommitError, Conflict, Record, Store, Unavailable};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::{Clock, Span, Timestamp};
use paydesk_core::transaction::Transaction;
use tokio::task::JoinSet;

use crate::render::Vocabulary;

/// How many events are read at a time.
const PAGE: usize = 256;
/// How many of them are worked on at a time; a store commits what comes together as one.
const AT_ONCE: usize = 32;

/// Makes deliveries of events.
#[derive(Clone)]
pub struct Dispatcher(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    words: Arc<Vocabulary>,
    hearing: Arc<Hearing>,
}

impl fmt::Debug for Dispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher").finish_non_exhaustive()
    }
}

/// What became of one page of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Page {
    /// How many events were dispatched by us.
    pub dispatched: usize,
    /// Whether there is probably more to do at once.
    pub more: bool,
}

impl Dispatcher {
    /// A dispatcher over this store.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        words: Arc<Vocabulary>,
        hearing: Arc<Hearing>,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            ids,
            words,
            hearing,
        }))
    }

    /// Dispatches everything that is undispatched, and returns how many events that were.
    pub async fn run(&self) -> Result<usize, Unavailable> {
        let mut dispatched = 0;
        loop {
            let page = self.run_page().await?;
            dispatched += page.dispatched;
            if !page.more {
                return Ok(dispatched);
            }
        }
    }

    /// Dispatches up to a page of events.
    pub(crate) async fn run_page(&self) -> Result<Page, Unavailable> {
        let events = self.0.store.undispatched(PAGE).await?;
        let full = events.len() == PAGE;
        // Read after the events: whoever was there before an event was committed is among them.
        let audiences = self.0.audiences(&events).await?;
        let mut events = events.into_iter();
        let mut dispatched = 0;
        let mut failed = None;
        // Each event in a task of its own: one whose words panic stays undispatched, is logged, and holds
        // nobody up.
        let mut tasks = JoinSet::new();
        loop {
            while tasks.len() < AT_ONCE
                && let Some(event) = events.next()
            {
                let inner = Arc::clone(&self.0);
                let endpoints = audiences.get(&event.tenant).cloned().unwrap_or_default();
                tasks.spawn(async move { inner.dispatch(event, &endpoints).await });
            }
            match tasks.join_next().await {
                None => break,
                Some(Ok(Ok(ours))) => dispatched += usize::from(ours),
                Some(Ok(Err(unavailable))) => failed = Some(unavailable),
                Some(Err(panic)) => {
                    tracing::error!(%panic, "an event could not be put in words; it stays undispatched");
                }
            }
        }
        match failed {
            Some(unavailable) => Err(unavailable),
            None => Ok(Page {
                dispatched,
                more: full && dispatched > 0,
            }),
        }
    }
}

impl Inner {
    /// The enabled endpoints of each tenant that something happened to.
    async fn audiences(
        &self,
        events: &[Event],
    ) -> Result<HashMap<Tenant, Arc<[Endpoint]>>, Unavailable> {
        let mut audiences: HashMap<Tenant, Arc<[Endpoint]>> = HashMap::new();
        for tenant in events.iter().map(|event| event.tenant) {
            if audiences.contains_key(&tenant) {
                continue;
            }
            let endpoints = Endpoint::audience(&*self.store, tenant).await?;
            // So that the next commit wakes us.
            if endpoints.is_empty() {
                self.hearing.forget(tenant);
            } else {
                self.hearing.note(tenant);
            }
            audiences.insert(tenant, endpoints.into());
        }
        Ok(audiences)
    }

    /// Whether it was dispatched by us, and not by somebody else.
    async fn dispatch(&self, event: Event, endpoints: &[Endpoint]) -> Result<bool, Unavailable> {
        let mut change = Change::new(event.tenant);
        change.dispatched.push(event.id);
        let heard = event.notify || endpoints.iter().any(|endpoint| endpoint.hears(event.kind));
        let told = if heard {
            self.told_with(&event).await?
        } else {
            None
        };
        if let Some((session, transactions)) = &told {
            let session = session.as_ref();
            let notification =
                session.and_then(|session| self.notification(&event, session, transactions));
            let deliveries = notification.into_iter().chain(self.to_endpoints(
                &event,
                session,
                transactions,
                endpoints,
            ));
            change.puts.extend(deliveries.map(Record::Delivery));
        } else if heard {
            // An event is committed together with its session, and a session goes only after its events.
            tracing::error!(event = %event.id, session = ?event.session, "an event's session is not there; nobody can be told");
        }
        match self.store.commit(change).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict(Conflict::Dispatched(_))) => Ok(false),
            Err(CommitError::Conflict(conflict)) => {
                // Not reachable: the change puts fresh records only and claims nothing.
                tracing::error!(event = %event.id, %conflict, "an event could not be dispatched");
                Ok(false)
            }
            Err(CommitError::Unavailable(unavailable)) => Err(unavailable),
        }
    }

    /// What an event is told with: its session and all transactions of that, or, without one, the payment that the
    /// event's transaction was done to. Nothing if its session is not there.
    async fn told_with(
        &self,
        event: &Event,
    ) -> Result<Option<(Option<Session>, Vec<Transaction>)>, Unavailable> {
        if let Some(id) = event.session {
            let found = self.store.session_with_transactions(event.tenant, id);
            return Ok(found
                .await?
                .map(|(session, transactions)| (Some(session), transactions)));
        }
        let done_to = match &event.subject {
            Subject::Transaction { transaction } => transaction.parent,
            _ => None,
        };
        let parent = match done_to {
            Some(id) => self.store.transaction(event.tenant, id).await?,
            None => None,
        };
        Ok(Some((None, parent.into_iter().collect())))
    }

    /// What the session's own notify address is told, if it is to be told.
    fn notification(
        &self,
        event: &Event,
        session: &Session,
        transactions: &[Transaction],
    ) -> Option<Delivery> {
        if !event.notify {
            return None;
        }
        let notify = session.terms.notify.as_ref()?;
        let words = self.words.of(notify.format);
        let body = words.render(event, Some(session), transactions)?;
        Some(self.delivery(
            event,
            Receiver::Notify(session.id),
            notify.url.clone(),
            body,
        ))
    }

    /// What each endpoint is told that hears of it. Those of one format are told the same.
    fn to_endpoints(
        &self,
        event: &Event,
        session: Option<&Session>,
        transactions: &[Transaction],
        endpoints: &[Endpoint],
    ) -> Vec<Delivery> {
        let mut rendered: HashMap<EndpointFormat, Option<String>> = HashMap::new();
        let hearing = endpoints.iter().filter(|it| it.hears(event.kind));
        hearing
            .filter_map(|endpoint| {
                let body = rendered
                    .entry(endpoint.format)
                    .or_insert_with_key(|format| {
                        let words = self.words.of_endpoint(*format);
                        words.render(event, session, transactions)
                    });
                let receiver = Receiver::Endpoint(endpoint.id);
                Some(self.delivery(event, receiver, endpoint.url.clone(), body.clone()?))
            })
            .collect()
    }

    fn delivery(&self, event: &Event, receiver: Receiver, url: String, body: String) -> Delivery {
        let now: Timestamp = self.clock.now();
        Delivery {
            id: DeliveryId::fresh(&*self.ids, now),
            tenant: event.tenant,
            version: 1,
            event: event.id,
            receiver,
            url,
            body,
            state: DeliveryState::Due { at: now },
            attempts: 0,
            last: None,
            ahead: Span::NONE,
            created_at: now,
            updated_at: now,
        }
    }
}
