//! Random money, told by the sandbox's bank and reported by the merchant, with right, wrong and no references, in time
//! and late, once and again: the sums agree to the cent.

use std::collections::{BTreeMap, HashMap};

use http::Method;
use paydesk_core::time::Span;
use paydesk_testing::TestServer;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{TRANSFERS, listed, report, said, session_of, waiting};

/// Method, amount asked for, and its currency; the last two are paid in another.
const PAYMENTS: [(&str, i64, &str); 4] = [
    ("paynow", 3_500, "SGD"),
    ("hk-bank-transfer", 10_001, "HKD"),
    ("duit-now", 3_333, "SGD"),
    ("fps", 1, "SGD"),
];

#[derive(Clone, Debug)]
enum Step {
    Open {
        which: usize,
    },
    /// Money comes for a payment: so many hundredths of what is asked for.
    Money {
        session: usize,
        hundredths: i64,
        reference: Reference,
        by_bank: bool,
    },
    /// The latest report is sent again.
    Again,
    /// A list is looked at, and something in it is assigned to a payment.
    Assign {
        transfer: usize,
        session: usize,
    },
    Accept {
        session: usize,
    },
    Refund {
        session: usize,
        hundredths: i64,
    },
    Cancel {
        session: usize,
    },
    Pass {
        hours: u32,
    },
}

#[derive(Clone, Copy, Debug)]
enum Reference {
    Right,
    None,
    Wrong,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let session = 0_usize..12;
    let hundredths = prop_oneof![4 => Just(100_i64), 3 => 1_i64..100, 2 => 101_i64..300];
    let reference = prop_oneof![
        5 => Just(Reference::Right),
        2 => Just(Reference::None),
        1 => Just(Reference::Wrong)
    ];
    let step = prop_oneof![
        4 => (0..PAYMENTS.len()).prop_map(|which| Step::Open { which }),
        12 => (session.clone(), hundredths.clone(), reference, any::<bool>()).prop_map(
            |(session, hundredths, reference, by_bank)| Step::Money { session, hundredths, reference, by_bank }
        ),
        1 => Just(Step::Again),
        3 => (0_usize..8, session.clone()).prop_map(|(transfer, session)| Step::Assign { transfer, session }),
        2 => session.clone().prop_map(|session| Step::Accept { session }),
        3 => (session.clone(), hundredths).prop_map(|(session, hundredths)| Step::Refund { session, hundredths }),
        1 => session.prop_map(|session| Step::Cancel { session }),
        2 => (1_u32..40).prop_map(|hours| Step::Pass { hours }),
    ];
    proptest::collection::vec(step, 1..60)
}

/// Minor units by currency.
type Sums = BTreeMap<String, i64>;

fn add(sums: &mut Sums, currency: &Value, amount: i64) {
    *sums
        .entry(currency.as_str().unwrap().to_owned())
        .or_default() += amount;
}

struct World {
    server: TestServer,
    sessions: Vec<Value>,
    /// What was really sent, each once.
    sent: Sums,
    last: Option<Value>,
    reports: usize,
}

impl World {
    /// The latest sessions are the most likely.
    fn session(&self, index: usize) -> Option<&Value> {
        self.sessions
            .iter()
            .rev()
            .nth(index % self.sessions.len().max(1))
    }

    async fn apply(&mut self, step: Step) {
        match step {
            Step::Open { which } => {
                let (method, amount, currency) = PAYMENTS[which];
                let session = waiting(&self.server, amount, currency, method).await;
                self.sessions.push(session);
            }
            Step::Money {
                session,
                hundredths,
                reference,
                by_bank,
            } => {
                let Some(session) = self.session(session).cloned() else {
                    return;
                };
                let asked = session["transactions"][0]["amount"].as_i64().unwrap();
                let amount = (asked * hundredths / 100).max(1);
                self.money(&session, amount, reference, by_bank).await;
            }
            Step::Again => {
                if let Some(last) = self.last.clone() {
                    assert_eq!(report(&self.server, &last).await.status, 200);
                }
            }
            Step::Assign { transfer, session } => {
                let unmatched = listed(&self.server, &format!("{TRANSFERS}?state=unmatched")).await;
                let (Some(transfer), Some(session)) =
                    (unmatched.get(transfer), self.session(session))
                else {
                    return;
                };
                let path = format!("{TRANSFERS}/{}/assign", transfer["id"].as_str().unwrap());
                let target = json!({"transactionId": session["transactions"][0]["id"]});
                let assigned = self
                    .server
                    .native(Method::POST, &path, target.to_string())
                    .await;
                let fits = transfer["currency"] == session["transactions"][0]["currency"];
                assert_eq!(assigned.status == 200, fits, "{}", assigned.text());
            }
            Step::Accept { session } => {
                for transaction in self.transactions(session).await {
                    let id = transaction["id"].as_str().unwrap();
                    let path = format!("/api/v1/transactions/{id}/accept");
                    let accepted = self.server.native(Method::POST, &path, "").await;
                    // Whether it may is the engine's own business, and tested there.
                    assert!(accepted.status.as_u16() < 500, "{}", accepted.text());
                }
            }
            Step::Refund {
                session,
                hundredths,
            } => {
                for transaction in self.transactions(session).await {
                    let amount = transaction["amount"].as_i64().unwrap() * hundredths / 100;
                    let currency = transaction["currency"].as_str().unwrap();
                    let major = format!("{}.{:02}", amount / 100, amount % 100);
                    let body = json!({"amount": major, "currency": currency}).to_string();
                    let path = format!("/charges/{}/refunds", transaction["id"].as_str().unwrap());
                    let refund = self.server.xanpay(Method::POST, &path, body).await;
                    // The rail never says no to what the engine let through.
                    if refund.status == 200 {
                        assert_eq!(refund.json()["status"], "completed", "{}", refund.text());
                    } else {
                        assert_eq!(refund.status, 400, "{}", refund.text());
                    }
                }
            }
            Step::Cancel { session } => {
                if let Some(session) = self.session(session) {
                    let path = format!(
                        "/api/v1/sessions/{}/cancel",
                        session["id"].as_str().unwrap()
                    );
                    self.server.native(Method::POST, &path, "").await;
                }
            }
            Step::Pass { hours } => self.server.advance(Span::hours(hours)).await,
        }
    }

