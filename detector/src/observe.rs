//! The observe fold over one partition: find the agent, score, move trust, learn, remember. Score first, learn
//! after; while an actor is restricted or worse, activities that alert teach nothing. How its state is saved, its
//! epochs end and trust is told stands elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use baseline::agent::authority_index;
use baseline::crowd::Crowd;
use baseline::hash::tag;
use baseline::part::sessions::Session;
use baseline::part::trust::TrustState;
use baseline::shared::{Deltas, Meetings, Shared};
use baseline::store::{Limits, Place, Store, StoreCounts};
use baseline::{Actor, Head, young};
use schemas::MicroNats;
use schemas::activity::Activity;
use schemas::choice::{Authority, Classification};
use schemas::finding::{Body, Finding};
use schemas::trust::{Level, TrustRecord};

use crate::budget::{Pace, ReturnPeriod, return_period};
use crate::context::Context;
use crate::due::DueIndex;
use crate::engine::{Assessment, Scales, assess};
use crate::epoch::{Position, epoch_of, watched_s};
use crate::inventory::Inventory;
use crate::keys::Keys;
use crate::learn::identity::note_makeup;
use crate::learn::{Lesson, teach_step};
use crate::report::{TrustMove, finding, newcomer_since, verdict};
use crate::settings::Settings;
use crate::start::{is_for_person, sibling_evidence, start_actor};
use crate::tally::Tally;
use crate::trust::{hour_of, level, score, take_in};

/// Seconds behind the actor's newest activity from which one is late.
const LATE_S: u32 = 60;
/// Findings start at this share of 1 / budget.
const FINDING_SHARE: f64 = 0.1;

/// Where an activity stands, and log time.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// Topic id.
    pub topic: &'a str,
    /// Partition.
    pub partition: u32,
    /// Offset or line.
    pub offset: u64,
    /// Ordinal in the record.
    pub ordinal: u32,
    /// Log time in milliseconds; never falls within a partition.
    pub log_ms: i64,
}

/// What became of an activity.
#[derive(Debug)]
pub enum Outcome {
    /// Its id was seen before within the agent's ring.
    Duplicate,
    /// It was scored.
    Scored(Box<Observed>),
}

/// A scored activity.
#[derive(Debug)]
pub struct Observed {
    /// The score, signal by signal.
    pub assessment: Assessment,
    /// Its return period in actor-months.
    pub return_period_actor_months: f64,
    /// Trust after.
    pub trust: f64,
    /// Level after.
    pub level: Level,
    /// More than a minute behind the actor's newest activity.
    pub late: bool,
    /// What respond should know.
    pub findings: Vec<Finding>,
    /// What it adds to the meters of calibration.
    pub tally: Tally,
    /// What consumers of trust should know, where it matters.
    pub trust_record: Option<Box<TrustRecord>>,
}

impl Observed {
    /// The score.
    pub fn score(&self) -> MicroNats {
        MicroNats(self.assessment.micronats)
    }
}

/// The fold over one partition.
#[derive(Debug)]
pub struct Observe {
    pub(crate) settings: Arc<Settings>,
    pub(crate) store: Store,
    pub(crate) crowd: Crowd,
    pub(crate) shared: Arc<Shared>,
    inventory: Arc<Inventory>,
    /// Agents of whom people said something that was not told yet.
    pub(crate) said: BTreeSet<Box<str>>,
    pub(crate) deltas: Deltas,
    pub(crate) meetings: Meetings,
    pub(crate) due: DueIndex,
    pub(crate) position: Position,
    pub(crate) tracks: bool,
    pub(crate) frozen: bool,
    /// Raised where sessions are closed together, so that none goes on.
    generation: u64,
}

