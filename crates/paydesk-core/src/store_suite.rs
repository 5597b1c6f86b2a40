//! The conformance suite: what [`crate::store`] promises, as tests that every store passes.
//!
//! A store runs all of it with one line, [`store_suite!`](crate::store_suite!), which makes one test of each
//! behaviour and gives each a fresh, empty store. The suite speaks to the port alone and knows nothing of how a
//! store keeps its records.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::too_many_lines,
    clippy::cloned_ref_to_slice_refs,
    missing_docs,
    reason = "these are tests, and each is named after the promise that it keeps"
)]

use std::sync::Arc;

use crate::store::{Change, CommitError, Conflict, Record, Store};
use crate::tenant::Tenant;

pub mod any;
pub mod atomicity;
pub mod audience;
pub mod claims;
pub mod concurrency;
pub mod directory;
pub mod events;
pub mod filters;
pub mod idempotency;
pub mod jobs;
pub mod lists;
pub mod lookups;
pub mod removals;
pub mod samples;
pub mod search;
pub mod tenants;
pub mod versions;

/// Makes one test of every behaviour that a store promises.
///
/// Takes the name of an `async fn() -> (Arc<dyn Store>, T)` that makes a fresh, empty store; the second part
/// lives as long as the test does (a temporary directory, say). Expand it in a module of its own, in a crate
/// that depends on tokio.
#[macro_export]
macro_rules! store_suite {
    ($make:ident) => {
        $crate::store_suite_tests! { $make
            atomicity::a_change_is_applied_as_a_whole,
            atomicity::a_known_idempotency_key_leaves_nothing_applied,
            atomicity::a_dispatched_event_leaves_nothing_applied,
            atomicity::a_stale_record_leaves_nothing_applied,
            atomicity::a_held_claim_leaves_nothing_applied,
            atomicity::conflicts_are_named_in_the_documented_order,
            atomicity::a_change_of_nothing_is_applied,
            atomicity::a_refused_change_can_be_made_again_once_the_conflict_is_gone,
            audience::events_wait_while_their_tenant_has_an_enabled_endpoint,
            audience::an_event_in_the_change_that_makes_an_endpoint_waits,
            audience::a_retold_event_waits_again_and_is_dispatched_once,
            audience::a_delivery_is_found_by_its_id,
            claims::a_claim_is_held_by_who_took_it,
            claims::a_claim_may_be_retaken_by_its_owner,
            claims::a_claim_that_another_has_is_refused_by_name,
            claims::a_released_claim_is_free,
            claims::a_release_by_another_does_nothing,
            claims::claims_are_released_before_any_is_taken,
            claims::releasing_what_another_has_does_not_free_it_for_the_same_change,
            claims::one_change_cannot_give_a_claim_to_two,
            claims::claims_of_different_kinds_and_parts_never_meet,
            claims::claims_of_different_tenants_never_meet,
            concurrency::of_100_changes_racing_for_a_claim_one_wins,
            concurrency::of_100_changes_to_one_version_one_wins,
            concurrency::of_100_requests_with_one_key_one_wins,
            concurrency::of_100_workers_dispatching_an_event_one_wins,
            concurrency::increments_commute,
            concurrency::a_refused_change_takes_none_of_its_neighbours_with_it,
            concurrency::what_is_committed_is_seen_at_once_from_everywhere,
            directory::an_entry_is_read_back_as_written,
            directory::entries_come_newest_first_in_pages,
            directory::an_entry_is_listed_in_its_group_and_moves_with_it,
            directory::a_removed_entry_is_gone_and_its_id_is_free,
            directory::an_entry_is_removed_only_as_it_was_read,
            directory::many_entries_are_found_at_once,
            directory::entries_of_other_tenants_and_kinds_never_meet,
            directory::names_of_different_spaces_never_meet,
            events::an_event_is_read_back_as_written,
            events::events_of_a_session_come_in_order_and_alone,
            events::an_event_may_belong_to_no_session,
            events::a_first_event_is_found_even_if_it_comes_after_its_session,
            events::only_events_that_somebody_hears_of_wait_for_dispatch,
            events::a_dispatched_event_waits_no_more,
            events::an_event_is_dispatched_once,
            events::an_event_that_nobody_hears_of_is_not_dispatched,
            events::an_event_of_another_tenant_is_not_dispatched,
            events::deliveries_of_an_event_come_oldest_first,
            filters::any_filter_order_and_place_shows_the_sessions_that_it_should,
            filters::totals_without_a_filter_are_the_kept_ones,
            filters::a_changed_session_is_found_by_what_it_is_now,
            filters::a_moved_test_clock_does_not_hide_what_was_made_at_its_time,
            filters::any_filter_order_and_place_shows_the_transactions_that_it_should,
            filters::stored_cards_are_listed_and_counted,
            filters::events_and_deliveries_are_listed,
            filters::amounts_of_all_sizes_are_sorted_and_bounded,
            idempotency::a_claimed_key_is_running,
            idempotency::a_known_key_is_refused_with_what_is_known,
            idempotency::a_finished_key_has_its_answer_byte_for_byte,
            idempotency::a_first_answer_is_never_replaced,
            idempotency::finishing_an_unknown_key_does_nothing,
            idempotency::an_answer_may_be_there_from_the_first_commit,
            idempotency::keys_of_different_scopes_and_tenants_never_meet,
            idempotency::old_answers_are_forgotten_oldest_first_and_running_requests_never,
            idempotency::a_forgotten_key_is_new,
            jobs::sessions_come_due_most_overdue_first,
            jobs::a_session_is_due_when_it_says_so_and_no_longer,
            jobs::transactions_are_asked_about_most_overdue_first,
            jobs::a_transaction_is_asked_about_only_while_its_outcome_is_open,
            jobs::deliveries_come_due_most_overdue_first,
            jobs::a_delivery_is_due_until_it_is_done,
            jobs::undispatched_events_are_limited,
            jobs::what_is_due_of_one_tenant_is_its_own,
            jobs::a_moved_test_clock_is_found_whoever_moved_it,
            lists::sessions_come_newest_first,
            lists::pages_of_sessions_follow_each_other_without_gap_or_repeat,
            lists::sessions_are_filtered_by_where_they_stand_now,
            lists::filtered_pages_follow_each_other_without_gap_or_repeat,
            lists::a_rare_state_is_found_among_many,
            lists::a_moved_session_is_listed_where_it_stands_now,
            lists::transactions_come_newest_first_in_pages,
            lists::a_session_comes_with_its_transactions_oldest_first,
            lists::children_of_a_transaction_come_oldest_first,
            lookups::what_is_not_there_is_nothing,
            lookups::a_key_is_found_by_the_hash_of_its_secret,
            lookups::merchants_come_oldest_first,
            lookups::provider_accounts_come_oldest_first,
            lookups::pulses_come_in_the_order_asked,
            lookups::totals_count_what_was_added,
            lookups::known_key_fingerprints_stay,
            lookups::it_answers,
            removals::a_session_goes_with_its_transactions_and_nothing_finds_it,
            removals::a_session_stays_while_it_has_events,
            removals::a_session_stays_that_has_changed_or_is_not_there,
            removals::what_is_kept_leaves_nothing_of_the_change_applied,
            removals::a_charge_without_a_session_goes_with_its_operations,
            removals::a_card_goes_once_no_transaction_names_it,
            removals::an_event_goes_with_its_deliveries_once_they_are_done,
            removals::of_many_that_remove_the_same_one_counts_it,
            removals::a_removal_and_a_change_to_the_same_session_never_both_happen,
            search::any_search_finds_the_sessions_that_it_should,
            search::a_search_finds_nothing_of_another_merchant_or_mode,
            search::a_search_finds_a_transaction_by_its_session_or_its_id,
            search::a_cursor_of_a_search_need_not_be_there,
            tenants::another_merchant_sees_nothing,
            tenants::the_other_mode_sees_nothing,
            tenants::a_change_may_write_both_modes_of_its_merchant,
            versions::every_kind_of_record_is_read_back_as_written,
            versions::a_new_record_must_not_be_there_yet,
            versions::version_n_replaces_exactly_the_one_before,
            versions::a_record_that_is_not_there_cannot_be_replaced,
            versions::many_records_change_in_one_step,
        }
    };
}

