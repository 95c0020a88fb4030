//! The journal on the disk: a prefix of whole transactions after any cut, no silence about damage, one process at
//! a time, and a size that follows what is kept.
#![expect(clippy::unwrap_used, reason = "what the tests share says what broke by a panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::file::{FileLog, FileSettings};
use bus::{
    Bus, BusError, Cleanup, Consumer, GroupEvent, Isolation, LocalConsumer, LocalProducer,
    Outgoing, Producer, Reader, Record, TopicPartition, TopicSpec,
};
use proptest::prelude::*;

const NOW: Duration = Duration::ZERO;

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::remove_dir_all(&folder).ok();
    folder
}

fn open(folder: &Path) -> Result<FileLog, BusError> {
    FileLog::open(folder, FileSettings { clock: || 1_000, sync: false })
}

/// Puts a journal in place of the one that is there: some file systems sync a file that is written over.
fn put(folder: &Path, journal: &[u8]) {
    fs::remove_file(folder.join("journal")).unwrap();
    fs::write(folder.join("journal"), journal).unwrap();
}

fn create(log: &FileLog, name: &str, cleanup: Cleanup) {
    let (name, partitions, replicas, settings) = (name.to_owned(), 2, 0, Vec::new());
    let spec = TopicSpec { name, partitions, replicas, cleanup, settings };
    log.admin().unwrap().create(&spec).unwrap();
}

fn places() -> Vec<TopicPartition> {
    let of = |topic: &'static str| (0..2).map(move |number| TopicPartition::new(topic, number));
    ["in", "out"].into_iter().flat_map(of).collect()
}

/// A member that owns both partitions of a topic.
fn member(log: &FileLog, topic: &str) -> LocalConsumer {
    let mut member = log.consumer("group", &[topic]).unwrap();
    assert!(matches!(member.poll(NOW).unwrap(), Some(GroupEvent::Assigned(_))));
    member
}

/// All that a log shows: records, bounds, committed offsets.
type Shown = (Vec<Vec<Record>>, Vec<Option<u64>>);

fn show(log: &FileLog) -> Shown {
    let mut admin = log.admin().unwrap();
    let names = admin.describe(&["in", "out"]).unwrap();
    if names.contains(&None) {
        return Shown::default();
    }
    let read = |at: &TopicPartition| {
        let mut reader = log.reader(at, 0, Isolation::ReadCommitted).unwrap();
        let mut records = Vec::new();
        while !reader.at_end() {
            records.extend(reader.next(NOW).unwrap());
        }
        records
    };
    let records: Vec<_> = places().iter().map(read).collect();
    let offsets = log.consumer("group", &["in"]).unwrap().committed(&places(), NOW).unwrap();
    (records, offsets)
}

/// A transaction: records by place, offsets, and whether it is committed.
type Written = (Vec<(usize, Option<Vec<u8>>)>, Vec<u64>, bool);

fn written() -> impl Strategy<Value = Written> {
    let value = prop::option::of(prop::collection::vec(any::<u8>(), 0..40));
    let records = prop::collection::vec((0..4_usize, value), 0..5);
    (records, prop::collection::vec(0..100_u64, 0..2), prop::bool::weighted(0.8))
}

fn write(producer: &mut LocalProducer, member: &LocalConsumer, (records, offsets, ends): &Written) {
    producer.begin().unwrap();
    for (place, value) in records {
        let (to, key) = (places().remove(*place), Some(b"key".to_vec()));
        let headers = vec![("header".to_owned(), vec![7])];
        producer.send(&Outgoing { to, key, value: value.clone(), headers }).unwrap();
    }
    let offsets: Vec<_> = places().into_iter().zip(offsets.iter().copied()).collect();
    producer.offsets(&offsets, &member.group().unwrap()).unwrap();
    if *ends { producer.commit().unwrap() } else { producer.abort().unwrap() }
}

