//! Requests that were made or wait for a person, one record each, with what is to happen if nobody says anything. It
//! keeps them and their deadlines; what leads from one state to the next is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use schemas::EventTime;
use schemas::revocation::{RevocationAction, RevocationMode, RevocationRequest};
use schemas::time::{DAY_MS, HOUR_MS};
use serde::{Deserialize, Serialize};

use crate::policy::may_revoke;
use crate::record::{self, RecordError};
use crate::record_id::{ActorKey, RecordId};

/// An acknowledgement is awaited that long before the request is sent once more.
const RESEND_MS: i64 = 5 * 60_000;
/// A person is awaited that long.
const WAIT_MS: i64 = DAY_MS;
/// What is over can be undone for that long.
pub(crate) const KEEP_MS: i64 = 30 * DAY_MS;
/// What a person denied or undid is not asked for again that long.
const COOL_DOWN_MS: i64 = DAY_MS;
/// Requests kept of a tenant; beyond, those that are over and have the least time left leave, so many at a time.
const REQUESTS_MAX: usize = 1 << 14;
const REQUESTS_LEAVE: usize = REQUESTS_MAX / 16;
/// A wave is of one hour, as the breaker is.
const WAVE_MS: i64 = HOUR_MS;

/// Where in its life a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for a person.
    Waiting,
    /// It was sent and its acknowledgement is awaited.
    Asked,
    /// It was sent once more.
    Resent,
    /// Nobody acknowledged it in time: there is an alert.
    Overdue,
    /// It was not done, and that was said: there is an alert.
    Failed,
    /// It was done.
    Done,
    /// A person said no.
    Denied,
    /// No person said anything.
    Lapsed,
    /// Another request took its place.
    Superseded,
    /// It was undone.
    Restored,
}

/// A request and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The request as it was sent, or would be.
    pub request: RevocationRequest,
    /// Where in its life it is.
    pub state: State,
    /// Leading signal of its alert.
    pub(crate) signal: String,
    /// When something happens if nobody says anything, in milliseconds of log time.
    due_ms: i64,
    /// Until when it is not asked for again.
    #[serde(default)]
    cool_until_ms: i64,
    /// Whether a policy was held back, so that it was never sent.
    #[serde(default)]
    pub held: bool,
    /// The request that it follows: its actor acts for that one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The alert of the breaker that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wave: Option<String>,
    /// The alert about it: its id and when it opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) notice: Option<(String, EventTime)>,
}

/// The requests of a tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests {
    all: BTreeMap<String, Asked>,
    due: BTreeSet<(i64, String)>,
    by_actor: BTreeSet<(ActorKey, String)>,
}

// === impl State ===

impl State {
    /// Whether nothing more is awaited.
    fn is_over(self) -> bool {
        !matches!(self, Self::Waiting | Self::Asked | Self::Resent)
    }

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Asked => "asked",
            Self::Resent => "resent",
            Self::Overdue => "overdue",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Lapsed => "lapsed",
            Self::Superseded => "superseded",
            Self::Restored => "restored",
        }
    }

    /// Whether somebody may have acted on it, so that it can be undone.
    pub fn may_be_done(self) -> bool {
        matches!(self, Self::Asked | Self::Resent | Self::Overdue | Self::Failed | Self::Done)
    }
}

// === impl Asked ===

impl Asked {
    /// A request that was sent just now, or with `held` one that a policy was not allowed to send.
    pub(crate) fn new(
        request: RevocationRequest,
        signal: &str,
        held: bool,
        now: EventTime,
    ) -> Self {
        let person =
            request.initiating_entity == Some(schemas::revocation::InitiatingEntity::Admin);
        let (state, after_ms) = match request.mode {
            RevocationMode::Enforce if !held => (State::Asked, RESEND_MS),
            _ if person => (State::Done, KEEP_MS),
            _ => (State::Waiting, WAIT_MS),
        };
        let due_ms = now.millis().saturating_add(after_ms);
        let signal = signal.to_owned();
        let (of, wave, notice) = (None, None, None);
        Self { request, state, signal, due_ms, cool_until_ms: 0, held, of, wave, notice }
    }

