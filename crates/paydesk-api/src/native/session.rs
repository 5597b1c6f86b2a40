//! The native session object, in and out.

use paydesk_core::authority::Authority;
use paydesk_core::engine::Engine;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::id::{ProviderAccountId, SessionId};
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{
    Amount, CustomField, CustomerDetails, Door, Kind, LineItem, Notify, NotifyFormat, Party, Phone,
    Session, State,
};
use paydesk_core::time::{Span, Timestamp};
use paydesk_core::transaction::Transaction;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::transaction::TransactionOut;
use crate::wire::Iso;

/// What a merchant sends. A field that is not here is refused by name.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SessionIn {
    #[serde(default = "payment")]
    kind: Kind,
    amount: Option<i64>,
    min_amount: Option<i64>,
    currency: Option<String>,
    reference: Option<String>,
    title: Option<String>,
    description: Option<String>,
    #[serde(default)]
    line_items: Vec<LineItemIn>,
    #[serde(default)]
    methods: Vec<String>,
    customer: Option<CustomerIn>,
    billing: Option<Party>,
    shipping: Option<Party>,
    #[serde(default)]
    custom_fields: Vec<CustomField>,
    #[serde(default)]
    metadata: Map<String, Value>,
    success_url: Option<String>,
    cancel_url: Option<String>,
    notify_url: Option<String>,
    notify_payload: Option<String>,
    expires_in: Option<u32>,
    locale: Option<String>,
    #[serde(default)]
    store_payment_method: bool,
    provider_account: Option<String>,
}

