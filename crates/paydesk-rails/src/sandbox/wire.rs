//! The rail's answers as JSON, for the call to a sandbox in another process. The types are core's, which knows no
//! wire; these say how they are written, and fail to compile when core's change.

use paydesk_core::id::TransactionId;
use paydesk_core::money::Money;
use paydesk_core::payment_method::StoredCard;
use paydesk_core::rail::{Found, RailAnswer, Receipt, Transfer, Waiting};
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{DeclineReason, Destination, FailureReason};
use serde::{Deserialize, Serialize};

use super::bank::{Choice, PushName};

#[derive(Serialize, Deserialize)]
#[serde(remote = "RailAnswer", rename_all = "camelCase")]
enum RailAnswerForm {
    Succeeded(#[serde(with = "ReceiptForm")] Receipt),
    AwaitingPayer(#[serde(with = "WaitingForm")] Waiting),
    Declined(DeclineReason),
    Failed(FailureReason),
    Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Receipt", rename_all = "camelCase")]
struct ReceiptForm {
    provider_reference: Option<String>,
    stored_card: Option<StoredCard>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Waiting", rename_all = "camelCase")]
struct WaitingForm {
    provider_reference: Option<String>,
    destination: Option<Destination>,
    redirect_url: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Found", rename_all = "camelCase")]
enum FoundForm {
    Known(#[serde(with = "RailAnswerForm")] RailAnswer),
    NotFound,
    Unreachable,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Transfer", rename_all = "camelCase")]
struct TransferForm {
    id: String,
    tenant: Tenant,
    account: String,
    amount: Money,
    nonce: Option<String>,
    #[serde(default)]
    payment: Option<TransactionId>,
    received_at: Timestamp,
}

/// A [`RailAnswer`] on the wire.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Answered(#[serde(with = "RailAnswerForm")] pub RailAnswer);

/// A [`Found`] on the wire.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Asked(#[serde(with = "FoundForm")] pub Found);

/// A [`Transfer`] on the wire.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Told(#[serde(with = "TransferForm")] pub Transfer);

/// Which operation a question is about.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct About {
    pub reference: TransactionId,
}

/// Which transfers are to be told: so many, after one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AtMost {
    #[serde(default)]
    pub after: Option<String>,
    pub limit: usize,
}

/// Which transfers are recorded.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recorded {
    pub transfers: Vec<String>,
}

/// What a payer's bank is to send.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent {
    pub named: PushName,
    pub amount: Option<Money>,
    #[serde(default)]
    pub written: Option<String>,
}

/// Which page, and what the payer decided on it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chosen {
    pub token: String,
    pub choice: Option<Choice>,
}
