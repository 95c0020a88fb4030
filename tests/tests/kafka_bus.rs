//! Kafka keeps the contract of the log, and what only a genuine broker can show.
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::collections::BTreeSet;
use std::slice::from_ref;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use bus::kafka::{Kafka, KafkaConsumer, KafkaProducer, KafkaSettings};
use bus::{
    Bus, BusError, Consumer, GroupEvent, Isolation, Outgoing, Producer, Reader, Record,
    TopicPartition, contract,
};
use tests::broker::Broker;
use tests::kafka::{
    PATIENCE, STEP, delete_before, given, kafka, producer, read, sole_member, text, topic, unique,
    until, values, write,
};

/// Members hear of a rebalance with their next heartbeat.
const PROMPT: (&str, &str) = ("heartbeat.interval.ms", "500");
const EAGER: (&str, &str) = ("partition.assignment.strategy", "range");

// === The contract ===

#[test]
fn kafka_keeps_the_contract() {
    let Some(broker) = Broker::shared() else { return };
    check(&kafka(broker.address(), &[PROMPT]), |_| true);
}

#[test]
fn eager_members_keep_the_contract() {
    let Some(broker) = Broker::shared() else { return };
    check(&kafka(broker.address(), &[PROMPT, EAGER]), |name| {
        REBALANCES.contains(&name) && !STAYING.contains(&name)
    });
}

#[test]
fn members_of_the_newer_protocol_keep_the_contract() {
    let Some(broker) = Broker::shared() else { return };
    let newer = kafka(broker.address(), &[("group.protocol", "consumer")]);
    check(&newer, |name| REBALANCES.contains(&name));
}

/// Checks that rebalance.
const REBALANCES: [&str; 7] = [
    "an_old_generation_is_refused",
    "a_member_that_left_is_refused",
    "members_share_partitions",
    "assign_starts_where_told",
    "assigned_again_a_partition_moves",
    "release_comes_before_assign",
    "leaving_gives_partitions_back",
];
/// Those that expect that who stays keeps its place, which eager members do not.
const STAYING: [&str; 2] = ["release_comes_before_assign", "leaving_gives_partitions_back"];

/// On some threads: most of a check is waiting.
fn check(bus: &Kafka, wanted: impl Fn(&str) -> bool) {
    let prefix = unique("contract");
    let checks = contract::checks::<Kafka>();
    let checks: Vec<_> = checks.iter().filter(|(name, _)| wanted(name)).collect();
    assert!(!checks.is_empty());
    thread::scope(|scope| {
        for few in 0..4 {
            let (bus, prefix, checks) = (bus.clone(), &prefix, &checks);
            scope.spawn(move || {
                for (name, check) in checks.iter().skip(few).step_by(4) {
                    println!("{name}");
                    check(&bus, &format!("{prefix}-{name}"));
                }
            });
        }
    });
}

// === Producers ===

/// rdkafka's own commit takes 100 ms whenever a record is under way.
#[test]
fn a_commit_is_not_a_flush() {
    let Some(broker) = Broker::shared() else { return };
    let (bus, name) = (kafka(broker.address(), &[]), unique("commits"));
    let places = topic(&bus, &name, 4, &[]);
    let member = sole_member(&bus, &name, &name);
    let mut producer = producer(&bus, &name);
    let mut commits = Vec::new();
    for batch in 1..=100_u64 {
        producer.begin().unwrap();
        let offsets: Vec<_> = places.iter().map(|at| (at.clone(), batch)).collect();
        producer.offsets(&offsets, &member.group().unwrap()).unwrap();
        for at in places.iter().cycle().take(100) {
            producer.send(&text(at, &"x".repeat(200))).unwrap();
        }
        let begun = Instant::now();
        producer.commit().unwrap();
        commits.push(begun.elapsed());
    }
    commits.sort();
    println!("commit p25 {:?} p50 {:?} p99 {:?}", commits[25], commits[50], commits[99]);
    // The lower quartile: a busy machine makes some commits slow, the flush makes all of them.
    assert!(commits[25] < Duration::from_millis(60), "{:?}", commits[25]);
}

