//! Security event tokens on their way: whatever receiver, log and process do, none is lost, each is always the same
//! bytes, and those of a subject arrive in order. The receiver is a socket, the logs are the simulator and a folder.
#![expect(clippy::expect_used, reason = "tests: a failure here is a failure of the test")]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use bus::file::{FileLog, FileSettings};
use bus::memory::{Fault, FaultPlan, Memory};
use bus::{
    Bus, BusError, Cleanup, Isolation, Outgoing, Producer, Reader, TopicPartition, TopicSpec,
};
use receiver::{Expects, Plan, Pushed, Receiver, by_id};
use schemas::ErrorCode;
use schemas::header::DeadLetterHeaders;
use schemas::revocation::{InitiatingEntity, SubjectId};
use schemas::set::{RiskLevelChange, SetClaims, SetEvent};
use schemas::trust::RiskLevel;
use sinks::{Deliverer, Delivery, Endpoint, Notice, Pusher, Route, Signing};

#[path = "../../tests/src/receiver.rs"]
#[expect(unreachable_pub, reason = "tests of a broker share it from a crate of its own")]
mod receiver;

const HEADER: &str = "habitus-receiver";
const ISSUER: &str = "https://habitus.acme.example";
const AUDIENCE: &str = "https://idp.acme.example/ssf";
const PARTITIONS: u32 = 3;

thread_local! {
    /// 2026-01-01T00:00:00Z, and on as a test moves it: each has a thread of its own.
    static NOW_MS: Cell<i64> = const { Cell::new(1_767_225_600_000) };
}

fn clock() -> i64 {
    NOW_MS.get()
}

fn pass(ms: i64) {
    NOW_MS.set(clock() + ms);
}

fn signing() -> Signing {
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys");
    Signing::load(&[keys.join("rsa.pem"), keys.join("ec.pem")]).expect("keys")
}

fn expects() -> Expects {
    Expects {
        jwks: signing().jwks(),
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        authorization: None,
    }
}

/// What a receiver is told of an agent.
fn claims(number: usize, receiver: &str) -> SetClaims {
    let iat = 1_767_225_600 + number as i64;
    SetClaims {
        iss: ISSUER.to_owned(),
        jti: format!("rl-{number}.risk-level-change.0.{receiver}"),
        iat,
        aud: AUDIENCE.to_owned(),
        txn: format!("rl-{number}"),
        sub_id: SubjectId::Opaque { id: agent(number) },
        events: SetEvent::RiskLevelChange(RiskLevelChange {
            event_timestamp: iat,
            principal: "USER".to_owned(),
            current_level: RiskLevel::High,
            previous_level: Some(RiskLevel::Low),
            risk_reason: None,
            initiating_entity: InitiatingEntity::Policy,
            reason_admin: BTreeMap::from([("en".to_owned(), "of the test".to_owned())]),
        }),
    }
}

fn agent(number: usize) -> String {
    format!("agent-{}", number % 7)
}

/// The records of tokens for two receivers, of which one is pushed to.
fn records(count: usize) -> Vec<Outgoing> {
    let signing = signing();
    // The cheap algorithm: what is tested here is the way, not the signature.
    let key = signing.key(Some(sinks::Algorithm::Es256)).expect("a key");
    let record = |(number, receiver): (usize, &str)| {
        let claims = serde_json::to_vec(&claims(number, receiver)).expect("JSON");
        let by = format!("acme|{}", agent(number)).into_bytes();
        Outgoing {
            to: TopicPartition::new("set", bus::partition(&by, PARTITIONS)),
            key: Some(by),
            value: Some(key.sign(&claims).expect("a token").into_bytes()),
            headers: vec![(HEADER.to_owned(), receiver.as_bytes().to_vec())],
        }
    };
    (0..count).flat_map(|number| [(number, "idp"), (number, "other")]).map(record).collect()
}

/// Draws numbers: the same of a seed.
struct Noise(u64);

