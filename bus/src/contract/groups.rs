//! Checks of members: who owns what, where reading starts, stops and goes on.
#![expect(clippy::unwrap_used, clippy::panic, reason = "checks say what was broken by a panic")]

use super::scene::{
    Group, PATIENCE, QUIET, STEP, assigned, make, nothing, open, producer, take, texts, write,
};
use crate::error::BusError;
use crate::record::Record;
use crate::traits::{Bus, Consumer, GroupEvent, Producer};

/// Members share the partitions; each has one owner at any time, each record one receiver.
pub(super) fn members_share_partitions<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 4);
    let mut group = Group::of_one(bus, prefix, &places);
    let mut producer = producer(bus, prefix);
    group.join();
    group.until("two share", |group| group.shares() == [2, 2]);
    group.settle();
    for (at, value) in places.iter().zip(["0", "1", "2", "3"]) {
        write(&mut producer, at, &[value]);
    }
    group.receive(&["0", "1", "2", "3"]);
    assert!(group.members.iter().all(|member| member.records.len() == 2), "an idle member");
    group.join();
    group.until("three share", |group| {
        let shares = group.shares();
        shares.iter().sum::<usize>() == 4 && !shares.contains(&0)
    });
}

/// A partition that moves is given only after its owner has released it, who gets none of its records meanwhile.
pub(super) fn release_comes_before_assign<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 2);
    let mut group = Group::of_one(bus, prefix, &places);
    let mut producer = producer(bus, prefix);
    group.join();
    let mut wanted: Option<Vec<_>> = None;
    let mut quiet = 0;
    for _ in 0..PATIENCE {
        match group.members[0].consumer.poll(STEP).unwrap() {
            Some(GroupEvent::Revoked(back)) if wanted.is_none() => {
                back.iter().for_each(|at| write(&mut producer, at, &["late"]));
                wanted = Some(back);
            }
            None => {}
            Some(other) => panic!("expected one Revoked, got {other:?}"),
        }
        match group.members[1].consumer.poll(STEP).unwrap() {
            Some(GroupEvent::Assigned(given)) if given.is_empty() => {
                group.members[1].consumer.assign(&[]).unwrap();
            }
            None => {}
            Some(other) => panic!("{other:?} before {wanted:?} was released"),
        }
        quiet += u32::from(wanted.is_some());
        if quiet == QUIET {
            break;
        }
    }
    let wanted = wanted.unwrap_or_else(|| panic!("nothing was revoked"));
    group.answer(0, GroupEvent::Revoked(wanted));
    group.until("two share", |group| group.shares() == [1, 1]);
    group.receive(&["late"]);
}

/// Who leaves gives its partitions back; the next owner goes on at the committed offsets.
pub(super) fn leaving_gives_partitions_back<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 2);
    let mut group = Group::of_one(bus, prefix, &places);
    group.join();
    group.until("two share", |group| group.shares() == [1, 1]);
    group.settle();
    let mut producer = producer(bus, prefix);
    for (at, values) in places.iter().zip([["0", "1"], ["2", "3"]]) {
        write(&mut producer, at, &values);
    }
    group.receive(&["0", "1", "2", "3"]);
    let left = group.members.remove(1);
    producer.begin().unwrap();
    let offsets: Vec<_> = left.owned.clone().into_iter().collect();
    producer.offsets(&offsets, &left.consumer.group().unwrap()).unwrap();
    producer.commit().unwrap();
    drop(left);
    group.until("one owns all", |group| group.shares() == [2]);
    for (at, value) in places.iter().zip(["4", "5"]) {
        write(&mut producer, at, &[value]);
    }
    group.members[0].records.clear();
    group.receive(&["4", "5"]);
}

/// Partitions start at the offset told, paused.
pub(super) fn assign_starts_where_told<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 3);
    let mut producer = producer(bus, prefix);
    for at in &places {
        write(&mut producer, at, &["0", "1", "2", "3"]);
    }
    let mut consumer = bus.consumer(prefix, &[prefix]).unwrap();
    let given = assigned(&mut consumer);
    assert_eq!(given.len(), 3, "one member is given all");
    let starts: Vec<_> = places.iter().cloned().zip([0, 1, 3]).collect();
    consumer.assign(&starts).unwrap();
    nothing(&mut consumer);
    consumer.resume(&places).unwrap();
    let mut records = take(&mut consumer, 4 + 3 + 1);
    records.sort_by(|a, b| (&a.at, a.offset).cmp(&(&b.at, b.offset)));
    assert_eq!(texts(&records), ["0", "1", "2", "3", "1", "2", "3", "3"]);
    nothing(&mut consumer);
}

