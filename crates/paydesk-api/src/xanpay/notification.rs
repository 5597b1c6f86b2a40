//! What `notifyUrl` receives "when charges is completed": the charge, with `notifyPayload` untouched.

use std::sync::Arc;

use paydesk_core::event::{Event, Subject};
use paydesk_core::keys::ServerKeys;
use paydesk_core::session::Session;
use paydesk_core::transaction::Transaction;
use paydesk_webhooks::Words;

use super::charge::ChargeOut;

/// Writes a completed charge as XanPay does.
#[derive(Debug)]
pub struct ChargeNotification(pub Arc<ServerKeys>);

impl Words for ChargeNotification {
    fn render(
        &self,
        event: &Event,
        session: Option<&Session>,
        transactions: &[Transaction],
    ) -> Option<String> {
        let (Subject::Transaction { transaction }, Some(session)) = (&event.subject, session)
        else {
            return None;
        };
        let charge = ChargeOut::new(transaction, session, transactions, &self.0, event.at);
        serde_json::to_string(&charge).ok()
    }
}
