//! Every path that a card may take.

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Answer, Caller, send};

/// The code of every card here. Four digits, so that hardly anything else is the same.
pub const CVC: &str = "9417";

/// Every card that is given: the sandbox's, and others that it must refuse.
pub const NUMBERS: [&str; 12] = [
    "4242 4242 4242 4242",
    "4000 0000 0000 0002",
    "4000 0000 0000 9995",
    "4000 0000 0000 0069",
    "4000 0000 0000 0127",
    "4000 0000 0000 3220",
    "4000 0000 0000 0119",
    "4000 0000 0000 0341",
    "4000 0000 0000 5126",
    "5555 5555 5555 4444",
    "5105 1051 0510 5100",
    "5200 8282 8282 8210",
];

/// How many paths there are.
pub const PATHS: usize = 20;

const GOOD: &str = NUMBERS[0];
const CHALLENGES: &str = NUMBERS[5];

/// Walks one of them.
pub async fn walk(caller: &Caller, inbox: &str, index: usize) {
    let path = index % PATHS;
    let session = open(caller, inbox, path).await;
    let link = session["publicId"].as_str().unwrap();
    let paid = async |number: &str, status: u16, said: &str| {
        let answer = send(json_card(caller, link, number)).await.unwrap();
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
        answer
    };
    match path {
        // Typed into a program that speaks JSON; held, stored and charged, or only stored.
        0 | 15 | 16 => drop(paid(GOOD, 200, "succeeded").await),
        1..=4 => drop(paid(NUMBERS[path], 200, "declined").await),
        5..=7 => {
            let asked = paid(CHALLENGES, 200, "threeDS").await.json();
            let page = asked["nextAction"]["url"].as_str().unwrap();
            let page = &page[page.find("/sandbox/").unwrap()..];
            match path {
                5 => drop(form(caller, page, "choice=approve").await),
                6 => drop(form(caller, page, "choice=refuse").await),
                // Left for another way to pay.
                _ => {
                    let pay = caller.request(Method::POST, &format!("/pay/{link}/payments"));
                    let left = send(as_json(pay, &json!({"method": "paynow"})))
                        .await
                        .unwrap();
                    assert_eq!(left.status, 200, "{}", left.body);
                }
            }
        }
        8 => drop(paid(NUMBERS[6], 200, "failed").await),
        9 => drop(paid(NUMBERS[7], 200, "succeeded").await),
        10 => drop(paid(NUMBERS[8], 200, "unknown").await),
        // Typed into the page's own form, as people type it.
        11 => {
            let body = form_card(GOOD, "12 / 40");
            let answer = form(caller, &format!("/pay/{link}/payments"), &body).await;
            assert_eq!(answer.status, 303, "{}", answer.body);
        }
        // What is no test card is refused before anything is stored.
        12 => drop(paid(NUMBERS[9], 400, "not_a_test_card").await),
        13 => {
            let body = form_card(NUMBERS[10], "12/40");
            let answer = form(caller, &format!("/pay/{link}/payments"), &body).await;
            assert!((400..500).contains(&answer.status), "{}", answer.body);
        }
        // Where programs make mistakes, messages say too much.
        14 => {
            let pay = || caller.request(Method::POST, &format!("/pay/{link}/payments"));
            let plain = GOOD.replace(' ', "");
            for wrong in [
                json!({"method": "card", "card": plain}).to_string(),
                json!({"method": "card", "card": {"number": plain.parse::<u64>().unwrap(), "cvc": CVC}}).to_string(),
                json!({"method": "card", "card": {"number": plain, "cvc": CVC, "pin": CVC}}).to_string(),
                json!({"method": "paynow", "cardNumber": plain, "cvc": CVC}).to_string(),
                format!("{{\"method\":\"card\",\"card\":{{\"number\":\"{GOOD}\",\"cvc\":\"{CVC}\""),
            ] {
                let answer = send(pay().header(CONTENT_TYPE, "application/json").body(wrong)).await.unwrap();
                assert_eq!(answer.status / 100, 4, "{}", answer.body);
                assert!(!answer.body.contains(CVC) && !answer.body.contains("4242"), "{}", answer.body);
            }
        }
        // A card beside a method that takes none.
        17 => {
            let pay = caller.request(Method::POST, &format!("/pay/{link}/payments"));
            let body = json!({"method": "paynow", "card": card(GOOD)});
            let answer = send(as_json(pay, &body)).await.unwrap();
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
        // Numbers with a slip in them, and a date that is over: the form comes back without them.
        18 => {
            let body = form_card(&format!("{GOOD} 7"), "12/40");
            let answer = form(caller, &format!("/pay/{link}/payments"), &body).await;
            // The link is random: it may have these four digits.
            assert!(
                !answer.body.replace(link, "").contains(CVC),
                "{}",
                answer.body
            );
        }
        _ => {
            let body = form_card(NUMBERS[11], "01/20");
            let answer = form(caller, &format!("/pay/{link}/payments"), &body).await;
            assert!(!answer.body.contains(NUMBERS[11]), "{}", answer.body);
            drop(paid(GOOD, 200, "succeeded").await);
        }
    }
    // What the payer sees next.
    caller.get(&format!("/pay/{link}")).await;
    caller.get(&format!("/pay/{link}/state")).await;
}

async fn open(caller: &Caller, inbox: &str, path: usize) -> Value {
    let mut body =
        json!({"amount": 3500, "currency": "SGD", "notifyUrl": inbox, "customer": {"code": "c 1"}});
    match path {
        9 => body["storePaymentMethod"] = json!(true),
        15 => body["kind"] = json!("authorization"),
        16 => {
            body["kind"] = json!("addPaymentMethod");
            body.as_object_mut().unwrap().remove("amount");
        }
        _ => {}
    }
    let request = caller.native(Method::POST, "/sessions");
    send(as_json(request, &body)).await.unwrap().ok()
}

fn as_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("sec-fetch-site", "same-origin")
        .header(CONTENT_TYPE, "application/json")
        .body(body.to_string())
}

fn card(number: &str) -> Value {
    json!({"number": number, "expMonth": 12, "expYear": 2040, "cvc": CVC, "name": "A Payer"})
}

fn json_card(caller: &Caller, link: &str, number: &str) -> RequestBuilder {
    let request = caller.request(Method::POST, &format!("/pay/{link}/payments"));
    as_json(request, &json!({"method": "card", "card": card(number)}))
}

fn form_card(number: &str, expiry: &str) -> String {
    let number = number.replace(' ', "+");
    let expiry = expiry.replace(' ', "+").replace('/', "%2F");
    format!(
        "method=card&card.number={number}&card.expiry={expiry}&card.cvc={CVC}&card.name=A+Payer"
    )
}

async fn form(caller: &Caller, path: &str, body: &str) -> Answer {
    let request = caller
        .request(Method::POST, path)
        .header("sec-fetch-site", "same-origin")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.to_owned());
    send(request).await.unwrap()
}
