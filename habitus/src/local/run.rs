//! One run of the folds over inputs. A batch of lines is decoded, stamped with log time and dealt to partitions;
//! at each epoch's end the partitions' increments are merged and a new snapshot is taken up by all.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use alerting::{Respond, Response};
use baseline::StoreCounts;
use bus::partition;
use detector::{Inventory, Observe, Outcome, Stamp};
use ingest::{Carrier, Decoded, Notes, file_limits, file_records};
use lane::drive;
use mapping::{FileOutcome, InOrder, Reading};
use networks::Networks;
use schemas::finding::{Body, Finding};
use schemas::reject::{ErrorCode, Stage};
use schemas::time::DAY_MS;
use schemas::{EventTime, Rejection};

use super::fold::{Entry, ObserveFold, Output};
use super::input::{Input, Role};
use super::report::{ActorTrust, Counts, Line, LineOutcome, Options, Report, Settings};
use super::timings::Timings;

/// Lines decoded at a time.
const BATCH_LINES: usize = 4_096;
/// Virtual partitions of one process.
const PARTITIONS: u32 = 64;
/// Milliseconds of an epoch.
const EPOCH_MS: i64 = 300_000;
/// How far an event may lie ahead of log time in files.
const AHEAD_MS_MAX: i64 = 400 * DAY_MS;

/// A run in progress.
pub struct Run {
    options: Options,
    networks: Arc<Networks>,
    inventory: Arc<Inventory>,
    reading: Reading,
    folds: Vec<ObserveFold>,
    respond: Respond,
    log_ms: i64,
    epoch: i64,
    /// Topic and end of the newest input.
    end: Option<(String, u64)>,
    report: Report,
    alert_places: BTreeMap<String, usize>,
}

enum Pending<'a> {
    Entry { number: u64, bytes: &'a [u8], partition: usize, entry: Box<Entry<'a>> },
    Refused { number: u64, ordinal: u32, bytes: &'a [u8], rejection: Rejection },
    Skipped { number: u64, ordinal: u32, bytes: &'a [u8], rule: &'static str },
}

impl Run {
    /// A run that has seen nothing.
    pub fn new(settings: &Settings, options: Options) -> Self {
        let observe = detector::Settings {
            partition_bytes_max: settings.memory_bytes_max / PARTITIONS as usize,
            ..settings.observe.clone()
        };
        let inventory = Arc::clone(&observe.inventory);
        let observe = Arc::new(observe);
        let report = Report {
            alerts: Vec::new(),
            revocations: Vec::new(),
            actors: BTreeMap::new(),
            counts: Counts::default(),
            skipped: BTreeMap::new(),
            store: StoreCounts::default(),
            agent_bytes: Vec::new(),
            notes: Notes::default(),
            timings: Timings::default(),
        };
        Self {
            options,
            networks: Arc::default(),
            inventory,
            reading: Reading::default(),
            folds: (0..PARTITIONS)
                .map(|_| ObserveFold(Observe::new(Arc::clone(&observe))))
                .collect(),
            respond: Respond::new(alerting::Settings {
                publish_tables: false,
                ..settings.respond.clone()
            }),
            log_ms: 0,
            epoch: 0,
            end: None,
            report,
            alert_places: BTreeMap::new(),
        }
    }

    /// Fills what events leave open by these lists; their hash belongs into the settings' versions.
    pub fn enrich_by(&mut self, networks: Arc<Networks>) {
        self.networks = networks;
    }

    /// Reads what is fed from now on this way.
    pub fn read_by(&mut self, reading: Reading) {
        self.reading = reading;
    }

