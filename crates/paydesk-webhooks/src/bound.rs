//! Where a delivery goes and what signs it, at the moment of each attempt; and what an attempt says of its endpoint.

use paydesk_core::delivery::{Delivery, Receiver};
use paydesk_core::endpoint::{Endpoint, EndpointFormat};
use paydesk_core::engine::endpoint_health::{self, Attempted};
use paydesk_core::id::EndpointId;
use paydesk_core::merchant::Merchant;
use paydesk_core::store::{CommitError, Unavailable};

use crate::courier::Courier;
use crate::sign::{Sign, SigningKey, SigningKeys};
use crate::sign_modempay::ModemPayKey;

/// Why a message cannot be signed now.
#[derive(Debug, thiserror::Error)]
pub enum Unsignable {
    #[error("the merchant is not there")]
    NoMerchant,
    #[error("the merchant's webhook secret cannot be opened with this server's keys")]
    Sealed,
    #[error(transparent)]
    BadSecret(#[from] crate::sign::BadSecret),
}

/// Where a delivery goes, and what signs it.
pub struct Bound {
    /// Where to.
    pub url: String,
    /// What signs it.
    pub keys: Box<dyn Sign>,
    /// The endpoint, if it goes to one.
    pub endpoint: Option<Endpoint>,
}

/// Why a delivery goes nowhere now.
pub enum Unbound {
    /// Later, perhaps.
    Unsignable(Unsignable),
    /// Never: nobody is there who wants it.
    Unwanted(&'static str),
}

impl<E: Into<Unsignable>> From<E> for Unbound {
    fn from(error: E) -> Self {
        Self::Unsignable(error.into())
    }
}

/// How often what an attempt says of an endpoint is written down while others change the endpoint.
const NOTES: u32 = 5;

impl Courier {
    /// Where it goes now, and what signs it now: an endpoint's address and secret are those that it has at the moment.
    pub async fn bind(&self, delivery: &Delivery) -> Result<Result<Bound, Unbound>, Unavailable> {
        match delivery.receiver {
            Receiver::Notify(_) => {
                let merchant = self.store.merchant(delivery.tenant.merchant).await?;
                let keys = merchant
                    .ok_or(Unsignable::NoMerchant)
                    .and_then(|merchant| self.merchants_key(&merchant, delivery));
                Ok(keys.map_err(Unbound::Unsignable).map(|keys| Bound {
                    url: delivery.url.clone(),
                    keys: Box::new(keys),
                    endpoint: None,
                }))
            }
            Receiver::Endpoint(id) => {
                let endpoint = self.endpoint(delivery, id).await?;
                Ok(endpoint.and_then(|endpoint| {
                    Ok(Bound {
                        url: endpoint.url.clone(),
                        keys: self.endpoints_keys(&endpoint, delivery.attempts)?,
                        endpoint: Some(endpoint),
                    })
                }))
            }
        }
    }

    async fn endpoint(
        &self,
        delivery: &Delivery,
        id: EndpointId,
    ) -> Result<Result<Endpoint, Unbound>, Unavailable> {
        let found: Option<Endpoint> = self.store.find(delivery.tenant, id.0).await?;
        Ok(match found {
            Some(endpoint) if endpoint.is_enabled() => Ok(endpoint),
            Some(_) => Err(Unbound::Unwanted("the endpoint is disabled")),
            None => Err(Unbound::Unwanted("the endpoint was deleted")),
        })
    }

    /// While a secret is being replaced, a standard message has a signature for each. Modem Pay's header has room for
    /// one: attempts take turns, beginning with the newest, so that whichever secret the receiver has, the first or the
    /// second attempt is good.
    fn endpoints_keys(
        &self,
        endpoint: &Endpoint,
        attempts: u32,
    ) -> Result<Box<dyn Sign>, Unsignable> {
        let context = Endpoint::secret_context(endpoint.tenant, endpoint.id);
        let open = |sealed| self.keys.open(&context, sealed).ok_or(Unsignable::Sealed);
        let mut secrets = endpoint.secrets(self.clock.now());
        let newest = open(secrets.next().unwrap_or(&endpoint.secret))?;
        let older = secrets.next().map(open).transpose()?;
        Ok(match (endpoint.format, older) {
            (EndpointFormat::Standard, older) => {
                let keys = SigningKeys::only(SigningKey::from_secret(&newest)?);
                Box::new(match older {
                    Some(older) => keys.and_older(SigningKey::from_secret(&older)?),
                    None => keys,
                })
            }
            (EndpointFormat::ModemPay, Some(older)) if attempts % 2 == 1 => {
                Box::new(ModemPayKey::from_secret(&older)?)
            }
            (EndpointFormat::ModemPay, _) => Box::new(ModemPayKey::from_secret(&newest)?),
        })
    }

    /// Writes down what an attempt says of its endpoint, as it was sent to, if that is news. Of one that has moved
    /// meanwhile, what its old address answered says nothing.
    pub async fn note(&self, mut endpoint: Endpoint, attempted: Attempted) {
        let sent_to = endpoint.url.clone();
        for _ in 0..NOTES {
            let Some(after) = endpoint_health::decide(attempted, &endpoint, self.clock.now())
            else {
                return;
            };
            let written = match endpoint_health::change(&after, &*self.ids) {
                Ok(change) => self.store.commit(change).await,
                Err(unavailable) => Err(unavailable.into()),
            };
            let (tenant, id) = (after.tenant, after.id);
            match written {
                Ok(()) => {
                    if !after.is_enabled() {
                        tracing::warn!(endpoint = %id, merchant = %tenant.merchant, "an endpoint was disabled: it is gone, or took nothing for days");
                    }
                    return;
                }
                Err(CommitError::Conflict(_)) => {
                    match self.store.find::<Endpoint>(tenant, id.0).await {
                        Ok(Some(now)) if now.url == sent_to => endpoint = now,
                        Ok(_) | Err(_) => return,
                    }
                }
                // The next attempt says the same.
                Err(CommitError::Unavailable(unavailable)) => {
                    tracing::warn!(endpoint = %id, %unavailable, "how an endpoint is doing was not written down");
                    return;
                }
            }
        }
    }

    fn merchants_key(
        &self,
        merchant: &Merchant,
        delivery: &Delivery,
    ) -> Result<SigningKeys, Unsignable> {
        let context = Merchant::webhook_secret_context(delivery.tenant);
        let mode = delivery.tenant.mode;
        let key = |sealed| {
            let secret = self.keys.open(&context, sealed).ok_or(Unsignable::Sealed)?;
            Ok::<_, Unsignable>(SigningKey::from_secret(&secret)?)
        };
        let keys = SigningKeys::only(key(merchant.webhook_secret(mode))?);
        Ok(
            match merchant.older_webhook_secret(mode, self.clock.now()) {
                Some(older) => keys.and_older(key(older)?),
                None => keys,
            },
        )
    }
}