/// Wherever the older producer stands when its id is taken over, it says so, and none of it is ever seen.
#[test]
fn a_zombie_is_told_that_it_is_fenced() {
    let Some(broker) = Broker::shared() else { return };
    let (bus, name) = (kafka(broker.address(), &[PROMPT]), unique("zombie"));
    let at = topic(&bus, &name, 1, &[]).remove(0);
    let member = sole_member(&bus, &name, &name);
    let steps: [(&str, Step); 3] = [
        ("before begin", |zombie, place| {
            zombie.begin()?;
            zombie.send(&text(&place.at, "zombie"))?;
            zombie.commit()
        }),
        ("before offsets", |zombie, place| {
            zombie.begin()?;
            zombie.offsets(&[(place.at.clone(), 77)], &place.member.group().unwrap())?;
            zombie.commit()
        }),
        ("twice", |zombie, place| {
            zombie.begin()?;
            zombie.send(&text(&place.at, "zombie")).and_then(|()| zombie.commit()).unwrap_err();
            zombie.begin().and_then(|()| zombie.commit())
        }),
    ];
    let mut place = Place { at, member };
    for (step, run) in steps {
        let mut zombie = producer(&bus, &name);
        write(&mut zombie, &place.at, &[step]).unwrap();
        let mut taker = producer(&bus, &name);
        let outcome = run(&mut zombie, &place);
        assert!(matches!(outcome, Err(BusError::Fenced(_))), "{step}: {outcome:?}");
        drop(zombie);
        write(&mut taker, &place.at, &["taker"]).unwrap();
    }
    let expected = steps.iter().flat_map(|(step, _)| [*step, "taker"]);
    assert_eq!(read(&bus, &place.at), expected.collect::<Vec<_>>());
    assert_eq!(place.member.committed(from_ref(&place.at), PATIENCE), Ok(vec![None]));
}

type Step = fn(&mut KafkaProducer, &Place) -> Result<(), BusError>;

struct Place {
    at: TopicPartition,
    member: KafkaConsumer,
}

/// A transaction that the broker timed out looks fenced, but nobody took the id over: recycle, do not give up.
#[test]
fn a_transaction_that_timed_out_is_no_takeover() {
    let Some(broker) = Broker::shared() else { return };
    let bus = kafka(broker.address(), &[("transaction.timeout.ms", "1000")]);
    let name = unique("timeout");
    let at = topic(&bus, &name, 1, &[]).remove(0);
    let mut slow = producer(&bus, &name);
    slow.begin().unwrap();
    slow.send(&text(&at, "slow")).unwrap();
    sleep(Duration::from_secs(5));
    let outcome = slow.commit();
    assert!(
        matches!(outcome, Err(BusError::Doubtful(_) | BusError::Abortable(_))),
        "expected no takeover, got {outcome:?}"
    );
    write(&mut producer(&bus, &name), &at, &["again"]).unwrap();
    assert_eq!(read(&bus, &at), ["again"]);
}

/// What cannot work by trying again is refused, not waited for.
#[test]
fn what_will_never_work_is_refused() {
    let Some(broker) = Broker::shared() else { return };
    let bus = kafka(broker.address(), &[("compression.type", "none")]);
    let name = unique("refused");
    let at = topic(&bus, &name, 1, &[("max.message.bytes", "10000")]).remove(0);
    let missing = [TopicPartition::new(unique("none"), 0), TopicPartition::new(name.as_str(), 9)];
    let refused = |what: &str, outcome: Result<(), BusError>| {
        assert!(matches!(outcome, Err(BusError::Refused(_))), "{what}: {outcome:?}");
    };
    for to in &missing {
        refused("produce", write(&mut producer(&bus, &unique("refused")), to, &["x"]));
        let reader = bus.reader(to, 0, Isolation::ReadCommitted);
        refused("read", reader.map(|_| ()));
        let mut admin = bus.admin().unwrap();
        refused("bounds", admin.bounds(to, Isolation::ReadCommitted).map(|_| ()));
        refused("offset", admin.offset_at(to, 0).map(|_| ()));
    }
    let mut consumer = bus.consumer(&name, &[&*missing[0].topic]).unwrap();
    refused("join", Err(until("a refusal", || consumer.poll(STEP).err())));
    for bytes in [20_000, 2_000_000] {
        let large = "x".repeat(bytes);
        refused("large", write(&mut producer(&bus, &unique("refused")), &at, &[&large]));
    }
    assert_eq!(read(&bus, &at), [""; 0]);
}

// === Settings ===