    async fn transactions(&self, session: usize) -> Vec<Value> {
        let Some(session) = self.session(session) else {
            return Vec::new();
        };
        let now = session_of(&self.server, session).await;
        let all = now["transactions"].as_array().unwrap();
        let payments = all.iter().filter(|one| one["action"] == "payment");
        payments.cloned().collect()
    }

    async fn money(&mut self, session: &Value, amount: i64, reference: Reference, by_bank: bool) {
        let transaction = &session["transactions"][0];
        let currency = &transaction["currency"];
        if by_bank {
            let mut order = json!({
                "reference": transaction["destination"]["nonce"],
                "amount": format!("{}.{:02}", amount / 100, amount % 100),
            });
            match reference {
                Reference::Right => {}
                Reference::None => order["sentReference"] = json!(""),
                Reference::Wrong => order["sentReference"] = json!("NOBODYKNOW"),
            }
            let sent =
                self.server
                    .payer(Method::POST, "/sandbox/bank/transfers", order.to_string());
            sent.await.ok();
        } else {
            self.reports += 1;
            let mut body = said(session, &format!("bank {}", self.reports), amount);
            match reference {
                Reference::Right => {}
                Reference::None => body["reference"] = Value::Null,
                Reference::Wrong => body["reference"] = json!("NOBODYKNOW"),
            }
            assert_eq!(report(&self.server, &body).await.status, 201);
            self.last = Some(body);
        }
        add(&mut self.sent, currency, amount);
    }

    /// Whatever was sent is kept, and whatever is matched is with the payments: to the cent.
    async fn audit(&self) {
        self.server.run_jobs().await;
        let (mut kept, mut matched) = (Sums::new(), Sums::new());
        let mut by_transaction: HashMap<String, i64> = HashMap::new();
        for transfer in listed(&self.server, TRANSFERS).await {
            let amount = transfer["amount"].as_i64().unwrap();
            add(&mut kept, &transfer["currency"], amount);
            if let Some(transaction) = transfer["transactionId"].as_str() {
                add(&mut matched, &transfer["currency"], amount);
                *by_transaction.entry(transaction.to_owned()).or_default() += amount;
            }
        }
        assert_eq!(kept, self.sent, "all that was sent is kept, each once");

        let tenant = self.server.tenant(paydesk_core::tenant::Mode::Test);
        let store = self.server.engine.store();
        let (mut received, mut refunded) = (Sums::new(), Sums::new());
        for session in &self.sessions {
            for written in session_of(&self.server, session).await["transactions"]
                .as_array()
                .unwrap()
            {
                let id = written["id"].as_str().unwrap();
                let one = store
                    .transaction(tenant, id.parse().unwrap())
                    .await
                    .unwrap()
                    .unwrap();
                let came = one.received.map_or(0, paydesk_core::money::Money::minor);
                assert_eq!(
                    by_transaction.get(id).copied().unwrap_or(0),
                    came,
                    "{one:?}"
                );
                if came > 0 {
                    add(&mut received, &written["currency"], came);
                }
                assert!(one.done + one.reserved <= came, "{one:?}");
                assert_eq!(one.reserved, 0, "nothing is under way");
                if one.done > 0 {
                    add(&mut refunded, &written["currency"], one.done);
                }
            }
        }
        assert_eq!(received, matched, "what is matched is with the payments");
        let mut given_back = Sums::new();
        let refunds = self
            .server
            .xanpay(Method::GET, "/refunds?limit=50&status=completed", "")
            .await
            .ok();
        for refund in refunds["data"].as_array().unwrap() {
            #[allow(
                clippy::cast_possible_truncation,
                reason = "hundredths of small amounts"
            )]
            let minor = (refund["amount"].as_f64().unwrap() * 100.0).round() as i64;
            add(&mut given_back, &refund["currency"], minor);
        }
        if refunds["data"].as_array().unwrap().len() < 50 {
            assert_eq!(given_back, refunded, "what was given back is booked");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::with_cases(30) })]
    #[test]
    fn whatever_comes_the_sums_agree_to_the_cent(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut world = World {
                server: TestServer::start().await,
                sessions: Vec::new(),
                sent: Sums::new(),
                last: None,
                reports: 0,
            };
            for step in steps {
                world.apply(step).await;
            }
            world.audit().await;
        });
    }
}
