//! How a session or a transaction is named: by exactly one of several arguments.

use paydesk_core::id::{SessionId, TransactionId};
use paydesk_core::list::{Page, SessionFilter, TransactionFilter};
use paydesk_core::session::Session;
use paydesk_core::store::ClaimKey;
use paydesk_core::transaction::Transaction;

use crate::desk::Desk;
use crate::fault::{Code, Fault};
use crate::marks::Mark;
use crate::session::read_token;
use crate::transaction::decisive;

/// The arguments as they came.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Its id.
    pub id: Option<String>,
    /// A client token of the session's.
    pub token: Option<String>,
    /// What the rail would call it.
    pub provider_code: Option<String>,
    /// The merchant's own code.
    pub merchant_code: Option<String>,
    /// A transaction's id by its old name.
    pub code: Option<String>,
}

/// The one that was given.
enum Name {
    Id(String),
    Token(String),
    ProviderCode(String),
    MerchantCode(String),
    Code(String),
}

impl Names {
    fn only(self) -> Result<Name, Fault> {
        let mut given = [
            self.id.map(Name::Id),
            self.token.map(Name::Token),
            self.provider_code.map(Name::ProviderCode),
            self.merchant_code.map(Name::MerchantCode),
            self.code.map(Name::Code),
        ]
        .into_iter()
        .flatten();
        match (given.next(), given.next()) {
            (Some(only), None) => Ok(only),
            (None, _) | (Some(_), Some(_)) => Err(Fault {
                argument: Some("id".to_owned()),
                ..Fault::new(
                    Code::Validation,
                    "exactly one of id, token, providerCode and merchantInternalTransactionCode is to be given",
                )
            }),
        }
    }

    /// The session that is named.
    pub async fn session(self, desk: &Desk<'_>) -> Result<Session, Fault> {
        let id = match self.only()? {
            Name::Id(id) => id.parse().ok(),
            Name::Token(token) => read_token(&token, desk),
            Name::ProviderCode(code) => Mark::Session.read(&code).map(SessionId),
            Name::MerchantCode(code) => {
                let found = session_of_code(code, desk).await?;
                return found.ok_or_else(|| Fault::not_found("session"));
            }
            Name::Code(code) => match Found::with_id(code.parse().ok(), desk).await? {
                Some(Found::Stored(found)) => found.session,
                Some(Found::Unattempted(session)) => return Ok(*session),
                None => None,
            },
        };
        let found = match id {
            Some(id) => desk.store().session(desk.tenant(), id).await?,
            None => None,
        };
        found.ok_or_else(|| Fault::not_found("session"))
    }

    /// The transaction that is named; by a token or a merchant's code, the one that decided how its session went.
    pub async fn transaction(self, desk: &Desk<'_>) -> Result<Found, Fault> {
        let id = match self.only()? {
            Name::Id(id) | Name::Code(id) => id.parse().ok(),
            Name::ProviderCode(code) => Mark::Transaction.read(&code).map(TransactionId),
            Name::Token(token) => {
                let id = read_token(&token, desk).ok_or_else(|| Fault::not_found("session"))?;
                return Found::of_session(id, desk).await;
            }
            Name::MerchantCode(code) => {
                let key = ClaimKey::Reference(code.clone());
                let holder = desk.store().claim(desk.tenant(), &key).await?;
                match holder.map(TransactionId) {
                    Some(charge) if !is_session(charge, desk).await? => Some(charge),
                    Some(session) => {
                        return Found::of_session(SessionId(session.0), desk).await;
                    }
                    // Whatever had it has given it up.
                    None => return Found::last_of_code(code, desk).await,
                }
            }
        };
        let found = Found::with_id(id, desk).await?;
        found.ok_or_else(|| Fault::not_found("transaction"))
    }
}

async fn is_session(id: TransactionId, desk: &Desk<'_>) -> Result<bool, Fault> {
    let session = desk.store().session(desk.tenant(), SessionId(id.0)).await?;
    Ok(session.is_some())
}

/// The session with a merchant's code. One that has ended gives its code up, so several may have had it: the latest
/// is meant, which is also the one that has it now, if any does.
async fn session_of_code(code: String, desk: &Desk<'_>) -> Result<Option<Session>, Fault> {
    let filter = SessionFilter {
        reference: Some(code),
        ..SessionFilter::at(desk.now)
    };
    let (store, page) = (desk.store(), Page::first(1));
    let found = store.sessions(desk.tenant(), &filter, page).await?;
    Ok(found.into_iter().next())
}

/// The charge of a stored card with a merchant's code, the latest.
async fn charge_of_code(code: String, desk: &Desk<'_>) -> Result<Option<Transaction>, Fault> {
    let filter = TransactionFilter {
        reference: Some(code),
        ..TransactionFilter::at(desk.now)
    };
    let (store, page) = (desk.store(), Page::first(1));
    let found = store.transactions(desk.tenant(), &filter, page).await?;
    Ok(found.into_iter().next())
}

/// A transaction that was named.
pub enum Found {
    /// It is there.
    Stored(Box<Transaction>),
    /// The payer has not begun it.
    Unattempted(Box<Session>),
}

impl Found {
    /// The transaction with this id, or the session that will have it when the payer begins.
    async fn with_id(id: Option<TransactionId>, desk: &Desk<'_>) -> Result<Option<Self>, Fault> {
        let Some(id) = id else { return Ok(None) };
        let (store, tenant) = (desk.store(), desk.tenant());
        if let Some(found) = store.transaction(tenant, id).await? {
            return Ok(Some(Self::Stored(Box::new(found))));
        }
        let session = desk.app.engine.session_first_tried_as(tenant, id).await?;
        Ok(match session {
            // The payer began between the two reads.
            Some(session) if session.attempted => {
                let found = store.transaction(tenant, id).await?;
                found.map(|it| Self::Stored(Box::new(it)))
            }
            Some(session) => Some(Self::Unattempted(Box::new(session))),
            None => None,
        })
    }

    /// What last had a merchant's code: a session that ended, or a charge of a stored card that came to nothing.
    async fn last_of_code(code: String, desk: &Desk<'_>) -> Result<Self, Fault> {
        let charge = charge_of_code(code.clone(), desk).await?;
        let session = session_of_code(code, desk).await?;
        match (charge, session) {
            (Some(charge), session)
                if session
                    .as_ref()
                    .is_none_or(|session| session.created_at <= charge.created_at) =>
            {
                Ok(Self::Stored(Box::new(charge)))
            }
            (_, Some(session)) => Self::of_session(session.id, desk).await,
            (_, None) => Err(Fault::not_found("transaction")),
        }
    }

    async fn of_session(id: SessionId, desk: &Desk<'_>) -> Result<Self, Fault> {
        let found = desk
            .store()
            .session_with_transactions(desk.tenant(), id)
            .await?;
        let (session, transactions) = found.ok_or_else(|| Fault::not_found("session"))?;
        Ok(match decisive(&transactions) {
            Some(transaction) => Self::Stored(Box::new(transaction.clone())),
            None => Self::Unattempted(Box::new(session)),
        })
    }
}
