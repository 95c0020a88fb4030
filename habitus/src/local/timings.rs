//! How long decode, observe and respond take, in HDR histograms. Measured at the edge, shown with `-v`; no result
//! depends on them.

use hdrhistogram::Histogram;

/// Histograms of the three stages, in nanoseconds.
pub struct Timings {
    decode: Option<Histogram<u64>>,
    observe: Option<Histogram<u64>>,
    respond: Option<Histogram<u64>>,
}

impl Default for Timings {
    fn default() -> Self {
        // Three significant digits up to ten seconds; what cannot be made is not measured.
        let histogram = || Histogram::new_with_bounds(1, 10_000_000_000, 3).ok();
        Self { decode: histogram(), observe: histogram(), respond: histogram() }
    }
}

fn record(histogram: &mut Option<Histogram<u64>>, nanos: u64) {
    if let Some(histogram) = histogram {
        histogram.saturating_record(nanos.max(1));
    }
}

impl Timings {
    pub(super) fn decode(&mut self, nanos: u64) {
        record(&mut self.decode, nanos);
    }

    pub(super) fn observe(&mut self, nanos: u64) {
        record(&mut self.observe, nanos);
    }

    pub(super) fn respond(&mut self, nanos: u64) {
        record(&mut self.respond, nanos);
    }

    /// One line a stage: count, median, 99th percentile and maximum in microseconds.
    pub fn lines(&self) -> Vec<String> {
        let stages =
            [("decode", &self.decode), ("observe", &self.observe), ("respond", &self.respond)];
        let line = |(name, histogram): (&str, &Option<Histogram<u64>>)| {
            let histogram = histogram.as_ref().filter(|histogram| !histogram.is_empty())?;
            #[expect(clippy::cast_precision_loss, reason = "microseconds for people")]
            let micros = |nanos: u64| nanos as f64 / 1_000.0;
            Some(format!(
                "{name:<8} {:>9} times  p50 {:>8.1} us  p99 {:>8.1} us  max {:>9.1} us",
                histogram.len(),
                micros(histogram.value_at_quantile(0.5)),
                micros(histogram.value_at_quantile(0.99)),
                micros(histogram.max()),
            ))
        };
        stages.into_iter().filter_map(line).collect()
    }
}
