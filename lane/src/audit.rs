//! One auditor for the simulator and the broker. It reads what stands in the log and runs the folds over it once more,
//! taking up switches where the progress records say. What it expects must be there, once, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bus::{Bus, BusError, Outgoing, Record, TopicPartition};

use crate::batch::OpenPart;
use crate::fold::{Counts, LogFold};
use crate::frame::frame;
use crate::layout::Layout;
use crate::progress::{InForce, OWNER_KEY, Owner, PROGRESS_KEY, Progress};
use crate::read::read_all;

/// Differences that are told; more are only counted.
const TOLD_MAX: usize = 20;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding(pub String);

/// What an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// What is wrong: empty where all is well.
    pub findings: Vec<Finding>,
    /// Findings beyond those told.
    pub more: u64,
    /// Partitions with progress.
    pub partitions: u64,
    /// Ranges of entries.
    pub ranges: u64,
    /// Takeovers.
    pub takeovers: u64,
    /// What became of all activities.
    pub totals: Counts,
    /// The same for each input.
    pub inputs: BTreeMap<Arc<str>, Counts>,
    /// Records written to each topic, as progress tells.
    written: BTreeMap<String, u64>,
    /// Inputs of which entries were lost by an operator's leave.
    lossy: BTreeSet<Arc<str>>,
    /// Entries that were quarantined.
    pub quarantined: u64,
    /// Output records compared.
    pub outputs: u64,
    /// State records compared.
    pub states: u64,
}

impl Audit {
    fn find(&mut self, text: String) {
        if self.findings.len() < TOLD_MAX {
            self.findings.push(Finding(text));
        } else {
            self.more += 1;
        }
    }

    /// What one fold hands to the next must be what that one has read, once everything is consumed.
    fn hops<F: LogFold>(&mut self, reference: &Reference<'_, F>) {
        for input in reference.layout.inputs.iter().filter(|i| (reference.compares)(&i.topic)) {
            let written = self.written.get(&*input.topic).copied().unwrap_or_default();
            let read = self.inputs.get(&input.topic).map_or(0, |counts| counts.records);
            if read != written && !self.lossy.contains(&input.topic) {
                self.find(format!("{}: {written} records were written, {read} read", input.topic));
            }
        }
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Key and value of a saved record.
type Saved = (Vec<u8>, Option<Vec<u8>>);

/// What an audit is made of: how folds are made and what was in force.
pub struct Reference<'a, F: LogFold> {
    /// The logs.
    pub layout: &'a Layout,
    /// Makes the fold of a partition.
    pub make: &'a dyn Fn(&TopicPartition) -> F,
    /// The switches that a progress record names.
    pub switches: &'a dyn Fn(&InForce) -> F::Switches,
    /// Outputs that are compared, of all topics: `false` for those that others write too.
    pub compares: &'a dyn Fn(&str) -> bool,
}

/// Audits every input of a layout at `read_committed`.
pub fn audit<B: Bus, F: LogFold>(bus: &B, reference: &Reference<'_, F>) -> Result<Audit, BusError> {
    let mut audit = Audit::default();
    let mut expected: BTreeMap<Arc<str>, Vec<Outgoing>> = BTreeMap::new();
    for at in reference.layout.all_inputs() {
        for record in partition_of(bus, reference, &at, &mut audit)? {
            if (reference.compares)(&record.to.topic) {
                expected.entry(Arc::clone(&record.to.topic)).or_default().push(record);
            }
        }
    }
    for topic in reference.layout.partitions.keys() {
        let internal = reference.layout.inputs.iter().any(|input| input.state == *topic);
        if internal || !(reference.compares)(topic) {
            continue;
        }
        let expected = expected.remove(topic).unwrap_or_default();
        let partitions = reference.layout.partitions_of(topic);
        compare_topic(bus, (partitions, F::is_due), expected, &mut audit)?;
    }
    audit.hops(reference);
    Ok(audit)
}

/// One partition, run again.
struct Rerun<'a, F: LogFold> {
    reference: &'a Reference<'a, F>,
    input: Arc<str>,
    state: TopicPartition,
    fold: F,
    entries: std::iter::Peekable<std::vec::IntoIter<Record>>,
    /// Where the oldest owner began.
    began: Option<u64>,
    last: Option<Progress>,
    outputs: Vec<Outgoing>,
    findings: Vec<String>,
}

