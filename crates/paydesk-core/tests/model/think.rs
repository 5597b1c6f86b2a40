//! What is done next: mostly sensible, often not.

use paydesk_core::engine::charge_payment_method::ChargePaymentMethod;
use paydesk_core::engine::end_session::End;
use paydesk_core::engine::open_session::OpenSession;
use paydesk_core::engine::operate::Operate;
use paydesk_core::engine::start_payment::StartPayment;
use paydesk_core::id::{PaymentMethodId, SessionId, TransactionId};
use paydesk_core::method::{Family, Method};
use paydesk_core::money::{Currency, Money};
use paydesk_core::payment_method::Card;
use paydesk_core::session::{Amount, Canceller, CustomerDetails, Door, Kind, Notify, NotifyFormat};
use paydesk_core::store::IdempotencyKey;
use paydesk_core::tenant::Tenant;
use paydesk_core::time::Span;
use paydesk_core::transaction::Transaction;

use super::commands::Command;
use super::states::is_live;
use super::world::{Mix, World};

#[derive(Clone, Copy)]
enum Idea {
    Open,
    Initiate,
    Start,
    Answer,
    Reconcile,
    Cancel,
    Expire,
    Lapse,
    Settle,
    Void,
    Refund,
    Transfer,
    Assign,
    Accept,
    Charge,
    Detach,
    Pass,
}

const EVERYTHING: [(u32, Idea); 17] = [
    (8, Idea::Open),
    (4, Idea::Initiate),
    (20, Idea::Start),
    (30, Idea::Answer),
    (5, Idea::Reconcile),
    (1, Idea::Cancel),
    (1, Idea::Expire),
    (4, Idea::Lapse),
    (5, Idea::Settle),
    (3, Idea::Void),
    (8, Idea::Refund),
    (12, Idea::Transfer),
    (2, Idea::Assign),
    (5, Idea::Accept),
    (2, Idea::Charge),
    (1, Idea::Detach),
    (5, Idea::Pass),
];

/// How many of the latest sessions things mostly happen to.
const FEW: usize = 8;

pub fn currency(code: &str) -> Currency {
    Currency::from_code(code).expect("a currency")
}

pub fn money(minor: i64, currency: Currency) -> Money {
    Money::from_minor(minor, currency).expect("an amount within bounds")
}

impl World {
    /// Something to do; to this session, if one is named. Time passes only while nothing else is under way.
    pub fn think(&mut self, focus: Option<SessionId>, alone: bool) -> Command {
        loop {
            if let Some(command) = self.idea(focus)
                && (alone || !matches!(command, Command::Pass { .. }))
            {
                return command;
            }
        }
    }

    fn idea(&mut self, focus: Option<SessionId>) -> Option<Command> {
        let mut weights = EVERYTHING;
        for (weight, idea) in &mut weights {
            *weight *= match (self.mix, *idea) {
                (Mix::Pushes, Idea::Transfer | Idea::Assign | Idea::Accept)
                | (Mix::Operations, Idea::Settle | Idea::Void | Idea::Refund | Idea::Charge)
                | (Mix::Time, Idea::Pass | Idea::Lapse | Idea::Reconcile) => 4,
                _ => 1,
            };
        }
        let idea = self.chance.weigh(&weights);
        if let Idea::Open = idea {
            return Some(self.open_idea());
        }
        if let Idea::Pass = idea {
            return Some(self.pass_idea());
        }
        if let Idea::Charge | Idea::Detach = idea {
            return self.card_idea(idea);
        }
        let shop = self.chance.between(0, 1);
        let sessions = &self.shops[usize::try_from(shop).ok()?].sessions;
        let picked = self.chance.pick_recent(sessions, FEW);
        let session = focus.or(picked)?;
        Some(match idea {
            Idea::Initiate => Command::Initiate {
                session,
                method: self.any_method(session),
            },
            Idea::Start => self.start_idea(session)?,
            Idea::Cancel => Command::End {
                session,
                end: End::Cancel(Canceller::Payer),
            },
            Idea::Expire => Command::End {
                session,
                end: End::Expire,
            },
            Idea::Lapse => Command::Lapse { session },
            Idea::Answer => {
                let transaction = self.one_of(session, is_live)?;
                Command::Answer {
                    transaction,
                    answer: Box::new(self.answer(transaction)),
                }
            }
            Idea::Reconcile => Command::Reconcile {
                transaction: self.one_of(session, is_live)?,
            },
            Idea::Settle | Idea::Void | Idea::Refund => self.operate_idea(idea, session)?,
            Idea::Transfer => self.transfer_idea(session)?,
            Idea::Assign => self.assign_idea(session)?,
            Idea::Accept => Command::Accept {
                transaction: self.one_of(session, |one| {
                    one.exception.is_some_and(|odd| odd.accepted_at.is_none())
                })?,
            },
            Idea::Open | Idea::Charge | Idea::Detach | Idea::Pass => return None,
        })
    }

