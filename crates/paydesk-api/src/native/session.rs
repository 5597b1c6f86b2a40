//! The native session object, in and out.

use paydesk_core::engine::Engine;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::given::Metadata;
use paydesk_core::id::{ProviderAccountId, SessionId};
use paydesk_core::method::Method;
use paydesk_core::money::{Currency, Money};
use paydesk_core::payer::{Device, User};
use paydesk_core::refusal::Refusal;
use paydesk_core::session::{
    Amount, CustomField, CustomerDetails, Door, Kind, LineItem, Notify, NotifyFormat, Party,
    Session, State,
};
use paydesk_core::time::{Span, Timestamp};
use paydesk_core::transaction::Transaction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::people::{
    CustomerIn, CustomerOut, DeviceIn, DeviceOut, PartyIn, PartyOut, UserIn, UserOut,
};
use super::schema;
use super::transaction::TransactionOut;
use crate::wire::Iso;

/// What a merchant sends. A field that is not here is refused by name.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "SessionRequest")]
pub struct SessionIn {
    /// Take the money, hold it to be settled later, or store a card and charge nothing.
    #[serde(default = "payment")]
    #[schemars(with = "schema::KindName", extend("default" = "payment"))]
    kind: Kind,
    /// What is to be paid. Give this or `minAmount`; neither, where a card is only stored.
    #[schemars(with = "Option<schema::Amount>")]
    amount: Option<i64>,
    /// The payer chooses the amount: at least this.
    #[schemars(with = "Option<schema::Amount>")]
    min_amount: Option<i64>,
    #[schemars(with = "schema::CurrencyCode")]
    currency: String,
    /// Your own code; unique among your open and completed sessions.
    #[schemars(length(min = 1, max = 255))]
    reference: Option<String>,
    /// What payers read first.
    #[schemars(length(min = 1, max = 500))]
    title: Option<String>,
    /// More of it.
    #[schemars(length(min = 1, max = 5000))]
    description: Option<String>,
    /// What is bought. Shown, not summed.
    #[serde(default)]
    #[schemars(length(max = 200))]
    line_items: Vec<LineItemIn>,
    /// Only these, in this order; all that settle the currency if none is named.
    #[serde(default)]
    #[schemars(with = "Vec<schema::MethodName>")]
    methods: Vec<String>,
    customer: Option<CustomerIn>,
    /// Who is billed.
    billing: Option<PartyIn>,
    /// Where it is shipped to.
    shipping: Option<PartyIn>,
    /// Who is signed in.
    user: Option<UserIn>,
    /// What is paid from.
    device: Option<DeviceIn>,
    /// What the page asks the payer.
    #[serde(default)]
    #[schemars(length(max = 20))]
    custom_fields: Vec<CustomFieldIn>,
    #[serde(default)]
    #[schemars(with = "schema::Metadata")]
    metadata: Metadata,
    /// Where the payer goes after paying.
    #[schemars(length(max = 2048), extend("format" = "uri"))]
    success_url: Option<String>,
    /// Where the payer goes after giving up.
    #[schemars(length(max = 2048), extend("format" = "uri"))]
    cancel_url: Option<String>,
    /// Who is told of its payments and its end, beside your endpoints: not of its opening, nor that the payer began.
    #[schemars(length(max = 2048), extend("format" = "uri"))]
    notify_url: Option<String>,
    /// Repeated untouched wherever the charge is told of.
    #[schemars(length(max = 5000))]
    notify_payload: Option<String>,
    /// The session's own lifetime in seconds, instead of 7 days for the payer's first act and an hour from then on.
    #[schemars(range(min = 60, max = 2_592_000))]
    expires_in: Option<u32>,
    /// The language of the page.
    #[schemars(length(min = 1, max = 35))]
    locale: Option<String>,
    /// Whether a card that pays is also stored.
    #[serde(default)]
    store_payment_method: bool,
    /// Through which of your accounts; needed if several are enabled and none is the default.
    #[schemars(with = "Option<schema::Id>")]
    provider_account: Option<String>,
}

const fn payment() -> Kind {
    Kind::Payment
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LineItemRequest")]
struct LineItemIn {
    /// Your own id of it.
    #[schemars(length(min = 1, max = 500))]
    id: Option<String>,
    #[schemars(length(min = 1, max = 500))]
    name: String,
    quantity: u32,
    #[schemars(with = "schema::Amount")]
    amount: i64,
}

/// A question to the payer.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CustomFieldRequest")]
struct CustomFieldIn {
    /// Your name for it; unique within the session.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// What payers read.
    #[schemars(length(min = 1, max = 500))]
    label: String,
    /// Whether paying needs an answer.
    required: bool,
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
        let currency: Currency = self
            .currency
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
        command.customer = self.customer.map(CustomerDetails::from);
        command.reference = self.reference;
        command.title = self.title;
        command.description = self.description;
        command.billing = self.billing.map(Party::from);
        command.shipping = self.shipping.map(Party::from);
        command.user = self.user.map(User::from);
        command.device = self.device.map(Device::from);
        command.custom_fields = self
            .custom_fields
            .into_iter()
            .map(|field| CustomField {
                name: field.name,
                label: field.label,
                required: field.required,
            })
            .collect();
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
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Session")]
pub struct SessionOut<'s> {
    #[schemars(with = "schema::Id")]
    id: SessionId,
    /// What the payer's link ends with.
    public_id: String,
    /// The payer's link.
    url: String,
    #[schemars(with = "schema::SessionStatus")]
    status: &'static str,
    /// Whether real money moves.
    livemode: bool,
    /// Grows by one with each change.
    version: u64,
    #[schemars(with = "schema::KindName")]
    kind: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Amount")]
    amount: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "schema::Amount")]
    min_amount: Option<i64>,
    #[schemars(with = "schema::CurrencyCode")]
    currency: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'s str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line_items: Vec<LineItemOut<'s>>,
    #[schemars(with = "Vec<schema::MethodName>")]
    methods: &'s [Method],
    #[schemars(with = "schema::Id")]
    provider_account: ProviderAccountId,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerOut<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PartyOut")]
    billing: Option<&'s Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PartyOut")]
    shipping: Option<&'s Party>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UserOut")]
    user: Option<&'s User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeviceOut")]
    device: Option<&'s Device>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(with = "Vec<CustomFieldOut>")]
    custom_fields: &'s [CustomField],
    #[serde(skip_serializing_if = "Metadata::is_empty")]
    #[schemars(with = "schema::Metadata")]
    metadata: &'s Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_url: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notify_payload: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'s str>,
    store_payment_method: bool,
    /// How often a card was tried.
    attempts: u32,
    /// Oldest first.
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

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LineItem")]
struct LineItemOut<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'s str>,
    name: &'s str,
    quantity: u32,
    #[schemars(with = "schema::Amount")]
    amount: i64,
}

/// A question to the payer, as core writes it.
#[derive(JsonSchema)]
#[schemars(rename = "CustomField")]
#[allow(dead_code, reason = "it only describes")]
struct CustomFieldOut {
    name: String,
    label: String,
    required: bool,
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
        let public_id = session.public_id(engine.keys());
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
            user: terms.user.as_ref(),
            device: terms.device.as_ref(),
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
