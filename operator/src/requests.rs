//! The requests of a deployment with what became of them, as the saved cases have them: whom each is about, on whose
//! behalf they acted, why, and until when it waits. And the silences, which stand there too.

use std::collections::BTreeMap;
use std::fmt::Write;

use alerting::ocsf::DetectionFinding;
use alerting::{Asked, RequestState, Saved, Silence, saved};
use bus::Bus;
use lane::unframe;
use schemas::EventTime;
use schemas::feedback::Scope;
use serde_json::{Value, json};
use stream::Topic;

use crate::log::{Console, ConsoleError};
use crate::terminal::clean;

/// A request, and on whose behalf the agent acted.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The request and its state.
    pub asked: Asked,
    /// Ids from the root subject to the agent, where the alert is still there that led to it.
    pub chain: Vec<String>,
}

// === impl Request ===

impl Request {
    /// Whether a person may still do something about it.
    pub fn is_open(&self) -> bool {
        use RequestState::{Asked, Failed, Overdue, Resent, Waiting};
        matches!(self.asked.state, Waiting | Asked | Resent | Overdue | Failed)
    }

    /// It for people, in a few lines.
    pub fn text(&self) -> String {
        let Asked { request, state, held, .. } = &self.asked;
        let subject = &request.subject;
        let authority = subject.authority.map_or("any authority", |authority| authority.as_str());
        let behalf = match self.chain.split_last() {
            Some((_, before)) if !before.is_empty() => {
                let links: Vec<String> = before.iter().map(|link| clean(link)).collect();
                format!(", on behalf of {}", links.join(" > "))
            }
            _ => String::new(),
        };
        let mut out = format!(
            "{}  {}{}  {}\n  who    {} of {} ({authority}{behalf})\n",
            clean(&request.request_id),
            state.as_str(),
            if *held { ", held back" } else { "" },
            request.action.as_str(),
            clean(&subject.agent_id),
            clean(&request.tenant_id),
        );
        let cause = &request.cause;
        let why = cause.reason_admin.get("en").map_or_else(String::new, |why| clean(why));
        let alert = cause.alert_id.as_deref().unwrap_or("none");
        let _infallible = writeln!(out, "  why    {why}\n         alert {}", clean(alert));
        if let Some(wave) = &self.asked.wave {
            let _infallible = writeln!(out, "         alert of the breaker {}", clean(wave));
        }
        let until = self.asked.until().map_or_else(|| "-".to_owned(), EventTime::rfc3339);
        let _infallible = writeln!(out, "  since  {}\n  until  {until}", request.time.rfc3339());
        out
    }

    /// It for machines.
    pub fn json(&self) -> Value {
        let asked = &self.asked;
        json!({
            "request_id": asked.request.request_id, "state": asked.state.as_str(), "held": asked.held,
            "since": asked.request.time, "until": asked.until(), "breaker_alert_id": asked.wave,
            "chain": self.chain, "request": asked.request,
        })
    }
}

// === impl Console ===

impl<B: Bus> Console<B> {
    /// Every request that is still known, those that wait for a person first, then by time; of one tenant or all.
    pub fn requests(&self, tenant: Option<&str>) -> Result<Vec<Request>, ConsoleError> {
        let saved = self.saved(tenant, "request")?.into_iter();
        let all: Vec<Asked> = saved
            .filter_map(|(_, saved)| match saved {
                Saved::Request(asked) => Some(*asked),
                Saved::Silence(_) => None,
            })
            .collect();
        let mut chains: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if !all.is_empty() {
            self.alerts(|alert| {
                let id = Some(&alert.finding_info.uid);
                // Who joined an alert has another chain than whoever opened it.
                let own = &alert.unmapped.habitus;
                let led = |asked: &Asked| {
                    asked.request.cause.alert_id.as_ref() == id
                        && asked.request.subject.agent_id == own.agent_id
                };
                for asked in all.iter().filter(|asked| led(asked)) {
                    chains.insert(asked.request.request_id.clone(), own.chain.clone());
                }
            })?;
        }
        let chain = |asked: &Asked| chains.get(&asked.request.request_id).cloned();
        let mut requests: Vec<Request> = all
            .into_iter()
            .map(|asked| Request { chain: chain(&asked).unwrap_or_default(), asked })
            .collect();
        requests.sort_by_key(|request| {
            let asked = &request.asked;
            let waits = asked.state == RequestState::Waiting;
            (!waits, asked.request.time, asked.request.request_id.clone())
        });
        Ok(requests)
    }

    /// Every silence in force, each with its tenant.
    pub fn silences(&self, tenant: Option<&str>) -> Result<Vec<(String, Silence)>, ConsoleError> {
        let saved = self.saved(tenant, "silence")?.into_iter();
        let silences = saved.filter_map(|(tenant, saved)| match saved {
            Saved::Silence(silence) => Some((tenant, *silence)),
            Saved::Request(_) => None,
        });
        Ok(silences.collect())
    }

    /// What the cases hold of a kind now, in the order of its keys. A damaged record is an error: what it held back is
    /// not known.
    fn saved(
        &self,
        tenant: Option<&str>,
        kind: &str,
    ) -> Result<Vec<(String, Saved)>, ConsoleError> {
        let start = format!("~{kind}/");
        let mut newest: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        self.each(Topic::Cases, tenant, |record| {
            let key = record.key.and_then(|key| String::from_utf8(key).ok()).unwrap_or_default();
            let Some((of, rest)) = key.split_once('|') else { return };
            if !rest.starts_with(&start) || tenant.is_some_and(|tenant| tenant != of) {
                return;
            }
            match record.value.filter(|value| !value.is_empty()) {
                Some(value) => newest.insert(key, value),
                None => newest.remove(&key),
            };
        })?;
        let mut all = Vec::new();
        for (key, value) in &newest {
            let (_, value) = unframe(value).map_err(|why| ConsoleError::Broken(clean(key), why))?;
            let read = saved(key, value).map_err(|why| ConsoleError::Damaged(clean(key), why))?;
            all.extend(read.map(|(tenant, saved)| (tenant.to_owned(), saved)));
        }
        Ok(all)
    }

    /// Shows every alert that is still there, and those that mode `shadow` kept back.
    pub(crate) fn alerts(
        &self,
        mut show: impl FnMut(DetectionFinding),
    ) -> Result<(), ConsoleError> {
        for topic in [Topic::Alerts, Topic::Shadow] {
            self.each(topic, None, |record| {
                // The shadow topic holds more than alerts.
                let value = record.value.as_deref().unwrap_or_default();
                if let Ok(alert) = serde_json::from_slice(value) {
                    show(alert);
                }
            })?;
        }
        Ok(())
    }
}

/// A silence for people, in a line.
pub(crate) fn silence_text(tenant: &str, silence: &Silence) -> String {
    format!(
        "{}  {} until {}, {} events so far\n  by     {}: {}\n",
        clean(&silence.id),
        scope_text(tenant, &silence.scope),
        silence.expires_at.rfc3339(),
        silence.matched,
        clean(&silence.author),
        clean(&silence.comment),
    )
}

/// A scope in words.
fn scope_text(tenant: &str, scope: &Scope) -> String {
    let mut out = format!("tenant {}", clean(tenant));
    for (name, value) in [
        ("agent", scope.agent_id.as_deref()),
        ("authority", scope.authority.map(|authority| authority.as_str())),
        ("blueprint", scope.blueprint.as_deref()),
        ("signal", scope.signal.as_deref()),
        ("key", scope.key.as_deref()),
    ] {
        if let Some(value) = value {
            let _infallible = write!(out, ", {name} {}", clean(value));
        }
    }
    out
}
