//! Prints sample codes of every scheme, their fields and their pictures as JSON, for other programs to read:
//! `conformance/qr`. With the argument `many` and a number, a thousand codes of all sorts that follow from this number,
//! without pictures: amounts, names in any script, references, payees and expiries.

use std::error::Error;
use std::io::Write as _;

use paydesk_core::money::{Currency, Money};
use paydesk_core::time::Timestamp;
use paydesk_rails::emvqr::{
    Code, FpsProxy, Initiation, PayNowProxy, Payee, Payment, PromptPayProxy,
};
use paydesk_rails::qr_svg::qr_svg;
use serde_json::{Map, Value, json};

/// 2022-06-24T16:30:00.999Z: half past midnight of the next day in Singapore.
const EXPIRY: Timestamp = Timestamp::from_millis(1_656_088_200_999);

/// A payment to be written as a code.
struct Sample {
    name: String,
    payee: Payee,
    minor: i64,
    merchant: String,
    city: &'static str,
    bill_number: String,
    initiation: Initiation,
    expires_at: Option<Timestamp>,
}

/// A payment to a payee, under the reference that most of them have.
fn sample(name: &'static str, payee: Payee, minor: i64, merchant: &str) -> Sample {
    let city = match payee {
        Payee::PayNow(_) => "Singapore",
        Payee::PromptPay(_) => "Bangkok",
        Payee::DuitNow { .. } => "Kuala Lumpur",
        Payee::Fps(_) => "HK",
    };
    Sample {
        name: name.to_owned(),
        payee,
        minor,
        merchant: merchant.to_owned(),
        city,
        bill_number: "ABCDEFGHIJ".to_owned(),
        initiation: Initiation::OneTime,
        expires_at: Some(EXPIRY),
    }
}

/// Of examples that schemes and vendors have published: for many payments, and without an end.
fn published(sample: Sample) -> Sample {
    Sample {
        initiation: Initiation::Static,
        expires_at: None,
        ..sample
    }
}

