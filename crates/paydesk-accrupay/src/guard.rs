//! What a query may ask for at most. The library bounds depth and complexity too, but it walks a query before it does,
//! fragments and all: a few hundred bytes of fragments that spread each other twice would keep it busy for hours. So a
//! query is judged here first, each fragment once.

use std::collections::HashMap;

use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};

/// As deep as brackets may be nested in a query's text.
const DEEPEST_TEXT: usize = 48;
/// As deep as fields may be nested, fragments spread. Introspection needs thirteen.
pub const DEEPEST: usize = 15;
/// As many fields as a query may have, fragments spread.
const MOST_FIELDS: usize = 2_000;
/// As many fields as may be asked for under another name, fragments spread.
const MOST_ALIASES: usize = 30;
/// As many directives as a field may have.
pub const MOST_DIRECTIVES: usize = 4;
/// As much as a query may cost: each field one, each list as often as it may have records.
pub const MOST_COSTLY: usize = 50_000;
/// As many requests as may be sent at once.
pub const MOST_AT_ONCE: usize = 10;

/// What is too much about a query.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TooMuch {
    /// Nested too deep.
    #[error("the query is nested more than {DEEPEST} deep")]
    Depth,
    /// Too many fields.
    #[error("the query has more than {MOST_FIELDS} fields")]
    Fields,
    /// Too many aliases.
    #[error("the query has more than {MOST_ALIASES} aliases")]
    Aliases,
    /// A string without an end. The parser would read three quotes that open none as an empty string and the start of
    /// another.
    #[error("a string of the query does not end")]
    Unended,
    /// A fragment that contains itself.
    #[error("a fragment of the query contains itself")]
    Cycle,
}

/// Refuses a query's text that is nested so deep that reading it would cost too much. The parser walks a value by
/// recursion without a bound of its own, so that brackets which are passed over here could end the process. What is
/// passed over is therefore exactly what the parser's grammar takes for a comment or a string.
pub fn judge_text(query: &str) -> Result<(), TooMuch> {
    bound_nesting(query, DEEPEST_TEXT)
}

fn bound_nesting(query: &str, deepest: usize) -> Result<(), TooMuch> {
    let mut depth = 0_usize;
    let mut rest = query.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'(' | b'[' => {
                depth += 1;
                if depth > deepest {
                    return Err(TooMuch::Depth);
                }
            }
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b'#' => rest = past_comment(rest),
            b'"' => {
                let end = match rest.strip_prefix(b"\"\"") {
                    Some(block) => past_block_string(block),
                    None => past_string(rest),
                };
                rest = end.ok_or(TooMuch::Unended)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A comment goes on to the end of its line; a carriage return alone ends a line.
fn past_comment(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| is_line_end(*byte));
    end.and_then(|end| text.get(end..)).unwrap_or_default()
}

/// A string has one line. A backslash escapes whatever is next; what may not be escaped the parser refuses.
fn past_string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        let (&byte, after) = text.split_first()?;
        text = match byte {
            b'"' => return Some(after),
            b'\\' => after.get(1..)?,
            _ if is_line_end(byte) => return None,
            _ => after,
        };
    }
}

/// In a block string a backslash escapes three quotes, and nothing else.
fn past_block_string(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        if let Some(rest) = text.strip_prefix(b"\"\"\"") {
            return Some(rest);
        }
        text = match text.strip_prefix(b"\\\"\"\"") {
            Some(rest) => rest,
            None => text.get(1..)?,
        };
    }
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// How much something asks for, fragments spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Weight {
    depth: usize,
    fields: usize,
    aliases: usize,
}

impl Weight {
    fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
    }

    const fn judge(self) -> Result<(), TooMuch> {
        if self.depth > DEEPEST {
            Err(TooMuch::Depth)
        } else if self.fields > MOST_FIELDS {
            Err(TooMuch::Fields)
        } else if self.aliases > MOST_ALIASES {
            Err(TooMuch::Aliases)
        } else {
            Ok(())
        }
    }
}