/// Writes a log; returns its journal, and after each of its steps the length and what it shows.
fn steps(folder: &Path, transactions: &[Written]) -> (Vec<u8>, Vec<(usize, Shown)>) {
    let length = || fs::read(folder.join("journal")).unwrap().len();
    let log = open(folder).unwrap();
    let mut steps = vec![(0, Shown::default()), (length(), Shown::default())];
    for topic in ["in", "out"] {
        create(&log, topic, Cleanup::Delete(u64::MAX));
        steps.push((length(), show(&log)));
    }
    let mut member = member(&log, "in");
    let mut producer = log.producer("writer", NOW).unwrap();
    for transaction in transactions {
        member.poll(NOW).unwrap();
        write(&mut producer, &member, transaction);
        steps.push((length(), show(&log)));
    }
    (fs::read(folder.join("journal")).unwrap(), steps)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_cut_journal_holds_a_prefix_of_whole_transactions(
        transactions in prop::collection::vec(written(), 1..8),
    ) {
        let folder = folder("cut");
        let (journal, steps) = steps(&folder, &transactions);
        for cut in 0..=journal.len() {
            put(&folder, &journal[..cut]);
            let log = open(&folder).unwrap();
            let (_, expected) = steps.iter().rfind(|(length, _)| *length <= cut).unwrap();
            prop_assert_eq!(&show(&log), expected, "cut at {} of {}", cut, journal.len());
            drop(log);
            let kept = fs::read(folder.join("journal")).unwrap().len();
            let whole = steps.iter().rfind(|(length, _)| *length <= cut).unwrap().0;
            prop_assert_eq!(kept, whole.max(steps[1].0), "what stays of {}", cut);
        }
    }

    #[test]
    fn a_changed_byte_is_noticed(
        transactions in prop::collection::vec(written(), 2..5),
        flip in 1..=255_u8,
    ) {
        let folder = folder("flip");
        let (journal, steps) = steps(&folder, &transactions);
        // The last entry, if damaged, cannot be told from one that was not written to its end.
        let last = steps.iter().rfind(|(length, _)| *length < journal.len()).unwrap();
        for at in 0..journal.len() {
            let mut damaged = journal.clone();
            damaged[at] ^= flip;
            put(&folder, &damaged);
            match open(&folder) {
                Ok(log) => {
                    prop_assert!(last.0 <= at, "byte {} of {} went unnoticed", at, journal.len());
                    prop_assert_eq!(&show(&log), &last.1);
                }
                Err(BusError::Refused(_)) => {
                    prop_assert!(at < last.0, "byte {} is in the tail from {} on", at, last.0);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

#[test]
fn a_log_goes_on_after_a_torn_tail() {
    let folder = folder("goes-on");
    let transaction = |value: u8| (vec![(2, Some(vec![value]))], vec![u64::from(value)], true);
    let (journal, _) = steps(&folder, &[transaction(1), transaction(2)]);
    put(&folder, &journal[..journal.len() - 1]);
    let log = FileLog::open(&folder, FileSettings { clock: || 2_000, sync: true }).unwrap();
    let member = member(&log, "in");
    write(&mut log.producer("writer", NOW).unwrap(), &member, &transaction(3));
    drop((member, log));
    let (records, offsets) = show(&open(&folder).unwrap());
    let seen: Vec<_> = records[2].iter().map(|r| (r.timestamp_ms, r.value.clone())).collect();
    assert_eq!(seen, [(1_000, Some(vec![1])), (2_000, Some(vec![3]))]);
    assert_eq!(offsets[0], Some(3));
}

/// Offsets that lie behind what only an aborted transaction wrote do not lie behind the end afterwards.
#[test]
fn committed_offsets_stay_within_the_log() {
    let folder = folder("within");
    let log = open(&folder).unwrap();
    create(&log, "in", Cleanup::Delete(u64::MAX));
    create(&log, "out", Cleanup::Delete(u64::MAX));
    let reading = member(&log, "in");
    let mut producer = log.producer("writer", NOW).unwrap();
    write(&mut producer, &reading, &(vec![(0, None), (0, None)], Vec::new(), false));
    write(&mut producer, &reading, &(vec![(2, None)], vec![3], true));
    drop((reading, producer, log));
    let log = open(&folder).unwrap();
    let mut reading = member(&log, "in");
    let start = reading.committed(&places()[..1], NOW).unwrap().remove(0).unwrap();
    assert_eq!(start, 3);
    reading.assign(&[(places().remove(0), start)]).unwrap();
    reading.resume(&places()[..1]).unwrap();
    assert_eq!(reading.poll(NOW).unwrap(), None);
}

#[test]
fn a_folder_belongs_to_one_log() {
    let folder = folder("locked");
    let log = open(&folder).unwrap();
    let second = open(&folder).map(|_| ());
    let Err(BusError::Refused(reason)) = second else { panic!("opened twice: {second:?}") };
    assert!(reason.contains("in use by another process"), "{reason}");
    let member = log.consumer("group", &["in"]).unwrap();
    drop(log);
    assert!(open(&folder).is_err(), "a client still uses the log");
    drop(member);
    open(&folder).unwrap();
}

#[test]
fn what_is_no_journal_is_refused_and_left_alone() {
    let folder = folder("foreign");
    fs::create_dir_all(&folder).unwrap();
    let text = b"these are somebody's notes";
    fs::write(folder.join("journal"), text).unwrap();
    assert!(matches!(open(&folder), Err(BusError::Refused(_))));
    assert_eq!(fs::read(folder.join("journal")).unwrap(), text);
}

/// What compaction lets go leaves the file too, in a running log and at the next opening.
#[test]
fn the_journal_shrinks_to_what_is_kept() {
    let folder = folder("shrinks");
    let log = open(&folder).unwrap();
    create(&log, "in", Cleanup::Delete(u64::MAX));
    create(&log, "out", Cleanup::Compact);
    let member = member(&log, "in");
    let mut producer = log.producer("writer", NOW).unwrap();
    let at = TopicPartition::new("out", 1);
    let n_transactions = 600_u64;
    // Written once: must outlive every cleaning.
    producer.begin().unwrap();
    for n in 0..25_u8 {
        let (to, value) = (TopicPartition::new("in", 1), Some(vec![n; 100_000]));
        producer.send(&Outgoing { to, key: None, value, headers: Vec::new() }).unwrap();
    }
    let group = member.group().unwrap();
    producer.offsets(&[(TopicPartition::new("in", 1), 77)], &group).unwrap();
    producer.commit().unwrap();
    for n in 0..n_transactions {
        producer.begin().unwrap();
        let (to, key) = (at.clone(), Some(vec![u8::try_from(n % 3).unwrap()]));
        let value = Some([&n.to_le_bytes()[..], &[0; 100_000]].concat());
        producer.send(&Outgoing { to, key, value, headers: Vec::new() }).unwrap();
        let offsets = [(TopicPartition::new("in", 0), n)];
        producer.offsets(&offsets, &member.group().unwrap()).unwrap();
        producer.commit().unwrap();
    }
    let bounds =
        |log: &FileLog| log.admin().unwrap().bounds(&at, Isolation::ReadUncommitted).unwrap();
    let before = bounds(&log);
    let bytes = fs::metadata(folder.join("journal")).unwrap().len();
    assert!(bytes < 40_000_000, "{bytes} bytes for 3 records of 100 kB");
    drop((member, producer, log));
    let log = open(&folder).unwrap();
    assert_eq!(bounds(&log), before);
    let (records, offsets) = show(&log);
    assert_eq!(offsets[..2], [Some(n_transactions - 1), Some(77)]);
    let once: Vec<_> = records[1].iter().map(|r| r.value.as_ref().unwrap()[0]).collect();
    assert_eq!(once, (0..25).collect::<Vec<_>>());
    let newest = records[3].iter().rev().take(3);
    let newest: Vec<_> = newest.map(|r| (r.offset, r.value.as_ref().unwrap()[0])).collect();
    // A record and a marker each.
    let expected = (0..3).map(|n| n_transactions - 1 - n).map(|n| (n * 2, n.to_le_bytes()[0]));
    assert_eq!(newest, expected.collect::<Vec<_>>());
}
