//! Findings: a verdict in full, with every contribution in words. Made only for activities past the finding floor
//! and where an explanation is asked for.

use baseline::Actor;
use baseline::hash::pair;
use schemas::activity::{Activity, Principal};
use schemas::cause::Cause;
use schemas::finding::{BaselineState, Body, FINDING_SCHEMA, Facts, Finding, Verdict};
use schemas::score::KEY_MICRONATS;
use schemas::time::{EventTime, TIME_MS_MAX, TIME_MS_MIN};
use schemas::trust::Level;
use schemas::{ActorRef, Contribution, MicroNats, Source};

use crate::budget::ReturnPeriod;
use crate::context::Context;
use crate::engine::{Assessment, SignalScore};
use crate::keys::destination_label;
use crate::observe::Stamp;
use crate::settings::Settings;
use crate::signal::{Evidence, signals};

/// Most causes that a verdict tells.
const CAUSES_MAX: usize = 16;
/// Active hours after which a baseline is `ready`.
pub(crate) const READY_HOURS: u32 = 24;

/// Trust around an activity.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrustMove {
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// What was added to the evidence, in nats.
    pub(crate) evidence: f64,
    pub(crate) level_before: Level,
    pub(crate) level_after: Level,
}

/// Where a finding's cause stands.
pub(crate) fn source(stamp: &Stamp<'_>) -> Source {
    Source {
        topic_id: stamp.topic.to_owned(),
        partition: stamp.partition,
        offset: stamp.offset,
        ordinal: stamp.ordinal,
    }
}

/// The actor by name.
pub(crate) fn actor_ref(activity: &Activity<'_>) -> ActorRef {
    ActorRef {
        tenant_id: activity.tenant_id.to_string(),
        agent_id: activity.agent.id.to_string(),
        authority: activity.authority(),
    }
}

/// Log time within the bounds of times.
pub(crate) fn log_time(ms: i64) -> EventTime {
    #[expect(clippy::expect_used, reason = "clamped to the bounds")]
    EventTime::from_millis(ms.clamp(TIME_MS_MIN, TIME_MS_MAX - 1)).expect("a time within bounds")
}

/// A finding around a body.
pub(crate) fn finding(
    tenant_id: &str,
    stamp: &Stamp<'_>,
    settings: &Settings,
    body: Body,
) -> Finding {
    Finding {
        schema: FINDING_SCHEMA.to_owned(),
        tenant_id: tenant_id.to_owned(),
        log_time: log_time(stamp.log_ms),
        source: source(stamp),
        versions: settings.versions.clone(),
        signed: false,
        body,
    }
}

/// The rule that makes the id of a finding: no two findings of one source have the same.
pub fn finding_rule(finding: &Finding) -> String {
    match &finding.body {
        Body::Verdict(_) => "verdict".to_owned(),
        Body::Level(change) => {
            let ActorRef { tenant_id, agent_id, authority } = &change.actor;
            let (before, after) = (change.before.as_str(), change.after.as_str());
            format!("level/{before}/{after}/{tenant_id}|{}|{agent_id}", authority.as_str())
        }
        Body::Epoch(epoch) => {
            format!("epoch/{}/{}/{}", finding.tenant_id, epoch.epoch, epoch.part)
        }
        Body::Acknowledgement(_) | Body::Feedback(_) | Body::Command(_) => "outside".to_owned(),
        Body::Tick {} => format!("tick/{}", finding.tenant_id),
    }
}

/// A verdict with its explanations.
pub(crate) fn verdict(
    ctx: &Context<'_>,
    assessment: &Assessment,
    period: &ReturnPeriod,
    trust: TrustMove,
    newcomer_since: Option<EventTime>,
) -> Verdict {
    let explained = |shadow: bool| {
        let scores = assessment.signals.iter().filter(move |score| score.shadow == shadow);
        scores.map(|score| contribution(ctx, score)).collect::<Vec<_>>()
    };
    let mut keys: Vec<String> = Vec::new();
    for score in
        assessment.signals.iter().filter(|s| !s.shadow && s.evidence_micronats >= KEY_MICRONATS.0)
    {
        let family = signals().get(score.index).map_or("", |signal| signal.family);
        if !keys.iter().any(|key| key == family) {
            keys.push(family.to_owned());
        }
    }
    let counted = assessment.signals.iter().filter(|score| !score.shadow);
    let hard = counted.filter_map(|score| score.evidence).find_map(|evidence| evidence.hard);
    let activity = ctx.activity;
    Verdict {
        actor: actor_ref(activity),
        activity_id: activity.id.to_string(),
        time: activity.time,
        score: MicroNats(assessment.micronats),
        contributions: explained(false),
        shadow_contributions: explained(true),
        return_period_actor_months: period.actor_months,
        return_period_support: period.support,
        counted_actor_months: Some(period.counted_months).filter(|n| *n < period.actor_months),
        keys,
        hard_indicator: hard.map(str::to_owned),
        causes: causes(ctx, assessment),
        baseline: BaselineState { newcomer_since, ..baseline_state(ctx.actor) },
        trust_before: trust.before,
        trust_after: trust.after,
        trust_evidence: trust.evidence,
        level_before: trust.level_before,
        level_after: trust.level_after,
        facts: facts(ctx),
    }
}

