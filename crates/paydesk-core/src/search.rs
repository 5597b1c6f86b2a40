//! Searching: what is a word, which words a session is found by, and what was asked for.
//!
//! Words are the same in every store, because they are taken apart here:
//!
//! - Case, accents and compatibility forms do not count: `Müller`, `MULLER` and `ｍüller` are one word.
//! - A word is a run of letters and digits. `zoe@example.com` is three words, and looked for as three.
//! - Scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are cut into overlapping
//!   pairs of characters: whatever part of a text is looked for, it is found by the pairs in it.

use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use uuid::Uuid;

use crate::session::Session;
use crate::transaction::Transaction;

/// The longest text that is looked for, in characters.
pub const MAX_TEXT: usize = 256;
/// The most words that are looked for at once.
pub const MAX_WORDS: usize = 16;
/// Of a longer word only the beginning counts, in characters.
const MAX_WORD: usize = 48;
/// Of a longer text only the first words are found, so that one record cannot swamp the index.
const MAX_WORDS_OF_A_SESSION: usize = 200;

/// A search that asks for too much; reads on from the field's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SearchError {
    /// See [`MAX_TEXT`].
    #[error("is too long to be looked for; at most {MAX_TEXT} characters are")]
    TooLong,
    /// See [`MAX_WORDS`].
    #[error("has too many words; at most {MAX_WORDS} are looked for at once")]
    TooManyWords,
}

/// One of the things that were asked for: what stood between spaces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Term {
    /// As it was written.
    pub text: String,
    /// Each is to be the beginning of a word. Empty if it has none.
    pub words: Vec<String>,
    /// Or it names one of these: sessions and transactions, by their own ids.
    pub ids: Vec<Uuid>,
}

/// What is looked for: a record is found if each term is true of it. A search without terms finds nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Search {
    /// The terms.
    pub terms: Vec<Term>,
}

impl Search {
    /// Takes apart what somebody wrote; nothing if it is blank. An id stands for itself; what else names a record,
    /// [`Engine::search`](crate::engine::Engine::search) finds out.
    pub fn parse(text: &str) -> Result<Option<Self>, SearchError> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.chars().count() > MAX_TEXT {
            return Err(SearchError::TooLong);
        }
        let mut terms = Vec::new();
        for part in text.split_whitespace() {
            let mut words = Vec::new();
            take_apart(part, Run::AsAsked, |word| words.push(word.to_owned()));
            words.dedup();
            let ids: Vec<_> = Uuid::try_parse(part).into_iter().collect();
            if !(words.is_empty() && ids.is_empty()) {
                let text = part.to_owned();
                terms.push(Term { text, words, ids });
            }
        }
        let words: usize = terms.iter().map(|term| term.words.len()).sum();
        if words > MAX_WORDS {
            return Err(SearchError::TooManyWords);
        }
        Ok(Some(Self { terms }))
    }

    /// Whether it can only be true of what it names by an id.
    #[must_use]
    pub fn has_words(&self) -> bool {
        let has_words = |term: &Term| !term.words.is_empty();
        !self.terms.is_empty() && self.terms.iter().all(has_words)
    }

    /// Everything that it may name by an id.
    pub fn ids(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.terms.iter().flat_map(|term| term.ids.iter().copied())
    }

    /// Whether it finds a session.
    #[must_use]
    pub fn finds_session(&self, session: &Session) -> bool {
        self.finds(|id| id == session.id.0, || words_of(session))
    }

    /// Whether it finds a transaction: by its own id, or by its session.
    #[must_use]
    pub fn finds_transaction(&self, transaction: &Transaction, session: Option<&Session>) -> bool {
        let of_session = transaction.session.map(|id| id.0);
        self.finds(
            |id| id == transaction.id.0 || Some(id) == of_session,
            || session.map(words_of).unwrap_or_default(),
        )
    }

    /// Whether its words alone find a session.
    #[must_use]
    pub fn finds_by_words(&self, session: &Session) -> bool {
        self.has_words() && self.finds(|_| false, || words_of(session))
    }

    fn finds(&self, named: impl Fn(Uuid) -> bool, words: impl FnOnce() -> String) -> bool {
        let is_named = |term: &Term| term.ids.iter().any(|id| named(*id));
        if self.terms.is_empty() {
            return false;
        }
        let mut unnamed = self.terms.iter().filter(|term| !is_named(term)).peekable();
        if unnamed.peek().is_none() {
            return true;
        }
        let words = words();
        let begins_one = |asked: &String| {
            words
                .split(' ')
                .any(|word| word.starts_with(asked.as_str()))
        };
        unnamed.all(|term| !term.words.is_empty() && term.words.iter().all(begins_one))
    }
}