/// Each kind of client passes over what concerns another kind.
#[test]
fn properties_go_where_they_fit() {
    let Some(broker) = Broker::shared() else { return };
    for codec in ["none", "gzip", "snappy", "lz4"] {
        let name = unique(&format!("codec-{codec}"));
        let properties = [
            ("compression.type", codec),
            ("linger.ms", "1"),
            ("transaction.timeout.ms", "5000"),
            ("fetch.min.bytes", "2"),
            ("group.instance.id", &name),
            ("session.timeout.ms", "20000"),
            ("max.poll.interval.ms", "20000"),
        ];
        let bus = kafka(broker.address(), &properties);
        let at = topic(&bus, &name, 1, &[]).remove(0);
        let sent = ["a".repeat(5_000), "b".repeat(5_000)];
        write(&mut producer(&bus, &name), &at, &[&sent[0], &sent[1]]).unwrap();
        assert_eq!(read(&bus, &at), sent);
        let mut member = sole_member(&bus, &name, &name);
        assert_eq!(values(&take(&mut member, 2)), sent);
    }
}

#[test]
fn properties_that_break_the_contract_are_refused() {
    for (name, value) in [
        ("enable.auto.commit", "true"),
        ("isolation.level", "read_uncommitted"),
        ("transactional.id", "mine"),
        ("no.such.property", "1"),
        ("session.timeout.ms", "my-secret"),
    ] {
        let outcome = Kafka::new(KafkaSettings {
            brokers: "127.0.0.1:1".to_owned(),
            client: vec![(name.to_owned(), value.to_owned())],
            instance: "tests".to_owned(),
        });
        let Err(BusError::Refused(text)) = outcome.map(|_| ()) else { panic!("{name} is taken") };
        assert!(text.contains(name), "{text} does not name {name}");
        assert!(!text.contains("my-secret"), "{text}");
    }
}

// === Members ===

/// Takes records; other events must not come.
fn take(consumer: &mut KafkaConsumer, n: usize) -> Vec<Record> {
    let mut records = Vec::new();
    until("records", || {
        match consumer.poll(STEP) {
            Ok(Some(GroupEvent::Record(record))) => records.push(record),
            Ok(None) => {}
            other => panic!("expected a record, got {other:?}"),
        }
        (records.len() >= n).then_some(())
    });
    records
}

/// What a log no longer holds is an error to a member; a reader begins where the log begins.
#[test]
fn retention_is_seen_by_members_and_passed_over_by_readers() {
    let Some(broker) = Broker::shared() else { return };
    let (bus, name) = (kafka(broker.address(), &[]), unique("retention"));
    let short = [("retention.ms", "500"), ("message.timestamp.type", "LogAppendTime")];
    let at = topic(&bus, &name, 1, &short).remove(0);
    let mut producer = producer(&bus, &name);
    write(&mut producer, &at, &["0", "1", "2"]).unwrap();
    let mut admin = bus.admin().unwrap();
    let begun = until("the end of the records", || {
        sleep(STEP);
        let (start, _) = admin.bounds(&at, Isolation::ReadCommitted).unwrap();
        (start > 0).then_some(start)
    });
    let mut consumer = bus.consumer(&name, &[&name]).unwrap();
    assert_eq!(given(&mut consumer), from_ref(&at));
    consumer.assign(&[(at.clone(), 1)]).unwrap();
    consumer.resume(from_ref(&at)).unwrap();
    let error = until("an error", || consumer.poll(STEP).err());
    assert_eq!(error, BusError::OutOfRange { partition: at.clone(), offset: 1, start: begun });
    let mut reader = bus.reader(&at, 0, Isolation::ReadCommitted).unwrap();
    write(&mut producer, &at, &["3"]).unwrap();
    let record = until("a record", || reader.next(STEP).unwrap());
    assert!(record.offset >= begun && values([&record]) == ["3"], "{record:?}");
}