fn samples() -> Vec<Sample> {
    let mobile = || Payee::PayNow(PayNowProxy::Mobile("+6585867834".to_owned()));
    let uen = || Payee::PayNow(PayNowProxy::Uen("201403121W".to_owned()));
    let prompt_pay = |proxy: fn(String) -> PromptPayProxy, number: &str| {
        Payee::PromptPay(proxy(number.to_owned()))
    };
    let fps = |proxy: fn(String) -> FpsProxy, proxied: &str| Payee::Fps(proxy(proxied.to_owned()));
    let duit_now = |merchant: &str| Payee::DuitNow {
        acquirer: "501664".to_owned(),
        merchant: merchant.to_owned(),
    };
    let mut seed = published(sample("paynow-published", mobile(), 3500, "NA"));
    "ztt1".clone_into(&mut seed.bill_number);
    let mut paynet = published(sample(
        "duitnow-published",
        duit_now("123456789"),
        1000,
        "AUSERNAME",
    ));
    paynet.city = "BANGI";
    let mut largest = sample(
        "paynow-largest",
        uen(),
        999_999_999_999,
        "北京烤鸭 Café Zürich Straße",
    );
    "ABCDEFGHIJKLMNOPQRSTUVWXY".clone_into(&mut largest.bill_number);
    let (e_wallet, national_id) = ("123456789012345", "1234567890123");
    vec![
        seed,
        paynet,
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
        sample("duitnow", duit_now("Q0001"), 1234, "Kedai Kopi"),
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

/// Where in Unicode names are written: Latin with and without marks, Greek, Cyrillic, Arabic, Devanagari, Thai, Khmer,
/// kana, Chinese, Korean, and pictures; and what is hardly a letter at all.
const SCRIPTS: [(u32, u32); 13] = [
    (0x20, 0x7e),
    (0xa0, 0x17f),
    (0x370, 0x3ff),
    (0x400, 0x45f),
    (0x600, 0x6ff),
    (0x900, 0x97f),
    (0xe00, 0xe5b),
    (0x1780, 0x17dd),
    (0x3040, 0x30ff),
    (0x4e00, 0x9fff),
    (0xac00, 0xd7a3),
    (0x1f300, 0x1f6ff),
    (0x2000, 0x206f),
];

/// Draws that follow from a number (`SplitMix64`).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From the first to the last, both included.
    fn within(&mut self, first: u64, last: u64) -> u64 {
        first + self.next() % (last - first + 1)
    }

    fn digits(&mut self, count: u64) -> String {
        self.text("0123456789", count)
    }

    fn text(&mut self, of: &str, count: u64) -> String {
        let letters: Vec<char> = of.chars().collect();
        let last = letters.len() as u64 - 1;
        let one = |_| usize::try_from(self.within(0, last)).ok();
        (0..count)
            .filter_map(one)
            .filter_map(|at| letters.get(at))
            .collect()
    }

    /// In one script, or in several.
    fn name(&mut self) -> String {
        let mut name = String::new();
        let mixed = self.within(0, 3) == 0;
        let mut script = None;
        for _ in 0..self.within(0, 40) {
            if script.is_none() || mixed {
                let at = self.within(0, SCRIPTS.len() as u64 - 1);
                script = usize::try_from(at).ok().and_then(|at| SCRIPTS.get(at));
            }
            let Some(&(first, last)) = script else { break };
            let drawn = u32::try_from(self.within(first.into(), last.into())).ok();
            name.extend(drawn.and_then(char::from_u32));
        }
        name
    }

    fn payee(&mut self) -> Payee {
        match self.within(0, 8) {
            0 => Payee::PayNow(PayNowProxy::Mobile(format!("+65{}", self.digits(8)))),
            1 => Payee::PayNow(PayNowProxy::Uen(format!("{}W", self.digits(9)))),
            2 => Payee::PromptPay(PromptPayProxy::Mobile(format!("+66{}", self.digits(9)))),
            3 => Payee::PromptPay(PromptPayProxy::NationalId(self.digits(13))),
            4 => Payee::PromptPay(PromptPayProxy::EWallet(self.digits(15))),
            5 => Payee::Fps(FpsProxy::Id(self.digits(9))),
            6 => Payee::Fps(FpsProxy::Mobile(format!("+852-{}", self.digits(8)))),
            7 => Payee::Fps(FpsProxy::Email(format!("a{}@pay.hk", self.digits(6)))),
            _ => {
                let length = self.within(1, 28);
                Payee::DuitNow {
                    acquirer: self.digits(6),
                    merchant: self.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length),
                }
            }
        }
    }

    fn sample(&mut self) -> Result<Sample, Box<dyn Error>> {
        // Of every length, up to ten digits before the point.
        let digits = u32::try_from(self.within(0, 11))?;
        let minor = self.within(10_u64.pow(digits), 10_u64.pow(digits + 1) - 1);
        let printable: String = (' '..='~').collect();
        let length = self.within(1, 25);
        // From 1970 to the year 9999.
        let expiry = i64::try_from(self.within(0, 253_402_214_400_000))?;
        let mut drawn = sample("", self.payee(), i64::try_from(minor)?, &self.name());
        drawn.bill_number = self.text(&printable, length);
        drawn.expires_at = Some(Timestamp::from_millis(expiry));
        Ok(drawn)
    }
}

/// What the payee is known by, as the caller gave it.
fn proxied(payee: &Payee) -> Value {
    match payee {
        Payee::PayNow(PayNowProxy::Mobile(it) | PayNowProxy::Uen(it))
        | Payee::PromptPay(
            PromptPayProxy::Mobile(it)
            | PromptPayProxy::NationalId(it)
            | PromptPayProxy::EWallet(it),
        )
        | Payee::Fps(FpsProxy::Id(it) | FpsProxy::Mobile(it) | FpsProxy::Email(it)) => json!([it]),
        Payee::DuitNow { acquirer, merchant } => json!([acquirer, merchant]),
    }
}

fn code(sample: &Sample) -> Result<Code, Box<dyn Error>> {
    let currency =
        Currency::from_code(sample.payee.currency_code()).ok_or("a scheme without a currency")?;
    Ok(Code::for_payment(&Payment {
        payee: &sample.payee,
        amount: Money::from_minor(sample.minor, currency)?,
        name: &sample.merchant,
        city: sample.city,
        bill_number: &sample.bill_number,
        initiation: Some(sample.initiation),
        expires_at: sample.expires_at,
    })?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut printed = Vec::new();
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("many") {
        let number = arguments.next().ok_or("many: of which number?")?;
        let mut draws = Draws(number.parse()?);
        for _ in 0..1000 {
            let sample = draws.sample()?;
            let code = code(&sample)?;
            // What was asked for, as it was asked for: to be found again by who reads the code.
            printed.push(json!({
                "code": code.to_string(),
                "fields": fields(&code),
                "asked": {
                    "currency": sample.payee.currency_code(),
                    "minor": sample.minor,
                    "payee": proxied(&sample.payee),
                    "reference": sample.bill_number,
                    "expiresAt": sample.expires_at.map(Timestamp::as_millis),
                },
            }));
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
