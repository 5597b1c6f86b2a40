//! Opens the session that pays an order, or gives back the one that there is.
//!
//! An order has one live or successful session: the claim on it is a uniqueness constraint of the store, so that
//! whatever is asked at once, all are given the same.

use std::sync::Arc;

use super::super::idempotency::Idempotent;
use super::super::open_session::{self, OpenSession};
use super::super::{Draft, Engine, EngineError, Env, SessionSnapshot};
use crate::id::{OrderId, SessionId};
use crate::merchant::ProviderAccount;
use crate::money::{AmountError, Money};
use crate::refusal::Refusal;
use crate::session::{Amount, Door, Flow, Kind, LineItem, Ordered, Session, State};
use crate::shop::{AccountSettings, Order, ShopRefusal};
use crate::store::Change;
use crate::tenant::Tenant;

/// The longest description of a device that is kept, in bytes.
const MAX_DEVICE: usize = 4_096;

/// What a shop asks for.
#[derive(Clone, Debug)]
pub struct OpenOrderSession {
    /// Through which door it came.
    pub door: Door,
    /// How the shop goes about it.
    pub flow: Flow,
    /// Whether the rail adds the tax.
    pub automatic_tax: bool,
    /// What the shop says of the device that asks.
    pub device: Option<String>,
}

/// What the decision looks at.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The order.
    pub order: Order,
    /// Who has its one claim.
    pub holder: Option<SessionSnapshot>,
    /// The tenant's accounts.
    pub accounts: Arc<[ProviderAccount]>,
    /// What was set for the order's account.
    pub settings: Option<AccountSettings>,
    /// The tax that the rail adds.
    pub tax: Money,
}

/// Decides which session pays an order. The order's live session is given back as it is, but for the way that the
/// shop goes about it, which is as last asked. One whose time is over ends in the same change.
pub fn decide(
    request: OpenOrderSession,
    snapshot: Snapshot,
    env: Env<'_>,
) -> Result<(Option<Change>, Session), Refusal> {
    let Snapshot { order, holder, .. } = snapshot;
    if order.paid.is_some() {
        return Err(ShopRefusal::OrderPaid.into());
    }
    let mut ended = None;
    if let Some(holder) = holder {
        let mut draft = Draft::new(holder, env);
        match draft.session.state {
            State::Completed { .. } => return Err(ShopRefusal::OrderPaid.into()),
            State::Expired { .. } | State::Cancelled { .. } => ended = draft.finish().0,
            State::Created { .. } | State::Initiated { .. } | State::Processing { .. } => {
                draft.go_about(request.flow);
                let (change, holder) = draft.finish();
                return Ok((change, holder.session));
            }
        }
    }
    let opening = open_session::Snapshot {
        tenant: order.tenant,
        accounts: snapshot.accounts,
        holder: None,
    };
    let wanted = wanted(request, &order, snapshot.settings, snapshot.tax)?;
    let (mut change, session) = open_session::decide(wanted, opening, env)?;
    if let Some(ended) = ended {
        change.absorb(ended);
    }
    Ok((Some(change), session))
}

fn wanted(
    request: OpenOrderSession,
    order: &Order,
    settings: Option<AccountSettings>,
    tax: Money,
) -> Result<OpenSession, Refusal> {
    let amount = order.total.checked_add(tax).ok_or(Refusal::InvalidAmount {
        field: "amount".into(),
        error: AmountError::TooLarge,
    })?;
    let mut wanted = OpenSession::new(request.door, Kind::Payment, Amount::Fixed(amount));
    wanted.provider_account = Some(order.account);
    wanted.owner = order.user.map(|user| user.to_string());
    wanted.order = Some(order.id.to_string());
    wanted.line_items = order
        .lines
        .iter()
        .map(|line| LineItem {
            id: Some(line.product.to_string()),
            name: line.title.clone(),
            quantity: line.quantity,
            amount: line.price,
        })
        .collect();
    if !tax.is_zero() {
        wanted.line_items.push(LineItem {
            id: None,
            name: "Tax".to_owned(),
            quantity: 1,
            amount: tax,
        });
    }
    if let Some(settings) = settings {
        wanted.success_url = settings.success_url;
        wanted.cancel_url = settings.cancel_url;
        wanted.lifetime = settings.session_timeout;
    }
    wanted.ordered = Some(Ordered {
        order: order.id,
        flow: request.flow,
        automatic_tax: request.automatic_tax,
        device: request.device.filter(|text| text.len() <= MAX_DEVICE),
    });
    Ok(wanted)
}

impl Engine {
    /// Opens the session that pays an order, or gives back the one that there is.
    pub async fn open_order_session(
        &self,
        tenant: Tenant,
        order: OrderId,
        request: OpenOrderSession,
        idempotent: Option<Idempotent<Session>>,
    ) -> Result<Session, EngineError> {
        self.once(tenant, idempotent.as_ref(), |_| {
            let request = request.clone();
            async move {
                let order = self.order(tenant, order).await?;
                let accounts = self.provider_accounts_with(tenant, order.account).await?;
                let key = Order::live_session(order.id);
                let holder = match self.store().claim(tenant, &key).await? {
                    // Who paid it may be gone, and its claim stays.
                    Some(id) if order.paid.is_none() => {
                        Some(self.session_with_live(tenant, SessionId(id)).await?)
                    }
                    _ => None,
                };
                let settings = self.store().find(tenant, order.account.0).await?;
                let tax = if request.automatic_tax {
                    self.automatic_tax(&accounts, &order)?
                } else {
                    Money::zero(order.total.currency())
                };
                let snapshot = Snapshot {
                    order,
                    holder,
                    accounts,
                    settings,
                    tax,
                };
                Ok(decide(request, snapshot, self.env(tenant))?)
            }
        })
        .await
    }

    fn automatic_tax(&self, accounts: &[ProviderAccount], order: &Order) -> Result<Money, Refusal> {
        let account = accounts
            .iter()
            .find(|account| account.id == order.account)
            .ok_or(Refusal::ProviderAccountNotFound)?;
        Ok(self.rail(account)?.automatic_tax(order.total))
    }
}

#[cfg(test)]
mod tests;
