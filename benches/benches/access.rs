//! How long the decision point takes to answer over loopback, with 100,000 actors in its table: each connection asks one
//! evaluation after the other, of another actor each time. It prints p50 and p99 of a question, and of a batch of 20.
#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a bench measures time")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use alerting::{Mode, Settings};
use serde_json::{Value, json};
use telemetry::{AccessPoint, AccessSettings, Guard, Role, Tokens, serve_access};

const ACTORS: usize = 100_000;
const QUESTIONS: usize = 20_000;
const WARM_UP: usize = 1_000;
const BATCH: usize = 20;

fn main() {
    // `cargo test --benches` only tries it.
    let is_trial = !std::env::args().any(|argument| argument == "--bench");
    let (actors, questions) = if is_trial { (100, 10) } else { (ACTORS, QUESTIONS) };
    let respond = Settings { mode: Mode::Enforce, ..Settings::default() };
    let point = Arc::new(AccessPoint::new(AccessSettings {
        respond,
        guard: Guard { tokens: Tokens::default().with(Role::Caller, "token"), tls: None },
        url: String::new(),
        age_ms_max: i64::MAX,
        clock: || 0,
    }));
    point.confirm();
    point.change(|table| {
        for actor in 0..actors {
            let (key, value) = record(actor);
            table.take_up(key.as_bytes(), Some(value.as_bytes())).expect("a trust record");
        }
        assert_eq!(table.n_agents(), actors);
    });
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = serve_access(listen, point).expect("a free port");
    println!("access: {actors} actors, {questions} questions over one connection of loopback");
    let single = |n: usize| subject(n % actors);
    measure("evaluation", server.address(), ("/access/v1/evaluation", questions), single);
    let several = |n: usize| {
        let items: Vec<Value> = (0..BATCH).map(|k| subject((n * BATCH + k) % actors)).collect();
        json!({"evaluations": items})
    };
    let path = "/access/v1/evaluations";
    measure("evaluations, 20 each", server.address(), (path, questions / 10), several);
}

fn record(actor: usize) -> (String, String) {
    let (score, level) =
        [(95.0, "trusted"), (70.0, "watch"), (50.0, "restricted"), (20.0, "untrusted")][actor % 4];
    let value = json!({
        "schema": "agent.trust/1", "tenant_id": "default", "agent_id": format!("agent-{actor}"),
        "authority": "delegated", "time": "2026-11-26T12:00:00Z", "sequence": 1, "score": score,
        "level": level, "risk_score": 0, "risk_level": "LOW", "reason": "evidence",
    });
    (format!("default|delegated|agent-{actor}"), value.to_string())
}

fn subject(actor: usize) -> Value {
    json!({
        "subject": {"type": "ai_agent", "id": format!("agent-{actor}"),
            "properties": {"authority": "delegated", "owner": "alice"}},
        "action": {"name": "read"},
        "resource": {"type": "table", "id": "orders", "properties": {"classification": "internal"}},
    })
}

fn measure(
    name: &str,
    address: SocketAddr,
    (path, questions): (&str, usize),
    body: impl Fn(usize) -> Value,
) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a socket without delay");
    let mut answers = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut took: Vec<Duration> = Vec::new();
    for n in 0..questions + WARM_UP.min(questions) {
        let body = body(n).to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer token\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).expect("a question is sent");
        let answer = answer(&mut answers);
        if n >= WARM_UP.min(questions) {
            took.push(begun.elapsed());
        }
        assert!(answer.contains("\"decision\":"), "{answer}");
    }
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{name}: p50 {:.0} us, p99 {:.0} us, most {:.0} us", at(0.5), at(0.99), at(1.0));
}

/// The body of the next answer.
fn answer(from: &mut impl BufRead) -> String {
    let (mut length, mut line) = (0, String::new());
    loop {
        line.clear();
        from.read_line(&mut line).expect("a line");
        let text = line.trim_end().to_lowercase();
        if let Some(value) = text.strip_prefix("content-length: ") {
            length = value.parse().expect("a length");
        }
        if text.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("text")
}
