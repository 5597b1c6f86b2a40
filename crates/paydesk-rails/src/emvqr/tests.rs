use proptest::prelude::*;

use super::*;

/// The code of `XanPay`'s published example.
const SEED: &str = "00020101021126380009SG.PAYNOW010100211+658586783403010520400005303702540535.005802SG5902NA6009Singapore62080104ztt16304CE6D";

fn money(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap()
}

fn mobile() -> Payee {
    Payee::PayNow(PayNowProxy::Mobile("+6585867834".to_owned()))
}

fn payment(payee: &Payee, minor: i64) -> Payment<'_> {
    Payment {
        payee,
        amount: money(minor, payee.currency_code()),
        name: "NA",
        city: "Singapore",
        bill_number: "ztt1",
        initiation: Some(Initiation::OneTime),
        expires_at: None,
    }
}

#[test]
fn the_published_paynow_code_is_read_field_by_field() {
    let code = Code::parse(SEED).unwrap();
    let fields: Vec<_> = code.fields().iter().collect();
    assert_eq!(
        fields,
        [
            (0, "01"),
            (1, "11"),
            (26, "0009SG.PAYNOW010100211+658586783403010"),
            (52, "0000"),
            (53, "702"),
            (54, "35.00"),
            (58, "SG"),
            (59, "NA"),
            (60, "Singapore"),
            (62, "0104ztt1"),
        ]
    );
    let scheme: Vec<_> = code
        .template(26)
        .unwrap()
        .iter()
        .map(|(at, value)| (at, value.to_owned()))
        .collect();
    let expected = [(0, "SG.PAYNOW"), (1, "0"), (2, "+6585867834"), (3, "0")];
    assert_eq!(scheme, expected.map(|(at, value)| (at, value.to_owned())));
    assert_eq!(code.bill_number().as_deref(), Some("ztt1"));
    assert_eq!(code.to_string(), SEED);
}

#[test]
fn the_published_paynow_code_is_built_again_to_the_letter() {
    let payee = mobile();
    let mut payment = payment(&payee, 3500);
    payment.initiation = Some(Initiation::Static);
    assert_eq!(Code::for_payment(&payment).unwrap().to_string(), SEED);
}

#[test]
fn a_paynow_expiry_is_written_in_singapores_time() {
    let payee = mobile();
    let mut payment = payment(&payee, 3500);
    // 2022-06-24T16:30:00.999Z is half past midnight of the next day in Singapore.
    payment.expires_at = Some(Timestamp::from_millis(1_656_088_200_999));
    let code = Code::for_payment(&payment).unwrap();
    assert_eq!(code.template(26).unwrap().get(4), Some("20220625003000"));
    assert_eq!(code.fields().get(id::INITIATION), Some("12"));
}

#[test]
fn each_scheme_writes_its_own_template() {
    let duit_now = Payee::DuitNow {
        acquirer: "501664".to_owned(),
        merchant: "Q001".to_owned(),
    };
    for (payee, template, encoded, format, currency) in [
        (
            Payee::PayNow(PayNowProxy::Uen("201403121W".to_owned())),
            26,
            "0009SG.PAYNOW010120210201403121W03010",
            "01",
            "702",
        ),
        (
            Payee::PromptPay(PromptPayProxy::Mobile("+66812345678".to_owned())),
            29,
            "0016A00000067701011101130066812345678",
            "01",
            "764",
        ),
        (
            Payee::PromptPay(PromptPayProxy::NationalId("1234567890123".to_owned())),
            29,
            "0016A00000067701011102131234567890123",
            "01",
            "764",
        ),
        (
            Payee::PromptPay(PromptPayProxy::EWallet("123456789012345".to_owned())),
            29,
            "0016A0000006770101110315123456789012345",
            "01",
            "764",
        ),
        (
            duit_now,
            26,
            "0014A000000615000101065016640204Q001",
            "02",
            "458",
        ),
        (
            Payee::Fps(FpsProxy::Id("166500001".to_owned())),
            26,
            "0012hk.com.hkicl0209166500001",
            "01",
            "344",
        ),
        (
            Payee::Fps(FpsProxy::Mobile("+852-91234567".to_owned())),
            26,
            "0012hk.com.hkicl0313+852-91234567",
            "01",
            "344",
        ),
        (
            Payee::Fps(FpsProxy::Email("a@example.hk".to_owned())),
            26,
            "0012hk.com.hkicl0412a@example.hk",
            "01",
            "344",
        ),
    ] {
        let code = Code::for_payment(&payment(&payee, 1234)).unwrap();
        let written = code.fields().get(template).unwrap();
        assert_eq!(written, encoded, "{payee:?}");
        assert_eq!(code.fields().get(id::FORMAT), Some(format));
        assert_eq!(code.fields().get(id::CURRENCY), Some(currency));
        assert_eq!(
            code.fields().get(id::COUNTRY),
            Some(super::scheme::country(&payee))
        );
        assert_eq!(Code::parse(&code.to_string()).unwrap(), code);
    }
}

