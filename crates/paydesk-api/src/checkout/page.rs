//! `GET /pay/{authority}`: the page, in whichever state the session is.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use paydesk_core::authority::Authority;
use paydesk_core::money::Money;
use paydesk_core::session::{Amount, LineItem, Session};
use paydesk_core::tenant::Mode;
use paydesk_core::transaction::Transaction;

use super::accent::Colour;
use super::answer::{self, Shell, page_path};
use super::form_code;
use super::locale::{Language, Phrase, Texts, iso, money};
use super::screen::arrived::{arrived, taken};
use super::screen::mistakes::Returned;
use super::screen::{Screen, Time, can_change};
use super::trouble::Trouble;
use super::visit::{Guest, Visit};
use crate::app::App;

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage {
    shell: Shell,
    summary: Summary,
    screen: Screen,
    /// The page's own path, and what its forms post to.
    paths: Paths,
    /// The field that proves that a form is ours.
    form_code: String,
    /// What the script compares with the state's.
    tag: String,
    /// The session's own time, which countdowns count from.
    now: String,
    /// Where the payer chooses again, while a payment waits.
    change: Option<String>,
    /// Whether the payer may give up.
    may_leave: bool,
    /// What is said of money that came otherwise than it was asked for.
    arrived: Vec<String>,
}

/// Where the page is, and what its forms post to.
#[derive(Debug)]
struct Paths {
    page: String,
    state: String,
    payments: String,
    cancel: String,
    qr: String,
    sandbox: String,
}

/// What is paid, to whom.
#[derive(Debug)]
struct Summary {
    merchant: String,
    /// Where its logo is.
    logo: Option<String>,
    /// Its first letter, where others have a logo.
    initial: String,
    /// What the amount is, for who only hears it.
    label: Option<String>,
    /// How much, or that the payer chooses.
    amount: String,
    /// Whether that is no figure.
    in_words: bool,
    about: Option<String>,
    description: Option<String>,
    items: Vec<Item>,
    customer: Option<String>,
    /// Until when it can be paid; none once it is over.
    valid_until: Option<Time>,
}

#[derive(Debug)]
struct Item {
    name: String,
    quantity: u32,
    amount: String,
}

/// Handles the request.
pub async fn handle(State(app): State<Arc<App>>, guest: Guest) -> Response {
    let authority = Authority::from_text(&guest.link, app.engine.keys());
    show(&app, &guest, authority, guest.link.clone()).await
}

/// Sends whoever looks at an address that is posted to on to the page.
pub async fn redirect(State(app): State<Arc<App>>, guest: Guest) -> Response {
    match Authority::from_text(&guest.link, app.engine.keys()) {
        Some(authority) => {
            let chosen = guest.chosen_language.as_deref();
            let address = page_path(&app, &guest.link, "", chosen.and_then(Language::from_tag));
            answer::see_other(&app, authority.tenant.mode, &address)
        }
        None => Trouble::NotFound.page(&app, Mode::Live, guest.language(None)),
    }
}

/// The page of this authority, or what went wrong.
pub async fn show(
    app: &App,
    guest: &Guest,
    authority: Option<Authority>,
    link: String,
) -> Response {
    let mode = authority.map_or(Mode::Live, |authority| authority.tenant.mode);
    let visit = match guest.admit(app) {
        Ok(()) => match authority {
            Some(authority) => Visit::load(app, authority, link).await,
            None => Err(Trouble::NotFound),
        },
        Err(trouble) => Err(trouble),
    };
    match visit {
        Ok(visit) => {
            let language = guest.language(visit.locale());
            render(app, guest, &visit, language, StatusCode::OK, None)
        }
        Err(trouble) => trouble.page(app, mode, guest.language(None)),
    }
}

/// The page of a session, perhaps with a form that is to be corrected.
pub fn render(
    app: &App,
    guest: &Guest,
    visit: &Visit,
    language: Language,
    status: StatusCode,
    returned: Option<&Returned<'_>>,
) -> Response {
    let mode = visit.session.tenant.mode;
    let screen = Screen::of(visit, language, returned, guest.param("change").is_some());
    let mut shell = Shell::new(app, mode, language, screen.title(language.texts()));
    shell.reload = screen.reload();
    let accent = visit.merchant.settings(mode).accent_colour.as_deref();
    shell.accent = accent
        .and_then(Colour::from_hex)
        .map(|colour| format!("{}{}", shell.base, colour.path()));
    shell.languages = Language::ALL
        .iter()
        .map(|&other| (other, page_path(app, &visit.link, "", Some(other))))
        .collect();
    let chosen = guest
        .chosen_language
        .as_deref()
        .and_then(Language::from_tag);
    let path = |below: &str| page_path(app, &visit.link, below, chosen);
    let page = SessionPage {
        summary: Summary::new(app, visit, &screen, language),
        paths: Paths {
            page: path(""),
            state: page_path(app, &visit.link, "/state", None),
            payments: path("/payments"),
            cancel: path("/cancel"),
            qr: page_path(app, &visit.link, "/qr.png", None),
            sandbox: format!("{}/sandbox", answer::base(app)),
        },
        form_code: form_code::write(app.engine.keys(), &visit.link),
        tag: visit.tag(),
        now: iso(visit.now),
        change: can_change(visit).then(|| {
            let mut change = path("");
            change.push(if change.contains('?') { '&' } else { '?' });
            change + "change="
        }),
        may_leave: visit.may_act().is_ok(),
        arrived: arrived(visit, &screen, language),
        shell,
        screen,
    };
    answer::page(app, mode, status, &page)
}