/// Refuses a query that asks for too much.
pub fn judge(document: &ExecutableDocument) -> Result<(), TooMuch> {
    let mut scale = Scale {
        document,
        fragments: HashMap::new(),
    };
    let mut all = Weight::default();
    for (_, operation) in document.operations.iter() {
        all.add(scale.weigh(&operation.node.selection_set.node)?);
    }
    // Those that no operation spreads are walked by the library as well.
    for name in document.fragments.keys() {
        scale.weigh_fragment(name)?.judge()?;
    }
    all.judge()
}

struct Scale<'d> {
    document: &'d ExecutableDocument,
    /// What is known of a fragment; nothing while it is being weighed.
    fragments: HashMap<&'d str, Option<Weight>>,
}

impl<'d> Scale<'d> {
    /// As deep as the text may be nested, and no deeper: [`judge_text`] came before, and a chain of fragments that is
    /// longer is refused on the way.
    fn weigh(&mut self, set: &'d SelectionSet) -> Result<Weight, TooMuch> {
        let mut all = Weight::default();
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let mut own = self.weigh(&field.selection_set.node)?;
                    own.add(Weight {
                        depth: 0,
                        fields: 1,
                        aliases: usize::from(field.alias.is_some()),
                    });
                    own.depth += 1;
                    all.add(own);
                }
                Selection::InlineFragment(fragment) => {
                    all.add(self.weigh(&fragment.node.selection_set.node)?);
                }
                Selection::FragmentSpread(spread) => {
                    all.add(self.weigh_fragment(spread.node.fragment_name.node.as_str())?);
                }
            }
            // As soon as it is known: a sum that is too large is not weighed to its end.
            all.judge()?;
        }
        Ok(all)
    }

    fn weigh_fragment(&mut self, name: &str) -> Result<Weight, TooMuch> {
        let found = self.document.fragments.get_key_value(name);
        // An unknown one is refused by the library.
        let Some((name, fragment)) = found else {
            return Ok(Weight::default());
        };
        match self.fragments.get(name.as_str()) {
            Some(Some(known)) => return Ok(*known),
            Some(None) => return Err(TooMuch::Cycle),
            None => {}
        }
        // A chain of fragments is walked by recursion: it may be no longer than fields may be deep.
        let open = self.fragments.values().filter(|it| it.is_none()).count();
        if open > DEEPEST {
            return Err(TooMuch::Depth);
        }
        self.fragments.insert(name.as_str(), None);
        let weight = self.weigh(&fragment.node.selection_set.node)?;
        self.fragments.insert(name.as_str(), Some(weight));
        Ok(weight)
    }
}

#[cfg(test)]
#[allow(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "queries of a few lines"
)]
mod tests {
    use std::cell::Cell;

    use async_graphql::Value;
    use async_graphql::parser::parse_query;
    use proptest::prop_assert;
    use proptest::test_runner::{Config, TestRunner};

    use super::*;

    fn judged(query: &str) -> Result<(), TooMuch> {
        judge_text(query)?;
        judge(&async_graphql::parser::parse_query(query).unwrap())
    }

    #[test]
    fn an_honest_query_passes() {
        let query =
            "query Q($id: String) { a: merchantApi { id ...F } } fragment F on Merchant { name }";
        assert_eq!(judged(query), Ok(()));
        assert_eq!(judged("{ merchantApi { id } } # {{{{ \"\n"), Ok(()));
        let brackets = "{".repeat(100);
        assert_eq!(
            judged(&format!("{{ a(b: \"{brackets} \\\" {brackets}\") }}")),
            Ok(())
        );
        assert_eq!(
            judged(&format!(
                "{{ a(b: \"\"\"{brackets} \\\"\"\" {brackets}\"\"\") }}"
            )),
            Ok(())
        );
    }

