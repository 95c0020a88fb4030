//! How long decode, observe and respond take in one process. Measured at the edge, shown with `-v`; no result depends
//! on them.

use telemetry::Latency;

/// The three stages.
#[derive(Default)]
pub struct Timings {
    decode: Latency,
    observe: Latency,
    respond: Latency,
}

impl Timings {
    pub(super) fn decode(&mut self, nanos: u64) {
        self.decode.record_nanos(nanos);
    }

    pub(super) fn observe(&mut self, nanos: u64) {
        self.observe.record_nanos(nanos);
    }

    pub(super) fn respond(&mut self, nanos: u64) {
        self.respond.record_nanos(nanos);
    }

    /// One line a stage: count, median, 99th percentile and maximum in microseconds.
    pub fn lines(&self) -> Vec<String> {
        let stages =
            [("decode", &self.decode), ("observe", &self.observe), ("respond", &self.respond)];
        let line = |(name, latency): (&str, &Latency)| {
            let taken = latency.quantiles()?;
            #[expect(clippy::cast_precision_loss, reason = "microseconds for people")]
            let micros = |nanos: u64| nanos as f64 / 1_000.0;
            Some(format!(
                "{name:<8} {:>9} times  p50 {:>8.1} us  p99 {:>8.1} us  max {:>9.1} us",
                taken.count,
                micros(taken.p50),
                micros(taken.p99),
                micros(taken.max),
            ))
        };
        stages.into_iter().filter_map(line).collect()
    }
}