impl Observe {
    /// A partition that has seen nothing.
    pub fn new(settings: Arc<Settings>) -> Self {
        let store = Store::new(Limits::of(settings.partition_bytes_max));
        Self {
            inventory: Arc::clone(&settings.inventory),
            settings,
            store,
            crowd: Crowd::default(),
            shared: Arc::default(),
            said: BTreeSet::new(),
            deltas: Deltas::default(),
            meetings: Meetings::default(),
            due: DueIndex::default(),
            position: Position::default(),
            tracks: false,
            frozen: false,
            generation: 0,
        }
    }

    /// Who is registered.
    pub fn inventory(&self) -> &Arc<Inventory> {
        &self.inventory
    }

    /// Takes up who is registered, in place of what the settings say.
    pub fn register(&mut self, inventory: Arc<Inventory>) {
        self.inventory = inventory;
    }

    /// Stops or resumes learning: habits, shared tables, calibrators. Sessions, windows, ids and trust go on.
    pub fn freeze(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    /// Closes all sessions: an id that comes again opens a new one.
    pub fn close_sessions(&mut self) {
        self.generation += 1;
    }

    /// What the store holds and did.
    pub fn counts(&self) -> StoreCounts {
        self.store.counts()
    }

    /// The agents of this partition.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The agents of this partition, for a restore.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Observes one activity, after `advance` at the same stamp. With `explain`, the verdict is always a finding.
    pub fn apply(&mut self, activity: &Activity<'_>, stamp: &Stamp<'_>, explain: bool) -> Outcome {
        let mut keys = Keys::of(activity, self.settings.seed);
        keys.session = keys.session.wrapping_add(self.generation << 1);
        let agent_key = activity.partition_key();
        let (mut agent, place) = self.store.check_out(&agent_key);
        let seen = match place {
            // A promoted agent still holds the kept halves of its first ids.
            Place::Known => {
                agent.head.ring.contains(keys.event) || young::contains(&agent, keys.event)
            }
            Place::Young => young::contains(&agent, keys.event),
            Place::New => false,
        };
        if seen {
            self.store.put_back(&agent_key, agent, place);
            return Outcome::Duplicate;
        }
        agent.head.ring.push(if place == Place::Known {
            keys.event
        } else {
            keys.event >> 32 << 32
        });
        let (position, agent_key) = (self.position.of(stamp), agent_key.as_str());
        self.deltas.enter(&activity.tenant_id);
        let moment = Moment { activity, stamp, keys: &keys, explain, agent_key, position };
        let observed = self.observe(&moment, &mut agent);
        self.check_in(agent_key, agent, place, position);
        Outcome::Scored(Box::new(observed))
    }

    /// Puts an agent back; who leaves for it is not waited for any more.
    pub(crate) fn check_in(
        &mut self,
        key: &str,
        agent: Box<baseline::Agent>,
        place: Place,
        position: u64,
    ) {
        for evicted in self.store.check_in(key, agent, place, position) {
            self.due.forget(&evicted);
        }
    }

    fn observe(&mut self, at: &Moment<'_>, agent: &mut baseline::Agent) -> Observed {
        let keys = at.keys;
        let shared = Arc::clone(&self.shared);
        let first_s = if agent.actors.is_empty() { keys.now_s } else { agent.first_s() };
        let maturity = (agent.active_hours(), first_s);
        let (index, is_new) = agent.enter(at.activity.authority());
        let siblings = sibling_evidence(agent, index);
        let epoch = self.deltas.epoch().max(epoch_of(at.stamp.log_ms));
        let (place, _) = agent.head.sessions.enter(keys.session, keys.now_s, epoch);
        let mut session = agent.head.sessions.open.get(place).copied().unwrap_or_default();
        let call = u16::try_from(keys.call >> 48).unwrap_or(1).max(1);
        let first_of_call = keys.call == 0 || !session.repeat_call(call);
        self.meet(at, agent);
        let baseline::Agent { head, actors } = agent;
        let mut spare = Actor::default();
        let actor = actors.get_mut(index).unwrap_or(&mut spare);
        if is_new {
            start_actor(actor, keys.now_s, siblings);
        }
        let late = actor.progress.last_s > keys.now_s + LATE_S;
        let (judged, mut lesson, mut findings) = {
            let ctx = self.context(&shared, at, (head, actor, &session), (late, first_of_call));
            let (judged, lesson) = self.judge(&ctx, at, maturity);
            let findings = self.verdict(&ctx, at, &judged);
            (judged, lesson, findings)
        };
        let trust = judged.trust;
        let trust_before = std::mem::replace(&mut actor.trust, judged.trust_state);
        let quarantined = self.alerts(&judged.period)
            && !judged.expected
            && trust.level_after <= Level::Restricted;
        lesson.ration(actor, (&shared, keys), quarantined);
        let how = Learning { late, first_of_call, quarantined, from: session.tool };
        self.learn((actor, head), keys, (&lesson, &judged.assessment), how);
        note_makeup(head, keys);
        lesson.remember(&mut session, keys.tool, first_of_call);
        if !self.frozen {
            lesson.note(&mut self.deltas);
            lesson.vote(&mut session, keys, &judged.assessment.channels, &mut self.deltas);
        }
        session.last_s = session.last_s.max(keys.now_s);
        if let Some(slot) = head.sessions.open.get_mut(place) {
            *slot = session;
        }
        let tally = self.count(actor, keys, &judged, maturity.0);
        let (change, trust_record) = self.publish(at, actor, &judged, &trust_before);
        findings.extend(change);
        Observed {
            trust_record,
            return_period_actor_months: judged.period.actor_months,
            trust: trust.after,
            level: trust.level_after,
            late,
            findings,
            tally,
            assessment: judged.assessment,
        }
    }

    fn context<'a>(
        &'a self,
        shared: &'a Shared,
        at: &'a Moment<'_>,
        (head, actor, session): (&'a Head, &'a Actor, &'a Session),
        (late, first_of_call): (bool, bool),
    ) -> Context<'a> {
        let keys = at.keys;
        let [tenant, group, credentials] = Context::scopes(shared, keys);
        let (standing, register) =
            Context::registered(&self.inventory, at.activity, (shared, keys));
        let busy = self.crowd.at(tag(keys.destination), keys.now_s);
        Context {
            activity: at.activity,
            keys,
            head,
            actor,
            session,
            tenant,
            group,
            credentials,
            standing,
            register,
            late,
            first_of_call,
            busy,
            watched_s: watched_s(tenant, at.stamp.log_ms),
        }
    }

