//! What an activity teaches, after it was scored: the actor's own parts, and integer increments of the shared
//! tables. A session counts at most once in a slot; strange activities weigh less (`widen.rs`).

pub(crate) mod identity;
mod work;

use baseline::agent::authority_index;
use baseline::hash::{pair, tag};
use baseline::math::ln;
use baseline::part::sessions::{BY_ORIGIN, CHANNELS_MAX, Counted, Session};
use baseline::shared::{BINS, Deltas, Table, bin};
use baseline::{Actor, Head};

use crate::cells::{self, Kind};
use crate::context::{Context, whole};
use crate::keys::Keys;
use crate::ration::begins_day;
use crate::signal::{
    channel_count, dormancy, failure, fan_out, hours, network, resource, sequence, tempo_channels,
    volume,
};
use crate::walk::{is_known, levels};
use crate::widen::Gate;
use identity::IdentityLesson;

/// Active hours below which an actor's sessions do not say how much is usual.
const YOUNG_HOURS: u32 = 2;
/// Sessions of the peer group before one votes.
const WARM_SESSIONS: f64 = 8.0;
/// Sessions to whose purpose a tool was new before it counts as taken up by the peer group.
const TAKEN_UP: f64 = 2.0;
/// Weight of what is assumed of a context's sizes, in results.
const SIZES_WEIGHT: f64 = 3.0;

/// What is learned of one activity: facts taken before anything changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lesson {
    /// Increments of counts: scope, cell, hundredths.
    counts: Vec<(u64, u64, i64)>,
    /// Slots the session counts with it.
    slots: Vec<u64>,
    first_value: bool,
    failed: bool,
    new_tool: Option<bool>,
    destination_new: Option<bool>,
    resource_new: Option<bool>,
    /// Of each network, whether it was new to the actor, if that was an occasion.
    networks_new: [Option<bool>; 4],
    /// A session with a known region, and one that was suddenly elsewhere.
    moves: [bool; 2],
    class: Option<usize>,
    transfers: [Option<(u32, f64)>; 2],
    deviates: [Option<f64>; 2],
    pub(crate) surprise: f64,
    disorder: f64,
    warm: bool,
    young: bool,
    /// The weight of the activity in habits: 10 whole, less where it is strange.
    tenths: u16,
    pub(crate) gate: Gate,
    new_session: bool,
    /// Whether the actor's sessions of the day are more than count for others.
    pub(crate) spent: bool,
    late: bool,
    identity: IdentityLesson,
}

impl Lesson {
    /// Takes down what the activity shows; changes nothing.
    pub(crate) fn of(ctx: &Context<'_>, plain_nats: f64) -> Self {
        let gate = Gate::of(ctx);
        let weight = if is_warm(ctx) { gate.hundredths(plain_nats) } else { 100 };
        let mut lesson = Self {
            first_value: fan_out::is_first(ctx),
            failed: failure::failed(ctx),
            transfers: volume::transfers(ctx),
            deviates: volume::deviates(ctx),
            warm: is_warm(ctx),
            disorder: sequence::disorder(ctx),
            young: ctx.actor.progress.active_hours < YOUNG_HOURS,
            tenths: u16::try_from(weight / 10).unwrap_or(10),
            gate,
            new_session: ctx.session.events == 0,
            late: ctx.late,
            ..Self::default()
        };
        lesson.sessions(ctx);
        lesson.identity = IdentityLesson::of(ctx, &mut lesson.counts, &mut lesson.slots);
        lesson.tools(ctx, weight);
        lesson.values(ctx, weight);
        lesson.routes(ctx);
        lesson.classes(ctx, weight);
        lesson.sizes(ctx, weight);
        lesson
    }

    fn sessions(&mut self, ctx: &Context<'_>) {
        let keys = ctx.keys;
        for purpose in [0, keys.purpose] {
            let cell = cells::sessions(purpose);
            if ctx.session.counted(cell) == Counted::No
                && (purpose != 0 || !self.slots.contains(&cell))
            {
                self.counts.push((keys.group, cell, 100));
                self.slots.push(cell);
                if purpose == 0 {
                    if !ctx.late && begins_day(ctx.actor, keys.day) {
                        self.counts.push((keys.group, cells::actor_days(), 100));
                    }
                    let mode = cells::authority(authority_index(ctx.activity.authority()));
                    self.counts.push((keys.group, mode, 100));
                }
            }
        }
        if ctx.actor.progress.vote_hour != keys.hour {
            if let Some(place) = hours::Place::of(ctx) {
                self.counts.push((keys.group, place.cell(), 100));
                if keys.group != keys.tenant {
                    self.counts.push((keys.tenant, place.cell(), 100));
                }
            }
            if let Some(class) = dormancy::pause(&ctx.actor.progress, keys.now_s) {
                self.counts.push((keys.group, cells::pause(class), 100));
            }
        }
    }