    /// Mostly a transaction of the session that suits; sometimes any other, or one without a session.
    pub fn one_of(
        &mut self,
        session: SessionId,
        suits: impl Fn(&Transaction) -> bool,
    ) -> Option<TransactionId> {
        let tenant = self.books.sessions[&session].tenant;
        let all: Vec<TransactionId> = if self.chance.percent(12) {
            let charges = &self.shop(tenant).charges;
            charges.iter().rev().take(FEW).copied().collect()
        } else {
            let own = self.books.transactions_of(session);
            own.map(|one| one.id).collect()
        };
        let suitable: Vec<TransactionId> = all
            .iter()
            .filter(|id| suits(&self.books.transactions[id]))
            .copied()
            .collect();
        let from = if self.chance.percent(92) {
            &suitable
        } else {
            &all
        };
        self.chance.pick(from)
    }

    fn tenant(&mut self) -> Tenant {
        let shop = usize::from(self.chance.percent(40));
        self.shops[shop].tenant
    }

    fn reference(&mut self) -> Option<String> {
        let few = ["tea", "cake", "lamp", "chair", "book"];
        let some = self.chance.percent(30);
        self.chance
            .pick(&few)
            .filter(|_| some)
            .map(|name| format!("order {name}"))
    }

    fn open_idea(&mut self) -> Command {
        let tenant = self.tenant();
        let kinds = match self.mix {
            Mix::Pushes => [
                (12, Kind::Payment),
                (1, Kind::Authorization),
                (1, Kind::AddPaymentMethod),
            ],
            Mix::Operations => [
                (3, Kind::Payment),
                (6, Kind::Authorization),
                (1, Kind::AddPaymentMethod),
            ],
            _ => [
                (6, Kind::Payment),
                (3, Kind::Authorization),
                (1, Kind::AddPaymentMethod),
            ],
        };
        let kind = self.chance.weigh(&kinds);
        let code = self
            .chance
            .weigh(&[(5, "SGD"), (3, "HKD"), (2, "KRW"), (1, "USD")]);
        let currency = currency(code);
        // Zero now and then, to be refused.
        let asked = money(self.chance.between(-3, 120).max(0), currency);
        let amount = match kind {
            Kind::AddPaymentMethod => Amount::Nothing(currency),
            _ if self.chance.percent(30) => Amount::AtLeast(asked),
            _ => Amount::Fixed(asked),
        };
        let account = self.chance.weigh(&[(20, None), (1, Some(0)), (1, Some(1))]);
        let account = account.map(|index: usize| self.shop(tenant).accounts[index].id);
        let lifetimes = [
            None,
            None,
            Some(Span::minutes(2)),
            Some(Span::minutes(90)),
            Some(Span::days(5)),
            Some(Span::seconds(5)),
        ];
        let longest = if self.mix == Mix::Time { 6 } else { 4 };
        let lifetime = self.chance.pick(&lifetimes[..longest]).flatten();
        let notify = self.chance.weigh(&[
            (2, None),
            (1, Some(NotifyFormat::Event)),
            (1, Some(NotifyFormat::XanPayCharge)),
        ]);
        let who = self.chance.between(1, 2);
        let customer = self.chance.percent(40).then(|| CustomerDetails {
            code: Some(format!("customer {who}")),
            ..CustomerDetails::default()
        });
        let request = OpenSession {
            reference: self.reference(),
            provider_account: account,
            lifetime,
            customer,
            store_payment_method: self.chance.percent(30),
            notify: notify.map(|format| Notify {
                url: "https://shop.example/told".into(),
                format,
            }),
            ..OpenSession::new(Door::Native, kind, amount)
        };
        Command::Open {
            tenant,
            request: Box::new(request),
        }
    }

    /// Mostly one that the session offers.
    fn any_method(&mut self, session: SessionId) -> Option<Method> {
        let offered = &self.books.sessions[&session].terms.methods;
        if self.chance.percent(4) {
            return Some(Method::PromptPay);
        }
        self.chance.pick(offered)
    }

