//! What rails and banks say: the truth or not, in time or not, once or again.

use paydesk_core::bank_transfer::BankTransfer;
use paydesk_core::id::{SessionId, TransactionId};
use paydesk_core::method::Family;
use paydesk_core::money::Money;
use paydesk_core::payment_method::StoredCard;
use paydesk_core::rail::{RailAnswer, Receipt, Transfer, Waiting};
use paydesk_core::transaction::{DeclineReason, Destination, FailureReason};

use super::commands::Command;
use super::think::money;
use super::world::World;

impl World {
    pub fn transfer_idea(&mut self, session: SessionId) -> Option<Command> {
        let target = self.one_of(session, |one| one.destination.is_some())?;
        if self.chance.percent(8) {
            // Told again: the same, or only the same id for another payment on the account.
            let last = self.transfers.len().checked_sub(1)?;
            let index = self.chance.between(0, i64::try_from(last).ok()?);
            let mut again = self.transfers[usize::try_from(index).ok()?].clone();
            if self.chance.percent(20) {
                again.amount = money(again.amount.minor() + 1, again.amount.currency());
            }
            return Some(Command::Transfer {
                transfer: Box::new(again),
            });
        }
        let target = &self.books.transactions[&target];
        let destination = target.destination.as_ref()?;
        let (tenant, account, nonce) = (
            target.tenant,
            destination.account.clone(),
            destination.nonce.clone(),
        );
        let (asked, currency) = (target.amount.minor(), target.amount.currency());
        let missing = asked - target.received.map_or(0, Money::minor);
        let part = self.chance.between(1, (asked - 1).max(1));
        let amount = self.chance.weigh(&[
            (4, missing.max(1)),
            (2, asked),
            (3, part),
            (2, missing.max(0) + part),
            (1, 0),
        ]);
        let id = format!("bank {}", self.transfers.len());
        Some(Command::Transfer {
            transfer: Box::new(Transfer {
                id,
                tenant,
                account,
                amount: money(amount, currency),
                nonce: self.chance.percent(85).then_some(nonce),
                payment: None,
                received_at: self.now,
            }),
        })
    }

    pub fn assign_idea(&mut self, session: SessionId) -> Option<Command> {
        let target = self.one_of(session, |one| one.destination.is_some())?;
        let tenant = self.books.transactions[&target].tenant;
        let recent = self.unmatched.iter().rev().take(20);
        let own: Vec<BankTransfer> = recent.filter(|one| one.tenant == tenant).cloned().collect();
        let index = self
            .chance
            .between(0, i64::try_from(own.len()).ok()?.checked_sub(1)?.max(0));
        let transfer = own.get(usize::try_from(index).ok()?)?.clone();
        Some(Command::Assign {
            transfer: Box::new(transfer),
            target,
        })
    }

    pub fn answer(&mut self, transaction: TransactionId) -> RailAnswer {
        #[derive(Clone, Copy)]
        enum Says {
            Yes,
            Wait,
            No,
            Failed,
            Unknown,
        }
        let one = &self.books.transactions[&transaction];
        let attempt = one.action.is_attempt();
        let family = one.method.family();
        let pushed = family.is_pushed() && attempt;
        let wait = match family {
            _ if !attempt => 1,
            Family::Card => 4,
            Family::Qr | Family::BankTransfer => 30,
            Family::Wallet => 12,
        };
        let says = self.chance.weigh(&[
            (12, Says::Yes),
            (wait, Says::Wait),
            (4, Says::No),
            (3, Says::Failed),
            (5, Says::Unknown),
        ]);
        let named = Some(format!("sbx_{transaction}"));
        match says {
            Says::Yes => RailAnswer::Succeeded(Receipt {
                provider_reference: named,
                stored_card: self.chance.percent(60).then(stored_card),
            }),
            Says::Wait => RailAnswer::AwaitingPayer(Waiting {
                provider_reference: named,
                destination: self.destination(transaction).filter(|_| pushed),
                redirect_url: (!pushed).then(|| "https://bank.example/page".to_owned()),
            }),
            Says::No => RailAnswer::Declined(DeclineReason::InsufficientFunds),
            Says::Failed => RailAnswer::Failed(FailureReason::ProcessingError),
            Says::Unknown => RailAnswer::Unknown,
        }
    }

    fn destination(&self, transaction: TransactionId) -> Option<Destination> {
        let method = self.books.transactions[&transaction].method;
        Some(Destination {
            account: format!("account of {method}"),
            nonce: self.nonces.get(&transaction)?.clone(),
            qr_code: None,
            account_name: "Tea House".into(),
            bank: String::new(),
        })
    }
}

fn stored_card() -> StoredCard {
    StoredCard {
        token: "tok_1".into(),
        brand: "visa".into(),
        last_four: "4242".into(),
        exp_month: 12,
        exp_year: 2040,
    }
}
