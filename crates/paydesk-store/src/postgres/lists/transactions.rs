//! Lists of transactions, where time counts: a push that ran out has expired, whether or not a sweeper came by.

use paydesk_core::list::{By, TransactionFilter, Walk};
use paydesk_core::tenant::Tenant;
use paydesk_core::transaction::StatusName;

use super::super::cell::Cell;
use super::super::steps::name;
use super::{
    Classes, Conditions, Query, count_of, cut, cut_part, key_of, order_of_parts, page_of,
    page_of_few, search,
};
use crate::columns::{action_number, method_bits, status_number};

const TABLE: &str = "transactions";
const CLASSES: Classes<6> = Classes {
    table: TABLE,
    columns: [
        "action", "status", "currency", "method", "account", "reverted",
    ],
};

fn numbers(numbers: impl Iterator<Item = i64>) -> Cell {
    Cell::Smalls(numbers.filter_map(|n| i16::try_from(n).ok()).collect())
}

/// All that a filter asks for and a class does not tell.
fn conditions(query: &mut Query, tenant: Tenant, filter: &TransactionFilter) -> Conditions {
    let mut all = query.of(tenant);
    for (column, id) in [
        ("parent", filter.parent.map(|id| id.0)),
        ("session", filter.session.map(|id| id.0)),
        ("payment_method", filter.payment_method.map(|id| id.0)),
    ] {
        all.is(query, column, id.map(Cell::Id));
    }
    for (column, wanted) in [
        ("reference", &filter.reference),
        ("provider_reference", &filter.provider_reference),
        ("customer", &filter.customer),
    ] {
        let wanted = wanted.as_deref().map(|wanted| name(Some(wanted)));
        all.is(query, column, wanted);
    }
    if let Some(code) = &filter.code {
        // As `Transaction::code` tells: its own, or, of an attempt, its session's. As an array it is looked for once; as
        // a set it would be joined, row by row where the server has not counted the tables yet.
        let code = query.bind(name(Some(code)));
        all.and(format!(
            "id = ANY(ARRAY(SELECT t.id FROM transactions t
                    WHERE t.merchant = $1 AND t.mode = $2 AND t.reference = {code}
                UNION ALL SELECT t.id FROM sessions s JOIN transactions t ON t.session = s.id
                    WHERE s.merchant = $1 AND s.mode = $2 AND s.reference = {code}
                        AND t.merchant = $1 AND t.mode = $2
                        AND t.reference IS NULL AND t.parent IS NULL AND t.action IN (0, 1, 5)))"
        ));
    }
    all.within(query, "amount", filter.amount);
    all.created(query, filter.created, filter.drawn());
    if !filter.statuses.is_empty() {
        let now = query.bind(Cell::Integer(filter.now.as_millis()));
        let statuses = filter.statuses.iter().map(|one| status_number(*one));
        let statuses = query.bind(numbers(statuses));
        all.and(format!(
            "CASE WHEN lapses_at <= {now} THEN 6 ELSE status END = ANY({statuses})"
        ));
    }
    if let Some(asked) = &filter.search {
        let found = search(
            query,
            tenant,
            asked,
            |ids| format!("id = ANY({ids}) OR session = ANY({ids})"),
            |words| {
                format!(
                    "session IN (SELECT s.id FROM sessions s
                        WHERE s.merchant = $1 AND s.mode = $2 AND s.words @@ {words})"
                )
            },
        );
        all.0.extend(found);
    }
    all
}

/// What a filter asks for that a class tells.
fn class_conditions(query: &mut Query, filter: &TransactionFilter, of: &str) -> Vec<String> {
    let mut all = Conditions(Vec::new());
    let is = |column: &str| format!("{of}{column}");
    if !filter.actions.is_empty() {
        let actions = filter.actions.iter().map(|one| action_number(*one));
        let actions = query.bind(numbers(actions));
        all.and(format!("{} = ANY({actions})", is("action")));
    }
    if !filter.statuses.is_empty() {
        // What still waits as far as is stored may have run out.
        let stored = filter.statuses.iter().flat_map(|status| match status {
            StatusName::Expired => vec![StatusName::Expired, StatusName::AwaitingPayer],
            other => vec![*other],
        });
        let stored = query.bind(numbers(stored.map(status_number)));
        all.and(format!("{} = ANY({stored})", is("status")));
    }
    let currency = filter.currency.map(|it| Cell::Text(it.code().to_owned()));
    all.is(query, &is("currency"), currency);
    if !filter.methods.is_empty() {
        let bits = query.bind(Cell::Integer(method_bits(&filter.methods)));
        all.and(format!("{} & {bits} <> 0", is("method")));
    }
    all.one_of(query, &is("account"), &filter.provider_accounts);
    all.is(query, &is("reverted"), filter.reverted.map(Cell::Flag));
    all.0
}

/// Whether a filter names what it shows: those are few, or have an index of their own.
fn is_named(filter: &TransactionFilter) -> bool {
    filter.parent.is_some()
        || filter.session.is_some()
        || filter.payment_method.is_some()
        || filter.reference.is_some()
        || filter.code.is_some()
        || filter.provider_reference.is_some()
        || filter.customer.is_some()
        || filter.search.is_some()
}

fn all_conditions(query: &mut Query, tenant: Tenant, filter: &TransactionFilter) -> Conditions {
    let mut all = conditions(query, tenant, filter);
    all.0.extend(class_conditions(query, filter, ""));
    all
}

/// A page of the transactions that the filter shows.
pub(in super::super) fn transactions(
    tenant: Tenant,
    filter: &TransactionFilter,
    walk: &Walk,
) -> Query {
    let mut query = Query::new();
    if filter.search.is_some() || filter.code.is_some() {
        let mut all = all_conditions(&mut query, tenant, filter);
        return page_of_few(query, TABLE, &mut all, walk);
    }
    if filter.is_all() || is_named(filter) || walk.order.by != By::Created {
        let mut all = all_conditions(&mut query, tenant, filter);
        return page_of(query, TABLE, &mut all, walk);
    }
    let mut all = conditions(&mut query, tenant, filter);
    all.passed_by(&mut query, walk);
    let end = cut_part(&mut query, walk);
    let of_class = class_conditions(&mut query, filter, "class.");
    let pages = CLASSES.pages(&of_class, &all, &end, key_of(walk.order.by));
    let most = cut(&mut query, walk);
    let page = most.trim_start_matches(&super::order(walk)).to_owned();
    query.text = format!(
        "{} SELECT doc FROM ({pages}) AS shown{}{page}",
        CLASSES.with(),
        order_of_parts(walk)
    );
    query
}

/// How many transactions the filter shows.
pub(in super::super) fn count_transactions(tenant: Tenant, filter: &TransactionFilter) -> Query {
    let mut query = Query::new();
    let all = all_conditions(&mut query, tenant, filter);
    count_of(query, TABLE, &all)
}
