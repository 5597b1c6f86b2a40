//! What the index of words is asked for a search.
//!
//! A search asks for beginnings of words. To find a beginning, FTS5 gathers everything that any word with it has before
//! it answers the first row: among a million sessions that costs a fifth of a second for a word that all of them have, for
//! each page, however rare the other words are. Whole words it walks through side by side, and leaps over what the rarest
//! of them has not. So a beginning that few words have is asked for as those words.

use paydesk_core::search::Search;
use rusqlite::{Connection, OptionalExtension as _};

/// As so many words at most; a beginning that more have is asked for as it is.
const FEW: usize = 8;
/// The first word of the index that is not before ?1.
const NEXT: &str = "SELECT term FROM words_known WHERE term >= ?1 LIMIT 1";
/// Before whatever continues a word.
const LOWEST: char = '\u{1}';

/// The question that finds what has a word with each of a search's beginnings, in what the index has of a tenant. Nothing
/// if nothing can have them. What it finds is right only for the moment in which it was asked: both must be of one
/// transaction.
pub(super) fn question(
    db: &Connection,
    tag: &str,
    search: &Search,
) -> rusqlite::Result<Option<String>> {
    let mut all = Vec::new();
    for word in search.terms.iter().flat_map(|term| &term.words) {
        let beginning = format!("{tag}{word}");
        all.push(match few_with(db, &beginning)? {
            Some(words) if words.is_empty() => return Ok(None),
            Some(words) => {
                let quoted = words.iter().map(|word| format!("\"{word}\""));
                format!("({})", quoted.collect::<Vec<_>>().join(" OR "))
            }
            None => format!("\"{beginning}\" *"),
        });
    }
    Ok(Some(all.join(" AND ")))
}

/// The words of the index that begin so, if they are few.
fn few_with(db: &Connection, beginning: &str) -> rusqlite::Result<Option<Vec<String>>> {
    let mut next = db.prepare_cached(NEXT)?;
    let mut words: Vec<String> = Vec::new();
    let mut from = beginning.to_owned();
    loop {
        let word: Option<String> = next.query_row([&from], |row| row.get(0)).optional()?;
        let Some(word) = word.filter(|word| word.starts_with(beginning)) else {
            return Ok(Some(words));
        };
        if words.len() == FEW {
            return Ok(None);
        }
        from.clone_from(&word);
        from.push(LOWEST);
        words.push(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(rows: &[&str]) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        let tables = "CREATE VIRTUAL TABLE words USING fts5 (
            text, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');";
        db.execute_batch(tables).unwrap();
        db.execute_batch(include_str!("../migrations/0002_words_known.sql"))
            .unwrap();
        for row in rows {
            db.execute("INSERT INTO words (text) VALUES (?1)", [row])
                .unwrap();
        }
        db
    }

    fn asked(db: &Connection, text: &str) -> Option<String> {
        question(db, "1·", &Search::parse(text).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn a_beginning_of_few_words_is_asked_for_as_those() {
        let db = index(&[
            "1·tea 1·teapot",
            "1·teapot 1·cup",
            "2·teaspoon 11·team",
            "1·te",
            "1·tee",
        ]);
        assert_eq!(
            asked(&db, "tea CUP").unwrap(),
            "(\"1·tea\" OR \"1·teapot\") AND (\"1·cup\")"
        );
        // Nobody asks the index where one word is in none.
        assert_eq!(asked(&db, "tea spoon"), None);
        assert_eq!(asked(&db, "teams"), None);
    }

    #[test]
    fn a_beginning_of_many_words_is_asked_for_as_it_is() {
        let rows = (0..=FEW).map(|n| format!("1·a{n} 1·é{n}"));
        let rows: Vec<_> = rows.collect();
        let mut rows: Vec<_> = rows.iter().map(String::as_str).collect();
        assert_eq!(asked(&index(&rows), "a").unwrap(), "\"1·a\" *");
        rows.pop();
        let few = asked(&index(&rows), "a").unwrap();
        assert_eq!(few.matches(" OR ").count(), FEW - 1, "{few}");
    }
}
