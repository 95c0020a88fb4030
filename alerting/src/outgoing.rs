//! Responses as records of the log: kind of topic, key, value, headers. Here the mode decides what leaves, and where
//! to; what a record says is decided before.

use schemas::EventTime;
use schemas::decision::DecisionRecord;
use schemas::header::{EventHeaders, RawHeaders, RecordKind, TraceParent};
use schemas::revocation::RevocationRequest;
use schemas::set::SET_MEDIA_TYPE;

use crate::ocsf::DetectionFinding;
use crate::policy::Mode;
use crate::respond::Response;
use crate::set::{self, SetDraft};
use crate::settings::Settings;

/// Where a record goes; names are config.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicKind {
    /// Alerts.
    Alerts,
    /// Incidents.
    Incidents,
    /// Revocation requests.
    Revocations,
    /// Decisions, for the audit.
    Decisions,
    /// What shadow mode keeps back.
    Shadow,
    /// Shared tables for every lane; compacted, one partition.
    Control,
    /// Security event tokens; the value is still to be signed for the receiver that the header `habitus-receiver` names.
    Sets,
}

/// The header that names the receiver of a token.
pub const RECEIVER_HEADER: &str = "habitus-receiver";

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it goes.
    pub kind: TopicKind,
    /// Its key; chooses the partition too.
    pub key: Vec<u8>,
    /// Its value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: RawHeaders,
    /// Log time of its cause.
    pub cause: EventTime,
}

/// The records that the responses to one finding are, in their order; `log_time` is the finding's.
pub fn outgoing(settings: &Settings, log_time: EventTime, responses: &[Response]) -> Vec<Outgoing> {
    let to = |kind: TopicKind| match settings.mode {
        Mode::Shadow => settings.shadow_output.then_some(TopicKind::Shadow),
        Mode::Alert | Mode::Enforce => Some(kind),
    };
    let shadow = settings.mode == Mode::Shadow;
    let written = |response: &Response| match response {
        Response::Alert(alert) => {
            let kind = to(TopicKind::Alerts)?;
            let (key, headers) = alert_headers(alert, log_time, shadow);
            Some(Outgoing {
                kind,
                key,
                value: Some(serde_json::to_vec(alert).ok()?),
                headers,
                cause: log_time,
            })
        }
        Response::Incident(incident) => {
            let kind = to(TopicKind::Incidents)?;
            let (id, own) = (incident.metadata.uid.clone(), &incident.unmapped.habitus);
            let of = incident.metadata.correlation_uid.as_ref().unwrap_or(&id);
            let key = key(&own.tenant_id, of);
            let time = Some(EventTime::from_millis(incident.time).unwrap_or(log_time));
            let headers = headers(id.clone(), RecordKind::Incident, (&own.tenant_id, of), shadow);
            let headers = EventHeaders { time, ..headers }.encode();
            let value = Some(serde_json::to_vec(incident).ok()?);
            Some(Outgoing { kind, key, value, headers, cause: log_time })
        }
        Response::Revocation(request) => {
            let kind = to(TopicKind::Revocations)?;
            let trace = trace_of(request, responses);
            let (key, headers) = request_headers(request, trace, shadow);
            Some(Outgoing {
                kind,
                key,
                value: Some(serde_json::to_vec(request).ok()?),
                headers,
                cause: log_time,
            })
        }
        Response::Decision(record) => Some(Outgoing {
            kind: to(TopicKind::Decisions)?,
            key: record.tenant_id.clone().into_bytes(),
            value: Some(serde_json::to_vec(record).ok()?),
            headers: decision_headers(record, shadow),
            cause: log_time,
        }),
        Response::Control { key, value, .. } => Some(Outgoing {
            kind: TopicKind::Control,
            key: key.clone().into_bytes(),
            value: (!value.is_empty()).then(|| value.clone()),
            headers: RawHeaders::new(),
            cause: log_time,
        }),
        Response::AlertRef { .. } | Response::Risk(_) => None,
    };
    let records = responses.iter().filter_map(written);
    records.chain(sets(settings, log_time, responses)).collect()
}