/// The words that a session is found by, each once, set apart by spaces: those of its title, description and reference,
/// and of the customer's name, email address and telephone number. A number is found with and without its country
/// code, however it was spaced.
#[must_use]
pub fn words_of(session: &Session) -> String {
    let mut words = Words {
        text: String::with_capacity(96),
        places: Vec::with_capacity(16),
    };
    let terms = &session.terms;
    for text in [&terms.reference, &terms.title].into_iter().flatten() {
        words.add(text);
    }
    if let Some(customer) = &terms.customer {
        for text in [&customer.name, &customer.email].into_iter().flatten() {
            words.add(text);
        }
        if let Some(phone) = &customer.phone {
            let digits = |text: &str| {
                text.chars()
                    .filter(char::is_ascii_digit)
                    .collect::<String>()
            };
            words.add(&phone.code);
            words.add(&phone.number);
            words.add(&digits(&phone.number));
            words.add(&(digits(&phone.code) + &digits(&phone.number)));
        }
    }
    if let Some(text) = &terms.description {
        words.add(text);
    }
    words.text
}

/// Words that are gathered.
struct Words {
    text: String,
    /// Where in the text each of them is.
    places: Vec<Range<usize>>,
}

impl Words {
    fn add(&mut self, text: &str) {
        take_apart(text, Run::AsFound, |word| {
            if self.places.len() < MAX_WORDS_OF_A_SESSION && !self.has(word) {
                if !self.places.is_empty() {
                    self.text.push(' ');
                }
                let start = self.text.len();
                self.text.push_str(word);
                self.places.push(start..self.text.len());
            }
        });
    }

    fn has(&self, word: &str) -> bool {
        let mut known = self.places.iter();
        // Most differ in their lengths already.
        known.any(|at| at.len() == word.len() && self.text.get(at.clone()) == Some(word))
    }
}

/// How a run of a script without spaces is taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Into its pairs and its last character, so that each character begins a word.
    AsFound,
    /// Into its pairs; a single character stands for itself.
    AsAsked,
}

/// Calls `found` with each word of a text.
fn take_apart(text: &str, run: Run, mut found: impl FnMut(&str)) {
    let mut word = Word {
        text: String::new(),
        characters: 0,
        unspaced: false,
        run,
    };
    if text.is_ascii() {
        let runs = text.split(|c: char| !c.is_ascii_alphanumeric());
        for run in runs.filter(|run| !run.is_empty()) {
            word.text.push_str(run.get(..MAX_WORD).unwrap_or(run));
            word.text.make_ascii_lowercase();
            word.end(&mut found);
        }
    } else {
        let marks = CanonicalCombiningClassMapBorrowed::new();
        let plain = DecomposingNormalizerBorrowed::new_nfkd();
        // Lower case first: it may bring forth a mark, as that of İ does.
        for c in plain.normalize_iter(text.chars().flat_map(char::to_lowercase)) {
            if marks.get_u8(c) != 0 {
                continue;
            }
            if !c.is_alphanumeric() {
                word.end(&mut found);
                continue;
            }
            match plain_letters(c) {
                Some(letters) => letters.chars().for_each(|c| word.push(c, &mut found)),
                // What decomposed into capitals, such as ™.
                None => c.to_lowercase().for_each(|c| word.push(c, &mut found)),
            }
        }
    }
    word.end(&mut found);
}

/// The word that is being read.
struct Word {
    text: String,
    characters: usize,
    /// Whether it is a run of a script without spaces.
    unspaced: bool,
    run: Run,
}

impl Word {
    fn push(&mut self, c: char, found: &mut impl FnMut(&str)) {
        let unspaced = is_unspaced(c);
        if unspaced != self.unspaced {
            self.end(found);
            self.unspaced = unspaced;
        }
        // A run of pairs may go on; of a word the rest does not count.
        if unspaced || self.characters < MAX_WORD {
            self.text.push(c);
            self.characters += 1;
        }
    }

    fn end(&mut self, found: &mut impl FnMut(&str)) {
        if self.unspaced {
            self.pairs(found);
        } else if !self.text.is_empty() {
            found(&self.text);
        }
        self.text.clear();
        self.characters = 0;
    }

