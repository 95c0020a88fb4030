//! A day of an agent's usual work: sessions of its purposes, over the places and objects it returns to.

use std::collections::BTreeMap;

use super::call::{Call, Network};
use super::catalog::{Acts, SERVICES, Secret, Service, Tool};
use super::change::Effect;
use super::habit::Habit;
use super::population::Agent;
use super::random::Random;
use super::stream::{HOUR_MS, START_MS};

/// Longest session.
const CALLS_MAX: usize = 40;

/// What an agent returns to.
#[derive(Clone, Debug)]
pub(super) struct Habits {
    places: BTreeMap<&'static str, Habit>,
    objects: BTreeMap<(&'static str, usize), Habit>,
    people: Habit,
}

/// Where a session stands.
pub(super) struct Session<'a> {
    pub(super) agent: &'a Agent,
    pub(super) effect: &'a Effect,
    /// Its id, and the start of its calls' ids.
    pub(super) id: String,
    pub(super) begin_ms: i64,
    pub(super) purpose: usize,
}

// === impl Habits ===

impl Habits {
    pub(super) fn new(agent: &Agent) -> Self {
        let anyone = agent.blueprint.acts == Acts::ForAnyone;
        let people = if anyone { Habit::new(0.5, 5.0) } else { Habit::new(0.0, 0.2) };
        Self { places: BTreeMap::new(), objects: BTreeMap::new(), people }
    }

    /// The calls of a day's sessions; some end after midnight.
    pub(super) fn day(&mut self, agent: &Agent, seed: u64, day: i64, effect: &Effect) -> Vec<Call> {
        let mut calls = Vec::new();
        if !agent.works_on(day) || effect.rests {
            return calls;
        }
        let mut random = Random::of(&[seed, 2, agent.number as u64, day as u64]);
        let busy = random.factor(agent.unrest) * effect.load;
        let clockwork = agent.schedule.is_clockwork();
        for hour in day * 24..(day + 1) * 24 {
            let mean = agent.sessions * agent.schedule.share(hour + effect.shift_hours) * busy;
            let sessions = match clockwork {
                true => mean.round() as usize,
                false => random.poisson(mean),
            };
            for number in 0..sessions {
                let into = if clockwork { 3e5 * number as f64 } else { random.between(0.0, 36e5) };
                let session = Session {
                    agent,
                    effect,
                    id: format!("{}-{hour}-{number}", agent.number),
                    begin_ms: START_MS + hour * HOUR_MS + into as i64 + random.below(40_000) as i64,
                    purpose: random.rank(1.2) as usize % agent.purposes.len(),
                };
                calls.extend(self.session(&session, &mut random));
            }
        }
        calls
    }

    /// The calls of one session.
    pub(super) fn session(&mut self, session: &Session<'_>, random: &mut Random) -> Vec<Call> {
        let agent = session.agent;
        let tools = planned(session, random);
        let odd = random.chance(agent.oddity).then(|| random.below(tools.len()));
        let user = self.user(session, random);
        let source = network(session, random);
        let mut ms = session.begin_ms;
        let mut calls: Vec<Call> = Vec::new();
        for (place, tool) in tools.into_iter().enumerate() {
            let mut call = self.call(session, tool, random);
            (call.user, call.source) = (user.clone(), source.clone());
            let mut times = 1;
            if session.effect.is_out(tool.service, ms) {
                call.result = "failure";
                times = 3 + random.below(6);
            } else if random.chance(agent.failure) {
                call.result = if random.chance(0.2) { "denied" } else { "failure" };
                times = 1 + random.below(3);
            }
            match odd == Some(place) {
                true if random.chance(0.5) => call.bytes_out *= 20,
                true => times = 15,
                false => {}
            }
            for _ in 0..times {
                let pause = if agent.schedule.is_clockwork() { 1_500.0 } else { 6_000.0 };
                ms += (pause * random.factor(0.9)).min(3e5) as i64 + 1;
                call.ms = ms;
                call.id = format!("{}-{}", session.id, calls.len());
                calls.push(call.clone());
            }
        }
        calls
    }

    /// A usual call of a tool; who asks and from where is the session's.
    pub(super) fn call(
        &mut self,
        session: &Session<'_>,
        tool: &'static Tool,
        random: &mut Random,
    ) -> Call {
        let (agent, effect) = (session.agent, session.effect);
        let service = service(tool);
        let size = random.factor(agent.blueprint.spread) * agent.size * effect.size;
        let object = self.object(agent, tool, random);
        let age = if effect.backfills { "archive/" } else { "" };
        Call {
            ms: session.begin_ms,
            id: session.id.clone(),
            agent: agent.id.clone(),
            registered: Some((agent.blueprint.name, agent.owner())),
            version: version(agent, session.begin_ms, effect),
            model: "large-3",
            user: None,
            purpose: agent.purposes[session.purpose].name.clone(),
            session: session.id.clone(),
            credential: credential(session),
            tool: tool.name,
            action: tool.action,
            service: tool.service,
            resource: format!(
                "{}/{}/{age}{}/{object}",
                tool.service,
                service.parts[tool.part],
                object % 7
            ),
            classification: service.classification,
            host: self.host(agent, service, random),
            internal: !service.outward,
            source: agent.home.clone(),
            bytes_out: (tool.out * size) as u64 + 1,
            bytes_in: (tool.back * size) as u64 + 1,
            result: "success",
        }
    }

