//! # network
//!
//! **Detects.** A network, country or hidden route (VPN, Tor, proxy, relay, hosting) that the actor does not use, at
//! either end; a source that is suddenly in another network and region than a moment ago (impossible travel).
//!
//! **Why.** A stolen credential is used from elsewhere, while its owner still works; exfiltration hides behind an
//! anonymiser.
//!
//! **Wrong when.** The workload moves to another region or provider: the first hours there are new. Known ways out
//! belong into `networks.egress`; an actor that always works from many regions pays little for one more change.
//!
//! **Example.** A Tor exit in another country, after 400 sessions from one cloud region.

use baseline::hash::tag;
use baseline::math::ln;
use schemas::activity::Endpoint;
use schemas::cause::CauseKind;
use schemas::choice::Anonymizer;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells;
use crate::context::Context;
use crate::keys::is_own;

/// Seconds within which nobody moves a workload to another network and region.
const TRAVEL_S: u32 = 7_200;
/// Networks an actor's table holds: who meets more than these meets new ones by habit.
const HELD: u16 = 8;
/// The fact that is no network: a sudden change of region.
const MOVED: u8 = 4;

pub(super) const SIGNAL: Signal = Signal {
    id: "network",
    family: "place",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
};

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let novelty = novelty(ctx);
    let travel = travel(ctx);
    let nats = |evidence: &Option<Evidence>| evidence.map_or(0.0, |evidence| evidence.nats);
    if nats(&travel) > nats(&novelty) { travel } else { novelty }
}

/// The newest network or route of either end.
fn novelty(ctx: &Context<'_>) -> Option<Evidence> {
    let (known, kinds) = ctx.actor.networks.total(ctx.keys.day);
    if known < 1.0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 8")]
    let usual = (1.0 + 0.3 * kinds as f64) / (1.0 + known);
    let sessions = ctx.peer_sessions();
    let ends = [&ctx.activity.source, &ctx.activity.destination];
    let own = ends.map(|end| end.as_ref().is_some_and(is_own));
    let mut worst = (0.0, 0_u8, [0.0; 4]);
    let met = ctx.actor.routes.networks;
    for ((index, key), met) in (0_u8..).zip(ctx.keys.networks).zip(met) {
        // Of a kind that was never told before, such as from a list that is new, nothing is a change.
        if key == 0 || met.of == 0 || own.get(usize::from(index / 2)) == Some(&true) {
            continue;
        }
        if ctx.actor.networks.weight(tag(key), ctx.keys.day) > 0.0 {
            continue;
        }
        let habit = f64::from(met.new.saturating_sub(HELD)) / (1.0 + f64::from(met.of));
        let fresh = usual.max(habit);
        let slot = cells::network(key);
        let peers = (ctx.peers(slot) - ctx.own(slot)).max(0.0);
        let unshared = (0.5 * ln(2.0 + sessions) - ln(1.0 + peers)).max(0.0);
        let nats = -ln(fresh.min(1.0)) + unshared;
        if nats > worst.0 {
            worst = (nats, index, [known, peers, sessions, fresh]);
        }
    }
    Evidence::of(worst.0, worst.1, worst.2)
}

/// Seconds since the actor was elsewhere, where they are too few.
pub(crate) fn moved(ctx: &Context<'_>) -> Option<u32> {
    let (routes, now_s) = (&ctx.actor.routes, ctx.keys.now_s);
    let gap = now_s.saturating_sub(routes.last_s);
    let sudden = !ctx.late && gap <= TRAVEL_S && ctx.keys.region.is_elsewhere(routes.last);
    sudden.then_some(gap)
}

/// How rarely this actor, and its peers, are suddenly elsewhere.
fn travel(ctx: &Context<'_>) -> Option<Evidence> {
    let gap = moved(ctx)?;
    let others = |cell| (ctx.peers(cell) - ctx.own(cell)).max(0.0);
    let (peers, peers_moved) = (others(cells::regions()), others(cells::moves()));
    let usual = (peers_moved + 0.5) / (peers + 1.0);
    let moves = ctx.actor.routes.moves;
    let (of, new) = (f64::from(moves.of), f64::from(moves.new));
    let rate = (new + 0.1 + 2.0 * usual) / (of + 2.1);
    Evidence::of(-ln(rate.min(1.0)), MOVED, [of, f64::from(gap), rate, peers])
}

/// Network and place of the end that is new, or where it suddenly is.
fn causes(ctx: &Context<'_>, evidence: &Evidence) -> Vec<Thing> {
    let is_source = evidence.fact < 2 || evidence.fact == MOVED;
    let [source_system, source_place, system, place_of] = ctx.keys.networks;
    let (values, end) = if is_source {
        ([source_system, source_place], ctx.activity.source.as_ref())
    } else {
        ([system, place_of], ctx.activity.destination.as_ref())
    };
    let thing = |value| {
        let (cell, name) = (cells::network(value), place(end).trim().to_owned());
        let fresh = ctx.is_new_to_peers(cell, cell);
        Thing { kind: CauseKind::Network, value, name, fresh }
    };
    values.map(thing).to_vec()
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    if evidence.fact == MOVED {
        return explain_travel(ctx, evidence);
    }
    let [known, peers, sessions, fresh] = evidence.numbers;
    let (side, endpoint) = if evidence.fact < 2 {
        ("from", &ctx.activity.source)
    } else {
        ("to", &ctx.activity.destination)
    };
    Explanation {
        observed: format!("{side}{}, not used before", place(endpoint.as_ref())),
        expected: format!(
            "a network in use; a new one once in {} uses",
            count(1.0 / fresh.max(1e-9))
        ),
        support: count(known),
        peers: format!("{} of {} peer sessions used it", count(peers), count(sessions)),
        normal: "a network and route that the actor used before".into(),
    }
}

fn explain_travel(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [sessions, gap, rate, peers] = evidence.numbers;
    Explanation {
        observed: format!(
            "from{}, {} minutes after another network and region",
            place(ctx.activity.source.as_ref()),
            count(gap / 60.0)
        ),
        expected: format!("such a change once in {} sessions", count(1.0 / rate.max(1e-9))),
        support: count(sessions),
        peers: format!("measured against {} peer sessions with a known region", count(peers)),
        normal: "one network and region at a time, or a way out named in `networks.egress`".into(),
    }
}

/// Network, country and route, each with a blank before it.
fn place(endpoint: Option<&Endpoint<'_>>) -> String {
    let asn = endpoint.and_then(|e| e.asn).map_or_else(String::new, |asn| format!(" AS{asn}"));
    let country = endpoint.and_then(|e| e.geo.as_ref()).and_then(|geo| geo.country.as_deref());
    let country = country.map_or_else(String::new, |country| format!(" {country}"));
    let route = endpoint.and_then(|e| e.anonymizer).unwrap_or_default();
    if matches!(route, Anonymizer::None | Anonymizer::Unknown) {
        return format!("{asn}{country}");
    }
    format!("{asn}{country} over {}", route.as_str())
}