/// The client refuses each partition once, and not always in words that name it.
#[test]
fn a_member_learns_of_every_partition_whose_entries_are_gone() {
    let Some(broker) = Broker::shared() else { return };
    const PARTITIONS: u32 = 8;
    for properties in [&[PROMPT][..], &[PROMPT, EAGER], &[("group.protocol", "consumer")]] {
        let (bus, name) = (kafka(broker.address(), properties), unique("several"));
        let all = topic(&bus, &name, PARTITIONS, &[]);
        let mut producer = producer(&bus, &name);
        for at in &all {
            write(&mut producer, at, &["0", "1", "2"]).unwrap();
        }
        let starts: Vec<_> = all.iter().map(|at| (at.clone(), 2)).collect();
        delete_before(broker.address(), &starts);
        let mut consumer = bus.consumer(&name, &[&name]).unwrap();
        assert_eq!(given(&mut consumer).len(), all.len());
        let early: Vec<_> = all.iter().map(|at| (at.clone(), 1)).collect();
        consumer.assign(&early).unwrap();
        consumer.resume(&all).unwrap();
        let mut told = BTreeSet::new();
        until("an error for each", || {
            if let Err(error) = consumer.poll(STEP) {
                let BusError::OutOfRange { partition, offset: 1, start: 2 } = error else {
                    panic!("{error:?}")
                };
                consumer.assign(&[(partition.clone(), 2)]).unwrap();
                consumer.resume(from_ref(&partition)).unwrap();
                assert!(told.insert(partition), "{told:?}");
            }
            (told.len() == all.len()).then_some(())
        });
        let mut read = BTreeSet::new();
        until("a record of each", || {
            if let Some(GroupEvent::Record(record)) = consumer.poll(STEP).unwrap() {
                read.insert(record.at);
            }
            (read.len() == all.len()).then_some(())
        });
    }
}

/// A member that goes while the group waits for its answer neither hangs nor keeps what it had.
#[test]
fn a_member_may_go_without_an_answer() {
    let Some(broker) = Broker::shared() else { return };
    for properties in [&[PROMPT][..], &[PROMPT, EAGER], &[("group.protocol", "consumer")]] {
        let (bus, name) = (kafka(broker.address(), properties), unique("unanswered"));
        topic(&bus, &name, 2, &[]);
        let mut first = bus.consumer(&name, &[&name]).unwrap();
        given(&mut first);
        gone(first, properties);
        let mut second = sole_member(&bus, &name, &name);
        let mut third = bus.consumer(&name, &[&name]).unwrap();
        until("a revocation", || {
            third.poll(STEP).unwrap();
            matches!(second.poll(STEP).unwrap(), Some(GroupEvent::Revoked(_))).then_some(())
        });
        gone(second, properties);
        let mut owned = Vec::new();
        until("the rest", || {
            match third.poll(STEP).unwrap() {
                Some(GroupEvent::Assigned(given)) => {
                    third
                        .assign(&given.iter().map(|at| (at.clone(), 0)).collect::<Vec<_>>())
                        .unwrap();
                    owned.extend(given);
                }
                Some(GroupEvent::Revoked(places)) => {
                    third.release(&places).unwrap();
                    owned.retain(|at| !places.contains(at));
                }
                _ => {}
            }
            (owned.len() == 2).then_some(())
        });
    }
}

fn gone(member: KafkaConsumer, properties: &[(&str, &str)]) {
    let begun = Instant::now();
    drop(member);
    // librdkafka gives the broker 5 s to hear of it: a joining that is under way may take them.
    assert!(begun.elapsed() < Duration::from_secs(10), "{properties:?}: {:?}", begun.elapsed());
}

/// However far the joining went, a member that goes does not hang.
#[test]
fn a_member_may_go_at_any_time() {
    let Some(broker) = Broker::shared() else { return };
    for properties in [&[PROMPT][..], &[PROMPT, EAGER], &[("group.protocol", "consumer")]] {
        let (bus, name) = (kafka(broker.address(), properties), unique("early"));
        topic(&bus, &name, 2, &[]);
        for wait in (0..600).step_by(50) {
            let mut member = bus.consumer(&name, &[&name]).unwrap();
            // One poll hears of an assignment, if it came so far; it is not answered.
            member.poll(Duration::from_millis(wait)).unwrap();
            gone(member, properties);
        }
    }
}