    fn pairs(&self, found: &mut impl FnMut(&str)) {
        let mut starts = self.text.char_indices().map(|(start, _)| start);
        let mut start = starts.next();
        let mut middle = starts.next();
        while let (Some(from), Some(_)) = (start, middle) {
            let after = starts.next();
            found(
                self.text
                    .get(from..after.unwrap_or(self.text.len()))
                    .unwrap_or_default(),
            );
            (start, middle) = (middle, after);
        }
        if let Some(last) = start
            && (self.run == Run::AsFound || self.characters == 1)
        {
            found(self.text.get(last..).unwrap_or_default());
        }
    }
}

/// Letters that have no accent to take off, but that people write without what is in them.
const fn plain_letters(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ŧ' => "t",
        'þ' => "th",
        _ => return None,
    })
}

/// Whether it is of a script that puts no spaces between words.
const fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' // Thai, Lao
        | '\u{1000}'..='\u{109F}' // Burmese
        | '\u{1780}'..='\u{17FF}' // Khmer
        | '\u{2E80}'..='\u{2FDF}' // radicals
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30FF}' // Hiragana, Katakana
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' // Han
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        take_apart(text, Run::AsFound, |word| words.push(word.to_owned()));
        words
    }

    fn asked(text: &str) -> Vec<String> {
        let search = Search::parse(text).unwrap().unwrap();
        search
            .terms
            .into_iter()
            .flat_map(|term| term.words)
            .collect()
    }

    #[test]
    fn case_accents_and_compatibility_forms_do_not_count() {
        assert_eq!(
            words("Größe MÜLLER ｍüller"),
            ["grosse", "muller", "muller"]
        );
        assert_eq!(words("Zoë Øre Łódź İzmir"), ["zoe", "ore", "lodz", "izmir"]);
        assert_eq!(words("ﬁn №5 ™"), ["fin", "no5", "tm"]);
        assert_eq!(words("Ñandú"), words("N\u{303}andu\u{301}"));
    }

    #[test]
    fn a_word_is_a_run_of_letters_and_digits() {
        assert_eq!(words("zoe@example.com"), ["zoe", "example", "com"]);
        assert_eq!(words("ORD-2024/17, #9"), ["ord", "2024", "17", "9"]);
        assert_eq!(words(" \t--\u{200b}☃ "), [""; 0]);
        assert_eq!(words(&"x".repeat(99)), ["x".repeat(MAX_WORD)]);
    }

    proptest::proptest! {
        /// ASCII is taken apart by a shorter way. A sign that is in no word sends it the long one.
        #[test]
        fn ascii_is_taken_apart_like_any_text(text in "[ -~]{0,120}|[a-zA-Z]{40,60}") {
            proptest::prop_assert_eq!(words(&text), words(&format!("{text} ☃")));
        }
    }

    #[test]
    fn scripts_without_spaces_are_cut_into_pairs() {
        assert_eq!(words("咖啡店"), ["咖啡", "啡店", "店"]);
        assert_eq!(words("Café咖啡2杯"), ["cafe", "咖啡", "啡", "2", "杯"]);
        assert_eq!(asked("咖啡店"), ["咖啡", "啡店"]);
        assert_eq!(asked("店"), ["店"]);
        // Thai: tone marks are accents, vowels are letters.
        assert_eq!(words("ข้าว"), words("ขาว"));
        assert_eq!(words("ขาว"), ["ขา", "าว", "ว"]);
    }

    #[test]
    fn an_id_is_looked_for_as_itself_and_as_words() {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        let search = Search::parse(&format!("beans {id}")).unwrap().unwrap();
        assert_eq!(search.ids().collect::<Vec<_>>(), [id]);
        assert!(search.has_words());
        assert_eq!(search.terms[0].words, ["beans"]);
    }

    #[test]
    fn what_is_blank_asks_for_nothing_and_what_has_no_word_finds_nothing() {
        assert_eq!(Search::parse(" \t").unwrap(), None);
        let search = Search::parse("-- !").unwrap().unwrap();
        assert!(search.terms.is_empty() && !search.has_words());
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(Search::parse(&"x".repeat(257)), Err(SearchError::TooLong));
        assert_eq!(
            Search::parse(&"a ".repeat(17)),
            Err(SearchError::TooManyWords)
        );
        assert!(Search::parse(&"ü".repeat(256)).is_ok());
    }
}
