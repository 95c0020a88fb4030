//! # authority
//!
//! **Detects.** An agent that acts on an authority it does not usually have (on its own where always delegated, or
//! the reverse), or for a person it never acted for.
//!
//! **Why.** A hijacked agent acts without its user; a confused deputy acts for a stranger.
//!
//! **Wrong when.** A shared agent is opened to many users: new delegators are then its habit and weigh little.
//!
//! **Example.** `delete` run autonomously after 310 delegated runs.

use baseline::agent::authority_index;
use baseline::hash::tag;
use baseline::math::ln;
use schemas::Authority;
use schemas::cause::CauseKind;

use super::kind::count;
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells;
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "authority",
    family: "identity",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
};

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let index = authority_index(ctx.activity.authority());
    let mix = ctx.head.authority_mix.map(f64::from);
    let total: f64 = mix.iter().sum();
    if total < 1.0 {
        return None;
    }
    let here = mix.get(index).copied().unwrap_or(0.0);
    let peers: f64 = (0..3).map(|index| ctx.peers(cells::authority(index))).sum();
    let of_peers = ((ctx.peers(cells::authority(index)) + 0.5) / (peers + 1.0)).clamp(0.05, 0.95);
    let mode = -ln((here + 2.0 * of_peers) / (total + 2.0));
    let (known, kinds) = ctx.actor.delegators.total(ctx.keys.day);
    let delegator = ctx.keys.delegator;
    let stranger = delegator != 0
        && known >= 1.0
        && ctx.actor.delegators.weight(tag(delegator), ctx.keys.day) <= 0.0;
    #[expect(clippy::cast_precision_loss, reason = "at most 4")]
    let fresh =
        if stranger { -ln(((1.0 + 0.5 * kinds as f64) / (1.0 + known)).min(1.0)) } else { 0.0 };
    if fresh > mode {
        Evidence::of(fresh, 1, [known, kinds_f64(kinds), 0.0, total])
    } else {
        Evidence::of(mode, 0, [here, total, of_peers, peers])
    }
}

fn kinds_f64(kinds: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most 4")]
    let kinds = kinds as f64;
    kinds
}

/// Who is new to the agent; peers do not count their delegators.
fn causes(ctx: &Context<'_>, evidence: &Evidence) -> Vec<Thing> {
    let subject = ctx.activity.delegation.as_ref().and_then(|d| d.subject.as_ref());
    let name = subject.map(|subject| subject.id.to_string()).unwrap_or_default();
    let value = if evidence.fact == 1 { ctx.keys.delegator } else { 0 };
    vec![Thing { kind: CauseKind::Delegator, value, name, fresh: true }]
}

fn mode(authority: Authority) -> &'static str {
    match authority {
        Authority::Delegated => "on behalf of somebody",
        Authority::Autonomous => "on its own",
        Authority::Unknown => "on unknown authority",
    }
}

/// The authority that says least of all.
fn usual_mode(ctx: &Context<'_>) -> &'static str {
    let all = [Authority::Delegated, Authority::Autonomous, Authority::Unknown];
    let count = |authority: &Authority| ctx.head.authority_mix.get(authority_index(*authority));
    all.into_iter().max_by_key(count).map_or("", mode)
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [a, b, share, peers] = evidence.numbers;
    if evidence.fact == 1 {
        let subject = ctx.activity.delegation.as_ref().and_then(|d| d.subject.as_ref());
        let subject = subject.map_or("", |s| s.name.as_deref().unwrap_or(&s.id));
        return Explanation {
            observed: format!("acting for {subject}, for whom it never acted"),
            expected: format!("one of its {} usual delegators", count(b)),
            support: count(a),
            peers: "not compared".into(),
            normal: "a person it has acted for before".into(),
        };
    }
    let words = mode(ctx.activity.authority());
    Explanation {
        observed: format!(
            "acting {words}: {} of its {} earlier activities were",
            count(a),
            count(b)
        ),
        expected: format!(
            "its usual authority; peers act {words} in {:.0} % of sessions",
            share * 100.0
        ),
        support: count(b),
        peers: format!("{} peer sessions", count(peers)),
        normal: format!("acting {}, as it mostly does", usual_mode(ctx)),
    }
}
