//! What brokers and networks do to a log: kills, outages, lost and late requests. Each test has a broker of its own.
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::slice::from_ref;
use std::thread::sleep;
use std::time::{Duration, Instant};

use bus::{Bus, BusError, Consumer, GroupEvent, Isolation, Producer, Reader, TopicPartition};
use tests::broker::Broker;
use tests::kafka::{
    PATIENCE, STEP, given, kafka, producer, read, sole_member, text, topic, until, values, write,
};
use tests::proxy::{END_TXN, Fault, Proxy};

/// Members hear of a loss with their next heartbeat.
const PROMPT: (&str, &str) = ("heartbeat.interval.ms", "500");
/// How much longer than asked a call may take.
const SLACK: Duration = Duration::from_secs(5);

/// A broker that is killed in the middle of a transaction and comes back: the member goes on at the next record,
/// with nothing lost or twice, and the id can be taken over.
#[test]
fn a_killed_broker_is_waited_for() {
    let Some(broker) = Broker::own("killed") else { return };
    let bus = kafka(broker.address(), &[]);
    let at = topic(&bus, "killed", 1, &[]).remove(0);
    let mut first = producer(&bus, "killed");
    let mut member = sole_member(&bus, "killed", "killed");
    let mut seen = Vec::new();
    let mut poll = |seen: &mut Vec<String>| match member.poll(STEP) {
        Ok(Some(GroupEvent::Record(record))) => seen.extend(values([&record])),
        Ok(Some(GroupEvent::Lost(places) | GroupEvent::Revoked(places))) => {
            member.release(&places).unwrap();
        }
        Ok(Some(GroupEvent::Assigned(places))) => {
            let next = seen.len() as u64;
            // Offsets of what was seen: one control record follows each transaction of one record.
            member.assign(&[(places[0].clone(), next * 2)]).unwrap();
            member.resume(&places).unwrap();
        }
        Ok(None) | Err(BusError::Unavailable(_)) => {}
        Err(error) => panic!("{error}"),
    };
    write(&mut first, &at, &["0"]).unwrap();
    until("record 0", || {
        poll(&mut seen);
        (seen == ["0"]).then_some(())
    });
    first.begin().unwrap();
    first.send(&text(&at, "lost")).unwrap();
    sleep(STEP * 4);
    broker.kill9();
    let begun = Instant::now();
    let outcome = first.commit();
    println!("commit after {:?}: {outcome:?}", begun.elapsed());
    assert!(
        matches!(outcome, Err(BusError::Doubtful(_) | BusError::Abortable(_))),
        "expected doubt, got {outcome:?}"
    );
    assert!(first.is_doubtful());
    drop(first);
    for _ in 0..20 {
        poll(&mut seen);
    }
    broker.start();
    let mut second = producer(&bus, "killed");
    for value in ["1", "2", "3"] {
        write(&mut second, &at, &[value]).unwrap();
    }
    until("the other records", || {
        poll(&mut seen);
        (seen.len() >= 4).then_some(())
    });
    assert_eq!(seen, ["0", "1", "2", "3"]);
    assert_eq!(read(&bus, &at), ["0", "1", "2", "3"]);
}

