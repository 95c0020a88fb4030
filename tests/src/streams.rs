//! Streams of events for the tests: the demo's, the demo's in quick succession, and a hostile one. All of them
//! are the same bytes each time; none is real traffic.

use serde_json::{Value, json};

/// 2026-01-05T00:00:00Z in milliseconds.
const START_MS: i64 = 1_767_571_200_000;

/// Numbers that look random and are the same in each run (splitmix64).
#[derive(Clone, Copy, Debug)]
pub struct Noise(pub u64);

impl Noise {
    /// Draws the next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns the next number below a limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }

    /// Returns one of these.
    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// Returns the lines of an input, without line breaks.
pub fn lines_of(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// Returns the first events of the demo.
pub fn demo_prefix(count: usize) -> Vec<u8> {
    let mut bytes = scenario::generate(7);
    let mut ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let end = ends.nth(count - 1).map(|(place, _)| place + 1);
    bytes.truncate(end.expect("the demo is long enough"));
    bytes
}

/// Gives events new times at a fixed pace, so that many fall into one epoch.
pub fn dense(bytes: &[u8], pace_ms: i64) -> Vec<u8> {
    let mut out = Vec::new();
    for (place, line) in lines_of(bytes).into_iter().enumerate() {
        let mut event: Value = serde_json::from_slice(line).expect("a JSON line");
        event["time"] = time(START_MS + place as i64 * pace_ms).into();
        push(&mut out, &event);
    }
    out
}

/// Returns valid events that no agent would send: extremes in every field, times that jump ahead and back,
/// changing authorities, repeated ids.
pub fn adversarial(seed: u64, count: u64) -> Vec<u8> {
    let mut noise = Noise(seed);
    let mut out = Vec::new();
    let mut now_ms = START_MS;
    for place in 0..count {
        now_ms += match noise.below(400) {
            0 => 40 * 86_400_000,
            1..=4 => 7 * 3_600_000,
            5..=60 => 0,
            _ => noise.below(90_000) as i64,
        };
        let behind = if noise.below(20) == 0 { noise.below(10_800_000) as i64 } else { 0 };
        let id = if noise.below(50) == 0 { noise.below(place + 1) } else { place };
        let event = hostile_event(&mut noise, id, time(now_ms - behind));
        push(&mut out, &event);
    }
    out
}

fn hostile_event(noise: &mut Noise, id: u64, time: String) -> Value {
    let mode = noise.pick(&["delegated", "delegated", "autonomous", "unknown"]);
    let tools = if noise.below(8) == 0 { 10_000 } else { 3 };
    let places = if noise.below(8) == 0 { 1 << 40 } else { 5 };
    let bytes = [0_u64, 1, 4_000, 5_000, 1 << 31, (1 << 53) - 1];
    let mut bytes = || bytes[noise.below(6) as usize];
    let (bytes_out, bytes_in) = (bytes(), bytes());
    json!({
        "schema": "agent.activity/1",
        "id": format!("adv-{id}"),
        "time": time,
        "tenant_id": noise.pick(&["acme", "globex"]),
        "agent": {
            "id": format!("adv-agent-{}", noise.below(12)),
            "blueprint": noise.pick(&["one", "two"]),
            "version": format!("1.{}", noise.below(3)),
        },
        "delegation": {
            "mode": mode,
            "purpose": format!("purpose-{}", noise.below(4)),
            "subject": {"id": format!("user-{}", noise.below(40)), "type": "user"},
        },
        "session": {"id": format!("s-{}", noise.below(30))},
        "action": {
            "type": noise.pick(&["tool_call", "data_read", "code_execution", "token_issue"]),
            "tool": {"name": format!("tool-{}", noise.below(tools))},
        },
        "resource": {
            "id": format!("place/{}/{}", noise.below(places), noise.below(places)),
            "type": "object",
            "classification": noise.pick(&["public", "internal", "restricted"]),
        },
        "destination": {"host": format!("host-{}.example", noise.below(places)), "port": 443},
        "source": {
            "ip": "10.20.30.40",
            "asn": 64_512 + noise.below(3),
            "geo": {"country": noise.pick(&["DE", "FR", "SC"])},
            "anonymizer": noise.pick(&["none", "none", "none", "tor"]),
        },
        "outcome": {"result": noise.pick(&["success", "success", "failure", "denied"])},
        "usage": {"bytes_out": bytes_out, "bytes_in": bytes_in},
    })
}

fn push(out: &mut Vec<u8>, event: &Value) {
    serde_json::to_writer(&mut *out, event).expect("a JSON line");
    out.push(b'\n');
}

fn time(ms: i64) -> String {
    schemas::EventTime::from_millis(ms).expect("a time within bounds").rfc3339()
}