    fn object(&mut self, agent: &Agent, tool: &Tool, random: &mut Random) -> u64 {
        let novelty = agent.blueprint.novelty;
        let habit = self.objects.entry((tool.service, tool.part));
        habit.or_insert_with(|| Habit::new(novelty, 3.0)).draw(random, |random| random.rank(60.0))
    }

    fn host(&mut self, agent: &Agent, service: &'static Service, random: &mut Random) -> String {
        if !service.outward {
            return format!("{}.corp.example", service.name);
        }
        let novelty = agent.blueprint.novelty;
        let habit = self.places.entry(service.name);
        let habit = habit.or_insert_with(|| Habit::new(novelty, 1.0));
        format!("{}-{}.example", service.name, habit.draw(random, |random| random.rank(8.0)))
    }

    fn user(&mut self, session: &Session<'_>, random: &mut Random) -> Option<String> {
        let agent = session.agent;
        let guest = session.effect.guest.as_ref().filter(|_| random.chance(0.15));
        let item = self.people.draw(random, |random| random.next() % 300);
        match agent.blueprint.acts {
            Acts::Alone => None,
            Acts::Either if random.chance(0.35) => None,
            _ if guest.is_some() => guest.cloned(),
            Acts::ForAnyone => Some(format!("person-{item:03}")),
            _ => Some(format!(
                "{}-{:02}",
                agent.blueprint.name,
                (agent.number + item as usize % 4) % 40
            )),
        }
    }
}

pub(super) fn service(tool: &Tool) -> &'static Service {
    let found = SERVICES.iter().find(|service| service.name == tool.service);
    found.expect("the catalog has the service")
}

/// The tools of a session in order: the script with its repeats and slips, or a free choice.
fn planned(session: &Session<'_>, random: &mut Random) -> Vec<&'static Tool> {
    let agent = session.agent;
    let mut tools = Vec::new();
    let steps = &agent.purposes[session.purpose].steps;
    if agent.script(session.purpose).is_some() {
        for step in steps {
            let times = 1 + random.poisson(step.repeats - 1.0);
            tools.extend(std::iter::repeat_n(step.tool, times));
        }
    } else {
        tools.extend((0..3 + random.poisson(4.0)).map(|_| random.pick(steps).tool));
    }
    for tool in &mut tools {
        if random.chance(agent.improvises) {
            *tool = *random.pick(&agent.tools);
        }
    }
    if let Some(tool) = session.effect.extra.filter(|_| random.chance(0.4)) {
        tools.push(tool);
    }
    tools.truncate(CALLS_MAX);
    tools
}

fn network(session: &Session<'_>, random: &mut Random) -> Network {
    let agent = session.agent;
    if let Some(network) = &session.effect.network {
        return network.clone();
    }
    if !agent.blueprint.roams || random.chance(0.6) {
        return agent.home.clone();
    }
    // At home, or now and then on the way.
    let isp =
        if random.chance(0.9) { agent.number % 4 } else { 4 + random.rank(2.0) as usize % 30 };
    Network {
        ip: format!("100.64.{isp}.{}", agent.number % 250),
        asn: 64_600 + isp as u32,
        ..agent.home.clone()
    }
}

fn credential(session: &Session<'_>) -> (String, &'static str) {
    let (agent, effect) = (session.agent, session.effect);
    match agent.blueprint.secret {
        Secret::Key => (format!("{}{}", agent.key(), effect.key), "api_key"),
        Secret::Workload => {
            let day = (session.begin_ms - START_MS) / (24 * HOUR_MS);
            (format!("svid-{}-{day}", agent.number), "x509_svid")
        }
        Secret::Token => (format!("jti-{}", session.id), "oauth_access_token"),
    }
}

/// The version that an agent runs at a time after so many deployments.
pub(super) fn version_after(agent: &Agent, ms: i64, deployments: usize) -> String {
    let mut effect = Effect::default();
    effect.release += deployments as i64;
    version(agent, ms, &effect)
}

fn version(agent: &Agent, ms: i64, effect: &Effect) -> String {
    let week = (ms - START_MS) / (7 * 24 * HOUR_MS);
    let minor = if agent.blueprint.ships_often { week } else { 4 };
    format!("1.{}.{}", minor, effect.release)
}