/// Runs one partition again; gives what it must have put out.
fn partition_of<B: Bus, F: LogFold>(
    bus: &B,
    reference: &Reference<'_, F>,
    at: &TopicPartition,
    audit: &mut Audit,
) -> Result<Vec<Outgoing>, BusError> {
    let Some(state) = reference.layout.state_of(at) else { return Ok(Vec::new()) };
    let entries = read_all(bus, at)?.into_iter().peekable();
    let fold = (reference.make)(at);
    let written = read_all(bus, &state)?;
    let mut rerun = Rerun {
        reference,
        input: Arc::clone(&at.topic),
        state,
        fold,
        entries,
        began: None,
        last: None,
        outputs: Vec::new(),
        findings: Vec::new(),
    };
    let mut saved: Vec<Saved> = Vec::new();
    for record in written {
        match record.key.as_deref() {
            Some(OWNER_KEY) => match Owner::decode(record.value.as_deref().unwrap_or_default()) {
                Ok(owner) => {
                    audit.takeovers += u64::from(!owner.withdrawn);
                    rerun.began = rerun.began.or(owner.start);
                }
                Err(error) => rerun.findings.push(format!("{at}: failed to {error}")),
            },
            Some(PROGRESS_KEY) => {
                match Progress::decode(record.value.as_deref().unwrap_or_default()) {
                    Ok(progress) => rerun.range(progress, &std::mem::take(&mut saved), audit),
                    Err(error) => rerun.findings.push(format!("{at}: failed to {error}")),
                }
            }
            _ => saved.push((record.key.unwrap_or_default(), record.value)),
        }
    }
    if !saved.is_empty() {
        rerun
            .findings
            .push(format!("{at}: {} state records without progress after them", saved.len()));
    }
    let left: Vec<u64> = rerun.entries.map(|entry| entry.offset).collect();
    if let Some(first) = left.first() {
        rerun
            .findings
            .push(format!("{at}: {} entries from offset {first} on are lost", left.len()));
    }
    audit.partitions += u64::from(rerun.last.is_some());
    rerun.findings.into_iter().for_each(|finding| audit.find(finding));
    Ok(rerun.outputs)
}

impl<F: LogFold> Rerun<'_, F> {
    /// Runs one range again and compares what it saved and counted.
    fn range(&mut self, progress: Progress, saved: &[Saved], audit: &mut Audit) {
        self.findings.extend(tiles(&self.state, (self.began, self.last.as_ref()), &progress));
        self.fold.take_up(&(self.reference.switches)(&progress.in_force));
        let mut open = OpenPart::default();
        while let Some(entry) = self.entries.next_if(|entry| entry.offset < progress.to) {
            if entry.offset >= progress.from {
                let applied = if progress.quarantined.contains(&entry.offset) {
                    self.fold.quarantine(&entry)
                } else {
                    self.fold.apply(&entry)
                };
                open.add(applied, entry.timestamp_ms, self.reference.layout);
            }
        }
        let last_offset = progress.to.saturating_sub(1);
        let framed = |value: Vec<u8>| (!value.is_empty()).then(|| frame(last_offset, &value));
        let touched = self.fold.touched().into_iter();
        let expected: Vec<Saved> =
            touched.map(|record| (record.key, framed(record.value))).collect();
        self.findings.extend(differs(&self.state, &progress, &expected, saved));
        if open.counts != progress.counts {
            self.findings.push(format!(
                "{}: range {} counts {:?} where {:?} is right",
                self.state, progress.range, progress.counts, open.counts
            ));
        }
        audit.states += saved.len() as u64;
        audit.ranges += 1;
        audit.quarantined += progress.quarantined.len() as u64;
        audit.totals.add(&progress.counts);
        audit.inputs.entry(Arc::clone(&self.input)).or_default().add(&progress.counts);
        for (topic, records) in &progress.written {
            *audit.written.entry(topic.clone()).or_default() += records;
        }
        if progress.after_loss {
            audit.lossy.insert(Arc::clone(&self.input));
        }
        self.outputs.extend(open.records);
        self.last = Some(progress);
    }
}

