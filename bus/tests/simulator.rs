//! What the simulator does as time passes and when told to fail: each case states what a broker would do.
#![expect(clippy::unwrap_used, reason = "what the tests share says what broke by a panic")]

use std::time::Duration;

use bus::memory::{Fault, FaultPlan, Half, Memory, Step};
use bus::{
    Bus, BusError, Cleanup, Consumer, GroupEvent, Isolation, LocalConsumer, LocalProducer,
    Outgoing, Producer, Reader, TopicPartition, TopicSpec,
};

const NOW: Duration = Duration::ZERO;
/// More than a session, and than a transaction with the wait for the sweep.
const LONG_MS: u64 = 25_000;

fn at(number: u32) -> TopicPartition {
    TopicPartition::new("topic", number)
}

fn memory() -> Memory {
    let memory = Memory::new(0);
    create(&memory, "topic", Vec::new());
    memory
}

fn create(memory: &Memory, name: &str, settings: Vec<(String, String)>) {
    let (name, cleanup, partitions, replicas) = (name.to_owned(), Cleanup::Compact, 2, 0);
    let spec = TopicSpec { name, partitions, replicas, cleanup, settings };
    memory.admin().unwrap().create(&spec).unwrap();
}

fn keyed(key: &str, value: &str) -> Outgoing {
    let (key, value) = (Some(key.into()), Some(value.into()));
    Outgoing { to: at(0), key, value, headers: Vec::new() }
}

fn open(producer: &mut LocalProducer, value: &str) {
    producer.begin().unwrap();
    producer.send(&keyed("key", value)).unwrap();
}

fn write(producer: &mut LocalProducer, value: &str) {
    open(producer, value);
    producer.commit().unwrap();
}

/// Offsets and values that a reader sees.
fn read(memory: &Memory, isolation: Isolation) -> Vec<(u64, String)> {
    let mut reader = memory.reader(&at(0), 0, isolation).unwrap();
    let mut seen = Vec::new();
    while !reader.at_end() {
        let record = reader.next(NOW).unwrap();
        let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap_or_default()).unwrap();
        seen.extend(record.map(|record| (record.offset, text(record.value))));
    }
    seen
}

fn committed(memory: &Memory) -> Vec<String> {
    read(memory, Isolation::ReadCommitted).into_iter().map(|(_, value)| value).collect()
}

/// A member that has answered until nothing more comes; what it heard.
fn answer(member: &mut LocalConsumer) -> Vec<GroupEvent> {
    let mut heard = Vec::new();
    // The second look finds what follows a silent joining again.
    for _ in 0..2 {
        while let Some(event) = member.poll(NOW).unwrap() {
            match &event {
                GroupEvent::Assigned(places) => {
                    let starts: Vec<_> = places.iter().map(|at| (at.clone(), 0)).collect();
                    member.assign(&starts).unwrap();
                }
                GroupEvent::Revoked(places) | GroupEvent::Lost(places) => {
                    member.release(places).unwrap();
                }
                GroupEvent::Record(_) => {}
            }
            heard.push(event);
        }
    }
    heard
}

#[test]
fn a_dead_member_keeps_its_partitions_for_a_session() {
    let memory = memory();
    let dead = memory.process("dead");
    let mut first = dead.consumer("group", &["topic"]).unwrap();
    answer(&mut first);
    dead.kill();
    assert_eq!(first.poll(NOW), Err(BusError::Killed));
    drop(first);
    let mut second = memory.consumer("group", &["topic"]).unwrap();
    memory.advance(9_000);
    assert_eq!(answer(&mut second), []);
    memory.advance(2_000);
    assert_eq!(answer(&mut second), [GroupEvent::Assigned(vec![at(0), at(1)])]);
}

#[test]
fn a_living_member_keeps_its_partitions_as_long_as_it_polls() {
    let memory = memory();
    let mut member = memory.consumer("group", &["topic"]).unwrap();
    answer(&mut member);
    (0..40).for_each(|_| {
        memory.advance(LONG_MS);
        assert_eq!(member.poll(NOW).unwrap(), None);
    });
    memory.advance(301_000);
    let lost = GroupEvent::Lost(vec![at(0), at(1)]);
    assert_eq!(answer(&mut member), [lost, GroupEvent::Assigned(vec![at(0), at(1)])]);
}