    /// Whether it belongs to an alert, be it an actor's or the breaker's.
    pub fn is_of_alert(&self, id: &str) -> bool {
        self.wave.as_deref() == Some(id) || self.request.cause.alert_id.as_deref() == Some(id)
    }

    /// When its state changes if nobody says anything.
    pub fn until(&self) -> Option<EventTime> {
        EventTime::from_millis(self.due_ms).ok()
    }

    /// Whose it is.
    pub(crate) fn actor(&self) -> ActorKey {
        let subject = &self.request.subject;
        let authority = subject.authority.unwrap_or_default();
        ActorKey { agent_id: subject.agent_id.clone(), authority }
    }

    /// Enters a state; sets when something happens next.
    pub(crate) fn enter(&mut self, state: State, now: EventTime) {
        self.state = state;
        let after = |ms: i64| now.millis().saturating_add(ms);
        self.due_ms = match state {
            State::Resent => self.request.expires_at.millis(),
            _ => after(KEEP_MS),
        };
        if matches!(state, State::Denied | State::Restored) {
            self.cool_until_ms = after(COOL_DOWN_MS);
        }
    }
}

// === impl Requests ===

impl Requests {
    /// Takes up a request; gives those that left for it.
    pub(crate) fn put(&mut self, asked: Asked, touched: &mut BTreeSet<RecordId>) -> Vec<Asked> {
        let evicted = self.make_room(touched);
        let id = asked.request.request_id.clone();
        touched.insert(RecordId::Request(id.clone()));
        self.insert(id, asked);
        evicted
    }

    fn insert(&mut self, id: String, asked: Asked) {
        self.remove(&id);
        self.due.insert((asked.due_ms, id.clone()));
        self.by_actor.insert((asked.actor(), id.clone()));
        self.all.insert(id, asked);
    }

    fn remove(&mut self, id: &str) -> Option<Asked> {
        let (id, asked) = self.all.remove_entry(id)?;
        self.by_actor.remove(&(asked.actor(), id.clone()));
        self.due.remove(&(asked.due_ms, id));
        Some(asked)
    }

    fn make_room(&mut self, touched: &mut BTreeSet<RecordId>) -> Vec<Asked> {
        if self.all.len() < REQUESTS_MAX {
            return Vec::new();
        }
        let goes_on = |id: &str| self.all.get(id).is_some_and(|asked| !asked.state.is_over());
        let mut first: Vec<(bool, i64, String)> =
            self.due.iter().map(|(due_ms, id)| (goes_on(id), *due_ms, id.clone())).collect();
        first.sort_unstable();
        let leave = first.into_iter().take(REQUESTS_LEAVE);
        leave.filter_map(|(_, _, id)| self.forget(&id, touched)).collect()
    }

    /// Forgets a request.
    pub(crate) fn forget(&mut self, id: &str, touched: &mut BTreeSet<RecordId>) -> Option<Asked> {
        touched.insert(RecordId::Request(id.to_owned()));
        self.remove(id)
    }

    /// Changes a request, and gives it as it is then.
    pub(crate) fn change(
        &mut self,
        id: &str,
        touched: &mut BTreeSet<RecordId>,
        change: impl FnOnce(&mut Asked),
    ) -> Option<&Asked> {
        let mut asked = self.remove(id)?;
        change(&mut asked);
        touched.insert(RecordId::Request(id.to_owned()));
        self.insert(id.to_owned(), asked);
        self.all.get(id)
    }

    /// A request.
    pub(crate) fn get(&self, id: &str) -> Option<&Asked> {
        self.all.get(id)
    }

    /// The request that is due first, if it is due by then.
    pub(crate) fn first_due(&self, now: EventTime) -> Option<&Asked> {
        let (due_ms, id) = self.due.first()?;
        if *due_ms <= now.millis() { self.all.get(id) } else { None }
    }

    /// When the next one is due.
    pub(crate) fn next_due_ms(&self) -> Option<i64> {
        self.due.first().map(|(due_ms, _)| *due_ms)
    }

