//! The breaker of a lane at work: a guarded input that is mostly refused stands still, the others go on, and where nothing
//! more comes it mends by itself.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::memory::Memory;
use bus::{Bus, Cleanup, Outgoing, Producer, TopicPartition, TopicSpec};
use lane::{
    BatchLimits, Board, BreakerLimits, Committer, Hands, InForce, Lane, Notice, Turned, Worker,
    WorkerSettings,
};

use crate::core::layout;
use crate::toy::{FINDINGS, INPUT, Toy};

/// What the breaker did.
#[derive(Clone, Default)]
struct Turns(Arc<Mutex<Vec<Turned>>>);

impl lane::Meter for Turns {
    fn note(&self, notice: &Notice<'_>) {
        if let Notice::Breaker(turned) = notice {
            self.0.lock().unwrap().push(*turned);
        }
    }
}

fn write(memory: &Memory, topic: &str, (value, times): (&str, usize)) {
    let mut producer = memory.producer("source", Duration::ZERO).unwrap();
    producer.begin().unwrap();
    for _ in 0..times {
        let value = Some(value.as_bytes().to_vec());
        let to = TopicPartition::new(topic, 0);
        producer.send(&Outgoing { to, key: None, value, headers: Vec::new() }).unwrap();
    }
    producer.commit().unwrap();
}

fn worker(memory: &Memory, turns: &Turns) -> Worker<Memory, Toy> {
    let mut admin = memory.admin().unwrap();
    for (name, partitions) in layout(1).partitions {
        let (name, cleanup) = (name.to_string(), Cleanup::Delete(u64::MAX));
        let spec = TopicSpec { name, partitions, replicas: 0, cleanup, settings: Vec::new() };
        admin.create(&spec).unwrap();
    }
    let process = memory.process("lane");
    let lane = Lane::new(
        layout(1),
        BatchLimits { age_ms: 0, records: 10, bytes: 1 << 20 },
        "lane".to_owned(),
        Box::new(|at| Toy::new(&at.topic)),
        (1, InForce::default()),
    );
    let meter: Arc<dyn lane::Meter> = Arc::new(turns.clone());
    let committer = Committer::new(process.clone(), "lane".to_owned(), Arc::clone(&meter));
    let settings = WorkerSettings {
        group: "group".to_owned(),
        accept_state_loss: false,
        drain_ms: 5_000,
        breaker: BreakerLimits { percent: 50, activities_min: 40 },
        nonce: || 1,
    };
    let hands = Hands::Own(Box::new(committer));
    let board = Board::new(1, InForce::default());
    Worker::new(process, settings, lane, hands, (board, meter)).unwrap()
}

#[test]
fn only_what_is_guarded_stands_still_and_time_mends() {
    let (memory, turns) = (Memory::new(1), Turns::default());
    let mut worker = worker(&memory, &turns);
    write(&memory, INPUT, ("bad", 40));
    let step = |worker: &mut Worker<Memory, Toy>, now_ms: i64| {
        for _ in 0..40 {
            worker.step(now_ms, Duration::ZERO).unwrap();
            memory.advance(5);
        }
    };
    let next = |worker: &Worker<Memory, Toy>, topic: &str| {
        worker.lane().partitions().find(|(at, ..)| &*at.topic == topic).unwrap().1
    };
    step(&mut worker, 1);
    let turned = |turns: &Turns| turns.0.lock().unwrap().clone();
    assert!(matches!(turned(&turns)[..], [Turned::Broke { wait_ms: 60_000, again: false, .. }]));
    let stood = next(&worker, INPUT);
    write(&memory, INPUT, ("a0 2", 5));
    // What is not guarded may be refused as it likes, and is read all the same.
    write(&memory, FINDINGS, ("bad", 100));
    step(&mut worker, 30_000);
    assert_eq!((next(&worker, INPUT), next(&worker, FINDINGS)), (stood, 100));
    assert_eq!(turned(&turns).len(), 1);
    // The wait is over: what waited is read, and tells.
    step(&mut worker, 60_001);
    assert!(next(&worker, INPUT) > stood);
    assert_eq!(turned(&turns)[1..], [Turned::Mended]);
    write(&memory, INPUT, ("bad", 40));
    step(&mut worker, 60_002);
    assert!(matches!(turned(&turns)[2..], [Turned::Broke { again: false, .. }]));
    // Nothing comes any more.
    step(&mut worker, 180_001);
    assert_eq!(turned(&turns).len(), 3);
    step(&mut worker, 180_002);
    assert_eq!(turned(&turns)[3..], [Turned::Mended], "by time");
}
