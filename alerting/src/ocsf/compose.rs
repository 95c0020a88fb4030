//! Composes a Detection Finding from an open alert. What it says of trust, counts and times is the alert's;
//! what it says of behaviour is the worst event's. It decides nothing.

use ::ocsf::{
    AnalysisTarget, Anomaly, AnomalyAnalysis, DetectionFinding, FindingInfo, KeyValue, Metadata,
    Observation, Product, RelatedEvent, Remediation, Severity, Trait, Unmapped, actor, evidence,
    observables, resources,
};
use schemas::alert::{ALERT_SCHEMA, AlertBaseline, HabitusAlert};
use schemas::finding::Verdict;
use schemas::trust::risk_score;
use schemas::{Contribution, EventTime};

use super::{fleet, wording};
use crate::cases::OpenAlert;
use crate::policy::Mode;
use crate::settings::Settings;
use crate::text::clean;

pub(super) const OCSF_VERSION: &str = "1.8.0";
const CLASS_UID: u16 = 2004;
/// Actor-hours of peers that are half of the way to full confidence.
const CONFIDENCE_HOURS: f64 = 1_000.0;
/// A signal with less of the score than one in that many lends no technique.
const TECHNIQUE_SHARE: i64 = 10;

/// Where in its life an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It opens.
    Open,
    /// A further event came.
    Update,
    /// No event came for long.
    Close,
    /// It is settled, for a reason in words.
    Resolve(&'static str),
}

/// What caused a record of an alert.
#[derive(Clone, Debug)]
pub(crate) struct Moment<'f> {
    /// The tenant.
    pub(crate) tenant_id: &'f str,
    /// Log time.
    pub(crate) now: EventTime,
    /// Id of the record.
    pub(crate) uid: String,
    /// Where in its life the alert is.
    pub(crate) phase: Phase,
}

/// How severe an alert is, with all who joined it.
pub(crate) fn severity(settings: &Settings, alert: &OpenAlert) -> Severity {
    let joined = alert.joined.as_deref();
    let period = joined.map_or(0.0, |joined| joined.return_period);
    let period = period.max(alert.worst.return_period_actor_months);
    let level = joined.map_or(alert.level, |joined| joined.level.min(alert.level));
    Severity::of(level, period * settings.alerts_per_actor_month)
}

/// The record of an alert at a moment.
pub(crate) fn compose(
    settings: &Settings,
    moment: &Moment<'_>,
    alert: &OpenAlert,
) -> DetectionFinding {
    let verdict = &alert.worst;
    let joined = alert.joined.as_deref();
    let severity = severity(settings, alert);
    let (activity_id, activity_name, status_id, status) = match moment.phase {
        Phase::Open => (1, "Create", 1, "New"),
        Phase::Update => (2, "Update", 2, "In Progress"),
        Phase::Close => (3, "Close", 99, "Quiet"),
        Phase::Resolve(_) => (3, "Close", 4, "Resolved"),
    };
    let (actor, evidence) = (actor(verdict), evidence(verdict));
    let mut resources = resources(verdict, &evidence);
    resources.extend(joined.into_iter().flat_map(|joined| fleet::members(&joined.members)));
    let detail = match moment.phase {
        Phase::Open | Phase::Update => None,
        Phase::Close => Some("No further event for 12 hours of log time."),
        Phase::Resolve(why) => Some(why),
    };
    let (confidence_id, confidence, confidence_score) = confidence(verdict);
    DetectionFinding {
        activity_id,
        activity_name: activity_name.to_owned(),
        category_uid: 2,
        category_name: "Findings".to_owned(),
        class_uid: CLASS_UID,
        class_name: "Detection Finding".to_owned(),
        type_uid: u32::from(CLASS_UID) * 100 + u32::from(activity_id),
        type_name: format!("Detection Finding: {activity_name}"),
        time: moment.now.millis(),
        start_time: Some(alert.first_seen.millis()),
        end_time: Some(alert.last_seen.millis()),
        count: Some(count(alert.count)),
        severity_id: severity.id(),
        severity: severity.as_str().to_owned(),
        status_id,
        status: status.to_owned(),
        status_detail: detail.map(str::to_owned),
        is_alert: true,
        confidence_id: Some(confidence_id),
        confidence: Some(confidence.to_owned()),
        confidence_score: Some(confidence_score),
        risk_level_id: severity.risk_level_id(),
        risk_level: severity.risk_level().to_owned(),
        risk_score: risk_score(alert.trust_after),
        risk_details: Some(wording::risk(alert)),
        message: wording::message(alert),
        metadata: metadata(settings, moment, alert),
        finding_info: finding_info(settings, moment, alert),
        observables: observables(&actor, &evidence, &resources),
        actor: Some(actor),
        resources,
        anomaly_analyses: anomalies(verdict).into_iter().collect(),
        evidences: vec![evidence],
        remediation: Some(Remediation { desc: wording::remediation(alert.level).to_owned() }),
        unmapped: Unmapped { habitus: habitus(settings, moment, alert) },
    }
}

