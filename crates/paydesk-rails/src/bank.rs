//! The rail of the accounts that a merchant has at banks of its own: payers push money there by a scanned code or a
//! transfer, and the merchant [reports](paydesk_core::engine::report_transfer) what came in.
//!
//! It moves no money and keeps nothing. Starting a payment only works out what its payer is told, from the account and the
//! payment alone, and nobody is told before that is committed. So a start whose answer was lost came to nothing, whenever it is
//! asked about: there is nothing to refuse from then on, and nothing that could still land.

use async_trait::async_trait;
use paydesk_core::id::TransactionId;
use paydesk_core::payment_method::Card;
use paydesk_core::rail::{
    FollowUp, Found, Operation, Rail, RailAnswer, RailUnreachable, Source, Start, Transfer, Waiting,
};
use paydesk_core::transaction::FailureReason;

use crate::destination::destination;

/// The rail.
#[derive(Clone, Copy, Debug, Default)]
pub struct BankRail;

const NOT_SUPPORTED: RailAnswer = RailAnswer::Failed(FailureReason::NotSupported);

#[async_trait]
impl Rail for BankRail {
    fn takes_card(&self, _: &Card) -> bool {
        false
    }

    async fn start(&self, start: Start) -> RailAnswer {
        let (Operation::Pay, Source::Push { nonce, expires_at }) = (start.operation, &start.source)
        else {
            return NOT_SUPPORTED;
        };
        let Some(receiver) = start.account.receiver(start.method) else {
            return NOT_SUPPORTED;
        };
        match destination(receiver, start.amount, nonce, *expires_at) {
            Ok(destination) => RailAnswer::AwaitingPayer(Waiting {
                provider_reference: None,
                destination: Some(destination),
                redirect_url: None,
            }),
            Err(error) => {
                tracing::warn!(reference = %start.reference, %error, "no code can be made of a payment");
                RailAnswer::Failed(FailureReason::ProcessingError)
            }
        }
    }

    async fn settle(&self, _: FollowUp) -> RailAnswer {
        NOT_SUPPORTED
    }

    async fn void(&self, _: FollowUp) -> RailAnswer {
        NOT_SUPPORTED
    }

    async fn refund(&self, _: FollowUp) -> RailAnswer {
        NOT_SUPPORTED
    }

    async fn query(&self, _: TransactionId) -> Found {
        Found::NotFound
    }

    async fn abandon(&self, _: TransactionId) -> Found {
        Found::NotFound
    }

    async fn transfers(&self, _: Option<&str>, _: usize) -> Result<Vec<Transfer>, RailUnreachable> {
        Ok(Vec::new())
    }

    async fn acknowledge(&self, _: &[String]) -> Result<(), RailUnreachable> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