    fn of_actor<'r>(&'r self, actor: &ActorKey) -> impl Iterator<Item = &'r Asked> + use<'r> {
        let actor = actor.clone();
        let from = (actor.clone(), String::new());
        let of_actor = self.by_actor.range(from..).take_while(move |(of, _)| *of == actor);
        of_actor.filter_map(|(_, id)| self.all.get(id))
    }

    /// Whether a person denied or undid the like not long ago. What takes something away is alike.
    pub(crate) fn is_cooling(
        &self,
        actor: &ActorKey,
        action: RevocationAction,
        now: EventTime,
    ) -> bool {
        let alike =
            |other: RevocationAction| other == action || (may_revoke(other) && may_revoke(action));
        self.of_actor(actor)
            .any(|asked| now.millis() < asked.cool_until_ms && alike(asked.request.action))
    }

    /// The request that was held back from an actor and still waits, by its action.
    pub(crate) fn held(&self, actor: &ActorKey, action: RevocationAction) -> Option<String> {
        self.of_actor(actor)
            .find(|asked| {
                asked.held && asked.state == State::Waiting && asked.request.action == action
            })
            .map(|asked| asked.request.request_id.clone())
    }

    /// The request that was proposed for an actor and still waits, by its action.
    pub(crate) fn proposed(&self, actor: &ActorKey, action: RevocationAction) -> Option<String> {
        let waits = |asked: &&Asked| {
            !asked.held && asked.state == State::Waiting && asked.request.action == action
        };
        self.of_actor(actor).find(waits).map(|asked| asked.request.request_id.clone())
    }

    /// Whether the sessions or credentials of an actor were asked for within a day.
    pub(crate) fn is_revoked(&self, actor: &ActorKey, now: EventTime) -> bool {
        let age_ms = |asked: &Asked| now.millis().saturating_sub(asked.request.time.millis());
        self.of_actor(actor).any(|asked| {
            may_revoke(asked.request.action)
                && matches!(asked.state, State::Asked | State::Resent | State::Done)
                && age_ms(asked) < DAY_MS
        })
    }

    /// What was asked of an actor, or waits, and takes less away than a revocation.
    pub(crate) fn weaker(&self, actor: &ActorKey) -> Vec<String> {
        let weaker = |asked: &&Asked| {
            let restores = asked.request.action == RevocationAction::Restore;
            !asked.state.is_over() && !restores && !may_revoke(asked.request.action)
        };
        let weaker = self.of_actor(actor).filter(weaker);
        weaker.map(|asked| asked.request.request_id.clone()).collect()
    }

    /// The requests that an id names: one with those that follow it, or all of an alert.
    pub(crate) fn named(&self, target: &str) -> Vec<String> {
        let is_named = |(id, asked): &(&String, &Asked)| {
            *id == target || asked.of.as_deref() == Some(target) || asked.is_of_alert(target)
        };
        let named = self.all.iter().filter(is_named);
        named.map(|(id, _)| id.clone()).collect()
    }

    /// What policies revoked within the hour before: the requests of a wave that begins.
    pub(crate) fn revoked_before(&self, now: EventTime) -> Vec<String> {
        let of_wave = |asked: &Asked| {
            may_revoke(asked.request.action)
                && !asked.held
                && asked.wave.is_none()
                && asked.state.may_be_done()
                && now.millis().saturating_sub(asked.request.time.millis()) < WAVE_MS
        };
        let all = self.all.iter().filter(|(_, asked)| of_wave(asked));
        all.map(|(id, _)| id.clone()).collect()
    }

    /// How many there are, and how many wait for a person.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let waiting = self.all.values().filter(|asked| asked.state == State::Waiting).count();
        (self.all.len() as u64, waiting as u64)
    }

    /// The record of a request; empty where it is forgotten.
    pub(crate) fn record(&self, id: &str) -> Vec<u8> {
        self.all.get(id).map(record::encode).unwrap_or_default()
    }

    /// Takes back the record of a request.
    pub(crate) fn load(&mut self, id: String, bytes: &[u8]) -> Result<(), RecordError> {
        let asked = record::decode(bytes)?;
        self.insert(id, asked);
        Ok(())
    }
}
