//! The schema's enums, and what of ours each value stands for.

use async_graphql::Enum;
use paydesk_core::merchant::Provider;
use paydesk_core::method::{Family, Method};
use paydesk_core::payer::DeviceKind;
use paydesk_core::session::{Kind, StateName};
use paydesk_core::transaction::{self, StatusName};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident as $wire:literal { $($(#[$item:meta])* $value:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Enum, Clone, Copy, PartialEq, Eq, Debug)]
        #[graphql(name = $wire, rename_items = "SCREAMING_SNAKE_CASE")]
        pub enum $name { $($(#[$item])* $value,)* }
    )*};
}

names! {
    /// Where a session stands.
    SessionStatus as "CLIENT_TRANSACTION_SESSION_STATUS" {
        /// The payer may pay.
        Active,
        /// Given up.
        Canceled,
        /// Paid, held or stored.
        Completed,
        /// Out of time.
        Expired,
        /// A payment is under way.
        Pending,
        /// Its account is disabled.
        Unavailable,
    }

    /// What sort of thing a device is.
    DeviceType as "DEVICE_TYPE" {
        /// A computer.
        Desktop,
        /// A telephone.
        Smartphone,
        /// A tablet.
        Tablet,
        /// A television set.
        Tv,
        /// Nobody knows.
        Unknown,
    }

    /// The number that an authority knows a merchant by.
    LegalIdentifierType as "LEGAL_IDENTIFIER_TYPE" {
        /// Of an employer.
        Ein,
        /// Of a taxpayer.
        Itin,
        /// Of a person.
        Ssn,
    }

    /// What sort of thing a merchant is.
    MerchantEntityType as "MERCHANT_ENTITY_TYPE" {
        /// A company.
        Company,
        /// A person.
        Individual,
    }

    /// Whether a merchant may work.
    MerchantStatus as "MERCHANT_STATUS" {
        /// It may.
        Active,
        /// It may not.
        Disabled,
        /// Not yet.
        Pending,
    }

    /// Whether an account may be used.
    AccountStatus as "MERCHANT_TRANSACTION_PROVIDER_STATUS" {
        /// It may not.
        Disabled,
        /// It may.
        Enabled,
    }

    /// What is paid with.
    PaymentMethodType as "PAYMENT_METHOD" {
        /// A direct debit in the United States; not offered.
        Ach,
        /// A card.
        Card,
        /// Anything else.
        Other,
    }

    /// Whether a stored card can be charged.
    PaymentMethodStatus as "PAYMENT_METHOD_STATUS" {
        /// It is detached.
        Disabled,
        /// It can.
        Enabled,
        /// It is out of date.
        Expired,
    }

    /// Of a payment plan; not offered.
    PaymentPlanStatus as "PAYMENT_PLAN_STATUS" {
        /// Of a payment plan.
        Active,
        /// Of a payment plan.
        Canceled,
        /// Of a payment plan.
        Ended,
        /// Of a payment plan.
        Error,
        /// Of a payment plan.
        Inactive,
        /// Of a payment plan.
        Initializing,
    }

    /// Of a template of payment plans; not offered.
    PaymentPlanTemplateStatus as "PAYMENT_PLAN_TEMPLATE_STATUS" {
        /// Of a template.
        Disabled,
        /// Of a template.
        Enabled,
    }

    /// In which direction a list is sorted.
    SortOrder as "SORT_ORDER" {
        /// The least first.
        Asc,
        /// The largest first.
        Desc,
    }

    /// How a direct debit was agreed to; not offered.
    AchSecCode as "TRANSACTION_ACH_SECCODE" {
        /// By a company.
        Ccd,
        /// By telephone.
        Tel,
        /// Nobody knows.
        Unknown,
        /// On the web.
        Web,
    }

    /// What a transaction does.
    Action as "TRANSACTION_ACTION" {
        /// Stores a card.
        Authentication,
        /// Holds money.
        Authorization,
        /// Not done here.
        Chargeback,
        /// Not done here.
        Credit,
        /// Not done here.
        Modification,
        /// Takes money.
        Payment,
        /// Not done here.
        Payout,
        /// Gives money back.
        Refund,
        /// Takes what an authorization holds.
        Settle,
        /// Not done here.
        Unknown,
        /// Releases what an authorization holds.
        Void,
    }

    /// Which rail an account is with.
    TransactionProvider as "TRANSACTION_PROVIDER" {
        /// The merchant's default card account, as the documentation calls it.
        Example,
        /// The merchant's default card account, as the published client calls it.
        Nuvei,
        /// The sandbox.
        Sandbox,
        /// The merchant's own accounts at its banks.
        Bank,
    }

    /// Where a transaction stands.
    TransactionStatus as "TRANSACTION_STATUS" {
        /// The rail said no.
        Declined,
        /// Not said here: what comes to nothing has failed.
        Error,
        /// Out of time.
        Expired,
        /// It came to nothing.
        Failed,
        /// Under way.
        Pending,
        /// The payer has not acted.
        Started,
        /// Done.
        Succeeded,
        /// The rail's answer is not known; it is being asked for.
        Unknown,
    }
}

impl From<StateName> for SessionStatus {
    fn from(state: StateName) -> Self {
        match state {
            StateName::Created | StateName::Initiated => Self::Active,
            StateName::Processing => Self::Pending,
            StateName::Completed => Self::Completed,
            StateName::Cancelled => Self::Canceled,
            StateName::Expired => Self::Expired,
        }
    }
}

impl From<transaction::Action> for Action {
    fn from(action: transaction::Action) -> Self {
        match action {
            transaction::Action::Payment => Self::Payment,
            transaction::Action::Authorization => Self::Authorization,
            transaction::Action::Settle => Self::Settle,
            transaction::Action::Void => Self::Void,
            transaction::Action::Refund => Self::Refund,
            transaction::Action::AddPaymentMethod => Self::Authentication,
        }
    }
}

impl Action {
    /// The action of ours that this is; nothing if no transaction of ours does it.
    #[must_use]
    pub const fn ours(self) -> Option<transaction::Action> {
        match self {
            Self::Payment => Some(transaction::Action::Payment),
            Self::Authorization => Some(transaction::Action::Authorization),
            Self::Settle => Some(transaction::Action::Settle),
            Self::Void => Some(transaction::Action::Void),
            Self::Refund => Some(transaction::Action::Refund),
            Self::Authentication => Some(transaction::Action::AddPaymentMethod),
            Self::Chargeback | Self::Credit | Self::Modification | Self::Payout | Self::Unknown => {
                None
            }
        }
    }
}

impl From<StatusName> for TransactionStatus {
    fn from(status: StatusName) -> Self {
        match status {
            StatusName::InFlight | StatusName::AwaitingPayer | StatusName::Received => {
                Self::Pending
            }
            StatusName::Unknown => Self::Unknown,
            StatusName::Succeeded => Self::Succeeded,
            StatusName::Declined => Self::Declined,
            StatusName::Expired => Self::Expired,
            // The vendor has no word for what was cancelled; `canceledAt` says when.
            StatusName::Failed | StatusName::Cancelled => Self::Failed,
        }
    }
}

impl From<Method> for PaymentMethodType {
    fn from(method: Method) -> Self {
        match method.family() {
            Family::Card => Self::Card,
            Family::Qr | Family::BankTransfer | Family::Wallet => Self::Other,
        }
    }
}

impl From<Provider> for TransactionProvider {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Sandbox => Self::Sandbox,
            Provider::Bank => Self::Bank,
        }
    }
}

impl From<DeviceType> for DeviceKind {
    fn from(kind: DeviceType) -> Self {
        match kind {
            DeviceType::Desktop => Self::Desktop,
            DeviceType::Smartphone => Self::Smartphone,
            DeviceType::Tablet => Self::Tablet,
            DeviceType::Tv => Self::Tv,
            DeviceType::Unknown => Self::Unknown,
        }
    }
}

impl From<DeviceKind> for DeviceType {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Desktop => Self::Desktop,
            DeviceKind::Smartphone => Self::Smartphone,
            DeviceKind::Tablet => Self::Tablet,
            DeviceKind::Tv => Self::Tv,
            DeviceKind::Unknown => Self::Unknown,
        }
    }
}

/// The document's names of the kinds of session.
#[must_use]
pub const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Payment => "payment",
        Kind::Authorization => "authorization",
        Kind::AddPaymentMethod => "add-payment-method",
    }
}
