//! What a payer does: begins, pays, gives up. Each is a post, of JSON or of one of the page's own forms.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use paydesk_core::authority::{Authority, Right};
use paydesk_core::engine::EngineError;
use paydesk_core::engine::end_session::End;
use paydesk_core::engine::start_payment::StartPayment;
use paydesk_core::id::PaymentMethodId;
use paydesk_core::method::Method;
use paydesk_core::money::Money;
use paydesk_core::payment_method::{Card, PaymentMethod};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Canceller, Contact, CustomFieldValue};
use paydesk_core::tenant::Mode;
use paydesk_core::transaction::{Status, Transaction};
use serde::Serialize;

use super::locale::{Language, read_amount};
use super::next_action::NextAction;
use super::screen::mistakes::{self, Mistakes, Reaction};
use super::submission::{Submission, Written, WrittenAmount};
use super::trouble::Trouble;
use super::visit::{Guest, Visit};
use super::{answer, origin, page};
use crate::app::App;
use crate::http::body;

/// The payer's first act: the choice of a method.
pub async fn initiate(State(app): State<Arc<App>>, guest: Guest, request: Request) -> Response {
    answered(&app, &guest, request, Act::Initiate).await
}

/// Pays.
pub async fn pay(State(app): State<Arc<App>>, guest: Guest, request: Request) -> Response {
    answered(&app, &guest, request, Act::Pay).await
}

/// Gives up.
pub async fn cancel(State(app): State<Arc<App>>, guest: Guest, request: Request) -> Response {
    answered(&app, &guest, request, Act::Cancel).await
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Initiate,
    Pay,
    Cancel,
}

async fn answered(app: &Arc<App>, guest: &Guest, request: Request, act: Act) -> Response {
    let (parts, body) = request.into_parts();
    let authority = Authority::from_text(&guest.link, app.engine.keys());
    let mode = authority.map_or(Mode::Live, |authority| authority.tenant.mode);
    let written = Written::of(&parts.headers);
    let outcome = match written {
        Some(written) => perform(app, guest, &parts.headers, written, body, act).await,
        None => Err(Trouble::MediaType),
    };
    let response = match (outcome, written) {
        (Ok(response), _) => response,
        (Err(trouble), Some(Written::Form)) => trouble.page(app, mode, guest.language(None)),
        (Err(trouble), _) => answer::problem(app, mode, trouble),
    };
    let tenant = authority.map(|authority| authority.tenant);
    origin::mark(app, tenant, &parts.headers, response).await
}

async fn perform(
    app: &Arc<App>,
    guest: &Guest,
    headers: &HeaderMap,
    written: Written,
    body: Body,
    act: Act,
) -> Result<Response, Trouble> {
    guest.admit(app)?;
    let visit = Visit::open(app, guest).await?;
    let body = body::read(body, &app.body_limits).await?;
    let submission = Submission::read(written, &body)?;
    let is_json = written == Written::Json;
    let code = submission.form_code.as_deref();
    origin::check_post(app, &visit, headers, is_json, code)?;
    visit.may_act()?;
    let posted = Posted {
        app,
        guest,
        visit,
        written,
    };
    match act {
        Act::Initiate => posted.initiate(&submission).await,
        Act::Pay => posted.pay(submission).await,
        Act::Cancel => posted.cancel().await,
    }
}

/// A post that is let in.
struct Posted<'p> {
    app: &'p Arc<App>,
    guest: &'p Guest,
    visit: Visit,
    written: Written,
}

/// The answer to an act, in JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActOut<'t> {
    /// After a payment the transaction's, else the session's.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_action: Option<NextAction<'t>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure_reason: Option<&'static str>,
}

