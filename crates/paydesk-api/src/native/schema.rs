//! How the values of core are written on the native wire, as JSON Schema: what the `OpenAPI` document says of them.
//!
//! Core knows nothing of schemas, so each stand-in describes a type of core by its wire form. That they describe the
//! same is tested: every answer of the server is held against the document.

use std::borrow::Cow;

use paydesk_core::method::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::wire::Iso;

/// A stand-in: its name, and its schema, written where it is used.
macro_rules! stand_ins {
    ($($(#[$doc:meta])* $name:ident = $schema:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

fn methods() -> Vec<&'static str> {
    Method::ALL.iter().map(|method| method.name()).collect()
}

fn pushed_methods() -> Vec<&'static str> {
    let all = Method::ALL
        .iter()
        .filter(|method| method.family().is_pushed());
    all.map(|method| method.name()).collect()
}

stand_ins! {
    /// The id of anything.
    Id = json_schema!({"type": "string", "format": "uuid"});
    /// An amount that was taken in: minor units of its currency.
    Amount = json_schema!({
        "type": "integer", "format": "int64", "minimum": 0, "maximum": 999_999_999_999_999_i64,
        "description": "Minor units of the currency: 3500 is 35.00 SGD, and 3500 JPY."
    });
    /// A currency.
    CurrencyCode = json_schema!({
        "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217."
    });
    /// A method.
    MethodName = json_schema!({"type": "string", "enum": methods()});
    /// A method by which money is pushed to an account.
    PushedMethodName = json_schema!({"type": "string", "enum": pushed_methods()});
    /// Which rail an account is with.
    ProviderName = json_schema!({"type": "string", "enum": ["SANDBOX", "BANK"]});
    /// What a session is for.
    KindName = json_schema!({"type": "string", "enum": ["payment", "authorization", "addPaymentMethod"]});
    /// What sort of thing a device is.
    DeviceKindName = json_schema!({
        "type": "string",
        "enum": ["desktop", "smartphone", "tablet", "tv", "unknown"]
    });
    /// What a transaction does.
    ActionName = json_schema!({
        "type": "string",
        "enum": ["payment", "authorization", "settle", "void", "refund", "addPaymentMethod"]
    });
    /// Where a session stands.
    SessionStatus = json_schema!({
        "type": "string",
        "enum": ["created", "initiated", "processing", "completed", "cancelled", "expired"]
    });
    /// Where a transaction stands.
    TransactionStatus = json_schema!({
        "type": "string",
        "enum": ["pending", "succeeded", "declined", "failed", "expired", "cancelled", "unknown"]
    });
    /// What became of the money that an authorization holds.
    HoldName = json_schema!({"type": "string", "enum": ["open", "settled", "voided", "lapsed"]});
    /// How many units of one currency a unit of another is worth.
    ExchangeRate = json_schema!({"type": "string", "description": "A decimal number, exactly."});
    /// What was not as asked.
    ExceptionName = json_schema!({"type": "string", "enum": ["late", "partial", "over"]});
    /// The merchant's own data.
    Metadata = json_schema!({
        "type": "object", "maxProperties": 50, "additionalProperties": true,
        "description": "Your own data; comes back as given."
    });
    /// Where to push the money.
    DestinationOut = json_schema!({
        "type": "object",
        "description": "Where the payer pushes the money to.",
        "properties": {
            "account": {"type": "string"},
            "nonce": {"type": "string", "description": "The reference that tells this payment from others."},
            "qrCode": {"type": "string", "description": "The EMVCo code, if it is scanned."},
            "accountName": {"type": "string"},
            "bank": {"type": "string"}
        },
        "required": ["account", "nonce", "accountName", "bank"]
    });
}

/// An answer to a question.
#[derive(JsonSchema)]
#[schemars(inline)]
#[allow(dead_code, reason = "it only describes")]
pub struct Answered {
    name: String,
    value: String,
}

/// How the payer may be reached, as the payer wrote it on the page.
#[derive(JsonSchema)]
#[schemars(inline)]
#[allow(dead_code, reason = "it only describes")]
pub struct ContactOut {
    #[schemars(default)]
    email: String,
    #[schemars(default)]
    phone: String,
}

impl JsonSchema for Iso {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}
