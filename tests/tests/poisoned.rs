//! A poisoned fleet, through both folds: a faulty collector makes three agents of ten look stolen within an hour. What the
//! response takes away is bounded, one alert says so, and one command gives all of it back.

use std::collections::BTreeSet;

use alerting::ocsf::DetectionFinding;
use alerting::policy::may_revoke;
use alerting::{Mode, Respond, Response};
use schemas::command::{Command, CommandAction};
use schemas::finding::{Body, Finding};
use schemas::revocation::{RevocationAction, RevocationMode, RevocationRequest};
use schemas::time::EventTime;
use tests::Driven;
use tests::scenario::{Call, DAY_MS, HOUR_MS, START_MS, Scenario, Size, With};

const DAYS: i64 = 28;
/// Of so many agents the breaker allows three an hour.
const BREAKER: usize = 3;

/// Both folds of one partition.
struct Folds {
    observe: Driven,
    respond: Respond,
    offset: u64,
    responses: Vec<Response>,
}

impl Folds {
    fn apply(&mut self, call: &Call) {
        let mut line = Vec::new();
        call.write(&mut line);
        let said = self.observe.apply(self.offset, &line);
        self.offset += 1;
        let at_end = said.end.into_iter().flat_map(|end| end.findings);
        let of_call = said.observed.into_iter().flat_map(|observed| observed.findings);
        for finding in at_end.chain(of_call) {
            self.respond(&finding);
        }
    }

    fn respond(&mut self, finding: &Finding) {
        self.responses.extend(self.respond.apply(finding));
    }

    /// A command of a person after the newest activity.
    fn command(&mut self, template: &Finding, target: &str, at_ms: i64) -> Vec<Response> {
        let time = EventTime::from_millis(at_ms).expect("a time");
        let command = Command {
            schema: "agent.command/1".to_owned(),
            id: "c-1".to_owned(),
            time,
            tenant_id: template.tenant_id.clone(),
            action: CommandAction::Restore,
            target: Some(target.to_owned()),
            scope: None,
            expires_at: None,
            author: "carol@corp.example".to_owned(),
            comment: "the collector was at fault".to_owned(),
        };
        let body = Body::Command(Box::new(command));
        self.respond.apply(&Finding { log_time: time, body, ..template.clone() })
    }
}

/// What the fault does to a call: a password, from the other end of the world, to a strange host, for
/// somebody else's data.
fn poison(call: &mut Call, number: usize) {
    call.host = format!("drop-{number}.example");
    call.internal = false;
    call.resource = format!("payroll/salaries/{number}");
    call.classification = "restricted";
    call.credential = ("svc-admin".to_owned(), "password");
    call.source.asn = 64_666;
    call.source.country = "SC";
    call.source.anonymizer = "tor";
}

fn requests(responses: &[Response]) -> Vec<&RevocationRequest> {
    let requests = responses.iter().filter_map(|response| match response {
        Response::Revocation(request) => Some(&**request),
        _ => None,
    });
    requests.collect()
}

fn revoked(responses: &[Response]) -> BTreeSet<String> {
    let cuts = requests(responses)
        .into_iter()
        .filter(|request| may_revoke(request.action) && request.mode == RevocationMode::Enforce);
    cuts.map(|request| request.subject.agent_id.clone()).collect()
}

fn breakers(responses: &[Response]) -> Vec<&DetectionFinding> {
    let alerts = responses.iter().filter_map(|response| match response {
        Response::Alert(alert) => Some(&**alert),
        _ => None,
    });
    let kind = |alert: &DetectionFinding| {
        alert.unmapped.habitus.response.as_ref().map(|response| response.kind.clone())
    };
    alerts.filter(|alert| kind(alert).as_deref() == Some("breaker")).collect()
}

#[test]
fn a_fault_that_makes_many_look_stolen_costs_few_and_is_undone_by_one_command() {
    let scenario = Scenario::new(11, Size { days: DAYS, share: 0.3 });
    let settings = alerting::Settings { mode: Mode::Enforce, ..tests::settings().respond };
    let mut folds = Folds {
        observe: Driven::new(64 << 20),
        respond: Respond::new(settings),
        offset: 0,
        responses: Vec::new(),
    };
    // The busiest hour of the last day but one.
    let fault = START_MS + (DAYS - 2) * DAY_MS + 14 * HOUR_MS
        ..START_MS + (DAYS - 2) * DAY_MS + 15 * HOUR_MS;
    let mut calls: Vec<Call> =
        scenario.stream(With { incidents: false, changes: false }).flatten().collect();
    let mut working: Vec<&String> =
        calls.iter().filter(|call| fault.contains(&call.ms)).map(|call| &call.agent).collect();
    working.sort_unstable();
    working.dedup();
    let poisoned: BTreeSet<String> =
        working.iter().take(scenario.n_agents() * 3 / 10).map(|agent| (*agent).clone()).collect();
    assert!(poisoned.len() >= scenario.n_agents() / 4, "{} of them work", poisoned.len());
    for (number, call) in calls.iter_mut().enumerate() {
        if fault.contains(&call.ms) && poisoned.contains(&call.agent) {
            poison(call, number);
        }
    }
    let before = calls.partition_point(|call| call.ms < fault.start);
    let until = calls.partition_point(|call| call.ms < fault.end);
    calls[..before].iter().for_each(|call| folds.apply(call));
    let n_before = folds.responses.len();
    calls[before..until].iter().for_each(|call| folds.apply(call));
    let wave = &folds.responses[n_before..];

    let cut = revoked(wave);
    assert!(cut.is_subset(&poisoned), "{cut:?}");
    assert_eq!(cut.len(), BREAKER, "of {} agents", scenario.n_agents());
    let alerts = breakers(wave);
    assert_eq!(alerts.len(), 1, "one alert, not one for each agent");
    let told = alerts[0].unmapped.habitus.response.as_ref().expect("what it is about");
    assert_eq!((told.revoked, told.held), (BREAKER as u64, 1), "as it stood when it opened");
    let (id, waiting) =
        (alerts[0].finding_info.uid.clone(), folds.respond.counts().requests_waiting);
    assert!(waiting as usize >= poisoned.len() / 3, "{waiting} of {} wait", poisoned.len());

    let template = template(&folds);
    let undone = folds.command(&template, &id, fault.end + HOUR_MS / 4);
    let back = requests(&undone);
    assert!(back.iter().all(|request| request.action == RevocationAction::Restore));
    let back: BTreeSet<String> = back.iter().map(|r| r.subject.agent_id.clone()).collect();
    assert_eq!(back, cut, "who was cut off is given back, and nobody else");
    assert_eq!(folds.respond.counts().requests_waiting, 0, "what was held back is denied");

    // The rest of the day is usual again, and nobody is cut off for what was.
    let n_undone = folds.responses.len();
    calls[until..].iter().for_each(|call| folds.apply(call));
    assert_eq!(revoked(&folds.responses[n_undone..]), BTreeSet::new());
}

fn template(folds: &Folds) -> Finding {
    let time = EventTime::from_millis(folds.observe.log_ms()).expect("a time");
    alerting::intake::tick("corp", time, 0, &schemas::finding::Versions::default())
}
