//! Checks of records, readers and topics.
#![expect(clippy::unwrap_used, reason = "checks say what was broken by a panic")]

use super::scene::{
    PATIENCE, STEP, eventually, expect, make, make_as, open, producer, read, spec, texts, write,
};
use crate::record::Isolation::{ReadCommitted, ReadUncommitted};
use crate::record::{Outgoing, Record};
use crate::traits::{Bus, Cleanup, Producer, Reader};

/// Keys, values and headers: absent, empty, of any bytes, repeated.
pub(super) fn records_come_back_byte_for_byte<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 2).remove(1);
    let bytes: Vec<u8> = (0..=255).collect();
    let headers = vec![
        ("b".to_owned(), bytes.clone()),
        ("a".to_owned(), Vec::new()),
        ("b".to_owned(), b"again".to_vec()),
    ];
    let parts = [None, Some(Vec::new()), Some(bytes), Some(vec![7; 100_000])];
    let mut sent = Vec::new();
    for key in &parts[..3] {
        for value in &parts {
            for headers in [Vec::new(), headers.clone()] {
                let (key, value) = (key.clone(), value.clone());
                sent.push(Outgoing { to: at.clone(), key, value, headers });
            }
        }
    }
    let mut producer = producer(bus, prefix);
    for half in sent.chunks(sent.len() / 2) {
        producer.begin().unwrap();
        half.iter().for_each(|record| producer.send(record).unwrap());
        producer.commit().unwrap();
    }
    let seen = eventually(&format!("{} records", sent.len()), || {
        let seen = read(bus, &at, 0, ReadCommitted);
        if seen.len() == sent.len() { Ok(seen) } else { Err(format!("{} came", seen.len())) }
    });
    for (record, sent) in seen.into_iter().zip(&sent) {
        let Record { at: to, key, value, headers, timestamp_ms, .. } = record;
        assert!(timestamp_ms > 0, "no timestamp");
        assert!(&Outgoing { to, key, value, headers } == sent, "a record changed on its way");
    }
}

/// From any offset on, also from those of control records and from the end.
pub(super) fn a_reader_starts_anywhere<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut producer = producer(bus, prefix);
    assert_eq!(read(bus, &at, 0, ReadCommitted), [], "an empty topic has an end");
    write(&mut producer, &at, &["0", "1"]);
    open(&mut producer, &at, &["aborted"]);
    producer.abort().unwrap();
    write(&mut producer, &at, &["2", "3", "4"]);
    open(&mut producer, &at, &["aborted"]);
    producer.abort().unwrap();
    expect(bus, &at, ReadCommitted, &["0", "1", "2", "3", "4"]);
    let all = read(bus, &at, 0, ReadCommitted);
    let (_, end) = bus.admin().unwrap().bounds(&at, ReadCommitted).unwrap();
    for from in 0..=end {
        let expected: Vec<_> = all.iter().filter(|record| record.offset >= from).cloned().collect();
        assert_eq!(read(bus, &at, from, ReadCommitted), expected, "from {from} of {end}");
    }
}

/// A reader that came to the end gets what is written later.
pub(super) fn a_reader_follows_the_log<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut producer = producer(bus, prefix);
    write(&mut producer, &at, &["0", "1"]);
    expect(bus, &at, ReadCommitted, &["0", "1"]);
    let mut reader = bus.reader(&at, 0, ReadCommitted).unwrap();
    let mut seen = Vec::new();
    for n in 2..8 {
        let mut idle = 0;
        while seen.len() < n {
            seen.extend(reader.next(STEP).unwrap());
            assert!(idle < PATIENCE, "record {n} never came");
            idle += 1;
        }
        write(&mut producer, &at, &[&n.to_string()]);
    }
    assert_eq!(texts(&seen), ["0", "1", "2", "3", "4", "5", "6"]);
}

