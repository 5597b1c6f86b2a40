use paydesk_core::money::{Currency, Money};
use paydesk_core::time::Timestamp;

use super::*;

fn amount(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, Currency::from_code(code).unwrap()).unwrap()
}

/// No-break spaces as `~`, narrow ones as `_`, the marks of direction as `<` and `>`, so that they can be seen.
fn seen(text: &str) -> String {
    text.replace('\u{a0}', "~")
        .replace('\u{202f}', "_")
        .replace('\u{200f}', "<")
        .replace('\u{200e}', ">")
}

#[test]
fn no_text_is_missing_or_left_over_in_any_language() {
    // Reading fails on a missing and on an unknown text alike.
    for language in Language::ALL {
        assert!(!language.texts().name.as_str().is_empty());
    }
}

#[test]
fn every_language_fills_the_same_places_as_english() {
    let places = |phrase: &Phrase| {
        let mut places: Vec<String> = phrase
            .as_str()
            .split('{')
            .skip(1)
            .map(|rest| rest.split_once('}').unwrap().0.to_owned())
            .collect();
        places.sort();
        places
    };
    let english = Language::English.texts().all();
    for language in Language::ALL {
        for ((name, text), (_, original)) in language.texts().all().iter().zip(&english) {
            assert_eq!(places(text), places(original), "{name} in {language:?}");
            assert!(!text.as_str().trim().is_empty(), "{name} in {language:?}");
        }
    }
}

#[test]
fn every_language_has_words_of_its_own() {
    let english = Language::English.texts().all();
    for language in Language::ALL.iter().skip(1) {
        let borrowed: Vec<&str> = language
            .texts()
            .all()
            .iter()
            .zip(&english)
            .filter(|((_, text), (_, original))| text.as_str() == original.as_str())
            .map(|((name, _), _)| *name)
            .collect();
        // Some words are the same in other languages, and some of them are only places and signs.
        let shared = [
            "date",
            "mistake_of",
            "email",
            "total",
            "card_expiry_hint",
            "bank",
            "paid_on",
        ];
        for name in borrowed {
            assert!(shared.contains(&name), "{name} in {language:?}");
        }
    }
}