/// Low while habits are learnt, medium beyond what was ever seen, else high; and within each third of the score
/// higher the more actor-hours of peers stand behind it.
fn confidence(verdict: &Verdict) -> (u8, &'static str, u8) {
    let support = &verdict.return_period_support;
    let (id, name, base) = if verdict.baseline.state == "learning" {
        (1, "Low", 0)
    } else if support.extrapolated {
        (2, "Medium", 34)
    } else {
        (3, "High", 67)
    };
    let hours = support.actor_hours.max(0.0);
    let steps = 33.0 * hours / (hours + CONFIDENCE_HOURS);
    let step = (0..33_u8).rfind(|step| f64::from(*step) <= steps).unwrap_or(0);
    (id, name, base + step)
}

/// What made a record.
pub(super) fn product(settings: &Settings) -> Product {
    Product {
        uid: Some(settings.product.clone()),
        name: settings.product.clone(),
        vendor_name: Some(settings.vendor.clone()),
        version: Some(settings.program.clone()),
    }
}

fn metadata(settings: &Settings, moment: &Moment<'_>, alert: &OpenAlert) -> Metadata {
    Metadata {
        version: OCSF_VERSION.to_owned(),
        uid: moment.uid.clone(),
        profiles: vec!["host".to_owned()],
        product: product(settings),
        tenant_uid: Some(moment.tenant_id.to_owned()),
        logged_time: Some(moment.now.millis()),
        processed_time: Some(moment.now.millis()),
        correlation_uid: alert.worst.facts.session.clone(),
        is_truncated: alert.truncated.then_some(true),
    }
}

fn finding_info(settings: &Settings, moment: &Moment<'_>, alert: &OpenAlert) -> FindingInfo {
    let verdict = &alert.worst;
    let signals = signals(verdict);
    let of =
        |signal: &str| ::ocsf::analytic(signal, &settings.program, settings.mode == Mode::Shadow);
    let mut analytics = signals.iter().map(|signal| of(signal));
    let leading = verdict.leading_signal();
    let first = analytics.next().unwrap_or_else(|| of(leading));
    let owasp = ::ocsf::owasp(&weighty(verdict));
    FindingInfo {
        uid: alert.id.clone(),
        title: ::ocsf::title(leading).to_owned(),
        desc: wording::description(alert),
        types: signals.iter().map(|signal| (*signal).to_owned()).collect(),
        created_time: alert.opened.millis(),
        modified_time: (moment.phase != Phase::Open).then(|| moment.now.millis()),
        first_seen_time: alert.first_seen.millis(),
        last_seen_time: alert.last_seen.millis(),
        data_sources: alert.sources.iter().cloned().collect(),
        analytic: first,
        related_analytics: analytics.collect(),
        attacks: ::ocsf::attacks(&weighty(verdict)),
        related_events: alert
            .related_events
            .iter()
            .map(|uid| RelatedEvent {
                uid: uid.clone(),
                kind: Some("agent.activity.v1".to_owned()),
            })
            .collect(),
        related_events_count: count(alert.count),
        tags: (!owasp.is_empty())
            .then(|| KeyValue { name: "owasp.agentic".to_owned(), value: None, values: owasp })
            .into_iter()
            .collect(),
        traits: traits(verdict),
    }
}

