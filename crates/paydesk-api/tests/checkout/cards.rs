//! The table of test cards, row by row: what the payer is told, what the session becomes, what is really charged, and what
//! a stored one does later. The rows are those of `docs/sandbox.md`.

use http::StatusCode;
use paydesk_core::session::StateName;
use paydesk_core::time::Span;
use serde_json::{Value, json};

use super::*;

/// What a row does when it is typed.
enum Typed {
    /// Charged at once; no page comes between. 3-D Secure calls it frictionless.
    Succeeds,
    Declined {
        reason: &'static str,
        told: &'static str,
    },
    Fails {
        told: &'static str,
    },
    /// The payer's bank asks first.
    Asks,
    /// Charged, and the answer is lost.
    Lost,
}

struct Row {
    number: &'static str,
    /// As the documentation has it.
    documented: &'static str,
    typed: Typed,
    /// What comes of a later charge of the stored card; none where it cannot be stored.
    later: Option<&'static str>,
}

const fn row(
    number: &'static str,
    documented: &'static str,
    typed: Typed,
    later: Option<&'static str>,
) -> Row {
    Row {
        number,
        documented,
        typed,
        later,
    }
}

const fn declined(reason: &'static str, told: &'static str) -> Typed {
    Typed::Declined { reason, told }
}

const TABLE: [Row; 9] = [
    row(
        "4242 4242 4242 4242",
        "succeeds, without a page in between (frictionless)",
        Typed::Succeeds,
        Some("succeeded"),
    ),
    row(
        "4000 0000 0000 0002",
        "declined",
        declined("declined", "Your bank did not say why"),
        None,
    ),
    row(
        "4000 0000 0000 9995",
        "declined: insufficient funds",
        declined("insufficient_funds", "There is not enough money"),
        None,
    ),
    row(
        "4000 0000 0000 0069",
        "declined: expired card",
        declined("expired_card", "This card has expired"),
        None,
    ),
    row(
        "4000 0000 0000 0127",
        "declined: wrong CVC",
        declined("incorrect_cvc", "The security code is wrong"),
        None,
    ),
    row(
        "4000 0000 0000 3220",
        "3-D Secure: a page asks, then it succeeds or fails as you choose",
        Typed::Asks,
        Some("succeeded"),
    ),
    row(
        "4000 0000 0000 0119",
        "processing error: failed",
        Typed::Fails {
            told: "Something went wrong on the way",
        },
        None,
    ),
    row(
        "4000 0000 0000 0341",
        "stores, but fails when charged later",
        Typed::Succeeds,
        Some("failed"),
    ),
    row(
        "4000 0000 0000 5126",
        "charged, but the answer is lost: unknown until the server asks, a few seconds later",
        Typed::Lost,
        None,
    ),
];

/// What was really taken for all payments, in minor units.
async fn taken(checkout: &Checkout) -> i64 {
    let charges = checkout.server.ledger.charges(None, 100).await;
    let charges = charges.expect("the ledger").charges;
    charges.iter().map(|charge| charge.captured).sum()
}

async fn pay(checkout: &Checkout, link: &Link, number: &str) -> Value {
    let paid = checkout
        .post(&link.at("payments"), &card_json(number))
        .await;
    paid.ok()
}

async fn state(checkout: &Checkout, link: &Link) -> StateName {
    checkout.stored(link).await.0.state.name()
}

async fn decide(checkout: &Checkout, page: &str, choice: &str) -> Answer {
    let page = path(page);
    let asked = checkout.get(&page).await;
    let code = attribute(asked.text(), "name=\"formCode\"", "value");
    let form = format!("formCode={code}&choice={choice}");
    checkout.submit(&page, &form).await
}

/// Asserts that the page says this of the last attempt, and lets the payer try again.
async fn assert_told(checkout: &Checkout, link: &Link, words: &str) {
    let page = checkout.get(&link.page()).await;
    for said in [words, "You have not been charged", "name=\"card.number\""] {
        assert!(page.text().contains(said), "{said}: {}", page.text());
    }
}

#[test]
fn the_table_is_the_one_that_is_documented() {
    let page = include_str!("../../../../docs/sandbox.md");
    let rows = page.lines().filter_map(|line| {
        let (number, outcome) = line.strip_prefix("| 4")?.split_once('|')?;
        let outcome = outcome.trim_end().strip_suffix('|')?;
        Some((format!("4{}", number.trim()), outcome.trim().to_owned()))
    });
    let documented: Vec<_> = rows.collect();
    let table: Vec<_> = TABLE
        .iter()
        .map(|row| (row.number.to_owned(), row.documented.to_owned()))
        .collect();
    assert_eq!(documented, table);
}

#[tokio::test]
async fn each_card_does_what_its_row_says() {
    let checkout = Checkout::start().await;
    let mut charged = 0;
    for row in &TABLE {
        let link = checkout.open(asking(3500, "SGD")).await;
        let answer = pay(&checkout, &link, row.number).await;
        match row.typed {
            Typed::Succeeds => {
                assert_eq!(answer, json!({"status": "succeeded"}), "{}", row.number);
                charged += 3500;
                assert_eq!(state(&checkout, &link).await, StateName::Completed);
            }
            Typed::Declined { reason, told } => {
                let expected = json!({"status": "declined", "declineReason": reason});
                assert_eq!(answer, expected, "{}", row.number);
                assert_eq!(state(&checkout, &link).await, StateName::Initiated);
                assert_told(&checkout, &link, told).await;
            }
            Typed::Fails { told } => {
                let expected = json!({"status": "failed", "failureReason": "processing_error"});
                assert_eq!(answer, expected, "{}", row.number);
                assert_eq!(state(&checkout, &link).await, StateName::Initiated);
                assert_told(&checkout, &link, told).await;
            }
            Typed::Asks => {
                assert_eq!(answer["nextAction"]["type"], "threeDS", "{answer}");
                assert_eq!(state(&checkout, &link).await, StateName::Processing);
                assert_eq!(taken(&checkout).await, charged, "it has only asked");
                let page = answer["nextAction"]["url"].as_str().expect("a page");
                decide(&checkout, page, "approve").await;
                charged += 3500;
                assert_eq!(state(&checkout, &link).await, StateName::Completed);
            }
            Typed::Lost => {
                assert_eq!(answer["status"], "unknown", "{answer}");
                charged += 3500;
                assert_eq!(state(&checkout, &link).await, StateName::Processing);
                let page = checkout.get(&link.page()).await;
                assert!(page.text().contains("Confirming your payment"));
                checkout.server.advance(Span::seconds(10)).await;
                assert_eq!(state(&checkout, &link).await, StateName::Completed);
            }
        }
        assert_eq!(taken(&checkout).await, charged, "{}", row.number);
    }
}