    /// Scores, then finds the return period and what it means for trust; changes nothing.
    fn judge(&self, ctx: &Context<'_>, at: &Moment<'_>, maturity: (u32, u32)) -> (Judged, Lesson) {
        let (keys, shared) = (ctx.keys, &self.shared);
        let group = shared.calibration(keys.group).filter(|_| keys.group != keys.tenant);
        let (tenant, origins) = (shared.calibration(keys.tenant), self.settings.origin_handicaps);
        let scales = Scales { tenant, group, origins };
        let assessment = assess(ctx, scales, &self.settings.signal_modes);
        let lesson = Lesson::of(ctx, assessment.plain_nats());
        let pace = Pace::of(&ctx.actor.progress, maturity, keys.now_s);
        let period = return_period(shared, keys, &pace, assessment.nats());
        let mut trust_state = ctx.actor.trust;
        let expected = self.expects(at, &assessment);
        let trust = self.move_trust(&mut trust_state, at, (&period, expected));
        (Judged { assessment, period, trust, trust_state, expected, maturity }, lesson)
    }

    /// Whether an activity this rare opens or updates an alert: of a restricted actor it teaches nothing. Votes are
    /// cast all the same: a calibrator that leaves out what it finds strange narrows itself.
    fn alerts(&self, period: &ReturnPeriod) -> bool {
        period.actor_months >= 1.0 / self.settings.alerts_per_actor_month
    }