impl Noise {
    fn below(&mut self, end: u64) -> u64 {
        // The steps of splitmix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// Everything committed in a partition.
fn read_all<B: Bus>(bus: &B, at: &TopicPartition) -> Vec<bus::Record> {
    let mut reader = bus.reader(at, 0, Isolation::ReadCommitted).expect("a reader");
    let mut records = Vec::new();
    while let Some(record) = reader.next(Duration::ZERO).expect("a record") {
        records.push(record);
    }
    records
}

/// A folder of a test's own.
fn fresh(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("habitus-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn prepare<B: Bus>(bus: &B, records: &[Outgoing]) {
    for name in ["set", "dlq"] {
        let spec = TopicSpec {
            name: name.to_owned(),
            partitions: PARTITIONS,
            replicas: 0,
            cleanup: Cleanup::Delete(u64::MAX),
            settings: Vec::new(),
        };
        bus.admin().expect("an admin").create(&spec).expect("a topic");
    }
    let mut producer = bus.producer("lane", Duration::from_secs(1)).expect("a producer");
    for chunk in records.chunks(9) {
        producer.begin().expect("a transaction");
        chunk.iter().for_each(|record| producer.send(record).expect("room"));
        producer.commit().expect("a commit");
    }
}

/// Counts of what a delivery said.
#[derive(Default)]
struct Heard {
    retried: AtomicU64,
    lag_ms_max: AtomicI64,
}

fn delivery(port: u16, heard: &Arc<Heard>) -> Delivery {
    let heard = Arc::clone(heard);
    let url = format!("http://127.0.0.1:{port}/events");
    Delivery {
        route: Route {
            receiver: "idp".to_owned(),
            header: HEADER,
            group: "habitus-set-idp".to_owned(),
            id: "habitus-set-idp-0".to_owned(),
            topic: Arc::from("set"),
            dead_letters: (Arc::from("dlq"), PARTITIONS),
        },
        pusher: Pusher::new(Endpoint { url, authorization_file: None }).expect("an address"),
        clock,
        tell: Box::new(move |notice| match notice {
            Notice::Retried => {
                heard.retried.fetch_add(1, Ordering::Relaxed);
            }
            Notice::Lag(ms) => {
                heard.lag_ms_max.fetch_max(ms, Ordering::Relaxed);
            }
            Notice::Accepted | Notice::Refused(_) => {}
        }),
    }
}

/// The number in a token's id.
fn number(claims: &serde_json::Value) -> usize {
    let id = claims["jti"].as_str().expect("an id");
    id.split(['-', '.']).nth(1).and_then(|text| text.parse().ok()).expect("a number")
}

/// Whether the receiver refuses this one for good.
fn is_refused(number: usize) -> bool {
    number % 11 == 4
}

/// A receiver that fails in every way, as the noise wants it.
fn moody(mut noise: Noise) -> Box<dyn FnMut(&Pushed) -> Plan + Send> {
    Box::new(move |push| match noise.below(100) {
        0..10 => Plan::Status(500, ""),
        10..15 => Plan::Status(503, "Retry-After: 2\r\n"),
        15..20 => Plan::Status(429, "Retry-After: Thu, 01 Jan 2026 00:00:01 GMT\r\n"),
        20..25 => Plan::HangUp,
        25..28 => Plan::Status(200, ""),
        _ if is_refused(number(&push.claims)) => Plan::Refuse("access_denied"),
        _ => Plan::Judge,
    })
}

/// What must hold once everything was pushed: each token as it stands on the log, and its fate.
fn check<B: Bus>(bus: &B, records: &[Outgoing], pushed: &[Pushed]) {
    let ours = |record: &&Outgoing| record.headers[0].1 == b"idp";
    let mut expected = BTreeMap::new();
    let mut by_subject: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (place, record) in records.iter().filter(ours).enumerate() {
        let token = String::from_utf8(record.value.clone().expect("a token")).expect("a text");
        expected.insert(format!("rl-{place}.risk-level-change.0.idp"), token);
        by_subject.entry(record.key.as_deref().expect("a key")).or_default().push(place);
    }
    assert_eq!(by_id(pushed), expected, "the tokens of the log, and no others");
    // Fates by number, in the order in which each token first had one.
    let settled = pushed.iter().filter(|push| [0, 202, 400].contains(&push.status));
    let mut fates: Vec<(usize, u16)> = Vec::new();
    for push in settled {
        let number = number(&push.claims);
        if !fates.iter().any(|(known, _)| *known == number) {
            fates.push((number, push.status));
        }
    }
    for (subject, sent) in by_subject {
        let first: Vec<usize> =
            fates.iter().map(|(number, _)| *number).filter(|n| sent.contains(n)).collect();
        assert_eq!(first, sent, "order of {}", String::from_utf8_lossy(subject));
    }
    let accepted: BTreeSet<usize> =
        pushed.iter().filter(|p| p.status == 202).map(|p| number(&p.claims)).collect();
    let letters = letters(bus);
    let refused: Vec<usize> = (0..expected.len()).filter(|number| is_refused(*number)).collect();
    for place in 0..expected.len() {
        // A receiver that hung up may have it without having said so, but is asked again.
        assert_ne!(accepted.contains(&place), letters.contains_key(&place), "{place}");
    }
    assert_eq!(letters.keys().copied().collect::<Vec<_>>(), refused, "dead letters");
    for (place, token) in letters {
        assert_eq!(token, expected[&format!("rl-{place}.risk-level-change.0.idp")]);
    }
}

/// The dead letters by number: each stands there once, with its reason.
fn letters<B: Bus>(bus: &B) -> BTreeMap<usize, String> {
    let places = (0..PARTITIONS).map(|number| TopicPartition::new("dlq", number));
    let records = places.flat_map(|at| read_all(bus, &at));
    let mut letters = BTreeMap::new();
    for record in records {
        let reason = DeadLetterHeaders::decode(&record.headers).expect("typed headers");
        assert_eq!((reason.code, &*reason.topic), (ErrorCode::ReceiverRefused, "set"));
        assert!(reason.message.contains("access_denied"), "{}", reason.message);
        let token = String::from_utf8(record.value.expect("a token")).expect("a text");
        let claims = token.split('.').nth(1).expect("claims");
        let claims = data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes()).expect("base64url");
        let place = number(&serde_json::from_slice(&claims).expect("JSON"));
        assert!(letters.insert(place, token).is_none(), "{place} is a dead letter twice");
    }
    letters
}

fn is_settled(pushed: &[Pushed], count: usize) -> bool {
    let settled = pushed.iter().filter(|push| [202, 400].contains(&push.status));
    settled.map(|push| number(&push.claims)).collect::<BTreeSet<_>>().len() == count
}

/// What may go wrong on the log without anybody losing what was committed.
fn faults() -> FaultPlan {
    let faults = [
        Fault::KillBefore,
        Fault::KillAfter,
        Fault::Unavailable(5),
        Fault::Abortable,
        Fault::LoseReply,
        Fault::LoseRequest,
        Fault::Late(20),
        Fault::Rebalance,
    ];
    faults.into_iter().fold(FaultPlan::none(), |plan, fault| plan.randomly(40, fault))
}

#[test]
fn kills_and_faults_of_the_log_lose_no_token_and_change_none() {
    for seed in 0..6 {
        let mut noise = Noise(seed);
        let records = records(60);
        let world = Memory::new(seed);
        prepare(&world, &records);
        let receiver = Receiver::start(0, expects(), moody(Noise(seed + 100)));
        let delivery = delivery(receiver.port(), &Arc::default());
        world.plan(faults());
        let (mut lives, mut ended) = (0, false);
        while !is_settled(&receiver.pushed(), 60) || !ended {
            lives += 1;
            assert!(lives < 400, "seed {seed} does not come to an end");
            let process = world.process(&format!("deliverer-{lives}"));
            let mut deliverer = Deliverer::new(process.clone(), &delivery).ok();
            for _ in 0..20 + noise.below(200) {
                pass(40);
                world.advance(40);
                let Some(working) = &mut deliverer else { break };
                if working.step().is_err() {
                    deliverer = None;
                }
            }
            ended = noise.below(3) == 0 && deliverer.is_some_and(|d| d.end().is_ok());
            process.kill();
            // The group misses the dead.
            world.advance(25_000);
            pass(25_000);
        }
        world.plan(FaultPlan::none());
        check(&world, &records, &receiver.pushed());
        // Nothing is left to be sent.
        let before = receiver.pushed().len();
        let mut last = Deliverer::new(world.process("last"), &delivery).expect("a deliverer");
        for _ in 0..200 {
            pass(40);
            world.advance(40);
            last.step().expect("a step");
        }
        assert_eq!(
            receiver.pushed().len(),
            before,
            "seed {seed}: what is committed is not sent again"
        );
        println!("seed {seed}: 60 tokens, {before} pushes, {lives} lives");
    }
}

#[test]
fn an_outage_and_a_kill_on_a_folder_lose_no_token() {
    let folder = fresh("sets");
    let open = || FileLog::open(&folder, FileSettings { clock, sync: false }).expect("a folder");
    let records = records(40);
    prepare(&open(), &records);
    let port = Receiver::honest(0, expects()).port();
    let heard = Arc::<Heard>::default();
    let down = delivery(port, &heard);
    // Twice half a minute without a receiver, each life killed.
    for _ in 0..2 {
        let mut deliverer = Deliverer::new(open(), &down).expect("a deliverer");
        for _ in 0..30 {
            pass(1_000);
            deliverer.step().expect("a step");
        }
    }
    let retried = heard.retried.load(Ordering::Relaxed);
    assert!((2..=2 * 3 * 9).contains(&retried), "{retried} pushes in a minute without a receiver");
    assert!(heard.lag_ms_max.load(Ordering::Relaxed) >= 59_000, "the lag is told");
    let receiver = Receiver::honest(port, expects());
    let mut deliverer = Deliverer::new(open(), &down).expect("a deliverer");
    for _ in 0..400 {
        pass(1_000);
        deliverer.step().expect("a step");
        if is_settled(&receiver.pushed(), 40) {
            break;
        }
    }
    deliverer.end().expect("an end");
    let pushed = receiver.pushed();
    assert_eq!(pushed.len(), 40, "none twice: nobody was killed after the outage");
    assert_eq!(by_id(&pushed).len(), 40);
    remove(&folder);
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).expect("a folder");
}

#[test]
fn a_stranger_is_refused_as_rfc_8935_has_it() {
    let folder = fresh("auth");
    let file = folder.join("authorization");
    std::fs::write(&file, "Bearer of-the-test\n").expect("a file");
    let token = records(1)[0].value.clone().expect("a token");
    let mine = Expects { authorization: Some("Bearer of-the-test".to_owned()), ..expects() };
    let no_key = serde_json::json!({"keys": []});
    for (expects, token, answer) in [
        (mine.clone(), &token[..], None),
        (
            Expects { authorization: None, ..mine.clone() },
            &token[..],
            Some("authentication_failed"),
        ),
        (
            Expects { issuer: "https://x".to_owned(), ..mine.clone() },
            &token[..],
            Some("invalid_issuer"),
        ),
        (
            Expects { audience: "x".to_owned(), ..mine.clone() },
            &token[..],
            Some("invalid_audience"),
        ),
        (Expects { jwks: no_key, ..mine.clone() }, &token[..], Some("invalid_key")),
        (mine.clone(), b"a.b.c", Some("invalid_request")),
    ] {
        let receiver = Receiver::honest(0, expects);
        let url = format!("http://127.0.0.1:{}/", receiver.port());
        let endpoint = Endpoint { url, authorization_file: Some(file.clone()) };
        let found = Pusher::new(endpoint).expect("an address").push(token, 0);
        match (found, answer) {
            (sinks::Answer::Accepted, None) => {}
            (sinks::Answer::Refused { code, .. }, Some(expected)) => assert_eq!(code, expected),
            (found, answer) => panic!("{found:?}, expected {answer:?}"),
        }
    }
    remove(&folder);
}

#[test]
fn retention_that_outran_an_outage_is_passed() -> Result<(), BusError> {
    let records = records(30);
    let world = Memory::new(3);
    prepare(&world, &records);
    for number in 0..PARTITIONS {
        let at = TopicPartition::new("set", number);
        let (_, end) = world.admin()?.bounds(&at, Isolation::ReadCommitted)?;
        world.truncate(&at, end / 2)?;
    }
    let receiver = Receiver::honest(0, expects());
    let delivery = delivery(receiver.port(), &Arc::default());
    let mut deliverer = Deliverer::new(world.process("late"), &delivery)?;
    for _ in 0..600 {
        pass(40);
        world.advance(40);
        deliverer.step()?;
    }
    let left: usize = by_id(&receiver.pushed()).len();
    assert!(0 < left && left < 30, "{left}");
    Ok(())
}