/// What counts as one of the two keys.
fn traits(verdict: &Verdict) -> Vec<Trait> {
    let of = |uid: String, name: String| Trait {
        uid,
        name,
        kind: Some("contributing".to_owned()),
        values: Vec::new(),
    };
    let key = |family: &String| of(format!("key.{family}"), format!("Independent key: {family}"));
    let hard = |fact: &String| Trait {
        values: vec![clean(fact)],
        ..of("key.hard_indicator".to_owned(), "Hard indicator".to_owned())
    };
    verdict.keys.iter().map(key).chain(verdict.hard_indicator.iter().map(hard)).collect()
}

/// Signals with a share of the score, largest first.
fn signals(verdict: &Verdict) -> Vec<&str> {
    verdict
        .contributions
        .iter()
        .filter(|contribution| 0 < contribution.micronats.0)
        .map(|contribution| contribution.signal.as_str())
        .collect()
}

/// Signals with a share of the score that lends techniques.
fn weighty(verdict: &Verdict) -> Vec<&str> {
    let floor = verdict.score.0 / TECHNIQUE_SHARE;
    verdict
        .contributions
        .iter()
        .filter(|contribution| 0 < contribution.micronats.0 && floor <= contribution.micronats.0)
        .map(|contribution| contribution.signal.as_str())
        .collect()
}

/// For each signal what was seen, against what is expected of the actor and what its peers do.
fn anomalies(verdict: &Verdict) -> Option<AnomalyAnalysis> {
    let of = |contribution: &Contribution, observations: Vec<Observation>| Anomaly {
        observation_parameter: contribution.signal.clone(),
        observation_type: Some(::ocsf::kind(&contribution.signal).to_owned()),
        observations,
    };
    let value = |value: &str, count| Observation { value: value.to_owned(), count };
    let told = || verdict.contributions.iter().filter(|contribution| 0 < contribution.micronats.0);
    let anomalies: Vec<Anomaly> =
        told().map(|c| of(c, vec![value(&wording::seen(c), None)])).collect();
    let baseline = |c: &Contribution| {
        let mut known = vec![value(&c.expected, Some(count(c.support)))];
        if !c.peers.is_empty() {
            known.push(value(&format!("peers: {}", c.peers), None));
        }
        of(c, known)
    };
    (!anomalies.is_empty()).then(|| AnomalyAnalysis {
        analysis_targets: vec![AnalysisTarget {
            name: verdict.actor.agent_id.clone(),
            kind: Some("AI Agent".to_owned()),
        }],
        anomalies,
        baselines: told().map(baseline).collect(),
    })
}

fn habitus(settings: &Settings, moment: &Moment<'_>, alert: &OpenAlert) -> HabitusAlert {
    let verdict = &alert.worst;
    let facts = &verdict.facts;
    HabitusAlert {
        schema: ALERT_SCHEMA.to_owned(),
        tenant_id: moment.tenant_id.to_owned(),
        agent_id: verdict.actor.agent_id.clone(),
        agent_instance_id: facts.agent_instance_id.clone(),
        agent_version: facts.agent_version.clone(),
        blueprint: facts.blueprint.clone(),
        owner: facts.owner.clone(),
        criticality: facts.criticality,
        authority: verdict.actor.authority,
        chain: facts.chain.clone(),
        purpose: facts.purpose.clone(),
        trust_score: alert.trust_after,
        trust_score_previous: alert.trust_before,
        trust_level: alert.level,
        trust_effective: alert.trust_effective,
        score_micronats: verdict.score,
        contributions: verdict.contributions.clone(),
        shadow_contributions: verdict.shadow_contributions.clone(),
        return_period_actor_months: verdict.return_period_actor_months,
        return_period_support: verdict.return_period_support,
        baseline: AlertBaseline {
            state: verdict.baseline.state.clone(),
            events: verdict.baseline.events,
            active_hours: verdict.baseline.active_hours,
        },
        versions: alert.versions.clone(),
        owasp_agentic: ::ocsf::owasp(&weighty(verdict)),
        trace_id: facts.trace_id.clone(),
        revocation_request_id: alert.request_id.clone(),
        shadow: settings.mode == Mode::Shadow,
        fleet: None,
        response: None,
        shared: alert.joined.as_ref().map(|joined| joined.shared()),
    }
}

/// A count within OCSF's 32-bit integers.
pub(super) fn count(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).min(i32::MAX.unsigned_abs())
}