    /// Networks and sudden changes of region, each once a session.
    fn routes(&mut self, ctx: &Context<'_>) {
        let keys = ctx.keys;
        for (new, network) in self.networks_new.iter_mut().zip(keys.networks) {
            let cell = cells::network(network);
            if network != 0 && ctx.session.counted(cell) == Counted::No {
                self.counts.push((keys.group, cell, 100));
                self.slots.push(cell);
                *new = Some(ctx.actor.networks.weight(tag(network), keys.day) <= 0.0);
            }
        }
        let facts = [!keys.region.is_unknown(), network::moved(ctx).is_some()];
        for ((mine, fact), cell) in
            self.moves.iter_mut().zip(facts).zip([cells::regions(), cells::moves()])
        {
            if fact && ctx.session.counted(cell) == Counted::No {
                self.counts.push((keys.group, cell, 100));
                self.slots.push(cell);
                *mine = true;
            }
        }
    }

    /// How sensitive the resource is, once a session in each context.
    fn classes(&mut self, ctx: &Context<'_>, weight: i64) {
        let keys = ctx.keys;
        let Some(class) = keys.class else { return };
        for (level, context) in (0..).zip(resource::contexts(keys)) {
            if level == 1 && context == 0 {
                continue;
            }
            let cell = cells::class(context, class);
            if ctx.session.counted(cell) == Counted::No {
                self.counts.push((keys.group, cell, weight));
                self.slots.push(cell);
                if context == 0 {
                    self.class = Some(class);
                }
            }
        }
    }

    fn values(&mut self, ctx: &Context<'_>, weight: i64) {
        let keys = ctx.keys;
        if keys.destination != 0 {
            let kind =
                if ctx.tool_is_new() { Kind::DestinationOfNewTool } else { Kind::Destination };
            self.destination_new = self.value(ctx, kind, keys.destination, weight);
        }
        for (depth, key) in (1_u8..).zip(keys.resource).filter(|(_, key)| *key != 0) {
            let new = self.value(ctx, Kind::Resource(depth), key, weight);
            if depth == 3 {
                self.resource_new = new;
            }
        }
    }

    /// Counts one value at all its levels; says whether it was new at the first, if that was an occasion.
    fn value(&mut self, ctx: &Context<'_>, kind: Kind, value: u64, weight: i64) -> Option<bool> {
        let keys = ctx.keys;
        let narrow = pair(keys.tool, value);
        let occasion = ctx.session.counted(narrow) == Counted::No;
        let fresh = ctx.session.counted(value) == Counted::No;
        let mut walking = occasion;
        let ripe = is_ripe(ctx);
        let mut first = true;
        let mut answer = None;
        for level in levels(ctx, kind, value).into_iter().flatten() {
            let count = if level.slot == narrow { occasion } else { fresh };
            if count && !level.own {
                let scope = if level.tenant { keys.tenant } else { keys.group };
                self.counts.push((scope, level.cell, weight));
            }
            if !walking || !level.known || !ripe {
                continue;
            }
            let new = !is_known(ctx, kind, &level);
            if first {
                answer = Some(new);
            }
            self.occasion(keys, (kind, level.number), first, new);
            walking = new;
            first = false;
        }
        if occasion {
            self.with_new_tool(ctx, kind, value, weight);
            self.slots.push(narrow);
        }
        if fresh {
            self.slots.push(value);
        }
        answer
    }

    /// Under a tool that is new to the purpose the walk begins wider. What it was used with is counted all the same once
    /// session after session takes it up: that is a change of work, and each value of it would be told again.
    fn with_new_tool(&mut self, ctx: &Context<'_>, kind: Kind, value: u64, weight: i64) {
        let keys = ctx.keys;
        let taken_up = || ctx.peers(cells::new_tools(0, keys.tool)) >= TAKEN_UP;
        if kind.of_new_tool() && keys.purpose != 0 && taken_up() {
            let cell = cells::value(kind, keys.purpose, keys.tool, value);
            self.counts.push((keys.group, cell, weight));
        }
    }