#[test]
fn a_dead_producer_holds_readers_back_until_the_sweep_or_a_takeover() {
    for takes_over in [false, true] {
        let memory = memory();
        memory.advance(5_000);
        let dead = memory.process("dead");
        open(&mut dead.producer("dead", NOW).unwrap(), "open");
        dead.kill();
        write(&mut memory.producer("other", NOW).unwrap(), "after");
        memory.advance(14_000);
        assert_eq!(committed(&memory), [""; 0], "14 s later, 1 s before the sweep");
        if takes_over {
            memory.producer("dead", NOW).unwrap();
        } else {
            memory.advance(1_000);
        }
        assert_eq!(committed(&memory), ["after"]);
    }
}

#[test]
fn a_zombie_is_refused_and_fenced() {
    let memory = memory();
    let zombie = memory.process("zombie");
    let mut member = zombie.consumer("group", &["topic"]).unwrap();
    answer(&mut member);
    let mut awake = memory.consumer("others", &["topic"]).unwrap();
    answer(&mut awake);
    let mut producer = zombie.producer("zombie", NOW).unwrap();
    open(&mut producer, "early");
    zombie.freeze(11_000);
    // It goes on in the middle of its transaction, and does not know that time has passed.
    assert!(zombie.is_frozen());
    let group = member.group().unwrap();
    assert!(!zombie.is_frozen());
    let refused = producer.offsets(&[(at(0), 7)], &group);
    assert!(matches!(refused, Err(BusError::Abortable(_))), "{refused:?}");
    producer.abort().unwrap();
    open(&mut producer, "late");
    zombie.freeze(LONG_MS);
    let fenced = producer.commit();
    assert!(matches!(fenced, Err(BusError::Fenced(_))), "{fenced:?}");
    assert_eq!(committed(&memory), [""; 0]);
    assert_eq!(answer(&mut awake), []);
    let lost = GroupEvent::Lost(vec![at(0), at(1)]);
    assert_eq!(answer(&mut member), [lost, GroupEvent::Assigned(vec![at(0), at(1)])]);
}

