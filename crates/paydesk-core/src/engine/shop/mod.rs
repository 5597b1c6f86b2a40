//! The commands of a merchant's shop: its products, orders and users.

pub mod account_settings;
pub mod create_order;
pub mod open_order_session;
pub mod products;
pub mod sign_in;
pub mod sign_up;

use super::{Engine, EngineError};
use crate::event::{Event, EventKind, Subject};
use crate::id::{OrderId, SessionId, UserId};
use crate::number::Number;
use crate::refusal::Refusal;
use crate::session::Session;
use crate::shop::{Order, ShopRefusal};
use crate::store::{Change, NameSpace, Record, Unavailable};
use crate::tenant::Tenant;
use crate::transaction::Transaction;

/// The session that is paid by this change, and its order, if it is of one. Nearly always the session is completed by
/// it; only one that had ended before, and is paid by money that came late and was accepted, stays as it is.
fn paid(change: &Change) -> Option<(&Session, OrderId)> {
    change.puts.iter().find_map(|record| {
        let Record::Session(session) = record else {
            return None;
        };
        let (order, charge) = (session.ordered.as_ref()?.order, session.charge?);
        let is_made = |event: &Event| {
            event.kind == EventKind::TransactionSucceeded
                && matches!(&event.subject, Subject::Transaction { transaction } if transaction.id == charge)
        };
        change.events.iter().any(is_made).then_some((session, order))
    })
}

impl Engine {
    /// Whatever pays a session pays its order, in the same commit.
    pub(super) async fn pay_orders(&self, change: &mut Change) -> Result<(), Unavailable> {
        let Some((session, order)) = paid(change) else {
            return Ok(());
        };
        let (tenant, id, at) = (session.tenant, session.id, session.updated_at);
        let order = self.store().find::<Order>(tenant, order.0).await?;
        if let Some(order) = order.filter(|order| order.paid.is_none()) {
            change.puts.push(Record::entry(&order.paid_by(id, at))?);
        }
        Ok(())
    }

    /// An order of a user's. Another's is as if it were not there.
    pub async fn order_of(
        &self,
        tenant: Tenant,
        user: UserId,
        number: Number,
    ) -> Result<Order, EngineError> {
        let key = number.key(NameSpace::Order);
        let order = match self.store().claim(tenant, &key).await? {
            Some(id) => self.store().find::<Order>(tenant, id).await?,
            None => None,
        };
        order
            .filter(|order| order.user == Some(user))
            .ok_or_else(|| Refusal::from(ShopRefusal::OrderNotFound).into())
    }

    /// The session of an order of a user's, with its transactions. Another's is as if it were not there.
    pub async fn session_of(
        &self,
        tenant: Tenant,
        user: UserId,
        number: Number,
    ) -> Result<(Session, Vec<Transaction>), EngineError> {
        let key = number.key(NameSpace::Session);
        let found = match self.store().claim(tenant, &key).await? {
            Some(id) => {
                let id = SessionId(id);
                self.store().session_with_transactions(tenant, id).await?
            }
            None => None,
        };
        found
            .filter(|(session, _)| session.terms.owner == Some(user.to_string()))
            .ok_or_else(|| Refusal::SessionNotFound.into())
    }

    /// The sessions that hold many orders' one claim, in the order asked: each the live session of its order, or
    /// the one that paid it. One whose time is over may still be there until somebody notices.
    pub async fn sessions_of_orders(
        &self,
        tenant: Tenant,
        orders: &[Order],
    ) -> Result<Vec<Option<SessionId>>, EngineError> {
        let keys: Vec<_> = orders
            .iter()
            .map(|order| Order::live_session(order.id))
            .collect();
        let holders = self.store().claims(tenant, &keys).await?;
        Ok(holders
            .into_iter()
            .map(|holder| holder.map(SessionId))
            .collect())
    }
}
