//! The contract of a log as named checks: every implementation passes the same ones. They assume no instant
//! rebalance and no instant visibility: what must come is polled for, what must not come is waited for some polls.

mod groups;
mod offsets;
mod places;
mod scene;
mod transactions;

use crate::traits::Bus;

/// A named check; its second argument is a unique prefix for topics, groups and transactional ids.
pub type Check<B> = (&'static str, fn(&B, &str));

/// The checks. Each panics with what was broken.
pub fn checks<B: Bus>() -> Vec<Check<B>> {
    let all: [Check<B>; 26] = [
        ("records_come_back_byte_for_byte", places::records_come_back_byte_for_byte),
        ("a_reader_starts_anywhere", places::a_reader_starts_anywhere),
        ("a_reader_follows_the_log", places::a_reader_follows_the_log),
        ("topics_are_made_and_described", places::topics_are_made_and_described),
        ("bounds_follow_isolation", places::bounds_follow_isolation),
        ("log_time_never_goes_back", places::log_time_never_goes_back),
        ("open_transactions_are_hidden", transactions::open_transactions_are_hidden),
        ("aborted_transactions_stay_hidden", transactions::aborted_transactions_stay_hidden),
        ("the_first_open_one_holds_back", transactions::the_first_open_one_holds_back),
        ("a_transaction_is_atomic", transactions::a_transaction_is_atomic),
        ("empty_transactions_are_legal", transactions::empty_transactions_are_legal),
        ("a_second_producer_fences", transactions::a_second_producer_fences),
        ("a_takeover_aborts", transactions::a_takeover_aborts),
        ("offsets_come_with_the_commit", offsets::offsets_come_with_the_commit),
        ("pending_offsets_are_waited_for", offsets::pending_offsets_are_waited_for),
        ("an_old_generation_is_refused", offsets::an_old_generation_is_refused),
        ("a_member_that_left_is_refused", offsets::a_member_that_left_is_refused),
        ("members_share_partitions", groups::members_share_partitions),
        ("release_comes_before_assign", groups::release_comes_before_assign),
        ("leaving_gives_partitions_back", groups::leaving_gives_partitions_back),
        ("assign_starts_where_told", groups::assign_starts_where_told),
        ("assigned_again_a_partition_moves", groups::assigned_again_a_partition_moves),
        ("paused_partitions_deliver_nothing", groups::paused_partitions_deliver_nothing),
        ("resume_goes_on_where_it_stood", groups::resume_goes_on_where_it_stood),
        ("members_read_committed", groups::members_read_committed),
        ("a_missing_offset_is_out_of_range", groups::a_missing_offset_is_out_of_range),
    ];
    all.to_vec()
}

/// Runs all checks.
pub fn all<B: Bus>(bus: &B, prefix: &str) {
    for (name, check) in checks::<B>() {
        check(bus, &format!("{prefix}-{name}"));
    }
}