    fn occasion(&mut self, keys: &Keys, (kind, level): (Kind, u64), first: bool, new: bool) {
        let mut classes = vec![(keys.tenant, 0), (keys.group, keys.tool)];
        if keys.group != keys.tenant {
            classes.push((keys.group, 1));
        }
        if first && keys.purpose != 0 {
            classes.push((keys.group, pair(keys.purpose, keys.tool)));
        }
        for (scope, class) in classes {
            self.counts.push((scope, cells::met(kind, level, class), 100));
            if new {
                self.counts.push((scope, cells::new(kind, level, class), 100));
            }
        }
    }

    /// The size of what came back: how rarely this context returns a size it never returned.
    fn sizes(&mut self, ctx: &Context<'_>, weight: i64) {
        let Some(bucket) = ctx.keys.size.filter(|_| ctx.first_of_call) else { return };
        let keys = ctx.keys;
        let slot = pair(cells::size(keys.purpose, keys.tool, bucket), 3);
        let counted = ctx.session.counted(slot) != Counted::No;
        let mut rate = 0.5;
        let mut unseen = false;
        let purposes = [0, keys.purpose];
        for purpose in purposes.into_iter().take(if keys.purpose == 0 { 1 } else { 2 }) {
            let cell = cells::size(purpose, keys.tool, bucket);
            let seen = ctx.peers(cell) - ctx.own(slot);
            let met = ctx.peers(cells::sizes_met(purpose, keys.tool));
            let new = ctx.peers(cells::sizes_new(purpose, keys.tool));
            rate = (new + SIZES_WEIGHT * rate) / (met + SIZES_WEIGHT);
            unseen = seen < 1.0;
            if counted {
                continue;
            }
            let known_context = met >= 1.0;
            // Where the context's own results outweigh what was assumed of it, a new size weighs next to nothing,
            // else what attackers put into results soon became usual. It counts as new once: a size that comes back
            // says nothing of how often new ones do.
            let never = ctx.group.is_none_or(|scope| whole(scope.counts.get(cell)) <= 0.0);
            let add = if unseen && met > SIZES_WEIGHT { 1 } else { weight };
            self.counts.push((keys.group, cell, add));
            self.counts.push((keys.group, cells::sizes_met(purpose, keys.tool), 100));
            if never && known_context {
                self.counts.push((keys.group, cells::sizes_new(purpose, keys.tool), 100));
            }
        }
        if unseen && is_ripe(ctx) {
            self.surprise = -ln(rate.clamp(1e-6, 1.0));
        }
        if !counted {
            self.slots.push(slot);
        }
    }

    /// Sends the shared increments.
    pub(crate) fn share(&self, deltas: &mut Deltas) {
        for (scope, cell, add) in self.counts.iter().filter(|_| !self.spent) {
            deltas.add(Table::Counts, *scope, *cell, *add);
        }
    }

    /// The weight of the activity in habits: 10 whole, less where it is strange.
    pub(crate) fn tenths(&self) -> u16 {
        self.tenths
    }

    /// Learns the actor's own parts.
    pub(crate) fn teach(&self, actor: &mut Actor, head: &mut Head, keys: &Keys, authority: usize) {
        let tenths = self.tenths();
        let weight = f64::from(tenths) / 10.0;
        if let Some(count) = head.authority_mix.get_mut(authority) {
            *count = count.saturating_add(1);
        }
        self.identity.teach(head, keys, tenths);
        if keys.destination != 0 {
            // The long sum is learned in `count`, with its own gate; here the value is made known.
            actor.places.add(tag(keys.destination), keys.now_s, 0.0, 0.0);
        }
        for key in keys.resource.into_iter().filter(|key| *key != 0) {
            actor.resources.learn(tag(key), tenths, keys.day);
        }
        for network in keys.networks.into_iter().filter(|network| *network != 0) {
            actor.networks.learn(tag(network), tenths, keys.day);
        }
        for (share, new) in actor.routes.networks.iter_mut().zip(self.networks_new) {
            if let Some(new) = new {
                share.add(1, u16::from(new));
            }
        }
        let [known, moved] = self.moves.map(u16::from);
        actor.routes.moves.add(known, moved);
        if let Some(class) = self.class {
            actor.reach.learn(class, tenths);
        }
        if keys.delegator != 0 {
            actor.delegators.learn(tag(keys.delegator), tenths, keys.day);
        }
        if let Some(new) = self.new_tool {
            actor.tools.learn(tag(keys.tool), tenths, new);
        }
        if self.new_session {
            actor.novelty.tools.add(1, 0);
        }
        let deviates = self.deviates.into_iter().flatten().filter(|_| !self.late);
        let day = if self.late { 0 } else { keys.day };
        actor.drift.see(day, self.new_session, deviates);
        actor.novelty.tools.add(0, u16::from(self.new_tool == Some(true)));
        for (share, new) in [
            (&mut actor.novelty.destinations, self.destination_new),
            (&mut actor.novelty.resources, self.resource_new),
        ] {
            if let Some(new) = new {
                share.add(1, u16::from(new));
            }
        }
        for (class, x) in self.transfers.into_iter().flatten() {
            #[expect(clippy::cast_possible_truncation, reason = "a logarithm of bytes")]
            actor.volume.learn(class, x as f32, weight as f32);
        }
    }

