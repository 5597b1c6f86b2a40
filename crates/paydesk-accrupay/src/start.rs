//! Opening a session: what comes in, and how it becomes the engine's command.

use std::borrow::Cow;

use async_graphql::InputObject;
use data_encoding::HEXLOWER;
use paydesk_core::engine::EngineError;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::merchant::ProviderAccount;
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{Amount, CustomerDetails, Door, Kind, Session};
use sha2::{Digest as _, Sha256};

use crate::codes::CurrencyCode;
use crate::desk::Desk;
use crate::fault::Fault;
use crate::party::{self, BillingIn, DeviceIn, ShippingIn, UserIn};
use crate::scalar::BigInt;

/// What all requests that take or store a card have in common.
#[derive(InputObject)]
pub struct Common {
    /// Who is billed.
    pub billing: BillingIn,
    /// In which currency.
    pub currency: CurrencyCode,
    /// Who pays; or `merchantInternalCustomerCode`.
    pub customer: Option<CustomerIn>,
    /// What is paid from.
    pub device: Option<DeviceIn>,
    /// The merchant's own code for who pays; or `customer`.
    pub merchant_internal_customer_code: Option<String>,
    /// The merchant's own code, unique among its sessions and charges.
    pub merchant_internal_transaction_code: String,
    /// Where it is shipped to.
    pub shipping: Option<ShippingIn>,
    /// Who is signed in.
    pub user: Option<UserIn>,
}

/// Who pays, as the documentation nests it.
#[derive(InputObject)]
#[graphql(name = "CustomerDataSchema")]
pub struct CustomerIn {
    /// The merchant's own code.
    pub merchant_internal_customer_code: Option<String>,
}

/// A session to pay, or to hold money.
#[derive(InputObject)]
#[graphql(name = "MerchantApiClientTransactionPaymentSessionStartSchema")]
pub struct PaymentSessionStart {
    /// In minor units.
    pub amount: BigInt,
    /// Whether the card is kept for later charges.
    pub store_payment_method: bool,
    /// The rest.
    #[graphql(flatten)]
    pub common: Common,
}

/// The same, by its first name.
#[derive(InputObject)]
#[graphql(name = "MerchantApiClientTransactionPaymentStartSchema")]
pub struct PaymentStart {
    /// In minor units.
    pub amount: BigInt,
    /// Whether the card is kept for later charges.
    pub store_payment_method: bool,
    /// The rest.
    #[graphql(flatten)]
    pub common: Common,
}

/// A session to store a card.
#[derive(InputObject)]
#[graphql(name = "MerchantApiClientTransactionAddPaymentMethodSessionStartSchema")]
pub struct AddPaymentMethodSessionStart {
    /// All of it.
    #[graphql(flatten)]
    pub common: Common,
}

/// A charge of a stored card.
#[derive(InputObject)]
#[graphql(name = "MerchantApiServerPaymentMethodTransactionCreateSchema")]
pub struct PaymentMethodCharge {
    /// In minor units.
    pub amount: BigInt,
    /// Which card.
    pub merchant_customer_payment_method_id: String,
    /// The rest.
    #[graphql(flatten)]
    pub common: Common,
}

/// A direct debit; not offered.
#[derive(InputObject)]
#[graphql(name = "MerchantApiServerAchPaymentTransactionCreateSchema")]
#[allow(dead_code, reason = "it is refused unread")]
pub struct AchCharge {
    /// From which account.
    pub ach: crate::plan::AchIn,
    /// In minor units.
    pub amount: BigInt,
    /// Whether the account is kept for later.
    pub store_payment_method: bool,
    /// The rest.
    #[graphql(flatten)]
    pub common: Common,
}

/// What a session is to do with money.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// Take so much, in minor units.
    Pay {
        /// In minor units.
        amount: i64,
        /// Keep the card too.
        store: bool,
    },
    /// Hold so much.
    Authorize {
        /// In minor units.
        amount: i64,
        /// Keep the card too.
        store: bool,
    },
    /// Only keep the card.
    Store,
}

impl Common {
    /// The currency, if anybody can pay in it.
    pub fn currency(&self) -> Result<Currency, Fault> {
        Currency::from_code(self.currency.code()).ok_or_else(|| {
            Fault::argument("data.currency", "is not a currency that a payer can pay in")
        })
    }

    /// So many minor units of the currency.
    pub fn money(&self, minor: i64) -> Result<Money, Fault> {
        Money::from_minor(minor, self.currency()?)
            .map_err(|error| Fault::argument("data.amount", error))
    }

