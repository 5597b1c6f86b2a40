//! What a page of this build may consist of: so that somebody outside can tell whether anything was put into one on
//! its way, or whether another build serves it.
//!
//! Files are compared byte by byte. A page differs from payer to payer in what it *says*, so its text is not compared;
//! what it is *made of* is. The markup that the templates can write is learnt from the templates themselves:
//! every element, every attribute of it, every attribute's value where the template fixes it. Anything else, be it one
//! more script, an `onclick` or a frame, is foreign.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use paydesk_core::tenant::Mode;
use url::Url;

use super::accent::Colour;
use super::assets;
use crate::http::headers::PageHeaders;

pub use super::assets::Asset;

/// The files that pages refer to.
#[must_use]
pub fn files() -> &'static [&'static Asset] {
    assets::all()
}

/// The headers of a page in this mode, served under this URL.
#[must_use]
pub fn page_headers(public_url: &Url, mode: Mode) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        http::HeaderValue::from_static("text/html; charset=utf-8"),
    );
    PageHeaders::new(public_url).apply(mode, &mut headers);
    headers
}

/// Every template that pages are made of.
static TEMPLATES: &[&str] = &[
    include_str!("templates/away.html"),
    include_str!("templates/base.html"),
    include_str!("templates/card.html"),
    include_str!("templates/choose.html"),
    include_str!("templates/confirming.html"),
    include_str!("templates/ended.html"),
    include_str!("templates/field.html"),
    include_str!("templates/leave.html"),
    include_str!("templates/message.html"),
    include_str!("templates/method_icon.html"),
    include_str!("templates/notice_icon.html"),
    include_str!("templates/push.html"),
    include_str!("templates/receipt.html"),
    include_str!("templates/session.html"),
];

/// Stands where a template writes a value.
const VALUE: char = '\u{1}';

/// An element's attributes, each with the values that it may have.
type Attributes = BTreeMap<String, Values>;

#[derive(Clone, Debug, Default)]
struct Values {
    fixed: BTreeSet<String>,
    /// Whether some template writes a value of its own there.
    vary: bool,
}

/// What the templates can write.
static MARKUP: LazyLock<BTreeMap<String, Attributes>> = LazyLock::new(|| {
    let mut markup: BTreeMap<String, Attributes> = BTreeMap::new();
    let code = paydesk_rails::qr_svg::qr_svg("any code").unwrap_or_default();
    let pictures = picture_markup(&code);
    let templates = TEMPLATES
        .iter()
        .map(|template| without_statements(template));
    for text in templates.chain([pictures]) {
        for tag in tags(&text) {
            let attributes = markup.entry(name(&tag)).or_default();
            for (attribute, value) in &tag.attributes {
                let values = attributes
                    .entry(String::from_utf8_lossy(attribute).into_owned())
                    .or_default();
                let value = String::from_utf8_lossy(value).into_owned();
                values.vary |= value.contains(VALUE);
                values.fixed.insert(value);
            }
        }
    }
    markup
});

/// The template without its statements; where it writes a value, a mark. What stands in a branch is kept: the branch
/// may be taken. An attribute whose value has a branch in it is one that varies.
fn without_statements(template: &str) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    let mut quoted = false;
    while let Some(at) = rest.find(['{', '"', '<', '>']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let end = match from.get(..2) {
            Some("{{") => from.find("}}").map(|end| (end + 2, true)),
            Some("{%") => from.find("%}").map(|end| (end + 2, quoted)),
            _ => None,
        };
        let Some((length, marks)) = end else {
            let (one, after) = from.split_at(1);
            match one {
                "\"" => quoted = !quoted,
                "<" | ">" => quoted = false,
                _ => {}
            }
            text.push_str(one);
            rest = after;
            continue;
        };
        if marks {
            text.push(VALUE);
        }
        rest = from.get(length..).unwrap_or_default();
    }
    text + rest
}

/// The markup of a drawn code: its shape is fixed, its measures vary with what it says.
fn picture_markup(svg: &str) -> String {
    let mut text = String::new();
    for tag in tags(svg) {
        text.push('<');
        text.push_str(&name(&tag));
        for attribute in tag.attributes.keys() {
            text.push(' ');
            text.push_str(&String::from_utf8_lossy(attribute));
            text.push_str("=\"");
            text.push(VALUE);
            text.push('"');
        }
        text.push('>');
    }
    text
}

fn tokens(html: &str) -> impl Iterator<Item = Token> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    // The error type is that of the reader, and reading from memory has none.
    Tokenizer::new_with_emitter(html, emitter).filter_map(Result::ok)
}

fn tags(html: &str) -> impl Iterator<Item = StartTag<()>> {
    tokens(html).filter_map(|token| match token {
        Token::StartTag(tag) => Some(tag),
        _ => None,
    })
}

fn name(tag: &StartTag<()>) -> String {
    String::from_utf8_lossy(&tag.name).into_owned()
}

