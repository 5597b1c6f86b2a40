//! What the payer must do next, as the payer's API tells it.

use std::borrow::Cow;

use paydesk_core::time::Timestamp;
use paydesk_core::transaction::{Status, Transaction};
use paydesk_rails::qr_svg::qr_svg;
use serde::Serialize;

use super::still_to_pay::StillToPay;
use crate::wire::Iso;

/// What the payer must do.
#[derive(Serialize, Debug)]
#[serde(
    tag = "type",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum NextAction<'t> {
    /// Scan a code with a bank's app.
    ShowQr {
        /// The code's text.
        qr_code: Cow<'t, str>,
        /// The code as a picture.
        svg: String,
        /// The reference in it.
        reference: &'t str,
        /// When it stops being valid.
        expires_at: Iso,
    },
    /// Send the money from a bank account.
    BankTransfer {
        /// To which account.
        account: &'t str,
        /// Whose it is.
        account_name: &'t str,
        /// At which bank.
        bank: &'t str,
        /// What the transfer must carry.
        reference: &'t str,
        /// How much still, in minor units.
        amount: i64,
        /// Of which currency.
        currency: &'static str,
        /// Until when.
        expires_at: Iso,
    },
    /// Go to a wallet's page.
    Redirect {
        /// Its address.
        url: &'t str,
    },
    /// Go to the bank's page, which asks whether it is really the payer.
    #[serde(rename = "threeDS")]
    ThreeDs {
        /// Its address.
        url: &'t str,
    },
}

impl<'t> NextAction<'t> {
    /// What a transaction waits for, if it waits for the payer.
    #[must_use]
    pub fn of(transaction: &'t Transaction, now: Timestamp) -> Option<Self> {
        // Borrowed from the stored status, so that the texts are; whether it still holds is asked beside.
        let Status::AwaitingPayer {
            redirect_url,
            expires_at,
            ..
        } = &transaction.status
        else {
            return None;
        };
        if !matches!(transaction.status_at(now), Status::AwaitingPayer { .. }) {
            return None;
        }
        if let Some(url) = redirect_url {
            return Some(match transaction.method.family() {
                paydesk_core::method::Family::Card => Self::ThreeDs { url },
                _ => Self::Redirect { url },
            });
        }
        let destination = transaction.destination.as_ref()?;
        let expires_at = Iso(*expires_at);
        let still = StillToPay::of(transaction, destination);
        Some(match still.code {
            Some(qr_code) => Self::ShowQr {
                // A code that a bank can read can be drawn; if ever not, the text is still there.
                svg: qr_svg(&qr_code).unwrap_or_default(),
                qr_code,
                reference: &destination.nonce,
                expires_at,
            },
            None => Self::BankTransfer {
                account: &destination.account,
                account_name: &destination.account_name,
                bank: &destination.bank,
                reference: &destination.nonce,
                amount: still.amount.minor(),
                currency: still.amount.currency().code(),
                expires_at,
            },
        })
    }
}
