//! The records of a file in their order. What waits for the span that names its agent holds back what stands behind it:
//! so outcomes come in the order of the input, named as intake names them on a log.

use std::collections::VecDeque;

use ingest::{Arrival, Carrier, Decoded, Hold, Limits, Notes, Released};

use super::Reading;

/// How far a span may move the clock at once, in milliseconds: what is further ahead is refused in files.
const AHEAD_MS_MAX: i64 = 400 * schemas::time::DAY_MS;

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
        Self { hold: Hold::new(reading.hold()), n_read: 0, queue: VecDeque::new() }
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
        if self.hold.holds() {
            let ancestors = self.hold.ancestors();
            let traced = reading.decode_among(bytes, beside, ancestors, (notes, &mut decoded));
            let clock_ms = self.hold.clock_ms();
            let until_ms = if clock_ms == 0 { i64::MAX } else { clock_ms + AHEAD_MS_MAX };
            let arrival = Arrival { ticket: self.n_read, until_ms, bytes: bytes.len() };
            let n_waiting = traced.orphans.len();
            let released = self.hold.take(arrival, traced, Vec::new);
            self.queue.push_back(Queued { number, bytes, decoded, n_waiting });
            self.n_read += 1;
            self.settle(reading, released);
        } else {
            reading.decode(bytes, beside, notes, &mut decoded);
            self.queue.push_back(Queued { number, bytes, decoded, n_waiting: 0 });
            self.n_read += 1;
        }
        self.leave(out);
    }

    /// The file is at its end: what waits goes as it is.
    pub fn end(&mut self, reading: &'a Reading, out: &mut Vec<FileOutcome<'a>>) {
        let released = self.hold.end();
        self.settle(reading, released);
        self.leave(out);
    }

    fn settle(&mut self, reading: &Reading, released: Vec<Released>) {
        let first = self.n_read - self.queue.len() as u64;
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