/// A commit with a fault: what the caller hears, what is visible then, and after a takeover.
#[test]
fn what_a_spoilt_commit_leaves() {
    type Case = (Fault, &'static str, (bool, bool), (bool, bool));
    let cases: [Case; 9] = [
        (Fault::LoseReply, "doubt", (true, true), (true, true)),
        (Fault::LoseRequest, "doubt", (false, false), (false, false)),
        (Fault::Late(0), "doubt", (true, true), (true, true)),
        (Fault::Late(9), "doubt", (false, false), (false, false)),
        (Fault::Doubled(9), "ok", (true, true), (true, true)),
        (Fault::Torn(Half::Records), "doubt", (true, false), (true, false)),
        (Fault::Torn(Half::Offsets), "doubt", (false, true), (false, true)),
        (Fault::KillAfter, "killed", (true, true), (true, true)),
        (Fault::KillBefore, "killed", (false, false), (false, false)),
    ];
    for (fault, heard, then, after) in cases {
        let memory = memory();
        let mut member = memory.consumer("group", &["topic"]).unwrap();
        answer(&mut member);
        let process = memory.process("spoilt");
        process.plan(FaultPlan::none().at_nth(Step::Commit, 0, fault));
        let mut producer = process.producer("id", NOW).unwrap();
        open(&mut producer, "value");
        producer.offsets(&[(at(0), 5)], &member.group().unwrap()).unwrap();
        let result = match producer.commit() {
            Ok(()) => "ok",
            Err(BusError::Doubtful(_)) => "doubt",
            Err(BusError::Killed) => "killed",
            Err(error) => panic!("{fault:?}: {error}"),
        };
        assert_eq!(result, heard, "{fault:?}");
        let mut state = || {
            let offset = member.committed(&[at(0)], NOW).unwrap_or(vec![None]);
            (committed(&memory) == ["value"], offset == [Some(5)])
        };
        assert_eq!(state(), then, "{fault:?}");
        assert_eq!(producer.is_doubtful(), result != "killed", "{fault:?}");
        memory.process("next").producer("id", NOW).unwrap();
        assert_eq!(state(), after, "{fault:?} after a takeover");
    }
}

/// KAFKA-17754: a copy of a commit ends the next transaction of the same epoch halfway.
#[test]
fn a_copy_of_a_commit_tears_the_next_transaction_unless_the_id_was_taken_over() {
    for recycles in [false, true] {
        let memory = memory();
        let process = memory.process("torn");
        process.plan(FaultPlan::none().at_nth(Step::Commit, 0, Fault::Doubled(3)));
        let mut producer = process.producer("id", NOW).unwrap();
        write(&mut producer, "first");
        assert!(producer.is_doubtful());
        if recycles {
            producer = process.producer("id", NOW).unwrap();
        }
        open(&mut producer, "second");
        producer.send(&keyed("key", "third")).unwrap();
        let expected: &[&str] = if recycles { &["first"] } else { &["first", "second"] };
        assert_eq!(committed(&memory), expected);
        producer.abort().unwrap();
        write(&mut producer, "fourth");
        assert_eq!(committed(&memory).last().unwrap(), "fourth");
        assert_eq!(committed(&memory).contains(&"second".to_owned()), !recycles);
    }
}

#[test]
fn an_unreachable_broker_leaves_a_commit_in_doubt() {
    let memory = memory();
    let process = memory.process("alone");
    process.plan(FaultPlan::none().at_nth(Step::Commit, 0, Fault::Unavailable(3)));
    let mut producer = process.producer("id", NOW).unwrap();
    open(&mut producer, "value");
    assert!(matches!(producer.commit(), Err(BusError::Doubtful(_))));
    for _ in 0..2 {
        let again = process.producer("id", NOW).map(|_| ());
        assert!(matches!(again, Err(BusError::Unavailable(_))), "{again:?}");
    }
    write(&mut process.producer("id", NOW).unwrap(), "again");
    assert_eq!(committed(&memory), ["again"]);
}

#[test]
fn a_rebalance_moves_partitions_and_generations() {
    let memory = memory();
    let mut members: Vec<_> =
        (0..2).map(|_| memory.consumer("group", &["topic"]).unwrap()).collect();
    (0..3).for_each(|_| members.iter_mut().for_each(|member| drop(answer(member))));
    let old = members[0].group().unwrap();
    memory.rebalance();
    assert_eq!(members[0].poll(NOW).unwrap(), Some(GroupEvent::Revoked(vec![at(0)])));
    let before = members[0].group().unwrap();
    members[0].release(&[at(0)]).unwrap();
    let second = answer(&mut members[1]);
    assert_eq!(second, [GroupEvent::Revoked(vec![at(1)]), GroupEvent::Assigned(vec![at(0)])]);
    assert_eq!(answer(&mut members[0]), [GroupEvent::Assigned(vec![at(1)])]);
    let mut producer = memory.producer("id", NOW).unwrap();
    producer.begin().unwrap();
    for group in [old, before] {
        // A release is a joining again: it ends a generation too.
        let refused = producer.offsets(&[(at(0), 1)], &group);
        assert!(matches!(refused, Err(BusError::Abortable(_))), "{refused:?}");
        producer.abort().unwrap();
        producer.begin().unwrap();
    }
    producer.offsets(&[(at(0), 1)], &members[0].group().unwrap()).unwrap();
}

#[test]
fn a_topic_made_later_reaches_who_waits_for_it() {
    let memory = Memory::new(0);
    let mut member = memory.consumer("group", &["topic"]).unwrap();
    assert_eq!(answer(&mut member), []);
    create(&memory, "topic", Vec::new());
    assert_eq!(answer(&mut member), [GroupEvent::Assigned(vec![at(0), at(1)])]);
}

#[test]
fn who_was_thrown_out_commits_nothing_until_it_has_joined_again() {
    let memory = memory();
    let process = memory.process("thrown out");
    let mut member = process.consumer("group", &["topic"]).unwrap();
    process.plan(FaultPlan::none().at_nth(Step::Assigned, 0, Fault::Kick));
    let mut lost = Vec::new();
    while lost.is_empty() {
        if let Some(GroupEvent::Lost(places)) = member.poll(NOW).unwrap() {
            lost = places;
        }
    }
    let mut producer = process.producer("id", NOW).unwrap();
    producer.begin().unwrap();
    let refused = producer.offsets(&[(at(0), 1)], &member.group().unwrap());
    assert!(matches!(refused, Err(BusError::Abortable(_))), "{refused:?}");
    producer.abort().unwrap();
    member.release(&lost).unwrap();
    assert_eq!(answer(&mut member), [GroupEvent::Assigned(lost)]);
    producer.begin().unwrap();
    producer.offsets(&[(at(0), 1)], &member.group().unwrap()).unwrap();
}

#[test]
fn retention_and_compaction_leave_offsets_alone() {
    let memory = memory();
    let mut producer = memory.producer("id", NOW).unwrap();
    for (key, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
        producer.begin().unwrap();
        producer.send(&keyed(key, value)).unwrap();
        producer.commit().unwrap();
    }
    open(&mut producer, "aborted");
    producer.abort().unwrap();
    open(&mut producer, "open");
    memory.compact("topic");
    let pair = |offset: u64, value: &str| (offset, value.to_owned());
    assert_eq!(read(&memory, Isolation::ReadCommitted), [pair(2, "2"), pair(4, "3")]);
    let all = [pair(2, "2"), pair(4, "3"), pair(8, "open")];
    assert_eq!(read(&memory, Isolation::ReadUncommitted), all);
    memory.truncate(&at(0), 3).unwrap();
    assert!(memory.truncate(&at(7), 3).is_err());
    assert_eq!(read(&memory, Isolation::ReadCommitted), [pair(4, "3")]);
    let bounds = memory.admin().unwrap().bounds(&at(0), Isolation::ReadCommitted).unwrap();
    assert_eq!(bounds, (3, 8));
    let mut member = memory.consumer("group", &["topic"]).unwrap();
    answer(&mut member);
    member.assign(&[(at(0), 2)]).unwrap();
    member.resume(&[at(0)]).unwrap();
    let expected = BusError::OutOfRange { partition: at(0), offset: 2, start: 3 };
    assert_eq!(member.poll(NOW), Err(expected));
    // Nothing is dropped of what is open.
    memory.truncate(&at(0), 100).unwrap();
    producer.commit().unwrap();
    assert_eq!(read(&memory, Isolation::ReadCommitted), [pair(8, "open")]);
}

#[test]
fn offsets_can_be_forgotten_or_denied() {
    let memory = memory();
    let process = memory.process("asks");
    let mut member = process.consumer("group", &["topic"]).unwrap();
    answer(&mut member);
    let mut producer = memory.producer("id", NOW).unwrap();
    producer.begin().unwrap();
    producer.offsets(&[(at(0), 5)], &member.group().unwrap()).unwrap();
    producer.commit().unwrap();
    memory.plan(FaultPlan::none().at_nth(Step::Committed, 0, Fault::NoOffset));
    let mut ask = || member.committed(&[at(0)], NOW).unwrap().remove(0);
    assert_eq!([ask(), ask()], [None, Some(5)]);
    memory.forget_offsets("group");
    assert_eq!(ask(), None);
}

#[test]
fn the_clock_stamps_records_and_may_jump() {
    let memory = memory();
    let mut producer = memory.producer("id", NOW).unwrap();
    let mut stamp = |value: &str| {
        write(&mut producer, value);
        let mut reader = memory.reader(&at(0), 0, Isolation::ReadCommitted).unwrap();
        let last = std::iter::from_fn(|| reader.next(NOW).unwrap()).last().unwrap();
        last.timestamp_ms
    };
    let first = stamp("1");
    memory.advance(700);
    assert_eq!(stamp("2"), first + 700);
    memory.set_time(5);
    // A topic without LogAppendTime has the producers' clocks, which may go back.
    assert_eq!(stamp("3"), 5);
    let log_time = ("message.timestamp.type".to_owned(), "LogAppendTime".to_owned());
    create(&memory, "log time", vec![log_time]);
    for (now_ms, expected) in [(9, 9), (4, 9), (12, 12)] {
        memory.set_time(now_ms);
        let record = Outgoing { to: TopicPartition::new("log time", 0), ..keyed("key", "value") };
        let mut producer = memory.producer("id", NOW).unwrap();
        producer.begin().unwrap();
        producer.send(&record).unwrap();
        producer.commit().unwrap();
        let mut reader = memory.reader(&record.to, 0, Isolation::ReadCommitted).unwrap();
        let last = std::iter::from_fn(|| reader.next(NOW).unwrap()).last().unwrap();
        assert_eq!(last.timestamp_ms, expected);
        assert_eq!(memory.now_ms(), now_ms);
    }
}