/// What [`store_suite!`](crate::store_suite!) expands to; not for use by itself.
#[doc(hidden)]
#[macro_export]
macro_rules! store_suite_tests {
    ($make:ident $($group:ident::$behaviour:ident,)*) => {$(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $behaviour() {
            let (store, _kept) = $make().await;
            $crate::store_suite::$group::$behaviour(store).await;
        }
    )*};
}

/// A change of nothing but these records.
fn puts(tenant: Tenant, records: impl IntoIterator<Item = Record>) -> Change {
    Change {
        puts: records.into_iter().collect(),
        ..Change::new(tenant)
    }
}

/// Commits a change that must be applied.
async fn apply(store: &Arc<dyn Store>, change: Change) {
    store
        .commit(change)
        .await
        .expect("the change should be applied");
}

/// Commits a change that must be refused; says why it was.
async fn refused(store: &Arc<dyn Store>, change: Change) -> Conflict {
    match store.commit(change).await {
        Err(CommitError::Conflict(conflict)) => conflict,
        other => panic!("the change should be refused, but: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_behaviour_is_left_out_of_the_macro() {
        let listed = include_str!("store_suite.rs");
        for (group, source) in [
            ("atomicity", include_str!("store_suite/atomicity.rs")),
            ("claims", include_str!("store_suite/claims.rs")),
            ("concurrency", include_str!("store_suite/concurrency.rs")),
            ("directory", include_str!("store_suite/directory.rs")),
            ("events", include_str!("store_suite/events.rs")),
            ("filters", include_str!("store_suite/filters.rs")),
            ("idempotency", include_str!("store_suite/idempotency.rs")),
            ("jobs", include_str!("store_suite/jobs.rs")),
            ("lists", include_str!("store_suite/lists.rs")),
            ("lookups", include_str!("store_suite/lookups.rs")),
            ("removals", include_str!("store_suite/removals.rs")),
            ("search", include_str!("store_suite/search.rs")),
            ("tenants", include_str!("store_suite/tenants.rs")),
            ("versions", include_str!("store_suite/versions.rs")),
        ] {
            let behaviours = source.split("pub async fn ").skip(1);
            // What a store's own tests use, too, is no behaviour.
            let behaviours = behaviours.filter(|rest| !rest.starts_with("assert_"));
            for behaviour in behaviours.filter_map(|rest| rest.split('(').next()) {
                let line = format!("            {group}::{behaviour},\n");
                assert!(listed.contains(&line), "{group}::{behaviour} runs nowhere");
            }
        }
    }
}
