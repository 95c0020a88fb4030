//! Checks of committed offsets and of the generations that fence them.
#![expect(clippy::unwrap_used, reason = "checks say what was broken by a panic")]

use std::time::Duration;

use super::scene::{Group, WAIT, expect, expect_still, make, open, producer, refused, write};
use crate::error::BusError;
use crate::record::Isolation::ReadCommitted;
use crate::traits::{Bus, Consumer, Producer};

/// Offsets are absent, then those of the last commit; an abort changes nothing; groups do not share them.
pub(super) fn offsets_come_with_the_commit<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 2);
    let mut group = Group::of_one(bus, prefix, &places);
    let consumer = &mut group.members[0].consumer;
    let mut producer = producer(bus, prefix);
    assert_eq!(consumer.committed(&places, WAIT).unwrap(), [None, None]);
    for (offset, commits) in [(3, true), (5, false), (4, true)] {
        producer.begin().unwrap();
        let offsets = [(places[1].clone(), offset)];
        producer.offsets(&offsets, &consumer.group().unwrap()).unwrap();
        if commits {
            producer.commit().unwrap()
        } else {
            producer.abort().unwrap()
        }
        let last = if offset == 4 { 4 } else { 3 };
        assert_eq!(consumer.committed(&places, WAIT).unwrap(), [None, Some(last)]);
    }
    producer.begin().unwrap();
    for offset in [6, 8] {
        let offsets = [(places[0].clone(), offset), (places[1].clone(), offset + 1)];
        producer.offsets(&offsets, &consumer.group().unwrap()).unwrap();
    }
    producer.commit().unwrap();
    assert_eq!(consumer.committed(&places, WAIT).unwrap(), [Some(8), Some(9)], "the last counts");
    let mut other = bus.consumer(&format!("{prefix}-other"), &[prefix]).unwrap();
    assert_eq!(other.committed(&places, WAIT).unwrap(), [None, None]);
}

/// Offsets of an open transaction are not skipped over: who asks waits.
pub(super) fn pending_offsets_are_waited_for<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 1);
    let mut group = Group::of_one(bus, prefix, &places);
    let consumer = &mut group.members[0].consumer;
    let mut producer = producer(bus, prefix);
    for (offset, commits) in [(1, true), (2, false), (3, true)] {
        producer.begin().unwrap();
        let offsets = [(places[0].clone(), offset)];
        producer.offsets(&offsets, &consumer.group().unwrap()).unwrap();
        let early = consumer.committed(&places, Duration::from_millis(500));
        assert!(matches!(early, Err(BusError::Unavailable(_))), "{offset} is open: {early:?}");
        if commits {
            producer.commit().unwrap()
        } else {
            producer.abort().unwrap()
        }
        let stable = if commits { offset } else { offset - 1 };
        assert_eq!(consumer.committed(&places, WAIT).unwrap(), [Some(stable)]);
    }
}

/// Offsets under an old generation are refused; the transaction may be sent again under the new one.
pub(super) fn an_old_generation_is_refused<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, &format!("{prefix}-in"), 2);
    let at = make(bus, prefix, 1).remove(0);
    let mut group = Group::of_one(bus, prefix, &places);
    let old = group.members[0].consumer.group().unwrap();
    group.join();
    group.until("two share", |group| group.shares() == [1, 1]);
    group.settle();
    let mut producer = producer(bus, prefix);
    let offsets: Vec<_> = group.members[0].owned.keys().map(|at| (at.clone(), 1)).collect();
    open(&mut producer, &at, &["old"]);
    refused(producer.offsets(&offsets, &old).and_then(|()| producer.commit()));
    producer.abort().unwrap();
    open(&mut producer, &at, &["new"]);
    let consumer = &mut group.members[0].consumer;
    producer.offsets(&offsets, &consumer.group().unwrap()).unwrap();
    producer.commit().unwrap();
    assert_eq!(consumer.committed(&[offsets[0].0.clone()], WAIT).unwrap(), [Some(1)]);
    expect_still(bus, &at, &["new"]);
}

/// A member that left commits no offsets any more.
pub(super) fn a_member_that_left_is_refused<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 2);
    let mut group = Group::of_one(bus, prefix, &places);
    group.join();
    group.until("two share", |group| group.shares() == [1, 1]);
    group.settle();
    let left = group.members.remove(1);
    let gone = left.consumer.group().unwrap();
    let offsets: Vec<_> = left.owned.keys().map(|at| (at.clone(), 7)).collect();
    drop(left);
    group.until("one owns all", |group| group.shares() == [2]);
    let mut producer = producer(bus, prefix);
    producer.begin().unwrap();
    refused(producer.offsets(&offsets, &gone).and_then(|()| producer.commit()));
    producer.abort().unwrap();
    let at = places[0].clone();
    write(&mut producer, &at, &["0"]);
    expect(bus, &at, ReadCommitted, &["0"]);
    let committed = group.members[0].consumer.committed(&places, WAIT).unwrap();
    assert_eq!(committed, [None, None]);
}