#[test]
fn places_are_filled_wherever_they_stand() {
    let phrase: Phrase = serde_json::from_str(r#""{a}, then {b} and {a}.""#).unwrap();
    assert_eq!(
        phrase.with(&[("a", "one"), ("b", "{a}")]),
        "one, then {a} and one."
    );
    assert_eq!(
        (phrase.before("b"), phrase.after("b")),
        ("{a}, then ", " and {a}.")
    );
}

#[test]
fn a_language_is_found_by_any_of_its_tags() {
    for (tag, language) in [
        ("en", Language::English),
        ("en-GB", Language::English),
        ("zh", Language::SimplifiedChinese),
        ("zh-CN", Language::SimplifiedChinese),
        ("zh-Hans-HK", Language::SimplifiedChinese),
        ("zh-SG", Language::SimplifiedChinese),
        ("zh-TW", Language::TraditionalChinese),
        ("zh_HK", Language::TraditionalChinese),
        ("zh-Hant-MY", Language::TraditionalChinese),
        ("in-ID", Language::Indonesian),
        ("FR-ca", Language::French),
        ("ar-EG", Language::Arabic),
    ] {
        assert_eq!(Language::from_tag(tag), Some(language), "{tag}");
    }
    for tag in ["", "*", "de", "english", "x-klingon", "-", "🇫🇷"] {
        assert_eq!(Language::from_tag(tag), None, "{tag}");
    }
    for language in Language::ALL {
        assert_eq!(Language::from_tag(language.tag()), Some(*language));
    }
}

#[test]
fn the_payers_choice_comes_before_the_merchants_and_the_browsers() {
    let negotiate = |chosen, merchants, accepted| Language::negotiate(chosen, merchants, accepted);
    let accepted = "de;q=0.9, fr;q=0.7, th;q=0.8, ko;q=0";
    assert_eq!(
        negotiate(Some("ko"), Some("th"), accepted),
        Language::Korean
    );
    assert_eq!(negotiate(None, Some("es"), accepted), Language::Spanish);
    assert_eq!(negotiate(Some("de"), Some("xx"), accepted), Language::Thai);
    assert_eq!(negotiate(None, None, "de, ko;q=0"), Language::English);
    assert_eq!(negotiate(None, None, "vi, ms"), Language::Vietnamese);
    assert_eq!(negotiate(None, None, ";;q=,,q=1;ms;q=x"), Language::English);
}

#[test]
fn amounts_are_written_as_each_language_writes_them() {
    // Held against the Unicode CLDR, save for the signs that name one currency only.
    let written = |language, minor, code| seen(&money(amount(minor, code), language));
    for (language, usd, eur, jpy, kwd) in [
        (
            Language::English,
            "US$1,234,567.50",
            "€35.00",
            "JP¥12,345",
            "KWD~1,234.567",
        ),
        (
            Language::Korean,
            "US$1,234,567.50",
            "€35.00",
            "JP¥12,345",
            "KWD~1,234.567",
        ),
        (
            Language::Hindi,
            "US$12,34,567.50",
            "€35.00",
            "JP¥12,345",
            "KWD~1,234.567",
        ),
        (
            Language::Indonesian,
            "US$1.234.567,50",
            "€35,00",
            "JP¥12.345",
            "KWD~1.234,567",
        ),
        (
            Language::Vietnamese,
            "1.234.567,50~US$",
            "35,00~€",
            "12.345~JP¥",
            "1.234,567~KWD",
        ),
        (
            Language::Spanish,
            "1.234.567,50~US$",
            "35,00~€",
            "12.345~JP¥",
            "1234,567~KWD",
        ),
        (
            Language::French,
            "1_234_567,50~US$",
            "35,00~€",
            "12_345~JP¥",
            "1_234,567~KWD",
        ),
        (
            Language::Arabic,
            "<1,234,567.50~US$>",
            "<35.00~€>",
            "<12,345~JP¥>",
            "<1,234.567~KWD>",
        ),
    ] {
        assert_eq!(written(language, 123_456_750, "USD"), usd, "{language:?}");
        assert_eq!(written(language, 3500, "EUR"), eur, "{language:?}");
        assert_eq!(written(language, 12_345, "JPY"), jpy, "{language:?}");
        assert_eq!(written(language, 1_234_567, "KWD"), kwd, "{language:?}");
    }
    assert_eq!(written(Language::English, 5, "SGD"), "S$0.05");
    assert_eq!(
        written(Language::Indonesian, 3_500_000, "IDR"),
        "Rp~35.000,00"
    );
    assert_eq!(
        written(Language::Hindi, 999_999_999_999_999, "INR"),
        "₹99,99,99,99,99,999.99"
    );
}

#[test]
fn what_the_page_writes_is_read_again_as_the_same_amount() {
    for language in Language::ALL {
        for (minor, code) in [
            (5, "SGD"),
            (3500, "SGD"),
            (123_456_750, "USD"),
            (999_999_999_999_999, "INR"),
            (12_345, "JPY"),
            (1_234_567, "KWD"),
        ] {
            let amount = amount(minor, code);
            let typed = decimal(amount, *language);
            assert_eq!(
                read_amount(&typed, amount.currency(), *language),
                Ok(amount),
                "{typed} in {language:?}"
            );
        }
    }
}

#[test]
fn payers_type_plainly_or_with_their_own_signs_and_digits() {
    let read = |typed, code, language| {
        let currency = Currency::from_code(code).unwrap();
        read_amount(typed, currency, language)
            .map(Money::minor)
            .ok()
    };
    for (typed, code, language, minor) in [
        ("35", "SGD", Language::English, Some(3500)),
        (" 35.5 ", "SGD", Language::English, Some(3550)),
        ("1,234.50", "SGD", Language::English, Some(123_450)),
        ("1,23,456.50", "INR", Language::Hindi, Some(12_345_650)),
        ("35,50", "EUR", Language::French, Some(3550)),
        ("35.50", "EUR", Language::French, Some(3550)),
        ("1 234,50", "EUR", Language::French, Some(123_450)),
        ("35.50", "IDR", Language::Indonesian, Some(3550)),
        ("35.000", "IDR", Language::Indonesian, Some(3_500_000)),
        ("35.000,50", "IDR", Language::Indonesian, Some(3_500_050)),
        ("٣٥٫٥٠", "USD", Language::Arabic, Some(3550)),
        ("๓๕", "THB", Language::Thai, Some(3500)),
        // What could mean two amounts, or none, is refused.
        ("35,50", "SGD", Language::English, None),
        ("35,500.00.1", "SGD", Language::English, None),
        ("3,5000", "SGD", Language::English, None),
        ("35.5.5", "SGD", Language::English, None),
        ("1.234", "KWD", Language::English, Some(1234)),
        ("1.234", "KWD", Language::Spanish, Some(1_234_000)),
        ("-35", "SGD", Language::English, None),
        ("S$35", "SGD", Language::English, None),
        ("", "SGD", Language::English, None),
        (".", "SGD", Language::English, None),
        ("35.555", "SGD", Language::English, None),
    ] {
        assert_eq!(
            read(typed, code, language),
            minor,
            "{typed} {code} in {language:?}"
        );
    }
}

#[test]
fn times_are_written_in_words_and_say_that_they_are_utc() {
    let at = Timestamp::from_millis(1_787_565_360_000);
    let written = |language| seen(&date(at, language));
    assert_eq!(written(Language::English), "24 Aug 2026, 09:56~UTC");
    assert_eq!(
        written(Language::SimplifiedChinese),
        "2026年8月24日 09:56~UTC"
    );
    assert_eq!(written(Language::Thai), "24 ส.ค. 2569 09:56~UTC");
    assert_eq!(written(Language::French), "24 août 2026 à 09:56~UTC");
    assert_eq!(iso(at), "2026-08-24T09:56:00.000Z");
}
