//! What the page says, in each language: one resource file per language, read into one structure. A text that
//! is missing, or is there but unknown, does not get past the test below.

use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Language;

/// A text, perhaps with places such as `{amount}` to be filled.
#[derive(Deserialize, Debug)]
#[serde(transparent)]
pub struct Phrase(Box<str>);

impl Phrase {
    /// The text with its places filled.
    #[must_use]
    pub fn with(&self, places: &[(&str, &str)]) -> String {
        let mut filled = String::with_capacity(self.0.len() + 16);
        let mut rest = &*self.0;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            let value = places.iter().find(|(place, _)| *place == name);
            filled.push_str(value.map_or("", |(_, value)| value));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }

    /// What stands before a place, where the place itself is filled by the page's own elements.
    #[must_use]
    pub fn before(&self, place: &str) -> &str {
        self.around(place).0
    }

    /// What stands after it.
    #[must_use]
    pub fn after(&self, place: &str) -> &str {
        self.around(place).1
    }

    fn around(&self, place: &str) -> (&str, &str) {
        self.0
            .split_once(&format!("{{{place}}}"))
            .unwrap_or((&self.0, ""))
    }

    /// The text as it is.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! texts {
    ($($key:ident),* $(,)?) => {
        /// All texts of one language.
        #[derive(Deserialize, Debug)]
        #[serde(deny_unknown_fields)]
        #[allow(missing_docs, reason = "a text's name and its English say what it is")]
        pub struct Texts {
            pub months: [Box<str>; 12],
            $(pub $key: Phrase,)*
        }

        #[cfg(test)]
        impl Texts {
            pub(super) fn all(&self) -> Vec<(&'static str, &Phrase)> {
                vec![$((stringify!($key), &self.$key),)*]
            }
        }
    };
}

texts! {
    name, date,
    page_title, test_mode, test_mode_note, language, amount_due, you_choose, nothing_due, order, tax,
    paying_as, valid_until,
    choose_title, pay_button, pay_button_open, hold_button, hold_button_open, save_button, hold_note,
    save_note, store_note, your_details, optional, email, phone, amount, amount_minimum, card, card_number,
    card_expiry, card_expiry_hint, card_cvc, card_cvc_hint, card_name, bank_transfer, qr_note, transfer_note,
    wallet_note, cancel, attempts_left, test_cards, test_card_succeeds, test_card_bank_check, no_method_title,
    no_method, too_many_cards_title, too_many_cards, too_many_cards_other, too_many_cards_none,
    too_many_tries_title, too_many_tries,
    declined_title, declined, insufficient_funds, expired_card, incorrect_cvc, authentication_failed, failed_title,
    failed, not_confirmed, not_charged, push_expired_title, push_expired,
    check_fields, mistake_of, error_required, error_too_long, error_card_number, error_card_expiry, error_card_expired,
    error_card_cvc, error_test_card, error_amount, error_amount_small, error_amount_other, error_method,
    confirming_title, confirming, check_again,
    scan_title, scan_step_open, scan_step_scan, scan_step_confirm, qr_picture, same_phone, save_code, copy_code,
    transfer_title, transfer_hint, account, account_name, bank, reference, copy, copied, waiting, waiting_live,
    time_left, part_received, other_way, back, test_bank,
    wallet_title, wallet_text, wallet_button, bank_check_title, bank_check_text, bank_check_button,
    paid_title, paid_text, held_title, held_text, saved_title, saved_text, used_title, used_text, over_text, receipt,
    paid_to, paid_on, paid_with, payment_id, total, print, back_to, going_back, stay,
    cancelled_title, cancelled_text, cancelled_by_merchant, expired_title, expired_text,
    arrived_text, ask_first,
    not_found_title, not_found_text, busy_title, busy_text, trouble_title, trouble_text, not_accepted_title,
    not_accepted_text, try_again, offline,
}

impl Texts {
    /// The texts of a language.
    #[must_use]
    pub fn of(language: Language) -> &'static Self {
        macro_rules! read {
            ($file:literal) => {{
                static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
                    #[allow(
                        clippy::expect_used,
                        reason = "the file is compiled in, and a test reads each"
                    )]
                    serde_json::from_str(include_str!(concat!("texts/", $file, ".json")))
                        .expect($file)
                });
                &TEXTS
            }};
        }
        match language {
            Language::English => read!("en"),
            Language::SimplifiedChinese => read!("zh-Hans"),
            Language::TraditionalChinese => read!("zh-Hant"),
            Language::Thai => read!("th"),
            Language::Malay => read!("ms"),
            Language::Vietnamese => read!("vi"),
            Language::Korean => read!("ko"),
            Language::Indonesian => read!("id"),
            Language::Hindi => read!("hi"),
            Language::French => read!("fr"),
            Language::Arabic => read!("ar"),
            Language::Spanish => read!("es"),
        }
    }
}