/// Ranges must tile the input: each begins where the one before ended, the first where the oldest owner began.
fn tiles(
    state: &TopicPartition,
    (began, last): (Option<u64>, Option<&Progress>),
    next: &Progress,
) -> Option<String> {
    let fits = match last {
        Some(last) => next.from == last.to && next.range == last.range + 1,
        None => next.range == 1 && began.is_none_or(|began| began == next.from),
    };
    (!fits && !next.after_loss).then(|| {
        format!(
            "{state}: range {} from {} to {} does not follow range {:?} to {:?}; owners began at {began:?}",
            next.range,
            next.from,
            next.to,
            last.map(|last| last.range),
            last.map(|last| last.to)
        )
    })
}

fn differs(
    state: &TopicPartition,
    progress: &Progress,
    expected: &[Saved],
    found: &[Saved],
) -> Option<String> {
    if expected == found {
        return None;
    }
    let key = |records: &[Saved], place: usize| {
        records.get(place).map(|record| String::from_utf8_lossy(&record.0).into_owned())
    };
    let place = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    Some(format!(
        "{state}: range {} saved {} records where {} are right; the first that differs is {:?} where {:?} is right",
        progress.range,
        found.len(),
        expected.len(),
        key(found, place),
        key(expected, place)
    ))
}

fn compare_topic<B: Bus>(
    bus: &B,
    (partitions, is_due): (impl Iterator<Item = TopicPartition>, fn(&Outgoing) -> bool),
    mut expected: Vec<Outgoing>,
    audit: &mut Audit,
) -> Result<(), BusError> {
    let mut found = Vec::new();
    for at in partitions {
        found.extend(read_all(bus, &at)?.into_iter().map(|record| Outgoing {
            to: record.at,
            key: record.key,
            value: record.value,
            headers: record.headers,
        }));
    }
    // The clock led to it, and no entry.
    found.retain(|record| !is_due(record));
    audit.outputs += found.len() as u64;
    let order = |a: &Outgoing, b: &Outgoing| {
        (&a.to, &a.key, &a.value, &a.headers).cmp(&(&b.to, &b.key, &b.value, &b.headers))
    };
    expected.sort_by(order);
    found.sort_by(order);
    let (mut left, mut right) = (expected.iter().peekable(), found.iter().peekable());
    loop {
        let (lost, doubled) = match (left.peek(), right.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => (left.next(), None),
            (None, Some(_)) => (None, right.next()),
            (Some(a), Some(b)) => match order(a, b) {
                std::cmp::Ordering::Less => (left.next(), None),
                std::cmp::Ordering::Greater => (None, right.next()),
                std::cmp::Ordering::Equal => {
                    left.next();
                    right.next();
                    continue;
                }
            },
        };
        let text = |record: &Outgoing| {
            let value = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
            let short: String = value.chars().take(160).collect();
            format!(
                "{} key {:?}: {short}",
                record.to,
                record.key.as_deref().map(String::from_utf8_lossy)
            )
        };
        if let Some(record) = lost {
            audit.find(format!("missing: {}", text(record)));
        }
        if let Some(record) = doubled {
            audit.find(format!("doubled or foreign: {}", text(record)));
        }
    }
}
