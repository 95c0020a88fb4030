//! The calls of incidents. Each starts from the agent's usual work and changes only what its kind says; the agent's
//! habits do not learn from it.

use super::call::{Call, Network};
use super::catalog::Tool;
use super::change::Effect;
use super::incident::{Contradiction, Incident, IncidentKind as Kind, key_of_another};
use super::population::{Agent, Fleet};
use super::random::Random;
use super::work::{Habits, Session};

/// One member's part in an incident.
pub(super) struct Part<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) incident: &'a Incident,
    pub(super) agent: &'a Agent,
    pub(super) effect: &'a Effect,
    /// A copy: nothing is learned.
    pub(super) habits: Habits,
    pub(super) random: Random,
    n_sessions: usize,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        (fleet, incident): (&'a Fleet, &'a Incident),
        agent: &'a Agent,
        effect: &'a Effect,
        habits: Habits,
    ) -> Self {
        let name = [fleet.seed, 5, incident.number as u64, agent.number as u64];
        let random = Random::of(&name);
        Self { fleet, incident, agent, effect, habits, random, n_sessions: 0 }
    }

    /// Its calls, in order of time; none of a drift, which is in the usual work.
    pub(super) fn play(&mut self) -> Vec<Call> {
        let mut calls = match self.incident.kind {
            Kind::Drift => Vec::new(),
            Kind::Destination => self.uploads(4),
            Kind::Coordination => self.uploads(1),
            Kind::Network => self.elsewhere(),
            Kind::Resource => self.restricted(),
            Kind::Volume => self.large(),
            Kind::Sequence => self.disordered(),
            Kind::Purpose => self.off_purpose(),
            Kind::Rate => self.burst(),
            Kind::FanOut => self.firsts(),
            Kind::Failure => self.refused(),
            Kind::Hours => self.sessions(2),
            Kind::Dormancy => self.sessions(3),
            Kind::Authority => self.other_authority(),
            Kind::Credential => self.other_credential(),
            Kind::Inventory => self.unregistered(),
            Kind::Epoch => self.other_version(),
        };
        let latest = self.incident.end_ms - 60_000;
        for call in &mut calls {
            call.ms = call.ms.min(latest);
        }
        calls
    }

    /// A usual session that begins that many minutes into the incident.
    fn session(&mut self, minutes: i64) -> Vec<Call> {
        let purpose = self.random.below(self.agent.purposes.len());
        let session = self.frame(minutes, purpose);
        self.habits.session(&session, &mut self.random)
    }

    fn frame(&mut self, minutes: i64, purpose: usize) -> Session<'a> {
        self.n_sessions += 1;
        Session {
            agent: self.agent,
            effect: self.effect,
            id: format!("{}-r{}-{}", self.agent.number, self.incident.number, self.n_sessions),
            begin_ms: self.incident.begin_ms + minutes * 60_000,
            purpose,
        }
    }

    fn sessions(&mut self, count: i64) -> Vec<Call> {
        (0..count).flat_map(|number| self.session(number * 40)).collect()
    }

    /// A session, and then so many calls of the first tool of its purpose that suits, seconds apart.
    fn session_with(
        &mut self,
        suits: fn(&Tool) -> bool,
        count: usize,
        pause_ms: i64,
    ) -> (Vec<Call>, usize) {
        let purposes = &self.agent.purposes;
        let first = self.random.below(purposes.len());
        let steps = (0..purposes.len()).flat_map(|next| {
            let purpose = (first + next) % purposes.len();
            purposes[purpose].steps.iter().map(move |step| (purpose, step.tool))
        });
        let found = steps.clone().find(|(_, tool)| suits(tool)).or_else(|| steps.clone().next());
        let Some((purpose, tool)) = found else { return (Vec::new(), 0) };
        self.session_of(purpose, &vec![tool; count], pause_ms)
    }

    /// A session, and then calls of these tools in it; gives how many calls are usual.
    fn session_of(
        &mut self,
        purpose: usize,
        tools: &[&'static Tool],
        pause_ms: i64,
    ) -> (Vec<Call>, usize) {
        let session = self.frame(0, purpose);
        let mut calls = self.habits.session(&session, &mut self.random);
        let usual = calls.len();
        let Some(last) = calls.last().cloned() else { return (calls, 0) };
        for (tool, number) in tools.iter().zip(1..) {
            let mut call = self.habits.call(&session, tool, &mut self.random);
            call.ms = last.ms + number * pause_ms + self.random.below(2_000) as i64;
            call.id = format!("{}-{}", session.id, usual as i64 + number);
            (call.user, call.source) = (last.user.clone(), last.source.clone());
            calls.push(call);
        }
        (calls, usual)
    }

    fn uploads(&mut self, count: usize) -> Vec<Call> {
        let (mut calls, usual) = self.session_with(sends, count, 15_000);
        for call in &mut calls[usual..] {
            call.host = format!("drop-{}.example", self.incident.number);
            call.internal = false;
        }
        calls
    }

    fn elsewhere(&mut self) -> Vec<Call> {
        let tor = Network {
            ip: "185.220.101.9".to_owned(),
            asn: 64_666,
            country: "SC",
            anonymizer: "tor",
        };
        let hosted = Network {
            ip: "45.155.204.7".to_owned(),
            asn: 64_670,
            country: "RO",
            anonymizer: "hosting",
        };
        let network = if self.incident.variant.is_multiple_of(2) { tor } else { hosted };
        let mut calls = self.session(0);
        calls.iter_mut().for_each(|call| call.source = network.clone());
        calls
    }

    fn restricted(&mut self) -> Vec<Call> {
        let (mut calls, usual) = self.session_with(reads, 12, 12_000);
        for (number, call) in calls[usual..].iter_mut().enumerate() {
            call.resource = format!("payroll/salaries/{}/{number}", self.incident.number);
            call.classification = "restricted";
        }
        calls
    }

    fn large(&mut self) -> Vec<Call> {
        let (mut calls, usual) = self.session_with(reads, 2, 20_000);
        for call in &mut calls[usual..] {
            call.bytes_in *= 200;
            call.bytes_out *= 200;
        }
        calls
    }

    /// The purpose's own tools from the last to the first, three times.
    fn disordered(&mut self) -> Vec<Call> {
        let purpose = self.random.below(self.agent.purposes.len());
        let steps = &self.agent.purposes[purpose].steps;
        let back: Vec<&'static Tool> = steps.iter().rev().map(|step| step.tool).collect();
        let (calls, usual) = self.session_of(purpose, &back.repeat(3), 6_000);
        calls.into_iter().skip(usual).collect()
    }

    /// Three calls of a tool that the agent uses for other purposes only.
    fn off_purpose(&mut self) -> Vec<Call> {
        let purposes = &self.agent.purposes;
        let uses = |purpose: usize, tool: &Tool| {
            purposes[purpose].steps.iter().any(|step| step.tool == tool)
        };
        let elsewhere = |purpose: usize, tool: &Tool| {
            !uses(purpose, tool) && (0..purposes.len()).any(|other| uses(other, tool))
        };
        let pairs = (0..purposes.len())
            .flat_map(|purpose| self.agent.tools.iter().map(move |tool| (purpose, *tool)));
        let pair = pairs.clone().find(|(purpose, tool)| elsewhere(*purpose, tool));
        // Where all purposes use the same tools there is one that none uses.
        let pair = pair.or_else(|| pairs.clone().find(|(purpose, tool)| !uses(*purpose, tool)));
        let Some((purpose, tool)) = pair else { return self.session(0) };
        self.session_of(purpose, &[tool; 3], 8_000).0
    }

    fn burst(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        while calls.len() < 300 {
            let more = self.session(0);
            calls.extend(more);
        }
        calls.truncate(300);
        for (number, call) in (0..).zip(&mut calls) {
            call.ms = self.incident.begin_ms + number * 3_000;
        }
        calls
    }

    fn firsts(&mut self) -> Vec<Call> {
        let (mut calls, usual) = self.session_with(reads, 60, 30_000);
        for (number, call) in calls[usual..].iter_mut().enumerate() {
            let place = call.resource.rsplit_once('/').map_or("", |(place, _)| place);
            call.resource = format!("{place}/{}", 2_000_000 + number * 7);
        }
        calls
    }

    fn refused(&mut self) -> Vec<Call> {
        let purpose = self.random.below(self.agent.purposes.len());
        let steps = &self.agent.purposes[purpose].steps;
        let tools: Vec<&'static Tool> = (0..25).map(|_| self.random.pick(steps).tool).collect();
        let (mut calls, usual) = self.session_of(purpose, &tools, 45_000);
        for call in &mut calls[usual..] {
            call.result = "denied";
        }
        calls
    }

    fn other_authority(&mut self) -> Vec<Call> {
        let mut calls = self.sessions(3);
        for call in &mut calls {
            call.user = match &call.user {
                Some(_) if self.incident.variant.is_multiple_of(2) => None,
                _ => Some("board-member-1".to_owned()),
            };
        }
        calls
    }

    fn other_credential(&mut self) -> Vec<Call> {
        let mut calls = self.sessions(2);
        for call in &mut calls {
            if self.incident.variant % 3 == 2 {
                call.credential.0 = format!("fresh-{}", self.incident.number);
            } else if self.agent.keeps_its_key() {
                let key = key_of_another(self.fleet, self.agent);
                call.credential.0 = key.unwrap_or_else(|| "key-0000".to_owned());
            } else {
                call.credential = ("svc-admin".to_owned(), "password");
            }
        }
        calls
    }

    fn unregistered(&mut self) -> Vec<Call> {
        let mut calls = self.sessions(3);
        for call in &mut calls {
            match self.incident.contradiction() {
                Some(Contradiction::Unknown) => {
                    call.agent.clone_from(&self.incident.agents[0]);
                    call.registered = None;
                }
                Some(Contradiction::OffPurpose) => "side-errand".clone_into(&mut call.purpose),
                _ => {}
            }
        }
        calls
    }

    fn other_version(&mut self) -> Vec<Call> {
        let mut calls = self.sessions(3);
        for call in &mut calls {
            "0.0.1-dev".clone_into(&mut call.version);
            call.model = "uncensored-7b";
        }
        calls
    }
}

fn reads(tool: &Tool) -> bool {
    tool.action == "data_read"
}

fn sends(tool: &Tool) -> bool {
    tool.action == "data_write" || tool.action == "message_send"
}