    fn start_idea(&mut self, session: SessionId) -> Option<Command> {
        let method = self.any_method(session)?;
        let terms = std::sync::Arc::clone(&self.books.sessions[&session].terms);
        let more = self.chance.between(-2, 40);
        let amount = match terms.amount {
            Amount::AtLeast(least) if !self.chance.percent(4) => {
                // Too little now and then, and mostly the same, so that a push may go on waiting.
                let more = if self.chance.percent(60) { 0 } else { more };
                Some(money((least.minor() + more).max(0), least.currency()))
            }
            Amount::Fixed(_) if self.chance.percent(2) => Some(money(3, currency("SGD"))),
            Amount::AtLeast(_) if self.chance.percent(30) => Some(money(999, currency("INR"))),
            _ => None,
        };
        let tenant = self.books.sessions[&session].tenant;
        let mut request = StartPayment {
            contact: None,
            method,
            amount,
            custom_field_values: Vec::new(),
            card: None,
            saved: None,
        };
        if method.family() == Family::Card && !self.chance.percent(2) {
            let saved = self.saved_card(tenant).filter(|_| self.chance.percent(30));
            match saved {
                Some(saved) => request.saved = Some(self.books.payment_methods[&saved].clone()),
                None => request.card = Some(card()),
            }
        }
        Some(Command::Start {
            session,
            request: Box::new(request),
        })
    }

    fn saved_card(&mut self, tenant: Tenant) -> Option<PaymentMethodId> {
        let shop = self.shops.iter().find(|shop| shop.tenant == tenant)?;
        self.chance.pick_recent(&shop.cards, FEW)
    }

    fn card_idea(&mut self, idea: Idea) -> Option<Command> {
        let tenant = self.tenant();
        let card = self.saved_card(tenant)?;
        if let Idea::Detach = idea {
            return Some(Command::Detach { tenant, card });
        }
        // Another merchant's card now and then, to be refused.
        let tenant = if self.chance.percent(5) {
            self.tenant()
        } else {
            tenant
        };
        let amount = self.chance.between(0, 60);
        Some(Command::Charge {
            tenant,
            request: ChargePaymentMethod {
                payment_method: card,
                amount: money(amount, currency("SGD")),
                reference: self.reference(),
            },
            key: self.key(),
        })
    }

    fn key(&mut self) -> Option<IdempotencyKey> {
        let key = self.chance.between(0, 400);
        self.chance.percent(25).then(|| IdempotencyKey {
            scope: "key_1".into(),
            key: key.to_string(),
        })
    }

    fn operate_idea(&mut self, idea: Idea, session: SessionId) -> Option<Command> {
        let parent = match idea {
            Idea::Refund => self.one_of(session, |one| !one.captured().is_zero())?,
            _ => self.one_of(session, |one| one.hold.is_some())?,
        };
        let one = &self.books.transactions[&parent];
        let (left, currency) = (one.remaining(), one.amount.currency());
        let asked = self.chance.between(0, left.max(1) + 1);
        let amount = match self.chance.between(0, 99) {
            0..=34 => None,
            35..=37 => Some(money(1, crate::think::currency("INR"))),
            _ => Some(money(asked, currency)),
        };
        Some(Command::Operate {
            parent,
            operate: match idea {
                Idea::Settle => Operate::Settle(amount),
                Idea::Void => Operate::Void,
                _ => Operate::Refund(amount),
            },
            key: self.key(),
        })
    }

    fn pass_idea(&mut self) -> Command {
        let span = if self.mix == Mix::Time {
            self.chance.weigh(&[
                (8, Span::seconds(3)),
                (6, Span::seconds(31)),
                (4, Span::minutes(4)),
                (4, Span::minutes(25)),
                (2, Span::hours(1)),
                (1, Span::days(4)),
            ])
        } else {
            self.chance.weigh(&[
                (40, Span::seconds(3)),
                (20, Span::seconds(31)),
                (8, Span::minutes(4)),
                (4, Span::minutes(25)),
                (2, Span::hours(1)),
                (1, Span::days(4)),
            ])
        };
        Command::Pass { span }
    }
}

fn card() -> Card {
    Card {
        number: "4242424242424242".into(),
        exp_month: 12,
        exp_year: 2040,
        cvc: "123".into(),
        name: None,
    }
}
