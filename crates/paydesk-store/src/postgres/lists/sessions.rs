//! Lists of sessions, where time counts.
//!
//! A session's state at a moment is what is stored and what time has made of it since, so that a late sweeper
//! changes nothing. So what is shown is two parts: those that stand as they are stored, by their classes; and those that
//! time has moved, which are what a sweeper is late with, by when they fell due.

use paydesk_core::list::{By, SessionFilter, Walk};
use paydesk_core::session::StateName;
use paydesk_core::tenant::Tenant;

use super::super::cell::{Cell, small};
use super::super::steps::name;
use super::{
    Classes, Conditions, Query, count_of, cut, cut_part, key_of, order_of_parts, page_of,
    page_of_few, search,
};
use crate::columns::{kind_number, method_bits, state_number};

const TABLE: &str = "sessions";
const CLASSES: Classes<5> = Classes {
    table: TABLE,
    columns: ["state", "kind", "currency", "methods", "account"],
};
const ALL_BUCKETS: &str = "bucket = ANY('{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15}'::smallint[])";

/// Whether time has moved a session since it was stored, as `Session::state_at` tells.
fn is_moved(now: &str) -> String {
    format!("(state IN (0, 1) AND expires_at <= {now} OR state = 2 AND lapses_at <= {now}) IS TRUE")
}

/// Which state a session is in.
fn state_at(now: &str) -> String {
    format!(
        "CASE WHEN state IN (0, 1) AND expires_at <= {now} THEN 5
            WHEN state = 2 AND lapses_at <= {now} THEN CASE WHEN expires_at <= {now} THEN 5 ELSE 1 END
            ELSE state END"
    )
}

fn state_numbers(states: &[StateName]) -> Cell {
    let numbers = states.iter().map(|state| state_number(*state));
    Cell::Smalls(numbers.filter_map(|n| i16::try_from(n).ok()).collect())
}

/// All that a filter asks for, but for the states.
fn conditions(query: &mut Query, tenant: Tenant, filter: &SessionFilter) -> Conditions {
    let mut all = query.of(tenant);
    let named = |name_of: &Option<String>| name_of.as_deref().map(|wanted| name(Some(wanted)));
    all.is(query, "reference", named(&filter.reference));
    all.is(query, "for_order", named(&filter.order));
    all.is(query, "owner", named(&filter.owner));
    all.is(query, "customer", named(&filter.customer));
    let card = filter.payment_method.map(|id| Cell::Id(id.0));
    all.is(query, "payment_method", card);
    all.within(query, "amount", filter.amount);
    all.created(query, filter.created, filter.drawn());
    if let Some(ids) = &filter.ids {
        let ids = query.bind(Cell::Ids(ids.iter().map(|id| id.0).collect()));
        all.and(format!("id = ANY({ids})"));
    }
    if let Some(asked) = &filter.search {
        let found = search(
            query,
            tenant,
            asked,
            |ids| format!("id = ANY({ids})"),
            |words| format!("words @@ {words}"),
        );
        all.0.extend(found);
    }
    all
}

/// What a filter asks for that a class tells, but for the state.
fn class_conditions(query: &mut Query, filter: &SessionFilter, of: &str) -> Vec<String> {
    let mut all = Conditions(Vec::new());
    let is = |column: &str| format!("{of}{column}");
    let kind = filter.kind.map(|kind| small(kind_number(kind)));
    all.is(query, &is("kind"), kind);
    let currency = filter.currency.map(|it| Cell::Text(it.code().to_owned()));
    all.is(query, &is("currency"), currency);
    let account = filter.provider_account.map(|id| Cell::Id(id.0));
    all.is(query, &is("account"), account);
    if let Some(method) = filter.method {
        let bit = query.bind(Cell::Integer(method_bits(&[method])));
        all.and(format!("{} & {bit} <> 0", is("methods")));
    }
    all.0
}

/// Whether a filter names what it shows: those are few, or have an index of their own.
fn is_named(filter: &SessionFilter) -> bool {
    filter.reference.is_some()
        || filter.order.is_some()
        || filter.owner.is_some()
        || filter.customer.is_some()
        || filter.payment_method.is_some()
        || filter.ids.is_some()
        || filter.search.is_some()
}

/// Everything that a filter asks for, looked at row by row.
fn all_conditions(query: &mut Query, tenant: Tenant, filter: &SessionFilter) -> Conditions {
    let mut all = conditions(query, tenant, filter);
    let of_class = class_conditions(query, filter, "");
    all.0.extend(of_class);
    if !filter.states.is_empty() {
        let now = query.bind(Cell::Integer(filter.now.as_millis()));
        let states = query.bind(state_numbers(&filter.states));
        all.and(format!("{} = ANY({states})", state_at(&now)));
    }
    all
}

/// A page of the sessions that the filter shows.
pub(in super::super) fn sessions(tenant: Tenant, filter: &SessionFilter, walk: &Walk) -> Query {
    let mut query = Query::new();
    if filter.search.is_some() {
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
    let mut of_class = class_conditions(&mut query, filter, "class.");
    let key = key_of(walk.order.by);
    let mut parts = Vec::new();
    if filter.states.is_empty() {
        parts.push(CLASSES.pages(&of_class, &all, &end, key));
    } else {
        let now = query.bind(Cell::Integer(filter.now.as_millis()));
        let states = query.bind(state_numbers(&filter.states));
        let is_moved = is_moved(&now);
        of_class.push(format!("class.state = ANY({states})"));
        let mut unmoved = all.clone();
        unmoved.and(format!("NOT {is_moved}"));
        parts.push(CLASSES.pages(&of_class, &unmoved, &end, key));
        all.0.extend(class_conditions(&mut query, filter, ""));
        all.and(format!("{ALL_BUCKETS} AND due_at <= {now} AND {is_moved}"));
        all.and(format!("{} = ANY({states})", state_at(&now)));
        parts.push(format!(
            "(SELECT doc, id, {key} AS key FROM {TABLE} WHERE {}{end})",
            all.text()
        ));
    }
    let most = cut(&mut query, walk);
    let page = most.trim_start_matches(&super::order(walk)).to_owned();
    query.text = format!(
        "{} SELECT doc FROM ({}) AS shown{}{page}",
        CLASSES.with(),
        parts.join(" UNION ALL "),
        order_of_parts(walk)
    );
    query
}

/// How many sessions the filter shows.
pub(in super::super) fn count_sessions(tenant: Tenant, filter: &SessionFilter) -> Query {
    let mut query = Query::new();
    let all = all_conditions(&mut query, tenant, filter);
    count_of(query, TABLE, &all)
}