/// Without a broker each call ends in time and says that the log is away; nothing hangs, also not at the end.
#[test]
fn a_broker_that_is_away_is_unavailable() {
    let Some(broker) = Broker::own("away") else { return };
    let bus = kafka(broker.address(), &[("session.timeout.ms", "3000"), PROMPT]);
    let at = topic(&bus, "away", 1, &[]).remove(0);
    let mut member = sole_member(&bus, "away", "away");
    let mut asked = bus.consumer("away-asked", &["away"]).unwrap();
    assert_eq!(given(&mut asked), from_ref(&at));
    let mut reader = bus.reader(&at, 0, Isolation::ReadCommitted).unwrap();
    let mut open = producer(&bus, "away-open");
    open.begin().unwrap();
    open.send(&text(&at, "open")).unwrap();
    broker.kill9();
    let away = |what: &str, limit: Duration, call: &mut dyn FnMut() -> Result<(), BusError>| {
        let begun = Instant::now();
        let outcome = call();
        let elapsed = begun.elapsed();
        println!("{what}: {elapsed:?} {outcome:?}");
        assert!(elapsed < limit + SLACK, "{what} took {elapsed:?}");
        assert!(matches!(outcome, Err(BusError::Unavailable(_))), "{what}: {outcome:?}");
    };
    let two = Duration::from_secs(2);
    let ten = Duration::from_secs(10);
    away("committed", two, &mut || member.committed(from_ref(&at), two).map(|_| ()));
    away("producer", two, &mut || bus.producer("away", two).map(|_| ()));
    away("reader", ten, &mut || bus.reader(&at, 0, Isolation::ReadCommitted).map(|_| ()));
    let mut admin = bus.admin().unwrap();
    away("describe", ten, &mut || admin.describe(&["away"]).map(|_| ()));
    away("bounds", ten, &mut || admin.bounds(&at, Isolation::ReadCommitted).map(|_| ()));
    let (mut heard, mut lost) = (0, false);
    until("a loss", || {
        for outcome in [member.poll(STEP), asked.poll(STEP), reader.next(STEP).map(|_| None)] {
            match outcome {
                Ok(event) => lost |= matches!(event, Some(GroupEvent::Lost(_))),
                Err(BusError::Unavailable(_)) => heard += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (lost && heard > 0).then_some(())
    });
    let outcome = bus.consumer("away-new", &["away"]).unwrap().poll(STEP);
    assert!(matches!(outcome, Ok(None) | Err(BusError::Unavailable(_))), "{outcome:?}");
    let begun = Instant::now();
    // The one did not answer that it lost its partition, the other not even that it got one.
    drop((member, asked, reader, open, admin));
    println!("dropped after {:?}", begun.elapsed());
    assert!(begun.elapsed() < ten + SLACK, "dropping took {:?}", begun.elapsed());
}

/// librdkafka repeats an EndTxn whose answer was lost, and says `Ok`: that it was repeated must be told.
#[test]
fn a_lost_answer_makes_the_producer_doubtful() {
    let proxy = Proxy::new();
    let Some(broker) = Broker::own_behind("lost", &proxy) else { return };
    let bus = kafka(broker.address(), &[]);
    let at = topic(&bus, "lost", 1, &[]).remove(0);
    let mut expected = Vec::new();
    for round in ["0", "1", "2"] {
        let mut producer = producer(&bus, "lost");
        let (before, after) = (format!("{round} before"), format!("{round} after"));
        write(&mut producer, &at, &[&before]).unwrap();
        assert!(!producer.is_doubtful(), "nothing happened yet");
        proxy.spoil(END_TXN, Fault::LoseReply);
        write(&mut producer, &at, &[&after]).unwrap();
        assert_eq!(proxy.n_waiting(), 0, "the fault was met");
        assert!(producer.is_doubtful(), "the connection was lost during the commit");
        expected.extend([before, after]);
    }
    assert_eq!(read(&bus, &at), expected);
}

/// An EndTxn that comes late must not end the next transaction: that is what recycling is for.
#[test]
fn a_late_end_does_not_commit_the_next_transaction() {
    let late = Duration::from_secs(3);
    let proxy = Proxy::new();
    let Some(broker) = Broker::own_behind("late", &proxy) else { return };
    let bus = kafka(broker.address(), &[]);
    let at = topic(&bus, "late", 1, &[]).remove(0);
    let mut first = producer(&bus, "late");
    proxy.spoil(END_TXN, Fault::Late(late));
    let begun = Instant::now();
    write(&mut first, &at, &["first"]).unwrap();
    assert!(begun.elapsed() < late && first.is_doubtful());
    drop(first);
    let mut second = producer(&bus, "late");
    second.begin().unwrap();
    second.send(&text(&at, "open")).unwrap();
    second.send(&text(&TopicPartition::new("late", 0), "too")).unwrap();
    sleep(late + Duration::from_secs(2));
    assert_eq!(read(&bus, &at), ["first"]);
    second.abort().unwrap();
    write(&mut second, &at, &["second"]).unwrap();
    assert_eq!(read(&bus, &at), ["first", "second"]);
    assert!(begun.elapsed() < PATIENCE);
}
