//! Whatever is asked in whatever order, the books agree with a model of them.

use std::collections::HashMap;

use paydesk_core::id::TransactionId;
use paydesk_core::rail::{Found, Operation, RailAnswer};
use paydesk_rails::sandbox::{Choice, PushName};
use proptest::prelude::*;

use crate::harness::{Sandbox, fresh, money, token};

/// One request. Numbers pick among what there is, and wrap around.
#[derive(Clone, Debug)]
enum Step {
    Pay {
        card: usize,
        hold: bool,
    },
    Push,
    Transfer {
        push: usize,
        minor: i64,
    },
    Settle {
        of: usize,
        minor: i64,
    },
    Void {
        of: usize,
    },
    Refund {
        of: usize,
        minor: i64,
    },
    Choose {
        page: usize,
        approve: bool,
    },
    Abandon {
        which: usize,
    },
    /// The same request once more.
    Repeat {
        which: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let minor = || 0_i64..6000;
    let step = prop_oneof![
        3 => (0..CARDS.len(), any::<bool>()).prop_map(|(card, hold)| Step::Pay { card, hold }),
        1 => Just(Step::Push),
        2 => (any::<usize>(), minor()).prop_map(|(push, minor)| Step::Transfer { push, minor }),
        2 => (any::<usize>(), minor()).prop_map(|(of, minor)| Step::Settle { of, minor }),
        1 => any::<usize>().prop_map(|of| Step::Void { of }),
        3 => (any::<usize>(), minor()).prop_map(|(of, minor)| Step::Refund { of, minor }),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(page, approve)| Step::Choose { page, approve }),
        1 => any::<usize>().prop_map(|which| Step::Abandon { which }),
        2 => any::<usize>().prop_map(|which| Step::Repeat { which }),
    ];
    proptest::collection::vec(step, 1..40)
}

const CARDS: [&str; 5] = [
    "4242 4242 4242 4242",
    "4000 0000 0000 0002",
    "4000 0000 0000 0119",
    "4000 0000 0000 3220",
    "4000 0000 0000 5126",
];
const ASKED: i64 = 3500;

/// What the model believes of one reference.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
struct Sums {
    held: i64,
    settled: i64,
    released: i64,
    captured: i64,
    refunded: i64,
}

/// What was asked, so that it can be asked again.
#[derive(Clone)]
enum Request {
    Start(Box<paydesk_core::rail::Start>),
    Settle(paydesk_core::rail::FollowUp),
    Void(paydesk_core::rail::FollowUp),
    Refund(paydesk_core::rail::FollowUp),
}

#[derive(Default)]
struct Model {
    sums: HashMap<TransactionId, Sums>,
    known: Vec<TransactionId>,
    requests: Vec<Request>,
    pages: Vec<(TransactionId, String, bool)>,
    pushes: Vec<(TransactionId, String)>,
}

fn pick<T: Clone>(from: &[T], at: usize) -> Option<T> {
    (!from.is_empty()).then(|| from[at % from.len()].clone())
}

async fn ask(sandbox: &Sandbox, request: Request) -> RailAnswer {
    match request {
        Request::Start(start) => sandbox.bank.start(*start).await,
        Request::Settle(follow_up) => sandbox.bank.settle(follow_up).await,
        Request::Void(follow_up) => sandbox.bank.void(follow_up).await,
        Request::Refund(follow_up) => sandbox.bank.refund(follow_up).await,
    }
}

impl Model {
    async fn first(&mut self, sandbox: &Sandbox, request: Request) -> RailAnswer {
        self.requests.push(request.clone());
        ask(sandbox, request).await
    }

    async fn start(&mut self, sandbox: &Sandbox, step: Step) {
        let reference = fresh();
        let nonce = format!("N{}", self.pushes.len());
        let mut start = sandbox.by_paynow(reference, &nonce);
        let mut hold = false;
        if let Step::Pay { card, hold: held } = step {
            start = sandbox.by_card(reference, CARDS[card]);
            hold = held;
        }
        if hold {
            start.operation = Operation::Authorize;
        }
        self.known.push(reference);
        let mut answer = self.first(sandbox, Request::Start(Box::new(start))).await;
        if answer == RailAnswer::Unknown {
            let Found::Known(found) = sandbox.bank.query(reference).await else {
                panic!("a lost answer cannot be asked for")
            };
            answer = found;
        }
        match answer {
            RailAnswer::Succeeded(_) => self.took(reference, hold),
            RailAnswer::AwaitingPayer(waiting) if waiting.redirect_url.is_some() => {
                self.pages.push((reference, token(&waiting), hold));
            }
            RailAnswer::AwaitingPayer(_) => self.pushes.push((reference, nonce)),
            _ => {}
        }
    }

