//! What a merchant may do.

mod operations;
mod sessions;

use async_graphql::MergedObject;
use paydesk_core::transaction::Transaction;

use crate::desk::Desk;
use crate::fault::Fault;
use crate::plan::PlanMutation;
use crate::transaction::is_to_be_asked_about;

/// All mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(
    sessions::SessionMutation,
    operations::OperationMutation,
    PlanMutation,
);

/// A transaction as the rail knows it, if the rail knows more.
async fn asked(transaction: Transaction, desk: &Desk<'_>) -> Result<Transaction, Fault> {
    if !is_to_be_asked_about(&transaction) {
        return Ok(transaction);
    }
    Ok(desk.app.engine.sync(desk.tenant(), transaction.id).await?)
}