const fn payment() -> Kind {
    Kind::Payment
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LineItemIn {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    name: String,
    quantity: u32,
    amount: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomerIn {
    code: Option<String>,
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

/// As many entries as metadata may have.
const MAX_METADATA: usize = 50;

impl SessionIn {
    /// The engine's command.
    pub fn command(self) -> Result<OpenSession, Refusal> {
        if self.metadata.len() > MAX_METADATA {
            return Err(Refusal::field(
                "metadata",
                format!("has more than {MAX_METADATA} entries"),
            ));
        }
        let code = self
            .currency
            .ok_or_else(|| Refusal::field("currency", "is missing; it is required"))?;
        let currency: Currency = code
            .parse()
            .map_err(|error| Refusal::field("currency", format!("{error}")))?;
        let amount = match (self.amount, self.min_amount) {
            (Some(_), Some(_)) => {
                return Err(Refusal::field(
                    "minAmount",
                    "is given beside amount; give one of them",
                ));
            }
            (Some(amount), None) => Amount::Fixed(minor("amount", amount, currency)?),
            (None, Some(least)) => Amount::AtLeast(minor("minAmount", least, currency)?),
            (None, None) => Amount::Nothing(currency),
        };
        let mut command = OpenSession::new(Door::Native, self.kind, amount);
        for (index, name) in self.methods.iter().enumerate() {
            let unknown = |_| {
                Refusal::field(
                    format!("methods[{index}]"),
                    "is not a method such as card or paynow",
                )
            };
            command
                .methods
                .push(name.parse::<Method>().map_err(unknown)?);
        }
        for (index, item) in self.line_items.into_iter().enumerate() {
            let amount = minor(&format!("lineItems[{index}].amount"), item.amount, currency)?;
            command.line_items.push(LineItem {
                id: item.id,
                name: item.name,
                quantity: item.quantity,
                amount,
            });
        }
        if let Some(account) = self.provider_account {
            let wrong =
                |_| Refusal::field("providerAccount", "is not the id of a provider account");
            command.provider_account = Some(account.parse::<ProviderAccountId>().map_err(wrong)?);
        }
        command.customer = self.customer.map(|customer| CustomerDetails {
            code: customer.code,
            name: customer.name,
            email: customer.email,
            phone: customer.phone.map(|number| Phone {
                code: String::new(),
                number,
            }),
        });
        command.reference = self.reference;
        command.title = self.title;
        command.description = self.description;
        command.billing = self.billing;
        command.shipping = self.shipping;
        command.custom_fields = self.custom_fields;
        command.metadata = self.metadata;
        command.success_url = self.success_url;
        command.cancel_url = self.cancel_url;
        command.notify = self.notify_url.map(|url| Notify {
            url,
            format: NotifyFormat::Event,
        });
        command.notify_payload = self.notify_payload;
        command.lifetime = self.expires_in.map(Span::seconds);
        command.locale = self.locale;
        command.store_payment_method = self.store_payment_method;
        Ok(command)
    }
}

fn minor(field: &str, amount: i64, currency: Currency) -> Result<Money, Refusal> {
    Money::from_minor(amount, currency).map_err(|error| Refusal::InvalidAmount {
        field: field.to_owned(),
        error,
    })
}

/// A session as the native API writes it; what is absent is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionOut<'s> {
    id: SessionId,
    public_id: String,
    url: String,
    status: &'static str,
    livemode: bool,
    version: u64,
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_amount: Option<i64>,
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'s str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line_items: Vec<LineItemOut<'s>>,
    methods: &'s [Method],
    provider_account: ProviderAccountId,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerOut<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing: Option<&'s Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping: Option<&'s Party>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    custom_fields: &'s [CustomField],
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: &'s Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_payload: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'s str>,
    store_payment_method: bool,
    /// How often a card was tried.
    attempts: u32,
    transactions: Vec<TransactionOut<'s>>,
    created_at: Iso,
    updated_at: Iso,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    initiated_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processing_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancelled_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_at: Option<Iso>,
}

#[derive(Serialize)]
struct LineItemOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'s str>,
    name: &'s str,
    quantity: u32,
    amount: i64,
}

#[derive(Serialize)]
struct CustomerOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl<'s> SessionOut<'s> {
    /// The session as it stands at `now`, with its transactions, oldest first.
    pub fn new(
        session: &'s Session,
        transactions: impl IntoIterator<Item = &'s Transaction>,
        engine: &Engine,
        now: Timestamp,
    ) -> Self {
        let terms = &session.terms;
        let state = session.state_at(now);
        let public_id = Authority::page(session.tenant, session.id).to_text(engine.keys());
        let (amount, min_amount) = match terms.amount {
            Amount::Fixed(money) => (Some(money.minor()), None),
            Amount::AtLeast(money) => (None, Some(money.minor())),
            Amount::Nothing(_) => (None, None),
        };
        let mut out = Self {
            id: session.id,
            url: format!("{}/pay/{public_id}", engine.public_url()),
            public_id,
            status: state.name().as_str(),
            livemode: session.tenant.mode.is_live(),
            version: session.version,
            kind: terms.kind,
            amount,
            min_amount,
            currency: terms.amount.currency().code(),
            reference: terms.reference.as_deref(),
            title: terms.title.as_deref(),
            description: terms.description.as_deref(),
            line_items: terms.line_items.iter().map(LineItemOut::from).collect(),
            methods: &terms.methods,
            provider_account: terms.provider_account,
            customer: terms.customer.as_ref().map(CustomerOut::from),
            billing: terms.billing.as_ref(),
            shipping: terms.shipping.as_ref(),
            custom_fields: &terms.custom_fields,
            metadata: &terms.metadata,
            success_url: terms.success_url.as_deref(),
            cancel_url: terms.cancel_url.as_deref(),
            notify_url: terms.notify.as_ref().map(|notify| notify.url.as_str()),
            notify_payload: terms.notify_payload.as_deref(),
            expires_in: terms.lifetime.map(|lifetime| lifetime.as_millis() / 1000),
            locale: terms.locale.as_deref(),
            store_payment_method: terms.store_payment_method,
            attempts: session.card_attempts,
            transactions: transactions
                .into_iter()
                .map(|transaction| TransactionOut::new(transaction, now))
                .collect(),
            created_at: Iso(session.created_at),
            updated_at: Iso(session.updated_at),
            expires_at: session
                .expires_at()
                .filter(|_| !state.is_terminal())
                .map(Iso),
            initiated_at: None,
            processing_at: None,
            completed_at: None,
            cancelled_at: None,
            expired_at: None,
        };
        match state {
            State::Created { .. } => {}
            State::Initiated { at, .. } => out.initiated_at = Some(Iso(at)),
            State::Processing { since, .. } => out.processing_at = Some(Iso(since)),
            State::Completed { at, .. } => out.completed_at = Some(Iso(at)),
            State::Cancelled { at, .. } => out.cancelled_at = Some(Iso(at)),
            State::Expired { at } => out.expired_at = Some(Iso(at)),
        }
        out
    }
}

impl<'s> From<&'s LineItem> for LineItemOut<'s> {
    fn from(item: &'s LineItem) -> Self {
        Self {
            id: item.id.as_deref(),
            name: &item.name,
            quantity: item.quantity,
            amount: item.amount.minor(),
        }
    }
}

impl<'s> From<&'s CustomerDetails> for CustomerOut<'s> {
    fn from(customer: &'s CustomerDetails) -> Self {
        Self {
            code: customer.code.as_deref(),
            name: customer.name.as_deref(),
            email: customer.email.as_deref(),
            phone: customer
                .phone
                .as_ref()
                .map(|phone| format!("{}{}", phone.code, phone.number)),
        }
    }
}