    /// Feeds one input to its end; `on` gets each line of a scored one, in order.
    pub fn feed(&mut self, input: &Input<'_>, on: &mut dyn FnMut(&Line<'_>)) {
        let scored = input.role == Role::Scored;
        for fold in &mut self.folds {
            fold.0.freeze(scored && self.options.freeze);
        }
        let reading = self.reading.clone();
        let mut on = |line: &Line<'_>| {
            if scored {
                on(line);
            }
        };
        let (mut order, mut pending) = (InOrder::new(&reading), Vec::new());
        let mut ready = Vec::new();
        for (place, (number, bytes)) in file_records(input.bytes).enumerate() {
            let start = now();
            let limits = file_limits(input.bytes, bytes);
            let beside = (&limits, &Carrier::default());
            let into = (&mut self.report.notes, &mut ready);
            order.read(&reading, (number, bytes), beside, into);
            self.report.timings.decode(nanos(start));
            self.take_in(input.topic, &mut ready, &mut pending, &mut on);
            if place % BATCH_LINES == BATCH_LINES - 1 {
                self.flush(&mut pending, &mut on);
            }
        }
        order.end(&reading, &mut ready);
        self.take_in(input.topic, &mut ready, &mut pending, &mut on);
        self.flush(&mut pending, &mut on);
        // Behind every line of the input.
        let offset = input.bytes.len() as u64;
        self.end = Some((input.topic.to_owned(), offset));
        if input.role == Role::Warmup {
            let log_ms = self.log_ms;
            self.close_epoch(Stamp {
                topic: input.topic,
                partition: 0,
                offset,
                ordinal: 0,
                log_ms,
            });
            self.folds.iter_mut().for_each(|fold| fold.0.close_sessions());
        }
    }

    /// Puts what was read among what is pending; at the end of an epoch that is driven through.
    fn take_in<'a>(
        &mut self,
        topic: &'a str,
        ready: &mut Vec<FileOutcome<'a>>,
        pending: &mut Vec<Pending<'a>>,
        on: &mut dyn FnMut(&Line<'_>),
    ) {
        for FileOutcome { number, bytes, ordinal, decoded } in ready.drain(..) {
            self.report.counts.read += 1;
            let item = self.stamp(decoded, topic, (number as u64, ordinal), bytes);
            if let Pending::Entry { entry, .. } = &item {
                let epoch = entry.stamp.log_ms / EPOCH_MS;
                if epoch != self.epoch {
                    self.flush(pending, on);
                    self.close_epoch(entry.stamp);
                    self.epoch = epoch;
                }
            }
            pending.push(item);
        }
    }

    /// Gives an activity its log time and partition, or refuses it for its time.
    fn stamp<'a>(
        &mut self,
        item: Decoded<'a>,
        topic: &'a str,
        (number, ordinal): (u64, u32),
        bytes: &'a [u8],
    ) -> Pending<'a> {
        let mut activity = match item {
            Decoded::Activity(activity) => activity,
            Decoded::Skipped(skip) => {
                return Pending::Skipped { number, ordinal, bytes, rule: skip.rule };
            }
            Decoded::Rejected(rejection) => {
                return Pending::Refused { number, ordinal, bytes, rejection };
            }
        };
        let time = activity.time.millis();
        if self.log_ms != 0 && time > self.log_ms + AHEAD_MS_MAX {
            let rejection = Rejection {
                code: ErrorCode::TimeOutOfRange,
                stage: Stage::Validate,
                path: "/time".to_owned(),
                message: "more than 400 days ahead of log time".to_owned(),
            };
            return Pending::Refused { number, ordinal, bytes, rejection };
        }
        self.networks.enrich(&mut activity);
        self.inventory.enrich(&mut activity);
        self.log_ms = self.log_ms.max(time);
        let key = activity.partition_key();
        let partition = partition(key.as_bytes(), PARTITIONS);
        let stamp = Stamp { topic, partition, offset: number, ordinal, log_ms: self.log_ms };
        let entry = Box::new(Entry { activity: *activity, stamp, explain: self.options.explain });
        Pending::Entry { number, bytes, partition: partition as usize, entry }
    }

    /// Drives what is pending through observe, then through respond in input order.
    fn flush(&mut self, pending: &mut Vec<Pending<'_>>, on: &mut dyn FnMut(&Line<'_>)) {
        let work = pending.iter().filter_map(|item| match item {
            Pending::Entry { partition, entry, .. } => Some((*partition, entry.as_ref())),
            Pending::Refused { .. } | Pending::Skipped { .. } => None,
        });
        let mut outputs = drive(&mut self.folds, work.collect(), self.options.lanes).into_iter();
        for item in pending.iter() {
            match item {
                Pending::Entry { number, bytes, entry, .. } => {
                    if let Some(output) = outputs.next() {
                        self.respond_to(entry, &output, (*number, *bytes), on);
                    }
                }
                Pending::Skipped { number, ordinal, bytes, rule } => {
                    self.report.counts.skipped += 1;
                    *self.report.skipped.entry(rule).or_default() += 1;
                    on(&Line {
                        number: *number,
                        ordinal: *ordinal,
                        bytes,
                        outcome: LineOutcome::Skipped(rule),
                    });
                }
                Pending::Refused { number, ordinal, bytes, rejection } => {
                    self.report.counts.rejected += 1;
                    let outcome = LineOutcome::Rejected(rejection);
                    on(&Line { number: *number, ordinal: *ordinal, bytes, outcome });
                }
            }
        }
        pending.clear();
    }

    fn respond_to(
        &mut self,
        entry: &Entry<'_>,
        output: &Output,
        (number, bytes): (u64, &[u8]),
        on: &mut dyn FnMut(&Line<'_>),
    ) {
        let ordinal = entry.stamp.ordinal;
        let activity = &entry.activity;
        self.report.timings.observe(output.nanos);
        let observed = match &output.outcome {
            Outcome::Duplicate => {
                self.report.counts.duplicate += 1;
                return on(&Line {
                    number,
                    ordinal,
                    bytes,
                    outcome: LineOutcome::Duplicate(activity),
                });
            }
            Outcome::Scored(observed) => observed,
        };
        self.report.counts.scored += 1;
        self.report.counts.late += u64::from(observed.late);
        let mut alert_id = None;
        for finding in &observed.findings {
            self.note_trust(finding);
            let start = now();
            let responses = self.respond.apply(finding);
            self.report.timings.respond(nanos(start));
            for response in responses {
                if let Some(id) = self.take(response, &activity.id) {
                    alert_id = Some(id);
                }
            }
        }
        let alert_id = alert_id.as_deref();
        on(&Line {
            number,
            ordinal,
            bytes,
            outcome: LineOutcome::Scored { activity, observed, alert_id },
        });
    }

    /// Takes in a response; gives the id of the alert that this activity opened or updated.
    fn take(&mut self, response: Response, activity_id: &str) -> Option<String> {
        match response {
            Response::Alert(alert) => {
                let uid = alert.finding_info.uid.clone();
                match self
                    .alert_places
                    .get(&uid)
                    .and_then(|place| self.report.alerts.get_mut(*place))
                {
                    Some(slot) => *slot = *alert,
                    None => {
                        self.alert_places.insert(uid, self.report.alerts.len());
                        self.report.alerts.push(*alert);
                        self.report.counts.alerts += 1;
                    }
                }
                None
            }
            Response::Revocation(request) => {
                self.report.revocations.push(*request);
                None
            }
            Response::AlertRef { activity_id: id, alert_id, .. } => {
                (id == activity_id).then_some(alert_id)
            }
            Response::Incident(_)
            | Response::Decision(_)
            | Response::Control { .. }
            | Response::Risk(_) => None,
        }
    }

    fn note_trust(&mut self, finding: &Finding) {
        let Body::Verdict(verdict) = &finding.body else { return };
        let trust = self.report.actors.entry(verdict.actor.clone()).or_insert(ActorTrust {
            first: verdict.trust_before,
            lowest: verdict.trust_after,
            lowest_level: verdict.level_after,
            last: verdict.trust_after,
        });
        if verdict.trust_after < trust.lowest {
            trust.lowest = verdict.trust_after;
            trust.lowest_level = verdict.level_after;
        }
        trust.last = verdict.trust_after;
    }

    /// Ends the epoch of every partition, merges what it taught and gives every partition the new snapshot.
    fn close_epoch(&mut self, at: Stamp<'_>) {
        let mut findings = Vec::new();
        for (partition, fold) in (0..).zip(&mut self.folds) {
            findings.extend(fold.0.close_epoch(&Stamp { partition, ..at }).findings);
            // Nobody holds the old snapshot, so that merging copies nothing.
            fold.0.take_up(Arc::default());
        }
        for finding in findings {
            for response in self.respond.apply(&finding) {
                self.take(response, "");
            }
        }
        let shared = Arc::new(self.respond.snapshot());
        for fold in &mut self.folds {
            fold.0.take_up(Arc::clone(&shared));
        }
    }

    /// Restores every record of every partition from its own bytes, as a restart would.
    pub fn reload_all(&mut self) -> anyhow::Result<()> {
        for fold in &mut self.folds {
            for key in fold.0.store().keys() {
                fold.0.store_mut().reload(&key)?;
            }
        }
        Ok(())
    }

    /// Ends the run: what many agents did in the open epoch is judged too.
    pub fn finish(mut self) -> Report {
        if let Some((topic, offset)) = self.end.take() {
            let log_ms = self.log_ms;
            self.close_epoch(Stamp { topic: &topic, partition: 0, offset, ordinal: 0, log_ms });
            for response in self.respond.settle() {
                self.take(response, "");
            }
        }
        for fold in &self.folds {
            self.report.store.add(&fold.0.counts());
            self.report.agent_bytes.extend(fold.0.store().known_bytes_each());
        }
        self.report.agent_bytes.sort_unstable();
        self.report
    }

    /// The newest log time, if any event was seen.
    pub fn log_time(&self) -> Option<EventTime> {
        EventTime::from_millis(self.log_ms).ok()
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge measures; no result depends on it")]
fn now() -> Instant {
    Instant::now()
}

fn nanos(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