    /// The customer's code, wherever it was written.
    pub fn customer_code(&self) -> Result<Option<String>, Fault> {
        let nested = self
            .customer
            .as_ref()
            .and_then(|customer| customer.merchant_internal_customer_code.clone());
        let flat = self.merchant_internal_customer_code.clone();
        match (flat, nested) {
            (Some(flat), Some(nested)) if flat != nested => Err(Fault::argument(
                "data.customer.merchantInternalCustomerCode",
                "differs from data.merchantInternalCustomerCode; give one of them",
            )),
            (flat, nested) => Ok(flat.or(nested)),
        }
    }

    fn command(
        self,
        purpose: Purpose,
        account: &ProviderAccount,
        desk: &Desk<'_>,
    ) -> Result<OpenSession, Fault> {
        let (kind, amount, store) = match purpose {
            Purpose::Pay { amount, store } => {
                (Kind::Payment, Amount::Fixed(self.money(amount)?), store)
            }
            Purpose::Authorize { amount, store } => (
                Kind::Authorization,
                Amount::Fixed(self.money(amount)?),
                store,
            ),
            Purpose::Store => (
                Kind::AddPaymentMethod,
                Amount::Nothing(self.currency()?),
                false,
            ),
        };
        let keeps = store || kind == Kind::AddPaymentMethod;
        let code = self
            .customer_code()?
            .or_else(|| keeps.then(|| generated(desk, &self.merchant_internal_transaction_code)));
        let mut command = OpenSession::new(Door::AccruPay, kind, amount);
        command.methods = vec![Method::Card];
        command.provider_account = Some(account.id);
        command.reference = Some(self.merchant_internal_transaction_code);
        command.store_payment_method = store;
        command.customer = code.map(|code| CustomerDetails {
            code: Some(code),
            ..CustomerDetails::default()
        });
        command.billing = Some(self.billing.into());
        command.shipping = self.shipping.map(Into::into);
        command.user = self.user.map(Into::into);
        command.device = self.device.map(Into::into);
        Ok(command)
    }
}

/// The code of a customer whom the merchant gave none, and whose card is kept: made of the session's own code, so that
/// the same request again has the same customer.
fn generated(desk: &Desk<'_>, transaction_code: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(desk.tenant().merchant.0.as_bytes());
    hash.update(transaction_code.as_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let (head, _) = hash.split_at(12);
    format!("customer-{}", HEXLOWER.encode(head))
}

/// Opens the session, or finds the one that the same request opened before.
pub async fn open(
    common: Common,
    purpose: Purpose,
    account: &ProviderAccount,
    desk: &Desk<'_>,
) -> Result<Session, Fault> {
    let command = common.command(purpose, account, desk)?;
    let opened = desk
        .app
        .engine
        .open_session(desk.tenant(), command.clone(), None)
        .await;
    let refusal = match opened {
        Ok(session) => return Ok(session),
        Err(EngineError::Refused(Refusal::ReferenceTaken { session: Some(id) })) => {
            let known = desk.store().session(desk.tenant(), id).await?;
            match known.filter(|known| is_same(known, &command)) {
                Some(known) => return Ok(known),
                None => Fault::argument(
                    "data.merchantInternalTransactionCode",
                    "is already used by a session with other data: use a fresh code",
                ),
            }
        }
        Err(error) => Fault::engine(error, argument),
    };
    Err(refusal)
}

/// Whether a session is what the command would have opened.
fn is_same(known: &Session, command: &OpenSession) -> bool {
    let terms = &known.terms;
    terms.kind == command.kind
        && terms.amount == command.amount
        && terms.methods == command.methods
        && Some(terms.provider_account) == command.provider_account
        && terms.customer == command.customer
        && terms.billing == command.billing
        && terms.shipping == command.shipping
        && terms.user == command.user
        && terms.device == command.device
        && terms.store_payment_method == command.store_payment_method
}

/// The argument of `start` and of a charge that stands for a field of the engine's.
pub fn argument(field: &str) -> Cow<'static, str> {
    match field {
        "reference" => "data.merchantInternalTransactionCode".into(),
        "amount" => "data.amount".into(),
        "currency" => "data.currency".into(),
        "customer.code" => "data.merchantInternalCustomerCode".into(),
        other => match party::argument(other) {
            Some(own) => format!("data.{own}").into(),
            None => format!("data.{other}").into(),
        },
    }
}