/// What is in this page that no template of this build writes, each in a few words; nothing if all is its own.
///
/// `base` is the path that the public URL begins with, without a slash at its end.
#[must_use]
pub fn foreign_markup(html: &str, base: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = String::new();
    for token in tokens(html) {
        match token {
            Token::StartTag(tag) => {
                open = name(&tag);
                judge(&tag, base, &mut found);
            }
            Token::EndTag(_) => open.clear(),
            Token::Comment(comment) => {
                found.push(format!(
                    "a comment: {}",
                    short(&String::from_utf8_lossy(&comment))
                ));
            }
            Token::String(text) if open == "script" || open == "style" => {
                let text = String::from_utf8_lossy(&text);
                found.push(format!("text inside <{open}>: {}", short(&text)));
            }
            Token::Error(error) => found.push(format!("broken markup: {}", *error)),
            Token::String(_) | Token::Doctype(_) => {}
        }
    }
    // A page that only says one thing has no script; one without our style is not ours.
    for file in [&assets::STYLE, &assets::ICON] {
        let address = format!("{base}{}", file.path());
        if !html.contains(&address) {
            found.push(format!("no reference to {address}"));
        }
    }
    found
}

fn judge(tag: &StartTag<()>, base: &str, found: &mut Vec<String>) {
    let element = name(tag);
    let Some(known) = MARKUP.get(&element) else {
        found.push(format!("an element <{element}>"));
        return;
    };
    for (attribute, value) in &tag.attributes {
        let attribute = String::from_utf8_lossy(attribute);
        let value = String::from_utf8_lossy(value);
        let shown = || format!("<{element} {attribute}=\"{}\">", short(&value));
        match known.get(attribute.as_ref()) {
            None => found.push(format!("an attribute {}", shown())),
            Some(values) if values.fixed.contains(value.as_ref()) => {}
            Some(values) if !values.vary => found.push(format!("a value {}", shown())),
            Some(_) if !may_lead_there(&element, &attribute, &value, base) => {
                found.push(format!("an address {}", shown()));
            }
            Some(_) => {}
        }
    }
}

/// The colour of the merchant's own style sheet, if this is the address of one.
fn accent(address: &str, base: &str) -> Option<Colour> {
    let name = address.strip_prefix(base)?.strip_prefix("/pay/accent/")?;
    Colour::from_hex(name.strip_suffix(".css")?)
}

/// The merchant's own colours that a page refers to.
#[must_use]
pub fn accents(html: &str, base: &str) -> Vec<Colour> {
    let links = tags(html).filter(|tag| name(tag) == "link");
    let addresses = links.filter_map(|tag| {
        let address = tag.attributes.get(&b"href"[..])?;
        Some(String::from_utf8_lossy(address).into_owned())
    });
    addresses
        .filter_map(|address| accent(&address, base))
        .collect()
}

/// Whether an attribute that refers to something may refer to this.
fn may_lead_there(element: &str, attribute: &str, value: &str, base: &str) -> bool {
    let is_file = || {
        let path = value.strip_prefix(base);
        path.is_some_and(|path| files().iter().any(|file| file.path() == path))
    };
    let is_ours = || {
        let below = value.strip_prefix(base).unwrap_or(value);
        below.starts_with("/pay/") || below.starts_with("/sandbox/") || value.starts_with('#')
    };
    match (element, attribute) {
        ("script", "src") => is_file(),
        ("link", "href") => is_file() || accent(value, base).is_some(),
        ("img", "src") => is_ours() && value.ends_with("/logo"),
        // Back to the merchant, on to a wallet: wherever the session says.
        ("a", "href") => is_ours() || value.starts_with("https://") || value.starts_with("http://"),
        (_, "action" | "formaction" | "href" | "src" | "srcset" | "data-state") => is_ours(),
        ("meta", "content") => !value.contains("url"),
        _ => true,
    }
}

/// The beginning of it.
fn short(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_leave_their_branches_and_values_leave_a_mark() {
        let text = without_statements(
            r#"<p class="{% if a %}x{% else %}y{% endif %}"{% if b %} id="{{ id }}"{% endif %}>{{ text }}</p>"#,
        );
        let tag = tags(&text).next().unwrap();
        let attributes: Vec<_> = tag
            .attributes
            .iter()
            .map(|(name, value)| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(VALUE, "*");
                format!("{}={}", text(name), text(value))
            })
            .collect();
        assert_eq!(attributes, ["class=*x*y*", "id=*"]);
    }

    #[test]
    fn every_template_of_the_payers_page_is_known() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/checkout/templates");
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            // The sandbox's own pages are no payer's pages.
            let is_sandbox = path
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("sandbox_");
            assert_eq!(
                TEMPLATES.contains(&text.as_str()),
                !is_sandbox,
                "{}",
                path.display()
            );
        }
    }
}