/// An answer may come in pieces: partitions start as they are assigned, and go when the last is released.
#[test]
fn answers_may_come_in_pieces() {
    let Some(broker) = Broker::shared() else { return };
    for properties in [&[PROMPT][..], &[PROMPT, EAGER], &[("group.protocol", "consumer")]] {
        let (bus, name) = (kafka(broker.address(), properties), unique("pieces"));
        let places = topic(&bus, &name, 4, &[]);
        let mut producer = producer(&bus, &name);
        for (at, value) in places.iter().zip(["0", "1", "2", "3"]) {
            write(&mut producer, at, &[value]).unwrap();
        }
        let mut first = bus.consumer(&name, &[&name]).unwrap();
        let mut seen = Vec::new();
        for at in given(&mut first) {
            first.assign(&[(at.clone(), 0)]).unwrap();
            assert_eq!(first.poll(STEP * 4).unwrap(), None, "{at} starts paused");
            first.resume(&[at]).unwrap();
            seen.extend(values(&take(&mut first, 1)));
        }
        seen.sort();
        assert_eq!(seen, ["0", "1", "2", "3"], "{properties:?}");
        let mut second = bus.consumer(&name, &[&name]).unwrap();
        let wanted = until("a revocation", || {
            assert_eq!(second.poll(STEP).unwrap(), None, "{properties:?}");
            match first.poll(STEP).unwrap() {
                Some(GroupEvent::Revoked(places)) => Some(places),
                None => None,
                other => panic!("expected a revocation, got {other:?}"),
            }
        });
        for at in &wanted {
            for _ in 0..20 {
                assert_eq!(
                    second.poll(STEP).unwrap(),
                    None,
                    "{properties:?}: {at} is not released"
                );
                assert_eq!(
                    first.poll(STEP).unwrap(),
                    None,
                    "{properties:?}: {at} is asked for already"
                );
            }
            first.release(from_ref(at)).unwrap();
        }
        let moved = until("the moved ones", || {
            first.poll(Duration::ZERO).unwrap();
            match second.poll(STEP).unwrap() {
                Some(GroupEvent::Assigned(places)) => Some(places),
                _ => None,
            }
        });
        assert!(
            moved.iter().all(|at| wanted.contains(at)),
            "{properties:?}: {moved:?} of {wanted:?}"
        );
    }
}

/// Who does not poll in time loses its partitions, is told so, and is given some again.
#[test]
fn a_member_that_does_not_poll_loses_its_partitions() {
    let Some(broker) = Broker::shared() else { return };
    let lazy = [PROMPT, ("session.timeout.ms", "3000"), ("max.poll.interval.ms", "3000")];
    let (bus, name) = (kafka(broker.address(), &lazy), unique("lazy"));
    let places = topic(&bus, &name, 2, &[]);
    let mut lazy = sole_member(&bus, &name, &name);
    let stale = lazy.group().unwrap();
    sleep(Duration::from_secs(5));
    let lost = until("the loss", || match lazy.poll(STEP) {
        Ok(Some(GroupEvent::Lost(lost))) => Some(lost),
        Ok(None) | Err(BusError::Unavailable(_)) => None,
        other => panic!("expected a loss, got {other:?}"),
    });
    assert_eq!(lost.len(), 2);
    let mut producer = producer(&bus, &name);
    producer.begin().unwrap();
    let late = producer.offsets(&[(places[0].clone(), 5)], &stale);
    assert!(matches!(late, Err(BusError::Abortable(_))), "{late:?}");
    producer.abort().unwrap();
    lazy.release(&lost).unwrap();
    assert_eq!(given(&mut lazy).len(), 2);
    // Lost before it was answered, and lost again without an answer.
    sleep(Duration::from_secs(5));
    for _ in 0..20 {
        let heard = lazy.poll(STEP);
        assert!(!matches!(heard, Ok(Some(GroupEvent::Assigned(_)))), "{heard:?}");
    }
    gone(lazy, &[]);
}

/// Who asks for offsets that a transaction holds learns them when it ends.
#[test]
fn pending_offsets_come_with_the_end_of_their_transaction() {
    let Some(broker) = Broker::shared() else { return };
    let (bus, name) = (kafka(broker.address(), &[]), unique("pending"));
    let at = topic(&bus, &name, 1, &[]).remove(0);
    let mut member = sole_member(&bus, &name, &name);
    let mut producer = producer(&bus, &name);
    for offset in [5, 6] {
        producer.begin().unwrap();
        producer.offsets(&[(at.clone(), offset)], &member.group().unwrap()).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                sleep(Duration::from_secs(2));
                producer.commit().unwrap();
            });
            assert_eq!(member.committed(from_ref(&at), PATIENCE), Ok(vec![Some(offset)]));
        });
    }
}

/// The end is where a reader has read everything; new records move it on.
#[test]
fn the_end_of_a_partition_moves_on() {
    let Some(broker) = Broker::shared() else { return };
    let (bus, name) = (kafka(broker.address(), &[]), unique("end"));
    let at = topic(&bus, &name, 1, &[]).remove(0);
    let mut producer = producer(&bus, &name);
    let mut reader = bus.reader(&at, 0, Isolation::ReadCommitted).unwrap();
    for round in ["0", "1", "2"] {
        until("the end", || {
            assert_eq!(reader.next(STEP).unwrap(), None);
            reader.at_end().then_some(())
        });
        write(&mut producer, &at, &[round, "last"]).unwrap();
        let record = until("a record", || reader.next(STEP).unwrap());
        assert!(values([&record]) == [round] && !reader.at_end(), "{record:?}");
        let record = until("a record", || reader.next(STEP).unwrap());
        assert_eq!(values([&record]), ["last"]);
    }
}

