//! Composes a Detection Finding about the response itself: a request that nobody confirmed or that failed, or
//! revocations that the breaker held back. What it shares with the alert of an actor is composed there.

use ::ocsf::{DetectionFinding, Remediation, Severity};
use schemas::alert::ResponseAlert;
use schemas::finding::{Facts, Verdict, Versions};
use schemas::trust::Level;
use schemas::{ActorRef, Authority, EventTime, MicroNats};

use super::compose::{self, Moment};
use crate::cases::OpenAlert;
use crate::settings::Settings;
use crate::text::clean;

/// Agents that a sentence names.
const NAMED_MAX: usize = 8;

/// What an alert about the response says.
pub(crate) struct Notice<'a> {
    /// Id of the alert.
    pub(crate) id: &'a str,
    /// Log time of its opening.
    pub(crate) opened: EventTime,
    /// Log time of what is newest in it.
    pub(crate) last: EventTime,
    /// The actor whose request it is; none where it is about many.
    pub(crate) actor: Option<ActorRef>,
    /// Trust of the actor.
    pub(crate) trust: f64,
    /// What was in force.
    pub(crate) versions: Versions,
    /// What it is about.
    pub(crate) about: ResponseAlert,
}

/// The record of an alert about the response at a moment.
pub(crate) fn compose_notice(
    settings: &Settings,
    moment: &Moment<'_>,
    notice: Notice<'_>,
) -> DetectionFinding {
    let (title, message) = words(&notice);
    let open = open_alert(moment, &notice);
    let mut record = compose::compose(settings, moment, &open);
    let severity = Severity::High;
    record.severity_id = severity.id();
    severity.as_str().clone_into(&mut record.severity);
    record.risk_level_id = severity.risk_level_id();
    severity.risk_level().clone_into(&mut record.risk_level);
    record.finding_info.title = title.to_owned();
    record.finding_info.desc.clone_from(&message);
    record.message = message;
    record.risk_details = None;
    record.evidences.clear();
    record.observables.clear();
    if notice.actor.is_none() {
        record.actor = None;
    }
    record.remediation = Some(Remediation { desc: advice(&notice.about).to_owned() });
    record.unmapped.habitus.response = Some(notice.about);
    record
}

fn words(notice: &Notice<'_>) -> (&'static str, String) {
    let about = &notice.about;
    let of = notice.actor.as_ref().map(|actor| clean(&actor.agent_id)).unwrap_or_default();
    let requests = about.request_ids.iter().map(|id| clean(id)).collect::<Vec<_>>().join(", ");
    match about.kind.as_str() {
        "breaker" => {
            let named = about.agents.iter().take(NAMED_MAX).map(|agent| clean(agent));
            let named = named.collect::<Vec<_>>().join(", ");
            let (held, revoked) = (about.held, about.revoked);
            (
                "Automatic revocation of AI agents was stopped",
                format!(
                    "Too many agents were to be revoked within an hour: {revoked} were, {held} were held back, among \
                     them {named}. So many at once are likelier a fault of a tool, a list or of Habitus than so many \
                     bad agents."
                ),
            )
        }
        "unacknowledged" => (
            "A revocation request was not acknowledged",
            format!(
                "Request {requests} about agent {of} was sent twice, and nobody said that it was done."
            ),
        ),
        _ => (
            "A revocation request was not done",
            format!("Request {requests} about agent {of} was not done: {}.", clean(&about.detail)),
        ),
    }
}

fn advice(about: &ResponseAlert) -> &'static str {
    if about.kind == "breaker" {
        "Find what these agents have in common; then approve what was held back, or restore all by the id of this alert."
    } else {
        "See whether whoever acts on requests runs and may do it; until then the agent is as free as before."
    }
}

fn open_alert(moment: &Moment<'_>, notice: &Notice<'_>) -> OpenAlert {
    let nobody = || ActorRef {
        tenant_id: moment.tenant_id.to_owned(),
        agent_id: String::new(),
        authority: Authority::Unknown,
    };
    let (trust, level) = (notice.trust, Level::Unknown);
    let worst = Verdict {
        causes: Vec::new(),
        actor: notice.actor.clone().unwrap_or_else(nobody),
        activity_id: String::new(),
        time: notice.last,
        score: MicroNats(0),
        contributions: Vec::new(),
        shadow_contributions: Vec::new(),
        return_period_actor_months: 0.0,
        return_period_support: Default::default(),
        counted_actor_months: None,
        keys: Vec::new(),
        hard_indicator: None,
        baseline: Default::default(),
        trust_before: trust,
        trust_after: trust,
        trust_evidence: 0.0,
        level_before: level,
        level_after: level,
        facts: Facts { action: "revocation".to_owned(), ..Facts::default() },
    };
    OpenAlert {
        joined: None,
        told: None,
        id: notice.id.to_owned(),
        opened: notice.opened,
        last: notice.last,
        first_seen: notice.opened,
        last_seen: notice.last,
        count: 1,
        related_events: Vec::new(),
        trust_before: trust,
        trust_after: trust,
        trust_effective: trust,
        level,
        level_effective: level,
        worst,
        versions: notice.versions.clone(),
        sources: Default::default(),
        truncated: false,
        request_id: notice.about.request_ids.first().cloned(),
    }
}