impl Summary {
    fn new(app: &App, visit: &Visit, screen: &Screen, language: Language) -> Self {
        let t = language.texts();
        let settings = visit.merchant.settings(visit.session.tenant.mode);
        let logo = settings.logo.as_ref();
        let terms = &visit.session.terms;
        let shown = |amount: Money| money(amount, language);
        let (figure, label) = due(visit, screen, t);
        let amount = match (figure, terms.amount) {
            (Some(figure), _) => shown(figure),
            (None, Amount::Nothing(_)) => t.nothing_due.to_string(),
            (None, _) => t.you_choose.to_string(),
        };
        // One thing alone needs no list: its name says it all.
        let the_order = match terms.line_items.as_slice() {
            [item] if item.quantity == 1 && terms.amount == Amount::Fixed(item.amount) => {
                Some(&item.name)
            }
            _ => None,
        };
        Self {
            merchant: visit.shop().to_owned(),
            logo: logo.map(|_| page_path(app, &visit.link, "/logo", None)),
            initial: visit
                .shop()
                .chars()
                .find(|c| c.is_alphanumeric())
                .map(|c| c.to_uppercase().to_string())
                .unwrap_or_default(),
            label: label.map(Phrase::to_string),
            amount,
            in_words: figure.is_none(),
            about: terms.title.clone().or_else(|| the_order.cloned()),
            description: terms.description.clone(),
            items: terms
                .line_items
                .iter()
                .filter(|_| {
                    the_order
                        .is_none_or(|name| terms.title.as_ref().is_some_and(|title| title != name))
                })
                .map(|item| Item {
                    name: if is_added_tax(&visit.session, item) {
                        t.tax.to_string()
                    } else {
                        item.name.clone()
                    },
                    quantity: item.quantity,
                    amount: shown(item.amount),
                })
                .collect(),
            customer: terms
                .customer
                .as_ref()
                .and_then(|customer| customer.name.clone()),
            valid_until: visit
                .session
                .expires_at()
                .filter(|_| !screen.is_final())
                .map(|time| Time::new(time, language)),
        }
    }
}

/// How much the page is about, in the session's currency, and what that is called.
fn due<'t>(visit: &Visit, screen: &Screen, t: &'t Texts) -> (Option<Money>, Option<&'t Phrase>) {
    let current = visit.current();
    let whole = match visit.session.terms.amount {
        Amount::Fixed(amount) => Some(amount),
        Amount::AtLeast(_) => current.map(Transaction::merchant_amount),
        Amount::Nothing(_) => return (None, (!screen.is_final()).then_some(&t.amount_due)),
    };
    match (screen, current) {
        (Screen::Receipt(_), Some(paid)) => (Some(for_merchant(paid, taken(paid))), Some(&t.total)),
        (Screen::Receipt(_) | Screen::Ended(_), _) => (whole, None),
        (Screen::Push(push), Some(waiting)) => {
            (Some(for_merchant(waiting, push.still)), Some(&t.amount_due))
        }
        _ => (whole, Some(&t.amount_due)),
    }
}

/// What an amount of a transaction's own currency is in the session's.
fn for_merchant(transaction: &Transaction, amount: Money) -> Money {
    match transaction.exchange {
        None => amount,
        Some(exchange) if amount == transaction.amount => exchange.merchant_amount,
        // Never out of bounds: it is a part of what was exchanged, or little more.
        Some(exchange) => exchange.of_paid(amount).unwrap_or(exchange).merchant_amount,
    }
}

/// Whether an item is the tax that was added to an order, which has no product and is named by us.
fn is_added_tax(session: &Session, item: &LineItem) -> bool {
    let ordered = session.ordered.as_ref();
    ordered.is_some_and(|ordered| ordered.automatic_tax) && item.id.is_none()
}