impl Posted<'_> {
    async fn initiate(&self, submission: &Submission) -> Result<Response, Trouble> {
        let tenant = self.visit.session.tenant;
        let method = submission.method.as_deref().map(named).transpose()?;
        let id = self.visit.session.id;
        let session = self.app.engine.initiate_session(tenant, id, method).await?;
        let status = session.state_at(self.app.engine.now(tenant)).name();
        Ok(self.session_answer(status.as_str()))
    }

    async fn cancel(&self) -> Result<Response, Trouble> {
        let session = &self.visit.session;
        let end = End::Cancel(Canceller::Payer);
        let ended = self
            .app
            .engine
            .end_session(session.tenant, session.id, end, None)
            .await;
        match ended {
            // What has become of the session instead is what its page shows.
            Err(EngineError::Refused(_)) if self.written == Written::Form => {}
            ended => drop(ended?),
        }
        Ok(self.session_answer("cancelled"))
    }

    fn session_answer(&self, status: &'static str) -> Response {
        match self.written {
            Written::Form => answer::back_to_page(self.app, self.guest, &self.visit),
            Written::Json => {
                let out = ActOut {
                    status,
                    next_action: None,
                    decline_reason: None,
                    failure_reason: None,
                };
                answer::json(self.app, self.visit.session.tenant.mode, &out)
            }
        }
    }

    async fn pay(self, submission: Submission) -> Result<Response, Trouble> {
        let language = self.guest.language(self.visit.locale());
        if self.written == Written::Form {
            // All that is missing at once, rather than one thing after another.
            let missing = mistakes::missing(&self.visit, &submission, language);
            if !missing.is_empty() {
                return Ok(self.corrected(&submission, missing, language));
            }
        }
        let session = &self.visit.session;
        let paid = match self.command(&submission, language).await {
            Ok(command) => {
                let engine = &self.app.engine;
                engine
                    .start_payment(session.tenant, session.id, command)
                    .await
            }
            Err(error) => Err(error),
        };
        let refusal = match paid {
            Ok((_, transaction)) => return Ok(self.payment_answer(&transaction)),
            Err(EngineError::Refused(refusal)) => refusal,
            Err(error) => return Err(error.into()),
        };
        match mistakes::reaction(refusal, language) {
            Reaction::Look(refusal) => self.what_happened(refusal).await,
            Reaction::Correct(_, mistakes) if self.written == Written::Form => {
                Ok(self.corrected(&submission, mistakes, language))
            }
            Reaction::Correct(refusal, _) | Reaction::Refuse(refusal) => Err(refusal.into()),
        }
    }

    /// Turns what was sent into a command.
    async fn command(
        &self,
        submission: &Submission,
        language: Language,
    ) -> Result<StartPayment, EngineError> {
        let session = &self.visit.session;
        let method = submission
            .method
            .as_deref()
            .ok_or_else(|| Refusal::field("method", "is missing; it is required"))?;
        let currency = session.terms.amount.currency();
        let amount = match &submission.amount {
            None => None,
            Some(WrittenAmount::Minor(minor)) => Some(Money::from_minor(*minor, currency)),
            Some(WrittenAmount::Typed(typed)) => Some(read_amount(typed, currency, language)),
        };
        let amount = amount.transpose().map_err(|error| Refusal::InvalidAmount {
            field: "amount".to_owned(),
            error,
        })?;
        let contact = Contact {
            email: submission.email.clone(),
            phone: submission.phone.clone(),
        };
        let saved = match submission.saved {
            None => None,
            // A link may be in many hands; a token or secret is the merchant's word that it is this customer.
            Some(_) if self.visit.authority.right == Right::Page => {
                return Err(Refusal::field("savedMethod", "needs a client token").into());
            }
            Some(id) => Some(self.saved(id).await?),
        };
        Ok(StartPayment {
            method: named(method)?,
            amount,
            custom_field_values: submission
                .custom_fields
                .iter()
                .map(|(name, value)| CustomFieldValue {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            contact: (contact != Contact::default()).then_some(contact),
            card: card(submission)?,
            saved,
        })
    }

    /// A stored card, if it is one of the customer's whose session it is.
    async fn saved(&self, id: PaymentMethodId) -> Result<PaymentMethod, EngineError> {
        let session = &self.visit.session;
        let store = self.app.engine.store();
        let found = store.payment_method(session.tenant, id).await?;
        let customer = session.terms.customer.as_ref();
        let code = customer.and_then(|customer| customer.code.as_deref());
        let theirs = found.filter(|saved| code.is_some() && saved.customer.as_deref() == code);
        Ok(theirs.ok_or(Refusal::PaymentMethodNotFound)?)
    }

    /// What the payer is told of a payment: a wallet's or a bank's page is gone to at once.
    fn payment_answer(&self, transaction: &Transaction) -> Response {
        let mode = self.visit.session.tenant.mode;
        let now = self.app.engine.now(self.visit.session.tenant);
        if self.written == Written::Json {
            return answer::json(self.app, mode, &ActOut::of(transaction, now));
        }
        match NextAction::of(transaction, now) {
            Some(NextAction::Redirect { url } | NextAction::ThreeDs { url }) => {
                answer::see_other(self.app, mode, url)
            }
            _ => answer::back_to_page(self.app, self.guest, &self.visit),
        }
    }

    /// The payment is under way or done already, perhaps in another tab: that is the answer.
    async fn what_happened(&self, refusal: Refusal) -> Result<Response, Trouble> {
        if self.written == Written::Form {
            return Ok(answer::back_to_page(self.app, self.guest, &self.visit));
        }
        let (authority, link) = (self.visit.authority, self.visit.link.clone());
        let now = Visit::load(self.app, authority, link).await?;
        match now.current() {
            Some(transaction) => Ok(self.payment_answer(transaction)),
            None => Err(refusal.into()),
        }
    }

    /// The page again, with what is to be corrected; never with anything of a card.
    fn corrected(
        &self,
        submission: &Submission,
        mistakes: Mistakes,
        language: Language,
    ) -> Response {
        let returned = mistakes::Returned {
            submission,
            mistakes,
        };
        page::render(
            self.app,
            self.guest,
            &self.visit,
            language,
            StatusCode::UNPROCESSABLE_ENTITY,
            Some(&returned),
        )
    }
}

impl<'t> ActOut<'t> {
    fn of(transaction: &'t Transaction, now: paydesk_core::time::Timestamp) -> Self {
        let status = transaction.status_at(now);
        Self {
            status: status.name(),
            next_action: NextAction::of(transaction, now),
            decline_reason: match status {
                Status::Declined { reason, .. } => Some(reason.as_str()),
                _ => None,
            },
            failure_reason: match status {
                Status::Failed { reason, .. } => Some(reason.as_str()),
                _ => None,
            },
        }
    }
}

fn named(method: &str) -> Result<Method, Refusal> {
    method
        .parse()
        .map_err(|_| Refusal::field("method", "is not a method such as card or paynow"))
}

fn card(submission: &Submission) -> Result<Option<Card>, Refusal> {
    let Some(card) = &submission.card else {
        return Ok(None);
    };
    let (exp_month, exp_year) = card.expires().ok_or_else(|| {
        Refusal::field(
            "card.expMonth",
            "and card.expYear are not a month and a year",
        )
    })?;
    Ok(Some(Card {
        number: card.digits(),
        exp_month,
        exp_year,
        cvc: card.cvc.trim().to_owned(),
        name: Some(card.name.trim())
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    }))
}
