//! The records of a file in their order. What waits for the span that names its agent holds back what stands behind it:
//! so outcomes come in the order of the input, named as intake names them on a log.

use std::collections::VecDeque;

use ingest::{Arrival, Carrier, Decoded, Hold, Limits, Notes, Released};

use super::Reading;

/// How far a span may move the clock at once, in milliseconds: what is further ahead is refused in files.
const AHEAD_MS_MAX: i64 = 400 * schemas::time::DAY_MS;

/// Most outcomes that stand behind one that waits: beyond it the first goes without its agent, so that memory is bounded.
const QUEUED_MAX: usize = 1 << 16;

/// One outcome of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileOutcome<'a> {
    /// Number of its record.
    pub number: usize,
    /// The record.
    pub bytes: &'a [u8],
    /// Its ordinal there.
    pub ordinal: u32,
    /// The outcome.
    pub decoded: Decoded<'a>,
}

/// What was read of a file and has not left yet.
#[derive(Debug)]
pub struct InOrder<'a> {
    hold: Hold,
    n_read: u64,
    queue: VecDeque<Queued<'a>>,
    /// How many outcomes stand in the queue.
    n_queued: usize,
}

#[derive(Debug)]
struct Queued<'a> {
    number: usize,
    bytes: &'a [u8],
    decoded: Vec<Decoded<'a>>,
    n_waiting: usize,
}

// === impl InOrder ===

impl<'a> InOrder<'a> {
    /// Nothing read yet.
    pub fn new(reading: &Reading) -> Self {
        Self { hold: Hold::new(reading.hold()), n_read: 0, queue: VecDeque::new(), n_queued: 0 }
    }

    /// Reads a record; adds what is ready by now to `out`.
    pub fn read(
        &mut self,
        reading: &'a Reading,
        (number, bytes): (usize, &'a [u8]),
        beside: (&Limits, &Carrier<'_>),
        (notes, out): (&mut Notes, &mut Vec<FileOutcome<'a>>),
    ) {
        let mut decoded = Vec::new();
        let mut released = Vec::new();
        let mut n_waiting = 0;
        if self.hold.holds() {
            let ancestors = self.hold.ancestors();
            let traced = reading.decode_among(bytes, beside, ancestors, (notes, &mut decoded));
            let clock_ms = self.hold.clock_ms();
            let until_ms = if clock_ms == 0 { i64::MAX } else { clock_ms + AHEAD_MS_MAX };
            let arrival = Arrival { ticket: self.n_read, until_ms, bytes: bytes.len() };
            n_waiting = traced.orphans.len();
            released = self.hold.take(arrival, traced, Vec::new);
        } else {
            reading.decode(bytes, beside, notes, &mut decoded);
        }
        self.n_queued += decoded.len();
        self.queue.push_back(Queued { number, bytes, decoded, n_waiting });
        self.n_read += 1;
        self.settle(reading, released);
        self.leave(out);
        while QUEUED_MAX < self.n_queued {
            let released = self.hold.give_up(self.first());
            if released.is_empty() {
                break;
            }
            self.settle(reading, released);
            self.leave(out);
        }
    }

    /// The file is at its end: what waits goes as it is.
    pub fn end(&mut self, reading: &'a Reading, out: &mut Vec<FileOutcome<'a>>) {
        let released = self.hold.end();
        self.settle(reading, released);
        self.leave(out);
    }

    /// The ticket of the record that stands first in the queue.
    fn first(&self) -> u64 {
        self.n_read - self.queue.len() as u64
    }

    fn settle(&mut self, reading: &Reading, released: Vec<Released>) {
        let first = self.first();
        for mut one in released {
            reading.judge(&mut one.decoded);
            let place = usize::try_from(one.ticket - first).unwrap_or(usize::MAX);
            let Some(queued) = self.queue.get_mut(place) else { continue };
            queued.n_waiting = queued.n_waiting.saturating_sub(1);
            if let Some(slot) = queued.decoded.get_mut(one.ordinal as usize) {
                *slot = one.decoded;
            }
        }
    }

    fn leave(&mut self, out: &mut Vec<FileOutcome<'a>>) {
        while let Some(queued) = self.queue.pop_front_if(|queued| queued.n_waiting == 0) {
            let Queued { number, bytes, decoded, .. } = queued;
            self.n_queued -= decoded.len();
            let ordinals = (0..).zip(decoded);
            out.extend(ordinals.map(|(ordinal, decoded)| FileOutcome {
                number,
                bytes,
                ordinal,
                decoded,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORPHAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abababababababababababababababab",
        "spanId":"0000000000000005","parentSpanId":"0000000000000003","endTimeUnixNano":"1795467091412000000","attributes":[
        {"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},
        {"key":"gen_ai.tool.name","value":{"stringValue":"t"}}]}]}]}]}"#;

    #[test]
    fn what_waits_holds_back_no_more_than_a_bound_and_keeps_the_order() {
        let reading = Reading::default();
        let (mut order, mut out) = (InOrder::new(&reading), Vec::new());
        let mut newest = 0;
        // An orphan, lines that wait for nothing, another orphan, more such lines.
        for number in 0..2 * QUEUED_MAX {
            let is_orphan = number == 0 || number == 10;
            let bytes = if is_orphan { ORPHAN.as_bytes() } else { b"{}" };
            let beside = (&Limits::default(), &Carrier::default());
            order.read(&reading, (number, bytes), beside, (&mut Notes::default(), &mut out));
            newest = out.len();
            let expected = match number {
                _ if number < QUEUED_MAX => 0,
                _ if number < QUEUED_MAX + 10 => 10,
                _ => number + 1,
            };
            assert_eq!(newest, expected, "after record {number}");
        }
        order.end(&reading, &mut out);
        assert_eq!((newest, order.n_queued), (out.len(), 0));
        assert!(out.iter().map(|one| one.number).eq(0..2 * QUEUED_MAX));
        let code = |place: usize| match &out[place].decoded {
            Decoded::Rejected(found) => found.code.as_str(),
            Decoded::Activity(_) | Decoded::Skipped(_) => "",
        };
        assert_eq!((code(0), code(10)), ("missing_agent_id", "missing_agent_id"));
    }
}