#[tokio::test]
async fn a_challenge_is_passed_failed_or_abandoned() {
    const ASKS: &str = "4000 0000 0000 3220";
    let checkout = Checkout::start().await;
    let challenged = async || {
        let link = checkout.open(asking(3500, "SGD")).await;
        let asked = pay(&checkout, &link, ASKS).await;
        let page = asked["nextAction"]["url"].as_str().expect("a page");
        (link, page.to_owned())
    };

    let (passed, page) = challenged().await;
    decide(&checkout, &page, "approve").await;
    assert_eq!(state(&checkout, &passed).await, StateName::Completed);
    // The first choice stands, and sending it again takes nothing more.
    checkout.submit(&path(&page), "choice=refuse").await;
    assert_eq!(state(&checkout, &passed).await, StateName::Completed);
    assert_eq!(taken(&checkout).await, 3500);

    let (failed, page) = challenged().await;
    decide(&checkout, &page, "refuse").await;
    assert_eq!(state(&checkout, &failed).await, StateName::Initiated);
    assert_told(&checkout, &failed, "could not confirm that it is you").await;
    // The session is still there to be paid.
    assert_eq!(
        pay(&checkout, &failed, TABLE[0].number).await["status"],
        "succeeded"
    );
    assert_eq!(taken(&checkout).await, 7000);

    // The payer closes the bank's page and never comes back: its time runs out, and it is dead from then on.
    let (abandoned, page) = challenged().await;
    checkout.server.advance(Span::minutes(16)).await;
    assert_eq!(state(&checkout, &abandoned).await, StateName::Initiated);
    checkout.submit(&path(&page), "choice=approve").await;
    checkout.server.run_jobs().await;
    assert_eq!(state(&checkout, &abandoned).await, StateName::Initiated);
    assert_eq!(
        taken(&checkout).await,
        7000,
        "an abandoned page charges nobody"
    );
    let told = checkout.get(&path(&page)).await;
    assert!(told.text().contains("given up before you decided"));

    // Or comes back without having decided, and takes another card.
    let (changed, page) = challenged().await;
    pay(&checkout, &changed, TABLE[0].number).await;
    checkout.submit(&path(&page), "choice=approve").await;
    checkout.server.run_jobs().await;
    assert_eq!(state(&checkout, &changed).await, StateName::Completed);
    assert_eq!(taken(&checkout).await, 10_500, "once, by the second card");
}

#[tokio::test]
async fn a_stored_card_does_later_what_its_row_says() {
    let checkout = Checkout::start().await;
    for row in TABLE.iter().filter(|row| row.later.is_some()) {
        let currency = money(1, "SGD").currency();
        let mut request = asking(1, "SGD");
        (request.kind, request.amount) = (Kind::AddPaymentMethod, Amount::Nothing(currency));
        let link = checkout.open(request).await;
        let answer = pay(&checkout, &link, row.number).await;
        if let Some(page) = answer["nextAction"]["url"].as_str() {
            decide(&checkout, page, "approve").await;
        }
        let (session, transactions) = checkout.stored(&link).await;
        assert_eq!(session.state.name(), StateName::Completed, "{}", row.number);
        let stored = transactions[0].payment_method.expect("a stored card");
        let before = taken(&checkout).await;
        let charge = checkout
            .server
            .native(
                Verb::POST,
                &format!("/api/v1/paymentMethods/{stored}/charge"),
                json!({"amount": 900, "currency": "SGD"}).to_string(),
            )
            .await;
        let charge = charge.ok();
        assert_eq!(
            charge["status"].as_str(),
            row.later,
            "{}: {charge}",
            row.number
        );
        let took = if row.later == Some("succeeded") {
            900
        } else {
            0
        };
        assert_eq!(taken(&checkout).await, before + took, "{}", row.number);
    }
}

#[tokio::test]
async fn any_other_number_is_refused_before_anything_is_stored() {
    let checkout = Checkout::start().await;
    let link = checkout.open(asking(3500, "SGD")).await;
    for number in [
        // A card of another scheme, one digit off a test card, a real range, and a test card with more behind it.
        "5555555555554444",
        "4242424242424241",
        "4111111111111111",
        "42424242424242421",
    ] {
        let answer = checkout
            .post(&link.at("payments"), &card_json(number))
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{number}");
        let problem = answer.json();
        assert_eq!(problem["code"], "not_a_test_card", "{number}");
        assert_eq!(problem["field"], "card.number", "{number}");
        assert!(!answer.text().contains(&number[..12]), "{number}");
    }
    let (session, transactions) = checkout.stored(&link).await;
    assert_eq!((session.version, session.card_attempts), (1, 0));
    assert!(transactions.is_empty());
    assert_eq!(taken(&checkout).await, 0);
}