    fn is_past_floor(&self, period: &ReturnPeriod) -> bool {
        period.actor_months >= FINDING_SHARE / self.settings.alerts_per_actor_month
    }

    fn move_trust(
        &self,
        state: &mut TrustState,
        at: &Moment<'_>,
        (period, expected): (&ReturnPeriod, bool),
    ) -> TrustMove {
        let (activity, levels) = (at.activity, self.settings.trust_levels);
        self.enter(state, at, hour_of(at.stamp.log_ms));
        state.for_person = is_for_person(activity);
        let before = score(state);
        let level_before = level(state, before, levels);
        let class = activity.resource.as_ref().and_then(|r| r.classification);
        let weight = match activity.authority() {
            _ if expected => 0.0,
            _ if class == Some(Classification::Restricted) => 2.0,
            Authority::Autonomous => 1.25,
            _ => 1.0,
        };
        let evidence = take_in(state, period, weight, levels);
        let after = score(state);
        let level_after = level(state, after, levels);
        TrustMove { before, after, evidence, level_before, level_after }
    }

    fn verdict(&self, ctx: &Context<'_>, at: &Moment<'_>, judged: &Judged) -> Vec<Finding> {
        if !at.explain && !self.is_past_floor(&judged.period) {
            return Vec::new();
        }
        let since = newcomer_since(judged.maturity);
        let verdict = verdict(ctx, &judged.assessment, &judged.period, judged.trust, since);
        let body = Body::Verdict(Box::new(verdict));
        vec![finding(&at.activity.tenant_id, at.stamp, &self.settings, body)]
    }

    fn learn(
        &mut self,
        (actor, head): (&mut Actor, &mut Head),
        keys: &Keys,
        (lesson, assessment): (&Lesson, &Assessment),
        how: Learning,
    ) {
        let learns = !self.frozen && !how.quarantined;
        if !how.late {
            let rate = assessment.signals.iter().find(|s| s.id == "rate").and_then(|s| s.evidence);
            let strange = rate.is_some_and(|evidence| evidence.nats >= lesson.gate.rate_nats);
            let gate = match (learns, strange) {
                (false, _) => 0.0,
                (true, true) => f64::from(lesson.gate.tenths) / 10.0,
                (true, false) => 1.0,
            };
            lesson.count(actor, keys, gate, how.first_of_call);
            if how.first_of_call && keys.destination != 0 {
                let weight = if strange { 0.1 } else { gate.max(0.1) };
                let weight = if self.frozen { 0.0 } else { weight };
                self.crowd.add(tag(keys.destination), keys.now_s, weight);
            }
        }
        if !learns {
            return;
        }
        actor.progress.learned_s = actor.progress.learned_s.max(keys.now_s);
        lesson.teach(actor, head, keys, authority_index(actor.authority));
        if how.first_of_call && !how.late {
            teach_step(actor, how.from, keys.tool, lesson.tenths(), keys.day);
        }
        lesson.share(&mut self.deltas);
    }
}

/// One activity where and when it stands.
pub(crate) struct Moment<'a> {
    pub(crate) activity: &'a Activity<'a>,
    pub(crate) stamp: &'a Stamp<'a>,
    pub(crate) keys: &'a Keys,
    explain: bool,
    pub(crate) agent_key: &'a str,
    pub(crate) position: u64,
}

/// What was found of an activity before anything changed.
pub(crate) struct Judged {
    pub(crate) assessment: Assessment,
    pub(crate) period: ReturnPeriod,
    pub(crate) trust: TrustMove,
    trust_state: TrustState,
    expected: bool,
    /// Active hours of the agent, and the second of its first activity.
    maturity: (u32, u32),
}

#[derive(Clone, Copy)]
struct Learning {
    late: bool,
    first_of_call: bool,
    quarantined: bool,
    from: u32,
}