/// A topic is missing, then there; making it again is no error and changes nothing.
pub(super) fn topics_are_made_and_described<B: Bus>(bus: &B, prefix: &str) {
    let mut admin = bus.admin().unwrap();
    let compacted = format!("{prefix}-compacted");
    assert_eq!(admin.describe(&[prefix, &compacted]).unwrap(), [None, None]);
    make(bus, prefix, 3);
    let mut wanted = spec(&compacted, 2);
    (wanted.cleanup, wanted.settings) = (Cleanup::Compact, Vec::new());
    make_as(bus, &wanted);
    let described = |admin: &mut dyn crate::traits::Admin| {
        let found = admin.describe(&[&compacted, "no-such-topic", prefix]).unwrap();
        let [Some(second), None, Some(first)] = &found[..] else {
            unreachable!("described as {found:?}")
        };
        (first.clone(), second.clone())
    };
    let (first, second) = described(&mut *admin);
    assert_eq!((first.name.as_str(), first.partitions), (prefix, 3));
    assert_eq!((first.log_append_time, first.compacted), (true, false));
    assert_eq!((second.name.as_str(), second.partitions), (compacted.as_str(), 2));
    assert_eq!((second.log_append_time, second.compacted), (false, true));
    assert!(!first.id.is_empty() && first.id != second.id, "ids tell topics apart");
    admin.create(&spec(prefix, 3)).unwrap();
    assert_eq!(described(&mut *admin), (first, second));
}

/// The next offset at `read_committed` is that of the first open transaction.
pub(super) fn bounds_follow_isolation<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut admin = bus.admin().unwrap();
    assert_eq!(admin.bounds(&at, ReadCommitted).unwrap(), (0, 0));
    let mut producer = producer(bus, prefix);
    write(&mut producer, &at, &["0", "1"]);
    expect(bus, &at, ReadCommitted, &["0", "1"]);
    let (first, stable) = admin.bounds(&at, ReadCommitted).unwrap();
    assert!(first == 0 && stable >= 2, "bounds {first}, {stable} after two records");
    open(&mut producer, &at, &["2", "3"]);
    expect(bus, &at, ReadUncommitted, &["0", "1", "2", "3"]);
    assert_eq!(admin.bounds(&at, ReadCommitted).unwrap(), (0, stable));
    assert_eq!(admin.bounds(&at, ReadUncommitted).unwrap(), (0, stable + 2));
    producer.abort().unwrap();
    eventually("an aborted transaction holds nothing back", || {
        let (_, next) = admin.bounds(&at, ReadCommitted).unwrap();
        if next >= stable + 2 { Ok(()) } else { Err(format!("next is {next}")) }
    });
}

/// Timestamps of the log rise with offsets, and offsets are found by them.
pub(super) fn log_time_never_goes_back<B: Bus>(bus: &B, prefix: &str) {
    let at = make(bus, prefix, 1).remove(0);
    let mut admin = bus.admin().unwrap();
    assert_eq!(admin.offset_at(&at, 0).unwrap(), 0, "an empty topic");
    let mut producer = producer(bus, prefix);
    for value in ["0", "1", "2", "3"] {
        write(&mut producer, &at, &[value, value]);
        std::thread::sleep(STEP / 10);
    }
    expect(bus, &at, ReadCommitted, &["0", "0", "1", "1", "2", "2", "3", "3"]);
    let records = read(bus, &at, 0, ReadCommitted);
    let stamps: Vec<i64> = records.iter().map(|record| record.timestamp_ms).collect();
    assert!(stamps.is_sorted() && stamps[0] > 0, "stamps {stamps:?}");
    let around = stamps.iter().flat_map(|stamp| [stamp - 1, *stamp, stamp + 1]);
    for time in around.chain([0]) {
        let found = admin.offset_at(&at, time).unwrap();
        let older = records.iter().filter(|record| record.timestamp_ms < time).count();
        let below = records.iter().filter(|record| record.offset < found).count();
        assert_eq!(below, older, "{time} is found at {found}, stamps are {stamps:?}");
    }
    let (_, end) = admin.bounds(&at, ReadCommitted).unwrap();
    assert_eq!(admin.offset_at(&at, i64::MAX / 2).unwrap(), end, "beyond the newest");
}