/// What the signals of a blueprint's actor are about, those of the largest shares first.
fn causes(ctx: &Context<'_>, assessment: &Assessment) -> Vec<Cause> {
    if ctx.keys.group == ctx.keys.tenant {
        return Vec::new();
    }
    let counted = assessment.signals.iter().filter(|score| !score.shadow);
    let things = counted.flat_map(|score| {
        let things = signals().get(score.index).zip(score.evidence);
        let things = things.map(|(signal, evidence)| (signal.causes)(ctx, &evidence));
        things.unwrap_or_default().into_iter().map(move |thing| (score.id, thing))
    });
    let told = things.filter(|(_, thing)| thing.value != 0).map(|(signal, thing)| Cause {
        signal: signal.to_owned(),
        kind: thing.kind,
        key: pair(pair(ctx.keys.group, thing.kind as u64), thing.value),
        name: thing.name,
        fresh: thing.fresh,
    });
    told.take(CAUSES_MAX).collect()
}

fn contribution(ctx: &Context<'_>, score: &SignalScore) -> Contribution {
    // Without evidence of its own, only the session's surprise stands under the signal's name.
    let none = Evidence {
        channel: 0,
        by_origin: None,
        nats: 0.0,
        fact: u8::MAX,
        numbers: [0.0; 4],
        hard: None,
    };
    let evidence = score.evidence.unwrap_or(none);
    let words = signals()
        .get(score.index)
        .map(|signal| (signal.explain)(ctx, &evidence))
        .unwrap_or_default();
    Contribution {
        signal: score.id.to_owned(),
        micronats: MicroNats(score.micronats),
        evidence_micronats: MicroNats(score.evidence_micronats),
        observed: words.observed,
        expected: words.expected,
        support: words.support,
        peers: words.peers,
        normal: words.normal,
    }
}

/// The first activity of an agent, of whose maturity it is told; none where it has habits to be judged by.
pub(crate) fn newcomer_since((active_hours, first_s): (u32, u32)) -> Option<EventTime> {
    (active_hours < READY_HOURS).then(|| time_of(first_s)).flatten()
}

fn time_of(second: u32) -> Option<EventTime> {
    EventTime::from_millis(TIME_MS_MIN + i64::from(second) * 1_000).ok()
}

fn baseline_state(actor: &Actor) -> BaselineState {
    let progress = &actor.progress;
    let ready = progress.active_hours >= READY_HOURS;
    BaselineState {
        state: if ready { "ready" } else { "learning" }.to_owned(),
        events: u64::from(progress.events),
        active_hours: u64::from(progress.active_hours),
        first_seen: if progress.events > 0 { time_of(progress.first_s) } else { None },
        newcomer_since: None,
    }
}

fn facts(ctx: &Context<'_>) -> Facts {
    let activity = ctx.activity;
    let text = |value: Option<&str>| value.map(str::to_owned);
    let name =
        |principal: &Principal<'_>| principal.name.as_deref().unwrap_or(&principal.id).to_owned();
    let delegation = activity.delegation.as_ref();
    let subject = delegation.and_then(|d| d.subject.as_ref());
    let session = activity.session.as_ref();
    let tool = activity.action.tool.as_ref();
    let destination = activity.destination.as_ref();
    let source = activity.source.as_ref();
    let usage = activity.usage.unwrap_or_default();
    Facts {
        agent_instance_id: text(activity.agent.instance_id.as_deref()),
        agent_issuer: text(activity.agent.issuer.as_deref()),
        agent_name: text(activity.agent.name.as_deref()),
        agent_version: text(activity.agent.version.as_deref()),
        blueprint: text(activity.agent.blueprint.as_deref()),
        owner: activity.agent.owner.as_ref().map(name),
        criticality: ctx.standing.entry.map(|entry| entry.criticality),
        subject: subject.map(|s| s.id.to_string()),
        subject_name: text(subject.and_then(|s| s.name.as_deref())),
        chain: delegation
            .map(|d| d.chain.iter().map(|p| p.id.to_string()).collect())
            .unwrap_or_default(),
        purpose: text(activity.purpose()),
        delegation_id: text(delegation.and_then(|d| d.id.as_deref())),
        credential_id: text(activity.credential.as_ref().and_then(|c| c.id.as_deref())),
        session: text(session.and_then(|s| s.task_id.as_deref().or(s.id.as_deref()))),
        action: activity.action.kind.as_str().to_owned(),
        operation: text(
            tool.and_then(|t| t.name.as_deref()).or(activity.action.operation.as_deref()),
        ),
        tool_server: text(tool.and_then(|t| t.server.as_deref())),
        resource: text(activity.resource.as_ref().and_then(|r| r.id.as_deref())),
        classification: activity
            .resource
            .as_ref()
            .and_then(|r| r.classification)
            .map(|class| class.as_str().to_owned()),
        destination: destination.and_then(destination_label).map(|label| label.into_owned()),
        destination_ip: destination.and_then(|d| d.ip).map(|ip| ip.to_string()),
        source: source
            .and_then(|s| s.ip.map(|ip| ip.to_string()).or_else(|| text(s.host.as_deref()))),
        bytes_out: usage.bytes_out,
        bytes_in: usage.bytes_in,
        outcome: activity.outcome.as_ref().map(|outcome| outcome.result.as_str().to_owned()),
        trace_id: text(activity.trace.as_ref().and_then(|trace| trace.trace_id.as_deref())),
    }
}
