//! Runs the list of signals over one activity and combines them. It knows no signal by name: only the list.

use std::collections::BTreeMap;

use baseline::part::sessions::{BY_ORIGIN, CHANNELS_MAX, ORIGINS};
use baseline::shared::Calibration;
use schemas::activity::Activity;
use schemas::choice::Outcome;

use crate::combine::{Weighed, combine, to_micro};
use crate::context::Context;
use crate::origin;
use crate::settings::SignalMode;
use crate::signal::{Evidence, signals};

/// Most that the session's own surprise adds, in nats.
const SESSION_TERM_MAX: f64 = 2.0;
/// The signal under which the session's surprise is shown.
const SESSION_TERM_SIGNAL: &str = "volume";

/// What one signal said of an activity.
#[derive(Clone, Debug)]
pub struct SignalScore {
    /// Its place in the list.
    pub index: usize,
    /// Its id.
    pub id: &'static str,
    /// Its share of the score, in micro-nats.
    pub micronats: i64,
    /// Its own calibrated evidence Z, in micro-nats.
    pub evidence_micronats: i64,
    /// What it saw; `None` where only the session's surprise stands under its name.
    pub(crate) evidence: Option<Evidence>,
    /// Whether it is in shadow: in no sum.
    pub shadow: bool,
}

/// The score of one activity, signal by signal.
#[derive(Clone, Debug)]
pub struct Assessment {
    /// The score in micro-nats: the sum of the signals that are not in shadow.
    pub micronats: i64,
    /// The score without the session's own surprise.
    pub plain_micronats: i64,
    /// Every signal that had something to say, largest share first, ties in list order.
    pub signals: Vec<SignalScore>,
    /// Evidence per channel before calibration.
    pub(crate) channels: [f64; CHANNELS_MAX],
}

impl Default for Assessment {
    fn default() -> Self {
        Self {
            micronats: 0,
            plain_micronats: 0,
            signals: Vec::new(),
            channels: [0.0; CHANNELS_MAX],
        }
    }
}

impl Assessment {
    /// The score in nats.
    pub(crate) fn nats(&self) -> f64 {
        nats(self.micronats)
    }

    /// The score without the session's own surprise, in nats.
    pub(crate) fn plain_nats(&self) -> f64 {
        nats(self.plain_micronats)
    }
}

fn nats(micronats: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "micro-nats below 2^52")]
    let nats = micronats as f64 / 1e6;
    nats
}

/// The scales of evidence: the tenant's, and the peer group's where it is another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scales<'a> {
    pub(crate) tenant: Option<&'a Calibration>,
    pub(crate) group: Option<&'a Calibration>,
    /// Handicaps of origins in nats.
    pub(crate) origins: [f64; ORIGINS],
}

impl Scales<'_> {
    fn evidence(&self, channel: usize, nats: f64) -> f64 {
        let z = self.tenant.map_or(nats / 1.2, |scale| scale.evidence(channel, nats).0);
        self.group.map_or(z, |scale| scale.refine(channel, nats, z))
    }

    /// Calibrated evidence, read by the origin of its value where that is logged.
    fn read(&self, channel: usize, evidence: &Evidence) -> f64 {
        let z = self.evidence(channel, evidence.nats);
        let Some(by_origin) = evidence.by_origin else { return z };
        let tables = [self.tenant, self.group];
        (z + origin::nats(tables, self.origins, by_origin, evidence.nats)).max(0.0)
    }
}

/// Assesses one activity.
pub(crate) fn assess(
    ctx: &Context<'_>,
    scales: Scales<'_>,
    modes: &BTreeMap<String, SignalMode>,
) -> Assessment {
    let mut assessment = Assessment::default();
    let mut weighed = Vec::new();
    let mut first_channel = 0;
    for (index, signal) in signals().iter().enumerate() {
        let more = signal.over_session.and_then(|evaluate| evaluate(ctx));
        let mut strongest: Option<(Evidence, f64)> = None;
        for evidence in [(signal.evaluate)(ctx), more].into_iter().flatten() {
            let channel = first_channel + evidence.channel;
            // What is given and not learned has no channel: its evidence is its own scale.
            let has_scale = signal.channels > 0;
            let by_origin = evidence.by_origin.map(|place| BY_ORIGIN + place);
            for channel in [has_scale.then_some(channel), by_origin].into_iter().flatten() {
                if let Some(slot) = assessment.channels.get_mut(channel) {
                    *slot = evidence.nats;
                }
            }
            let z = if has_scale { scales.read(channel, &evidence) } else { evidence.nats };
            if strongest.is_none_or(|(_, strongest)| strongest < z) {
                strongest = Some((evidence, z));
            }
        }
        if let Some((evidence, z)) = strongest {
            let shadow = modes.get(signal.id) == Some(&SignalMode::Shadow);
            assessment.signals.push(SignalScore {
                index,
                id: signal.id,
                micronats: 0,
                evidence_micronats: to_micro(z),
                evidence: Some(evidence),
                shadow,
            });
            let z = if shadow { 0.0 } else { z };
            let handicap = signal.handicap_nats;
            weighed.push(Weighed { z, handicap, full_on_failure: signal.full_on_failure });
        }
        first_channel += signal.channels;
    }
    let combined = combine(&weighed, has_failed(ctx.activity));
    for (score, share) in assessment.signals.iter_mut().zip(&combined.shares) {
        score.micronats = *share;
    }
    assessment.plain_micronats = combined.micronats;
    assessment.micronats = combined.micronats;
    add_session_term(&mut assessment, ctx.session.surprise(), modes);
    assessment.signals.sort_by(|a, b| b.micronats.cmp(&a.micronats).then(a.index.cmp(&b.index)));
    assessment
}

/// A failed action weighs half: what did not happen did no harm. A refused one does not.
fn has_failed(activity: &Activity<'_>) -> bool {
    activity.outcome.as_ref().is_some_and(|outcome| outcome.result == Outcome::Failure)
}

fn add_session_term(
    assessment: &mut Assessment,
    surprise: f64,
    modes: &BTreeMap<String, SignalMode>,
) {
    let term = to_micro(surprise.min(SESSION_TERM_MAX));
    if term <= 0 || modes.get(SESSION_TERM_SIGNAL) == Some(&SignalMode::Shadow) {
        return;
    }
    let Some(index) = signals().iter().position(|signal| signal.id == SESSION_TERM_SIGNAL) else {
        return;
    };
    assessment.micronats += term;
    if let Some(score) = assessment.signals.iter_mut().find(|score| score.index == index) {
        score.micronats += term;
        return;
    }
    assessment.signals.push(SignalScore {
        index,
        id: SESSION_TERM_SIGNAL,
        micronats: term,
        evidence_micronats: 0,
        evidence: None,
        shadow: false,
    });
}
