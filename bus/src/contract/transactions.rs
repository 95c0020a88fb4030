//! Checks of transactions: isolation, atomicity, fencing.
#![expect(clippy::unwrap_used, reason = "checks say what was broken by a panic")]

use super::scene::{Group, WAIT, expect, expect_still, make, open, producer, text, write};
use crate::error::BusError;
use crate::record::Isolation::{ReadCommitted, ReadUncommitted};
use crate::traits::{Bus, Consumer, Producer};

/// An open transaction is seen by `read_uncommitted` alone, until it is committed.
pub(super) fn open_transactions_are_hidden<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut producer = producer(bus, prefix);
    write(&mut producer, &at, &["0"]);
    open(&mut producer, &at, &["1", "2"]);
    expect(bus, &at, ReadUncommitted, &["0", "1", "2"]);
    expect_still(bus, &at, &["0"]);
    producer.commit().unwrap();
    expect(bus, &at, ReadCommitted, &["0", "1", "2"]);
}

/// An aborted transaction is never seen by `read_committed`, and the producer goes on.
pub(super) fn aborted_transactions_stay_hidden<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut producer = producer(bus, prefix);
    open(&mut producer, &at, &["aborted"]);
    expect(bus, &at, ReadUncommitted, &["aborted"]);
    producer.abort().unwrap();
    write(&mut producer, &at, &["0"]);
    open(&mut producer, &at, &["aborted too"]);
    expect(bus, &at, ReadUncommitted, &["aborted", "0", "aborted too"]);
    producer.abort().unwrap();
    write(&mut producer, &at, &["1"]);
    expect_still(bus, &at, &["0", "1"]);
    expect(bus, &at, ReadUncommitted, &["aborted", "0", "aborted too", "1"]);
}

/// `read_committed` stops before the first open transaction, also for what was committed after it.
pub(super) fn the_first_open_one_holds_back<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut slow = producer(bus, &format!("{prefix}-slow"));
    let mut fast = producer(bus, &format!("{prefix}-fast"));
    write(&mut fast, &at, &["0"]);
    open(&mut slow, &at, &["slow"]);
    expect(bus, &at, ReadUncommitted, &["0", "slow"]);
    write(&mut fast, &at, &["1"]);
    expect(bus, &at, ReadUncommitted, &["0", "slow", "1"]);
    expect_still(bus, &at, &["0"]);
    slow.commit().unwrap();
    expect(bus, &at, ReadCommitted, &["0", "slow", "1"]);
    open(&mut slow, &at, &["aborted"]);
    expect(bus, &at, ReadUncommitted, &["0", "slow", "1", "aborted"]);
    write(&mut fast, &at, &["2"]);
    expect_still(bus, &at, &["0", "slow", "1"]);
    slow.abort().unwrap();
    expect(bus, &at, ReadCommitted, &["0", "slow", "1", "2"]);
}

/// Records of several topics and the offsets of a group come together or not at all.
pub(super) fn a_transaction_is_atomic<B: Bus>(bus: &B, prefix: &str) {
    let input = make(bus, &format!("{prefix}-in"), 2);
    let mut outputs = make(bus, &format!("{prefix}-a"), 2);
    outputs.extend(make(bus, &format!("{prefix}-b"), 1));
    let mut group = Group::of_one(bus, prefix, &input);
    let consumer = &mut group.members[0].consumer;
    let mut producer = producer(bus, prefix);
    for (value, commits) in [("1", false), ("2", true), ("3", false)] {
        producer.begin().unwrap();
        outputs.iter().for_each(|at| producer.send(&text(at, value)).unwrap());
        let offset = value.parse().unwrap();
        let offsets: Vec<_> = input.iter().map(|at| (at.clone(), offset)).collect();
        producer.offsets(&offsets, &consumer.group().unwrap()).unwrap();
        if commits {
            producer.commit().unwrap()
        } else {
            producer.abort().unwrap()
        }
        let expected = if offset < 2 { None } else { Some(2) };
        assert_eq!(consumer.committed(&input, WAIT).unwrap(), [expected; 2]);
        for at in &outputs {
            expect(bus, at, ReadCommitted, if offset < 2 { &[] } else { &["2"] });
        }
    }
    outputs.iter().for_each(|at| expect_still(bus, at, &["2"]));
}

/// A transaction may hold nothing, or be given up before anything was sent.
pub(super) fn empty_transactions_are_legal<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut producer = producer(bus, prefix);
    producer.begin().unwrap();
    producer.commit().unwrap();
    producer.begin().unwrap();
    producer.abort().unwrap();
    write(&mut producer, &at, &["0"]);
    assert!(!producer.is_doubtful(), "nothing happened that makes a late commit possible");
    expect(bus, &at, ReadCommitted, &["0"]);
}

/// Who takes over a transactional id fences the older producer: it commits nothing any more.
pub(super) fn a_second_producer_fences<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut first = producer(bus, prefix);
    write(&mut first, &at, &["0"]);
    open(&mut first, &at, &["fenced"]);
    expect(bus, &at, ReadUncommitted, &["0", "fenced"]);
    let mut second = producer(bus, prefix);
    write(&mut second, &at, &["1"]);
    let result = first.commit();
    assert!(matches!(result, Err(BusError::Fenced(_))), "expected Fenced, got {result:?}");
    drop(first);
    write(&mut second, &at, &["2"]);
    expect_still(bus, &at, &["0", "1", "2"]);
}

/// A takeover ends the open transaction of the older producer at once, without its timeout.
pub(super) fn a_takeover_aborts<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut first = producer(bus, prefix);
    open(&mut first, &at, &["open"]);
    expect(bus, &at, ReadUncommitted, &["open"]);
    let mut other = producer(bus, &format!("{prefix}-other"));
    write(&mut other, &at, &["0"]);
    expect_still(bus, &at, &[]);
    let _second = producer(bus, prefix);
    expect(bus, &at, ReadCommitted, &["0"]);
}
