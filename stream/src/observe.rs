//! The observe fold over the records of a log: bytes to activities, activities to findings, trust and dead letters. It
//! wires; what is strange is decided in the fold.

use std::sync::Arc;

use bus::Record;
use detector::{Observe, Outcome, Stamp, Tally};
use lane::{Applied, Counts, Emit};
use mapping::Reading;
use schemas::Activity;
use schemas::finding::{Body, Finding};
use schemas::header::{EventHeaders, OriginHeaders, RecordKind};
use schemas::trust::TrustRecord;

use super::admit::{Admission, Gate};
use super::dead_letter::quarantined;
use super::setup::Setup;

/// The observe fold of one partition of the input.
pub struct ObserveStream {
    observe: Observe,
    setup: Arc<Setup>,
    reading: Arc<Reading>,
    log_ms: i64,
    control_offset: u64,
}

impl ObserveStream {
    /// A partition that has seen nothing.
    pub fn new(setup: Arc<Setup>) -> Self {
        let mut observe = Observe::new(Arc::clone(&setup.observe));
        observe.track_touched();
        let reading = Arc::new(setup.reading_of(&setup.names.activity));
        Self { observe, setup, reading, log_ms: 0, control_offset: 0 }
    }

    /// The fold.
    pub fn fold(&self) -> &Observe {
        &self.observe
    }

    /// The fold, to restore and to take up tables.
    pub(super) fn fold_mut(&mut self) -> &mut Observe {
        &mut self.observe
    }

    /// Names the control records in force in what follows.
    pub(super) fn set_control_offset(&mut self, offset: u64) {
        self.control_offset = offset;
    }

    /// Newest log time.
    pub(super) fn log_ms(&self) -> i64 {
        self.log_ms
    }

    /// Sets the newest log time at a restore.
    pub(super) fn resume(&mut self, log_ms: i64) {
        self.log_ms = log_ms;
    }

    /// Takes in one record.
    pub(super) fn apply(&mut self, record: &Record) -> Applied {
        let setup = Arc::clone(&self.setup);
        let (began_ms, log_ms) = times(record, setup.rekeys);
        // The broker's clock may jump back at a change of leader: log time never does.
        self.log_ms = self.log_ms.max(log_ms);
        let gate = if setup.rekeys { Gate::Rekeyed } else { Gate::Keyed };
        let (reading, inventory) =
            (Arc::clone(&self.reading), Arc::clone(self.observe.inventory()));
        let (setup, reading, inventory) = (&*setup, &*reading, &*inventory);
        let admission = Admission { setup, reading, inventory, gate };
        admission.admit((record, self.log_ms), |applied, activity, ordinal| {
            self.observe(activity, (record, ordinal, began_ms), applied);
            Ok(())
        })
    }

    /// Refuses a record that killed the process.
    pub(super) fn quarantine(&mut self, record: &Record) -> Applied {
        self.log_ms = self.log_ms.max(times(record, self.setup.rekeys).1);
        quarantined(&self.setup, record, self.log_ms)
    }

    fn observe(
        &mut self,
        activity: &Activity<'_>,
        (record, ordinal, began_ms): (&Record, u32, i64),
        applied: &mut Applied,
    ) {
        let setup = Arc::clone(&self.setup);
        let stamp = Stamp {
            topic: &setup.input_id,
            partition: record.at.partition,
            offset: record.offset,
            ordinal,
            log_ms: self.log_ms,
        };
        if let Some(end) = self.observe.advance(&stamp) {
            self.publish((end.findings, end.trust), began_ms, applied);
        }
        let observed =
            setup.timed(telemetry::Stage::Observe, || self.observe.apply(activity, &stamp, false));
        match observed {
            Outcome::Duplicate => applied.counts.duplicate += 1,
            Outcome::Scored(observed) => {
                applied.counts.scored += 1;
                let Tally { hours, allowed_micro } = observed.tally;
                let sums = telemetry::sums(hours, 0, allowed_micro);
                applied.counts.add(&Counts { sums, ..Counts::default() });
                let late = observed.late;
                setup.tell(|metrics| metrics.late(u64::from(late)));
                let trust = observed.trust_record.map(|trust| *trust).into_iter().collect();
                self.publish((observed.findings, trust), began_ms, applied);
            }
        }
    }

    fn publish(
        &self,
        (findings, trust): (Vec<Finding>, Vec<TrustRecord>),
        began_ms: i64,
        applied: &mut Applied,
    ) {
        for mut finding in findings {
            finding.versions.control_offset = self.control_offset;
            // Latency is that of what an activity led to, not of an epoch's end.
            let cause_ms = if matches!(finding.body, Body::Verdict(_)) { began_ms } else { 0 };
            applied.emits.push(self.setup.finding(&finding, cause_ms));
        }
        applied.emits.extend(trust.iter().filter_map(|trust| self.trust(trust)));
    }

    /// The trust of an actor, where the mode lets it leave.
    fn trust(&self, trust: &TrustRecord) -> Option<Emit> {
        let setup = &self.setup;
        let (topic, shadow) = setup.route(&setup.names.trust)?;
        let (tenant, agent, authority) =
            (&trust.tenant_id, &trust.agent_id, trust.authority.as_str());
        let id = format!("{authority}|{agent}:{}", trust.sequence);
        let mut headers = EventHeaders::json(id, format!("/habitus/{tenant}"), RecordKind::Trust);
        headers.subject = Some(agent.clone());
        headers.time = Some(trust.time);
        headers.shadow = shadow;
        Some(Emit {
            topic,
            by: format!("{tenant}|{agent}").into_bytes(),
            key: Some(format!("{tenant}|{authority}|{agent}").into_bytes()),
            value: serde_json::to_vec(trust).ok(),
            headers: headers.encode(),
            cause_ms: 0,
        })
    }
}

/// When a record began its way and its log time, in milliseconds: behind intake, those of the record at the source. No
/// clock of a source moves log time beyond that of the log itself.
fn times(record: &Record, rekeyed: bool) -> (i64, i64) {
    let own = record.timestamp_ms;
    let origin = rekeyed.then(|| OriginHeaders::times(&record.headers).ok()).flatten();
    origin.map_or((own, own), |(began_ms, log_ms)| (began_ms, log_ms.min(own)))
}