/// Told again of an assigned partition, it goes on there, paused; the others go on as they did.
pub(super) fn assigned_again_a_partition_moves<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 2);
    let mut producer = producer(bus, prefix);
    let mut group = Group::of_one(bus, prefix, &places);
    let consumer = &mut group.members[0].consumer;
    write(&mut producer, &places[0], &["0", "1", "2", "3"]);
    assert_eq!(texts(&take(consumer, 4)), ["0", "1", "2", "3"]);
    for (start, rest) in [(2, &["2", "3"][..]), (0, &["0", "1", "2", "3"]), (3, &["3"])] {
        consumer.assign(&[(places[0].clone(), start)]).unwrap();
        write(&mut producer, &places[1], &["other"]);
        assert_eq!(texts(&take(consumer, 1)), ["other"]);
        nothing(consumer);
        consumer.resume(&places[..1]).unwrap();
        assert_eq!(texts(&take(consumer, rest.len())), rest);
    }
}

/// A paused partition delivers nothing, the others go on.
pub(super) fn paused_partitions_deliver_nothing<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 2);
    let mut producer = producer(bus, prefix);
    let mut group = Group::of_one(bus, prefix, &places);
    let consumer = &mut group.members[0].consumer;
    for (paused, running) in [(0, 1), (1, 0), (0, 1)] {
        consumer.pause(&places[paused..=paused]).unwrap();
        write(&mut producer, &places[paused], &["paused"]);
        write(&mut producer, &places[running], &["running"]);
        assert_eq!(texts(&take(consumer, 1)), ["running"]);
        nothing(consumer);
        consumer.resume(&places).unwrap();
        assert_eq!(texts(&take(consumer, 1)), ["paused"]);
    }
}

/// A partition resumes at the record after the last one delivered, however many were under way.
pub(super) fn resume_goes_on_where_it_stood<B: Bus>(bus: &B, prefix: &str) {
    let places = make(bus, prefix, 1);
    let mut producer = producer(bus, prefix);
    let values: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    for some in values.chunks(50) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        write(&mut producer, &places[0], &some);
    }
    let mut group = Group::of_one(bus, prefix, &places);
    let mut records: Vec<Record> = std::mem::take(&mut group.members[0].records);
    let consumer = &mut group.members[0].consumer;
    for n in [1, 7, 60, 130, 200] {
        records.extend(take(consumer, n - records.len()));
        consumer.pause(&places).unwrap();
        nothing(consumer);
        consumer.resume(&places).unwrap();
    }
    assert_eq!(texts(&records), values);
    nothing(consumer);
}

/// Members of all subscribed topics see what was committed, in order.
pub(super) fn members_read_committed<B: Bus>(bus: &B, prefix: &str) {
    let mut places = make(bus, &format!("{prefix}-a"), 1);
    places.extend(make(bus, &format!("{prefix}-b"), 1));
    let mut producer = producer(bus, prefix);
    let mut group = Group::of_one(bus, prefix, &places);
    for (first, second) in [("a", "c"), ("b", "d")] {
        write(&mut producer, &places[0], &[first]);
        open(&mut producer, &places[1], &["aborted"]);
        producer.abort().unwrap();
        write(&mut producer, &places[1], &[second]);
    }
    open(&mut producer, &places[0], &["open"]);
    group.receive(&["a", "b", "c", "d"]);
    let of = |at: usize| -> Vec<Record> {
        let records = group.members[0].records.iter();
        records.filter(|record| record.at == places[at]).cloned().collect()
    };
    assert_eq!(
        (texts(&of(0)), texts(&of(1))),
        (vec!["a".into(), "b".into()], vec!["c".into(), "d".into()])
    );
    producer.commit().unwrap();
    group.receive(&["a", "b", "c", "d", "open"]);
}

/// An offset beyond the end is an error that names it; nothing is reset.
pub(super) fn a_missing_offset_is_out_of_range<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    write(&mut producer(bus, prefix), &at, &["0"]);
    let mut consumer = bus.consumer(prefix, &[prefix]).unwrap();
    assert_eq!(assigned(&mut consumer), std::slice::from_ref(&at));
    consumer.assign(&[(at.clone(), 1_000)]).unwrap();
    consumer.resume(std::slice::from_ref(&at)).unwrap();
    for _ in 0..PATIENCE {
        match consumer.poll(STEP) {
            Ok(None) => {}
            Err(BusError::OutOfRange { partition, offset, .. }) => {
                assert_eq!((partition, offset), (at, 1_000));
                return;
            }
            other => panic!("expected OutOfRange, got {other:?}"),
        }
    }
    panic!("offset 1000 was neither refused nor read")
}