    #[test]
    fn a_deep_query_is_refused_before_it_is_read() {
        for (open, close) in [("{a", "}"), ("{a(b:[", "])}"), ("{a(b:{c:", "})}")] {
            let query = format!("{}{}", open.repeat(20_000), close.repeat(20_000));
            assert_eq!(judge_text(&query), Err(TooMuch::Depth));
        }
        let nested = format!("{}{}", "{a".repeat(16), "}".repeat(16));
        assert_eq!(judged(&nested), Err(TooMuch::Depth));
    }

    /// What texts are made of here: all that begins, ends or escapes something.
    const PIECES: [&str; 13] = [
        "[", "[[", "]", "]]", "\"", "\"\"", "\"\"\"", "\\", "\\\"\"\"", "#", "\r", "\n", "x ",
    ];

    fn nested(value: &Value) -> usize {
        match value {
            Value::List(items) => 1 + items.iter().map(nested).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// How deep the lists are nested that the parser finds in a query of one field with one argument; nothing if it
    /// refuses the query.
    fn nested_for_the_parser(query: &str) -> Option<usize> {
        let document = parse_query(query).ok()?;
        let (_, operation) = document.operations.iter().next()?;
        let Selection::Field(field) = &operation.node.selection_set.node.items.first()?.node else {
            return None;
        };
        let (_, value) = field.node.arguments.first()?;
        Some(nested(&value.node.clone().into_const()?))
    }

    #[test]
    fn no_nesting_that_the_parser_finds_is_passed_over() {
        let [exact, deep] = [(); 2].map(|()| Cell::new(0));
        let texts = proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..10);
        let mut runner = TestRunner::new(Config {
            cases: 60_000,
            failure_persistence: None,
            ..Config::default()
        });
        let outcome = runner.run(&texts, |pieces| {
            let query = format!("{{a(b:[{}\n])}}", pieces.concat());
            let Some(nested) = nested_for_the_parser(&query) else {
                return Ok(());
            };
            // Beside the lists there are one selection and one list of arguments.
            prop_assert!(bound_nesting(&query, nested + 1).is_err(), "{query:?}");
            let fits = bound_nesting(&query, nested + 2);
            prop_assert!(fits != Err(TooMuch::Depth), "{query:?}");
            exact.set(exact.get() + usize::from(fits.is_ok()));
            deep.set(deep.get() + usize::from(nested > 1));
            Ok(())
        });
        outcome.unwrap();
        let [exact, deep] = [exact, deep].map(Cell::into_inner);
        assert!(exact > 1_000 && deep > 100, "{exact} fit, {deep} are deep");
    }

    #[test]
    fn fragments_that_spread_each_other_twice_are_refused_at_once() {
        let mut query = "{ ...F0 }".to_owned();
        for number in 0..14 {
            let next = number + 1;
            query +=
                &format!(" fragment F{number} on Query {{ ...F{next} ...F{next} ...F{next} }}");
        }
        query.push_str(" fragment F14 on Query { merchantApi { id } }");
        assert_eq!(judged(&query), Err(TooMuch::Fields));
    }

    #[test]
    fn fragments_in_a_circle_or_in_a_long_chain_are_refused() {
        assert_eq!(
            judged("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...A }"),
            Err(TooMuch::Cycle)
        );
        let mut chain = "{ ...F0 }".to_owned();
        for number in 0..1_000 {
            let next = number + 1;
            chain += &format!(" fragment F{number} on Query {{ ...F{next} }}");
        }
        assert_eq!(judged(&chain), Err(TooMuch::Depth));
    }

    #[test]
    fn many_fields_and_many_aliases_are_refused() {
        let fields = format!("{{ {} }}", "a ".repeat(2_001));
        assert_eq!(judged(&fields), Err(TooMuch::Fields));
        let aliases: String = (0..31).map(|number| format!("a{number}: b ")).collect();
        assert_eq!(judged(&format!("{{ {aliases} }}")), Err(TooMuch::Aliases));
        let spread = "{ ...F ...F } fragment F on Query { ";
        let half: String = (0..16).map(|number| format!("a{number}: b ")).collect();
        assert_eq!(judged(&format!("{spread}{half} }}")), Err(TooMuch::Aliases));
    }
}