#[test]
fn a_proxy_of_the_wrong_form_is_refused() {
    for payee in [
        Payee::PayNow(PayNowProxy::Mobile("85867834".to_owned())),
        Payee::PayNow(PayNowProxy::Mobile("+66585867834".to_owned())),
        Payee::PayNow(PayNowProxy::Uen("201403121w".to_owned())),
        Payee::PayNow(PayNowProxy::Uen("2014".to_owned())),
        Payee::PromptPay(PromptPayProxy::Mobile("0812345678".to_owned())),
        Payee::PromptPay(PromptPayProxy::NationalId("123".to_owned())),
        Payee::PromptPay(PromptPayProxy::EWallet("1234567890123".to_owned())),
        Payee::DuitNow {
            acquirer: "5016".to_owned(),
            merchant: "Q001".to_owned(),
        },
        Payee::DuitNow {
            acquirer: "501664".to_owned(),
            merchant: String::new(),
        },
        Payee::Fps(FpsProxy::Id("1234".to_owned())),
        Payee::Fps(FpsProxy::Mobile("+85291234567".to_owned())),
        Payee::Fps(FpsProxy::Email("nobody".to_owned())),
    ] {
        let built = Code::for_payment(&payment(&payee, 1));
        assert!(matches!(built, Err(BuildError::Proxy { .. })), "{payee:?}");
    }
}

#[test]
fn what_no_code_can_say_is_refused() {
    let payee = mobile();
    assert_eq!(
        Code::for_payment(&payment(&payee, 0)).unwrap_err(),
        BuildError::Amount
    );
    // 9999999999.99 has thirteen characters; one cent more has fourteen.
    assert!(Code::for_payment(&payment(&payee, 999_999_999_999)).is_ok());
    assert_eq!(
        Code::for_payment(&payment(&payee, 1_000_000_000_000)).unwrap_err(),
        BuildError::Amount
    );
    let dollars = Payment {
        amount: money(1, "USD"),
        ..payment(&payee, 1)
    };
    assert_eq!(
        Code::for_payment(&dollars).unwrap_err(),
        BuildError::Currency
    );
    for bill_number in ["", "01234567890123456789012345", "naïve", "line\n"] {
        let payment = Payment {
            bill_number,
            ..payment(&payee, 1)
        };
        assert_eq!(
            Code::for_payment(&payment).unwrap_err(),
            BuildError::BillNumber
        );
    }
}

#[test]
fn a_code_asks_for_no_other_currency_and_for_nothing_that_it_cannot_say() {
    let code = Code::parse(SEED).unwrap();
    for (amount, error) in [
        (money(1, "USD"), BuildError::Currency),
        (money(0, "SGD"), BuildError::Amount),
        (money(1_000_000_000_000, "SGD"), BuildError::Amount),
    ] {
        assert_eq!(code.asking_for(amount), Err(error));
    }
    assert_eq!(code.amount(money(1, "USD").currency()), None);
}

/// The same code with other fields, and a checksum that is right.
fn sealed(body: &str) -> String {
    let body = format!("{body}6304");
    format!("{body}{}", crc(&body))
}