// === Exactly once ===

/// Members copy a topic in transactions and drain what is open before they release: through joins and departures
/// under load, each record is copied once, in order.
#[test]
fn drained_members_copy_each_record_once() {
    const RECORDS: usize = 1_200;
    let Some(broker) = Broker::shared() else { return };
    let (bus, name) = (kafka(broker.address(), &[PROMPT]), unique("copy"));
    let (input, output) = (format!("{name}-in"), format!("{name}-out"));
    let from = topic(&bus, &input, 4, &[]);
    let to = topic(&bus, &output, 4, &[]);
    let stay = Duration::from_secs(3);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut producer = producer(&bus, &format!("{name}-writer"));
            for n in 0..RECORDS / 4 {
                for at in &from {
                    write(&mut producer, at, &[&n.to_string()]).unwrap();
                }
            }
        });
        scope.spawn(|| Copier::new(&bus, &name, 0).run(Instant::now() + stay * 2));
        scope.spawn(|| {
            sleep(stay);
            Copier::new(&bus, &name, 1).run(Instant::now() + PATIENCE);
        });
        scope.spawn(|| {
            sleep(stay);
            Copier::new(&bus, &name, 2).run(Instant::now() + PATIENCE);
        });
    });
    let expected: Vec<String> = (0..RECORDS / 4).map(|n| n.to_string()).collect();
    for at in &to {
        assert_eq!(read(&bus, at), expected, "{at}");
    }
}

struct Copier {
    consumer: KafkaConsumer,
    producer: KafkaProducer,
    output: String,
    /// What was read and is not yet committed.
    open: Vec<Record>,
    idle_since: Instant,
}

impl Copier {
    fn new(bus: &Kafka, name: &str, number: u32) -> Self {
        Self {
            consumer: bus.consumer(name, &[&format!("{name}-in")]).unwrap(),
            producer: producer(bus, &format!("{name}-{number}")),
            output: format!("{name}-out"),
            open: Vec::new(),
            idle_since: Instant::now(),
        }
    }

    /// Copies until that time, or until nothing came for a while.
    fn run(mut self, end: Instant) {
        while Instant::now() < end && self.idle_since.elapsed() < Duration::from_secs(10) {
            match self.consumer.poll(STEP).unwrap() {
                Some(GroupEvent::Record(record)) => {
                    self.idle_since = Instant::now();
                    self.open.push(record);
                }
                Some(GroupEvent::Assigned(given)) => {
                    let committed = self.consumer.committed(&given, PATIENCE).unwrap();
                    let starts = committed.into_iter().map(|offset| offset.unwrap_or(0));
                    let starts: Vec<_> = given.iter().cloned().zip(starts).collect();
                    self.consumer.assign(&starts).unwrap();
                    self.consumer.resume(&given).unwrap();
                }
                Some(GroupEvent::Revoked(places)) => {
                    self.commit();
                    self.consumer.release(&places).unwrap();
                }
                Some(GroupEvent::Lost(places)) => panic!("{places:?} were lost"),
                None => self.commit(),
            }
            if self.open.len() >= 50 {
                self.commit();
            }
        }
        self.commit();
    }

    fn commit(&mut self) {
        let open = std::mem::take(&mut self.open);
        while !open.is_empty() {
            match self.try_commit(&open) {
                Ok(()) => return,
                // The generation changed since: nothing that is open was taken from us yet.
                Err(BusError::Abortable(_)) => self.producer.abort().unwrap(),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn try_commit(&mut self, open: &[Record]) -> Result<(), BusError> {
        self.producer.begin()?;
        let mut offsets = Vec::new();
        for record in open {
            let to = TopicPartition::new(self.output.as_str(), record.at.partition);
            let Record { at, offset, key, value, headers, .. } = record.clone();
            self.producer.send(&Outgoing { to, key, value, headers })?;
            offsets.retain(|(place, _)| *place != at);
            offsets.push((at, offset + 1));
        }
        self.producer.offsets(&offsets, &self.consumer.group()?)?;
        self.producer.commit()
    }
}