    fn took(&mut self, reference: TransactionId, hold: bool) {
        let sums = self.sums.entry(reference).or_default();
        *(if hold {
            &mut sums.held
        } else {
            &mut sums.captured
        }) += ASKED;
    }

    async fn follow_up(&mut self, sandbox: &Sandbox, step: Step) {
        let (of, minor) = match step {
            Step::Settle { of, minor } | Step::Refund { of, minor } => (of, minor),
            Step::Void { of } => (of, 0),
            _ => return,
        };
        let Some(original) = pick(&self.known, of) else {
            return;
        };
        let follow_up = sandbox.after(original, money(minor, "SGD"));
        let own = follow_up.reference;
        self.known.push(own);
        let before = self.sums.get(&original).copied().unwrap_or_default();
        let open = if before.settled + before.released == 0 {
            before.held
        } else {
            0
        };
        let (request, allowed) = match step {
            Step::Settle { .. } => (Request::Settle(follow_up), minor > 0 && minor <= open),
            Step::Void { .. } => (Request::Void(follow_up), open > 0),
            _ => (
                Request::Refund(follow_up),
                minor > 0 && minor <= before.captured - before.refunded,
            ),
        };
        let answer = self.first(sandbox, request).await;
        assert_eq!(
            matches!(answer, RailAnswer::Succeeded(_)),
            allowed,
            "{step:?} of {before:?}: {answer:?}"
        );
        if !allowed {
            return;
        }
        let sums = self.sums.entry(original).or_default();
        match step {
            Step::Settle { .. } => {
                sums.settled += minor;
                sums.released += open - minor;
                self.sums.entry(own).or_default().captured += minor;
            }
            Step::Void { .. } => sums.released += open,
            _ => sums.refunded += minor,
        }
    }

    async fn apply(&mut self, sandbox: &Sandbox, step: Step) {
        match step {
            Step::Pay { .. } | Step::Push => self.start(sandbox, step).await,
            Step::Settle { .. } | Step::Void { .. } | Step::Refund { .. } => {
                self.follow_up(sandbox, step).await;
            }
            Step::Transfer { push, minor } => {
                if let Some((reference, nonce)) = pick(&self.pushes, push) {
                    let named = PushName::Reference(nonce);
                    let sent = sandbox
                        .bank
                        .bank_transfer(named, Some(money(minor, "SGD")))
                        .await;
                    assert_eq!(sent.is_ok(), minor > 0);
                    self.sums.entry(reference).or_default().captured += minor;
                }
            }
            Step::Choose { page, approve } => {
                if let Some((reference, page, hold)) = pick(&self.pages, page) {
                    let choice = if approve {
                        Choice::Approve
                    } else {
                        Choice::Refuse
                    };
                    sandbox.bank.choose(&page, choice).await.unwrap();
                    self.pages.retain(|(other, ..)| *other != reference);
                    if approve {
                        self.took(reference, hold);
                    }
                }
            }
            Step::Abandon { which } => {
                if let Some(reference) = pick(&self.known, which) {
                    sandbox.bank.abandon(reference).await;
                    self.pages.retain(|(other, ..)| *other != reference);
                }
            }
            Step::Repeat { which } => {
                if let Some(request) = pick(&self.requests, which) {
                    let first = ask(sandbox, request.clone()).await;
                    assert_eq!(ask(sandbox, request).await, first);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn the_books_always_agree(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let sandbox = Sandbox::in_process();
            let mut model = Model::default();
            for step in steps {
                model.apply(&sandbox, step).await;
            }
            let sandbox = sandbox.restarted();
            let charges = sandbox.ledger.charges(None, 1000).await.unwrap().charges;
            let mut expected = model.sums;
            expected.retain(|_, sums| *sums != Sums::default());
            assert_eq!(charges.len(), expected.len());
            for charge in charges {
                let sums = Sums {
                    held: charge.held,
                    settled: charge.settled,
                    released: charge.released,
                    captured: charge.captured,
                    refunded: charge.refunded,
                };
                assert_eq!(expected.get(&charge.reference), Some(&sums), "{charge:?}");
                assert!(sums.refunded <= sums.captured && sums.settled + sums.released <= sums.held);
            }
        });
    }
}