/// The tokens of the responses; in shadow mode nobody is told.
fn sets(settings: &Settings, log_time: EventTime, responses: &[Response]) -> Vec<Outgoing> {
    if settings.mode == Mode::Shadow {
        return Vec::new();
    }
    let drafts = responses.iter().flat_map(|response| match response {
        Response::Risk(change) => set::of_risk(settings, change),
        Response::Revocation(request) => set::of_request(settings, request),
        _ => Vec::new(),
    });
    let written = |draft: SetDraft| {
        let id = draft.claims.jti.clone();
        let headers = EventHeaders {
            content_type: SET_MEDIA_TYPE.to_owned(),
            time: EventTime::from_millis(draft.claims.iat.saturating_mul(1_000)).ok(),
            ..headers(id, RecordKind::Set, (&draft.tenant_id, &draft.agent_id), false)
        };
        let mut headers = headers.encode();
        headers.push((RECEIVER_HEADER.to_owned(), draft.receiver.into_bytes()));
        Some(Outgoing {
            kind: TopicKind::Sets,
            key: key(&draft.tenant_id, &draft.agent_id),
            value: Some(serde_json::to_vec(&draft.claims).ok()?),
            headers,
            cause: log_time,
        })
    };
    drafts.filter_map(written).collect()
}

fn alert_headers(
    alert: &DetectionFinding,
    log_time: EventTime,
    shadow: bool,
) -> (Vec<u8>, RawHeaders) {
    let habitus = &alert.unmapped.habitus;
    let id = alert.metadata.uid.clone();
    // An alert of a fleet is no agent's: it stands under its own id.
    let of_none = habitus.fleet.is_some() || habitus.agent_id.is_empty();
    let subject = if of_none { &alert.finding_info.uid } else { &habitus.agent_id };
    let headers = EventHeaders {
        time: Some(EventTime::from_millis(alert.time).unwrap_or(log_time)),
        traceparent: trace_parent(habitus.trace_id.as_deref(), &id),
        ..headers(id, RecordKind::Alert, (&habitus.tenant_id, subject), shadow)
    };
    (key(&habitus.tenant_id, subject), headers.encode())
}

fn request_headers(
    request: &RevocationRequest,
    trace: Option<&str>,
    shadow: bool,
) -> (Vec<u8>, RawHeaders) {
    let (tenant_id, agent_id) = (&request.tenant_id, &request.subject.agent_id);
    let id = request.request_id.clone();
    let headers = EventHeaders {
        time: Some(request.time),
        traceparent: trace_parent(trace, &id),
        ..headers(id, RecordKind::Revocation, (tenant_id, agent_id), shadow)
    };
    (key(tenant_id, agent_id), headers.encode())
}

fn decision_headers(record: &DecisionRecord, shadow: bool) -> RawHeaders {
    let agent_id = record.actor.as_ref().map_or("", |actor| &actor.agent_id);
    let of = (record.tenant_id.as_str(), agent_id);
    let headers = headers(record.id.clone(), RecordKind::Decision, of, shadow);
    let subject = headers.subject.filter(|agent_id| !agent_id.is_empty());
    EventHeaders { time: Some(record.time), subject, ..headers }.encode()
}

fn headers(
    id: String,
    kind: RecordKind,
    (tenant_id, agent_id): (&str, &str),
    shadow: bool,
) -> EventHeaders {
    EventHeaders {
        subject: Some(agent_id.to_owned()),
        shadow,
        ..EventHeaders::json(id, format!("/habitus/{tenant_id}"), kind)
    }
}

fn key(tenant_id: &str, agent_id: &str) -> Vec<u8> {
    format!("{tenant_id}|{agent_id}").into_bytes()
}

/// The trace of the alert that a request belongs to; both are responses to the same finding.
fn trace_of<'r>(request: &RevocationRequest, responses: &'r [Response]) -> Option<&'r str> {
    let alert_id = request.cause.alert_id.as_deref()?;
    responses.iter().find_map(|response| match response {
        // Who joined the alert of another one did it in a trace of its own.
        Response::Alert(alert)
            if alert.finding_info.uid == alert_id
                && alert.unmapped.habitus.agent_id == request.subject.agent_id =>
        {
            alert.unmapped.habitus.trace_id.as_deref()
        }
        _ => None,
    })
}

/// The trace of the activity, with the record as its newest span: a span's id is the end of the record's.
fn trace_parent(trace_id: Option<&str>, record_id: &str) -> Option<TraceParent> {
    let trace_id = trace_id.filter(|id| id.len() == 32)?;
    let span = record_id.get(record_id.len().checked_sub(16)?..)?;
    let parse = |hex| u128::from_str_radix(hex, 16).ok();
    TraceParent::new(parse(trace_id)?, u64::try_from(parse(span)?).ok()?, 1)
}
