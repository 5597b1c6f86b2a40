//! Looks for card numbers and codes in whatever form they may have been written.

use std::fs;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::walk::{CVC, NUMBERS};

/// So often the bare code may be in something by chance: a log of everything has lengths and microseconds too, of which
/// now and then one is the same. What tells of codes does so at every payment on its path, and each path is walked
/// [`super::ROUNDS`] times.
const BY_CHANCE: usize = super::ROUNDS / 5;

/// A form of something that must not be there, and what it is a form of.
struct Form {
    what: String,
    /// Nothing but the four digits: they count where they stand alone, and more often than [`BY_CHANCE`].
    bare: bool,
}

pub struct Search {
    forms: Vec<Form>,
    /// Finds all of them in one go: the hay is many megabytes.
    finder: AhoCorasick,
}

impl Search {
    /// For every card that is paid with: its number plain, spaced and with dashes, as forms and addresses send it, in
    /// hexadecimal and in base64; and for the code on their backs.
    pub fn for_cards() -> Self {
        let (mut forms, mut needles) = (Vec::new(), Vec::new());
        let mut form = |what: String, text: &[u8], bare| {
            needles.push(text.to_vec());
            forms.push(Form { what, bare });
        };
        for number in NUMBERS {
            let plain = number.replace(' ', "");
            for text in spellings(number) {
                form(format!("{number} as {text}"), text.as_bytes(), false);
                form(format!("{number} in hex"), hex(&text).as_bytes(), false);
                let capitals = hex(&text).to_uppercase();
                form(format!("{number} in hex"), capitals.as_bytes(), false);
                for text in in_base64(&text) {
                    form(format!("{number} in base64"), text.as_bytes(), false);
                }
            }
            // All but its last four, which may be shown. Of the cards that are nearly all zeros, nothing but zeros.
            if plain.starts_with("4242") || plain.starts_with('5') {
                form(format!("most of {number}"), &plain.as_bytes()[..12], false);
            }
        }
        for around in ["\"{}\"", "\"{}\\\"", "cvc={}", "cvc\":{}", "cvc: {}"] {
            let text = around.replace("{}", CVC);
            form(format!("the code as {text}"), text.as_bytes(), false);
            form("the code in hex".to_owned(), hex(&text).as_bytes(), false);
        }
        let quoted = format!("cvc\":\"{CVC}\"");
        for text in in_base64(&quoted) {
            form("the code in base64".to_owned(), text.as_bytes(), false);
        }
        form("the code".to_owned(), CVC.as_bytes(), true);
        let finder = AhoCorasick::new(needles).unwrap();
        Self { forms, finder }
    }

    /// What is found of it, if anything.
    pub fn found(&self, bytes: &[u8]) -> Option<&str> {
        let is_part = |at: usize| {
            bytes.get(at).is_some_and(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')
            })
        };
        let mut bare = 0;
        let mut all = self.finder.find_overlapping_iter(bytes);
        all.find_map(|it| {
            let form = &self.forms[it.pattern()];
            let counts = !form.bare || {
                let is_alone = !(is_part(it.start().wrapping_sub(1)) || is_part(it.end()));
                bare += usize::from(is_alone);
                bare > BY_CHANCE
            };
            counts.then_some(form.what.as_str())
        })
    }

    pub fn in_bytes(&self, place: &str, bytes: &[u8]) {
        assert_eq!(self.found(bytes), None, "in {place}");
    }

    /// Looks at all files of a folder; answers how many there are.
    pub fn in_folder(&self, folder: &Path) -> usize {
        let mut files = 0;
        for file in fs::read_dir(folder).unwrap() {
            files += 1;
            let file = file.unwrap().path();
            assert_eq!(self.found_in(&file), None, "in {}", file.display());
        }
        files
    }

    pub fn found_in(&self, file: &Path) -> Option<&str> {
        // SQLite's companions come and go.
        self.found(&fs::read(file).ok()?)
    }
}

fn spellings(number: &str) -> Vec<String> {
    let between = |separator: &str| number.replace(' ', separator);
    ["", " ", "-", "+", "%20", "\u{a0}"].map(between).to_vec()
}

fn hex(text: &str) -> String {
    text.bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| char::from_digit(half.into(), 16))
        .collect()
}

/// The text in base64, wherever in the encoded bytes it begins: the characters that do not depend on its neighbours.
fn in_base64(text: &str) -> Vec<String> {
    (0..3)
        .map(|shift| {
            let mut bytes = vec![0; shift];
            bytes.extend_from_slice(text.as_bytes());
            let whole = bytes.len() / 3 * 4;
            let encoded = STANDARD.encode(&bytes);
            encoded[if shift == 0 { 0 } else { 4 }..whole].to_owned()
        })
        .collect()
}

/// One leak of each kind, to see that it is found.
pub fn leaks() -> Vec<(&'static str, String)> {
    let number = NUMBERS[0];
    let plain = number.replace(' ', "");
    let card = format!("{{\"number\":\"{plain}\",\"cvc\":\"{CVC}\"}}");
    vec![
        ("plain", plain.clone()),
        ("spaced", number.to_owned()),
        ("as a form", number.replace(' ', "+")),
        ("in an address", number.replace(' ', "%20")),
        ("with dashes", number.replace(' ', "-")),
        ("all but the last four", format!("{}****", &plain[..12])),
        ("in hex", hex(&plain)),
        ("in hex, capitals", hex(number).to_uppercase()),
        ("in base64", STANDARD.encode(&plain)),
        ("in base64, among others", STANDARD.encode(&card)),
        ("in base64, a byte on", STANDARD.encode(format!(" {card}"))),
        (
            "in base64, two bytes on",
            STANDARD.encode(format!("  {card}")),
        ),
        ("the code", format!("code {CVC}, ").repeat(BY_CHANCE + 1)),
        (
            "the code, written by a program",
            format!("Some(\\\"{CVC}\\\")"),
        ),
        ("the code in hex", hex(&format!("\"{CVC}\""))),
        (
            "the code in base64",
            STANDARD.encode(format!("{{\"cvc\":\"{CVC}\"}}")),
        ),
    ]
}