    /// Moves windows and long sums: what happened, happened; `gate` of it is usual.
    pub(crate) fn count(&self, actor: &mut Actor, keys: &Keys, gate: f64, first_of_call: bool) {
        actor.routes.stand(keys.region, keys.now_s);
        if first_of_call {
            actor.calls.add(keys.now_s, 1.0, gate);
            let heights = actor.calls.at(keys.now_s).0;
            actor.peaks.see(heights, keys.day, gate);
            if keys.destination != 0
                && (gate > 0.0 || actor.places.get(tag(keys.destination)).is_some())
            {
                actor.places.add(tag(keys.destination), keys.now_s, 1.0, gate);
            }
            if self.failed {
                actor.failures.add(keys.now_s, 1.0, gate);
            }
        }
        if self.first_value {
            // Noted without weight, so that a value that is not learned still is a first only once.
            if let Some(whole) = keys.resource.get(2).filter(|key| **key != 0) {
                actor.resources.learn(tag(*whole), 0, keys.day);
            }
            actor.firsts.add(keys.now_s, 1.0, gate);
        }
    }

    /// What the session remembers, and its votes.
    pub(crate) fn remember(&self, session: &mut Session, tool: u64, first_of_call: bool) {
        for slot in &self.slots {
            session.count(*slot);
        }
        session.events = session.events.saturating_add(1);
        if first_of_call && !self.late {
            session.tool = tag(tool);
        }
        session.surprise_by(self.surprise);
        session.step(self.disorder);
    }

    /// Casts or moves the session's votes: one per channel, at the highest evidence so far.
    pub(crate) fn vote(
        &self,
        session: &mut Session,
        keys: &Keys,
        nats: &[f64; CHANNELS_MAX],
        deltas: &mut Deltas,
    ) {
        let opening = self.new_session && self.warm && !self.spent;
        session.votes |= opening;
        session.young |= opening && self.young;
        if !session.votes {
            return;
        }
        // A flood from invented agents must not become the scale of floods; what such agents do still is.
        let silent = if session.young { tempo_channels() } else { 0 };
        let channels = (0..channel_count()).chain(BY_ORIGIN..CHANNELS_MAX);
        for channel in channels.filter(|channel| silent >> channel & 1 == 0) {
            let now = nats.get(channel).map_or(0, |nats| bin(*nats));
            let Some(before) = session.maxima.get_mut(channel) else { continue };
            let cell = |bin: u8| (channel * BINS) as u64 + u64::from(bin);
            let scopes = [keys.tenant, keys.group];
            // Of origins only those that were met are counted.
            let is_first = if channel < BY_ORIGIN { opening } else { *before == 0 && now > 0 };
            for scope in scopes.into_iter().take(if keys.group == keys.tenant { 1 } else { 2 }) {
                if is_first {
                    deltas.add(Table::Maxima, scope, cell(now), 1_000);
                } else if now > *before {
                    deltas.add(Table::Maxima, scope, cell(*before), -1_000);
                    deltas.add(Table::Maxima, scope, cell(now), 1_000);
                }
            }
            *before = (*before).max(now);
        }
    }
}

/// Whether the context knows enough to call anything strange: only then a session votes or is weighed down.
pub(crate) fn is_warm(ctx: &Context<'_>) -> bool {
    ctx.sessions() >= WARM_SESSIONS
}

/// Whether what is new here says how often new things come: not while the context itself is new.
fn is_ripe(ctx: &Context<'_>) -> bool {
    ctx.sessions() >= 1.0
}

/// Learns the step between two tools of the actor itself.
pub(crate) fn teach_step(actor: &mut Actor, from: u32, tool: u64, tenths: u16, day: u16) {
    if from != 0 {
        actor.pairs.learn(tag(pair(u64::from(from), tool)), tenths, day);
    }
}