#[test]
fn what_is_no_code_is_refused_with_its_reason() {
    let body = SEED.strip_suffix("6304CE6D").unwrap();
    for (text, error) in [
        (String::new(), ParseError::NotAField),
        ("hello".to_owned(), ParseError::NotAField),
        (body.to_owned(), ParseError::NoChecksum),
        (SEED.replace("CE6D", "ce6d"), ParseError::Checksum),
        (SEED.replace("35.00", "53.00"), ParseError::Checksum),
        (
            SEED.replace("CE6D", "CE6"),
            ParseError::Truncated { id: 63 },
        ),
        (format!("{SEED}6001x"), ParseError::Twice { id: 60 }),
        (format!("{SEED}9901x"), ParseError::NoChecksum),
        (sealed("5802SG000201"), ParseError::Format),
        (sealed("000203"), ParseError::Format),
        (
            sealed("0002010102136002XY"),
            ParseError::Malformed { id: 1 },
        ),
        (sealed("000201540135.0"), ParseError::NotAField),
        (sealed("0002015404-1.0"), ParseError::Malformed { id: 54 }),
        (
            sealed("000201541412345678901.00"),
            ParseError::Malformed { id: 54 },
        ),
        (sealed("0002015302SG"), ParseError::Malformed { id: 53 }),
        (sealed("0002015802sg"), ParseError::Malformed { id: 58 }),
        (
            sealed("0002015926ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ParseError::Malformed { id: 59 },
        ),
        (
            sealed("0002016016ABCDEFGHIJKLMNOP"),
            ParseError::Malformed { id: 60 },
        ),
        (
            sealed("00020162300126ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            ParseError::Malformed { id: 62 },
        ),
        (sealed("000201260400xx"), ParseError::Malformed { id: 26 }),
    ] {
        assert_eq!(Code::parse(&text), Err(error), "{text}");
    }
}

#[test]
fn codes_are_equal_whatever_the_order_of_their_fields() {
    let one = Code::parse(&sealed("00020126120002AB0102CD5802SG")).unwrap();
    let other = Code::parse(&sealed("0002015802SG26120102CD0002AB")).unwrap();
    assert_eq!(one, other);
    assert_ne!(
        one,
        Code::parse(&sealed("00020126120002AB0102CE5802SG")).unwrap()
    );
}

fn payees() -> impl Strategy<Value = Payee> {
    prop_oneof![
        "\\+65[0-9]{8}".prop_map(|number| Payee::PayNow(PayNowProxy::Mobile(number))),
        "[0-9]{9}[A-Z]([A-Z0-9]{3})?".prop_map(|number| Payee::PayNow(PayNowProxy::Uen(number))),
        "\\+66[0-9]{9}".prop_map(|number| Payee::PromptPay(PromptPayProxy::Mobile(number))),
        "[0-9]{13}".prop_map(|number| Payee::PromptPay(PromptPayProxy::NationalId(number))),
        "[0-9]{7}([0-9]{2})?".prop_map(|number| Payee::Fps(FpsProxy::Id(number))),
        "\\+852-[0-9]{8}".prop_map(|number| Payee::Fps(FpsProxy::Mobile(number))),
        "[0-9]{15}".prop_map(|number| Payee::PromptPay(PromptPayProxy::EWallet(number))),
        ("[0-9]{6}", "[A-Z0-9]{1,28}")
            .prop_map(|(acquirer, merchant)| Payee::DuitNow { acquirer, merchant }),
        "[a-z]{1,30}@[a-z]{1,20}\\.hk".prop_map(|address| Payee::Fps(FpsProxy::Email(address))),
    ]
}

proptest! {
    #[test]
    fn every_payment_is_written_within_the_limits_and_read_back(
        payee in payees(),
        minor in 1..=999_999_999_999_i64,
        name in any::<String>(),
        city in any::<String>(),
        bill_number in "[ -~]{1,25}",
        one_time in any::<bool>(),
        expires_at in proptest::option::of(0..=253_402_214_400_000_i64),
    ) {
        let payment = Payment {
            payee: &payee,
            amount: money(minor, payee.currency_code()),
            name: &name,
            city: &city,
            bill_number: &bill_number,
            initiation: Some(if one_time { Initiation::OneTime } else { Initiation::Static }),
            expires_at: expires_at.map(Timestamp::from_millis),
        };
        let text = Code::for_payment(&payment).unwrap().to_string();
        prop_assert!(text.is_ascii());
        prop_assert!(crate::qr_svg::qr_svg(&text).is_ok(), "every code can be drawn");
        let code = Code::parse(&text).unwrap();
        prop_assert_eq!(code.to_string(), text);
        prop_assert_eq!(code.bill_number(), Some(bill_number.clone()));
        let amount = code.fields().get(id::AMOUNT).unwrap();
        prop_assert!(amount.len() <= 13);
        prop_assert_eq!(Money::from_major(amount, payment.amount.currency()), Ok(payment.amount));
        prop_assert_eq!(code.amount(payment.amount.currency()), Some(payment.amount));
        // What is missing after a part of it came is asked for by the same code but for its amount.
        let less = money(minor / 2 + 1, payee.currency_code());
        let rest = code.asking_for(less).unwrap();
        let afresh = Code::for_payment(&Payment { amount: less, ..payment }).unwrap();
        prop_assert_eq!(rest.to_string(), afresh.to_string());
        prop_assert!(code.fields().get(id::NAME).unwrap().len() <= 25);
        prop_assert!(code.fields().get(id::CITY).unwrap().len() <= 15);
        if matches!(payee, Payee::PayNow(_)) {
            let written = code.template(26).unwrap().get(4).map(str::len);
            prop_assert_eq!(written, expires_at.map(|_| 14));
        }
    }

    #[test]
    fn one_changed_character_is_noticed(at in 0..SEED.len(), with in "[ -~]") {
        let mut changed = SEED.to_owned();
        changed.replace_range(at..=at, &with);
        prop_assert!(changed == SEED || Code::parse(&changed).is_err());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = Code::parse(&text);
    }
}
