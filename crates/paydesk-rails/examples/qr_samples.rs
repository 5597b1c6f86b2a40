//! Prints sample codes of every scheme, their fields and their pictures as JSON, for other programs to read:
//! `conformance/qr`. With the argument `many`, hundreds of codes of all sorts, without pictures.

use std::error::Error;
use std::io::Write as _;

use paydesk_core::money::{Currency, Money};
use paydesk_core::time::Timestamp;
use paydesk_rails::emvqr::{
    Code, FpsProxy, Initiation, PayNowProxy, Payee, Payment, PromptPayProxy,
};
use paydesk_rails::qr_svg::qr_svg;
use serde_json::{Map, Value, json};

/// The code of XanPay's published example.
const PUBLISHED: &str = "paynow-published";

/// 2022-06-24T16:30:00.999Z: half past midnight of the next day in Singapore.
const EXPIRY: Timestamp = Timestamp::from_millis(1_656_088_200_999);

/// A payment to be written as a code.
struct Sample {
    name: String,
    payee: Payee,
    minor: i64,
    merchant: &'static str,
    bill_number: &'static str,
}

/// A payment to a payee, under the reference that most of them have.
fn sample(name: &'static str, payee: Payee, minor: i64, merchant: &'static str) -> Sample {
    Sample {
        name: name.to_owned(),
        payee,
        minor,
        merchant,
        bill_number: "ABCDEFGHIJ",
    }
}

fn samples() -> Vec<Sample> {
    let mobile = || Payee::PayNow(PayNowProxy::Mobile("+6585867834".to_owned()));
    let uen = || Payee::PayNow(PayNowProxy::Uen("201403121W".to_owned()));
    let prompt_pay = |proxy: fn(String) -> PromptPayProxy, number: &str| {
        Payee::PromptPay(proxy(number.to_owned()))
    };
    let fps = |proxy: fn(String) -> FpsProxy, proxied: &str| Payee::Fps(proxy(proxied.to_owned()));
    let duit_now = Payee::DuitNow {
        acquirer: "501664".to_owned(),
        merchant: "Q0001".to_owned(),
    };
    let mut published = sample(PUBLISHED, mobile(), 3500, "NA");
    published.bill_number = "ztt1";
    let mut largest = sample(
        "paynow-largest",
        uen(),
        999_999_999_999,
        "北京烤鸭 Café Zürich Straße",
    );
    largest.bill_number = "ABCDEFGHIJKLMNOPQRSTUVWXY";
    let (e_wallet, national_id) = ("123456789012345", "1234567890123");
    vec![
        published,
        sample("paynow-mobile", mobile(), 3500, "Kopi & Co"),
        sample("paynow-uen", uen(), 5, "Kopi & Co"),
        largest,
        sample(
            "promptpay-mobile",
            prompt_pay(PromptPayProxy::Mobile, "+66812345678"),
            3550,
            "ร้านกาแฟ",
        ),
        sample(
            "promptpay-national-id",
            prompt_pay(PromptPayProxy::NationalId, national_id),
            3500,
            "Kafe",
        ),
        sample(
            "promptpay-e-wallet",
            prompt_pay(PromptPayProxy::EWallet, e_wallet),
            1,
            "Kafe",
        ),
        sample("duitnow", duit_now, 1234, "Kedai Kopi"),
        sample("fps-id", fps(FpsProxy::Id, "199900018"), 3550, "NA"),
        sample(
            "fps-mobile",
            fps(FpsProxy::Mobile, "+852-91234567"),
            100,
            "NA",
        ),
        sample(
            "fps-email",
            fps(FpsProxy::Email, "pay@example.hk"),
            123_456,
            "NA",
        ),
    ]
}

/// Names in many scripts, and some that are hardly names.
const NAMES: [&str; 11] = [
    "Kopi & Co",
    "北京烤鸭",
    "ร้านกาแฟสด",
    "Café Zürich Straße",
    "مقهى",
    "Кофейня",
    "커피 가게",
    "चाय की दुकान",
    "🍵🍰",
    "",
    "A name that is longer than any of these codes allows a name to be",
];
const REFERENCE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXY";

/// Payments of all sorts: every payee with every name, amounts of every length, references of every length.
fn many() -> Vec<Sample> {
    let payees: Vec<Payee> = samples().into_iter().map(|sample| sample.payee).collect();
    let all = (0..600_usize).filter_map(|index| {
        let payee = payees.get(index % payees.len())?.clone();
        let digits = u32::try_from(index % 12).ok()?;
        let varied = i64::try_from(index).ok()?;
        Some(Sample {
            name: format!("{index}"),
            payee,
            minor: (10_i64.pow(digits) + varied).min(999_999_999_999),
            merchant: NAMES.get(index / 11 % NAMES.len())?,
            bill_number: REFERENCE.get(..=index / 7 % REFERENCE.len())?,
        })
    });
    all.collect()
}

fn code(sample: &Sample) -> Result<Code, Box<dyn Error>> {
    let currency =
        Currency::from_code(sample.payee.currency_code()).ok_or("a scheme without a currency")?;
    let city = match sample.payee {
        Payee::PayNow(_) => "Singapore",
        Payee::PromptPay(_) => "Bangkok",
        Payee::DuitNow { .. } => "Kuala Lumpur",
        Payee::Fps(_) => "HK",
    };
    // XanPay's own code is for many payments and does not expire.
    let published = sample.name == PUBLISHED;
    Ok(Code::for_payment(&Payment {
        payee: &sample.payee,
        amount: Money::from_minor(sample.minor, currency)?,
        name: sample.merchant,
        city,
        bill_number: sample.bill_number,
        initiation: Some(if published {
            Initiation::Static
        } else {
            Initiation::OneTime
        }),
        expires_at: (!published).then_some(EXPIRY),
    })?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut printed = Vec::new();
    if std::env::args().nth(1).as_deref() == Some("many") {
        for sample in many() {
            let code = code(&sample)?;
            printed.push(
                json!({ "name": sample.name, "code": code.to_string(), "fields": fields(&code) }),
            );
        }
    } else {
        for sample in samples() {
            let code = code(&sample)?;
            let text = code.to_string();
            printed.push(json!({ "name": sample.name, "code": text, "fields": fields(&code), "svg": qr_svg(&text)? }));
        }
    }
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &printed)?;
    writeln!(out)?;
    Ok(())
}

/// The fields by their two-digit ids; those of a template within it.
fn fields(code: &Code) -> Value {
    let two_digits = |id: u8| format!("{id:02}");
    let mut fields = Map::new();
    for (id, value) in code.fields().iter() {
        let inner = if matches!(id, 26..=51 | 62) {
            code.template(id)
        } else {
            None
        };
        let value = match inner {
            Some(inner) => Value::Object(
                inner
                    .iter()
                    .map(|(id, value)| (two_digits(id), json!(value)))
                    .collect(),
            ),
            None => json!(value),
        };
        fields.insert(two_digits(id), value);
    }
    Value::Object(fields)
}
