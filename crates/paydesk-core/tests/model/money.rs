//! Money is neither lost nor made, and nobody takes more than there is.

use paydesk_core::money::Money;
use paydesk_core::transaction::{Action, Hold, Status, Transaction};

use super::books::{Books, Touched, rule};
use super::commands::bank_transfer;
use super::states::{is_late, is_live};

fn received(transaction: &Transaction) -> i64 {
    transaction.received.map_or(0, Money::minor)
}

impl Books {
    /// What came in is what was counted: in this change, and in the session altogether.
    pub fn counted(&mut self, touched: &Touched<'_>) -> Result<(), String> {
        let mut money = 0;
        for kept in touched.change.puts.iter().filter_map(bank_transfer) {
            let before = self.bank_transfers.insert(kept.id, kept.clone());
            if before.is_none() {
                let (account, id) = (kept.account.clone(), kept.bank_transaction_id.clone());
                let first = self.transfers.insert((kept.tenant, account, id));
                rule!(first, "{kept:?} is taken in again");
            }
            let was_counted = before
                .as_ref()
                .is_some_and(|one| one.transaction().is_some());
            rule!(!was_counted, "{kept:?} is counted again");
            if kept.transaction().is_some() {
                money += kept.amount.minor();
            }
        }
        let mut counted = 0;
        for after in &touched.transactions {
            let before = self.transactions.get(&after.id);
            let mut from = before.map_or(0, received);
            if let Some(before) = before
                && matches!(before.status, Status::Succeeded { .. })
                && before.received.is_none()
                && after.received.is_some()
            {
                from = before.amount.minor();
                self.counts_as_received.insert(after.id, from);
            }
            counted += received(after) - from;
        }
        rule!(
            counted == money,
            "{money} came in, and {counted} was counted"
        );
        if money == 0 {
            return Ok(());
        }
        let Some(session) = touched.sessions.first() else {
            return Err("money came in for no session".into());
        };
        *self.came_in.entry(session.id).or_default() += money;
        Ok(())
    }

    /// Nobody takes more than there is, and what is reserved is what is being taken.
    pub fn reservations(&self, touched: &Touched<'_>) -> Result<(), String> {
        for one in &touched.transactions {
            self.reservation(one)
                .map_err(|rule| format!("{rule}\n  {one:?}"))?;
            if let Some(parent) = one.parent.map(|id| &self.transactions[&id]) {
                self.reservation(parent)
                    .map_err(|rule| format!("{rule}\n  {parent:?}"))?;
            }
        }
        for session in &touched.sessions {
            let (mut all, mut otherwise) = (0, 0);
            for one in self.transactions_of(session.id) {
                all += received(one);
                otherwise += self.counts_as_received.get(&one.id).copied().unwrap_or(0);
            }
            let came = self.came_in.get(&session.id).copied().unwrap_or(0);
            rule!(
                all - otherwise == came,
                "{came} came in for the session, and {all} less {otherwise} is there"
            );
        }
        Ok(())
    }

    fn reservation(&self, parent: &Transaction) -> Result<(), String> {
        let (mut reserved, mut done, mut under_way) = (0, 0, 0);
        for child in self.children_of(parent.id) {
            let amount = child.amount.minor();
            match child.action {
                Action::Settle | Action::Void | Action::Refund if is_live(child) => {
                    reserved += amount;
                    under_way += 1;
                }
                Action::Settle | Action::Refund
                    if matches!(child.status, Status::Succeeded { .. }) =>
                {
                    done += amount;
                }
                _ => {}
            }
        }
        rule!(
            (parent.reserved, parent.done) == (reserved, done),
            "its operations reserve {reserved} and took {done}"
        );
        rule!(
            (0..=received(parent)).contains(&parent.placed),
            "{} of what was received is not known to the rail",
            parent.placed
        );
        let whole = match parent.action {
            Action::Authorization => parent.amount.minor(),
            _ => parent.captured().minor(),
        };
        rule!(
            parent.reserved >= 0 && parent.done >= 0 && reserved + done <= whole,
            "more is taken of it than the {whole} that there is"
        );
        if is_late(parent) && matches!(parent.status, Status::Cancelled { .. }) {
            rule!(
                done == whole,
                "unasked money is over, and {done} was given back"
            );
        }
        let left = parent.remaining();
        rule!((0..=whole).contains(&left), "{left} is left of it");
        if parent.action == Action::Authorization {
            let open = matches!(parent.hold, Some(Hold::Open { .. }));
            rule!(
                under_way <= i64::from(open),
                "{under_way} operations are under way on a hold"
            );
            rule!(
                done == 0 || parent.hold == Some(Hold::Settled),
                "something was taken of what is not settled"
            );
        }
        Ok(())
    }
}
