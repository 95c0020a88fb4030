//! # credential
//!
//! **Detects.** A credential that another agent uses too, that has expired, that was not used for weeks, of a type or
//! with scopes the agent never had, or far older than its credentials usually are. An expired one that was accepted
//! is a hard indicator.
//!
//! **Why.** Stolen and forgotten credentials are how an intruder acts under an agent's name.
//!
//! **Wrong when.** Agents share one key by design: where most credentials are shared, one more says little. Two agents
//! are told apart from the end of the epoch on (5 minutes); what was revoked is known only to who refuses it.
//!
//! **Example.** An API key of the billing agent is used by a support agent; 1 of 410 credentials was ever shared.

use baseline::hash::tag;
use baseline::math::ln;
use schemas::activity::Credential;
use schemas::cause::CauseKind;
use schemas::choice::{Decision, Outcome};

use super::kind::{count, span};
use super::{Evidence, Explanation, Signal, Thing};
use crate::cells;
use crate::context::{Context, whole};
use crate::keys::Keys;

pub(super) const SIGNAL: Signal = Signal {
    id: "credential",
    family: "identity",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes,
};

const EXPIRED: u8 = 0;
const ELSEWHERE: u8 = 1;
const UNUSED: u8 = 2;
const NEW_KIND: u8 = 3;
const OLD: u8 = 4;

/// Evidence below which a fact is an ordinary one, in nats.
const NATS_MIN: f64 = 2.0;
/// How far clocks may differ, in seconds.
const SKEW_S: f64 = 300.0;
/// Evidence of an expired credential that was accepted, of one that was refused, and where neither is said.
const ACCEPTED_NATS: f64 = 12.0;
const REFUSED_NATS: f64 = 4.0;
const UNTOLD_NATS: f64 = 6.0;
/// Days without use, beside those of the agent itself, from which a credential was dormant.
const DORMANT_DAYS: f64 = 14.0;
/// Share of credentials that are shared, before any was seen, and its weight.
const SHARED_PRIOR: f64 = 0.05;
const SHARED_WEIGHT: f64 = 3.0;
/// Weight of the tenant behind a peer group, in credentials.
const GROUP_WEIGHT: f64 = 10.0;
/// Uses before ages speak, in tenths, and the weight of a spread of one e-fold, in uses.
const AGE_TENTHS_MIN: u16 = 100;
const SPREAD_WEIGHT: f64 = 5.0;

/// What an agent adds to the sum of those that met a credential.
pub(crate) fn mark(keys: &Keys) -> i64 {
    1 << 40 | i64::from(tag(keys.agent))
}

/// Whether another agent met this credential, as far as ended epochs tell.
pub(crate) fn is_elsewhere(ctx: &Context<'_>) -> bool {
    let met = ctx.credentials.map_or(0, |s| s.counts.get(cells::credential(ctx.keys.credential)));
    met % mark(ctx.keys) != 0
}

/// ln(1 + seconds since issue), where that is known.
pub(crate) fn age(ctx: &Context<'_>) -> Option<f32> {
    let issued = ctx.activity.credential.as_ref()?.issued_at?;
    let age_ms = ctx.activity.time.millis() - issued.millis();
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a logarithm")]
    (0 <= age_ms).then(|| ln(1.0 + age_ms as f64 / 1e3) as f32)
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let credential = ctx.activity.credential.as_ref()?;
    let mut worst = expired(ctx, credential);
    for found in [elsewhere(ctx), unused(ctx), new_kind(ctx), old(ctx)] {
        let nats = worst.map_or(NATS_MIN, |evidence| evidence.nats);
        worst = found.filter(|evidence| evidence.nats > nats).or(worst);
    }
    worst
}

fn expired(ctx: &Context<'_>, credential: &Credential<'_>) -> Option<Evidence> {
    let late_ms = ctx.activity.time.millis() - credential.expires_at?.millis();
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    let late_s = late_ms as f64 / 1e3;
    if late_s <= SKEW_S {
        return None;
    }
    let outcome = ctx.activity.outcome.as_ref();
    let result = outcome.map(|outcome| outcome.result).unwrap_or_default();
    let decision = outcome.and_then(|outcome| outcome.decision);
    let (nats, hard) = match (result, decision) {
        (_, Some(Decision::Deny)) => (REFUSED_NATS, None),
        (Outcome::Success, _) | (_, Some(Decision::Allow)) => {
            (ACCEPTED_NATS, Some("expired_credential_accepted"))
        }
        (Outcome::Failure | Outcome::Denied, _) => (REFUSED_NATS, None),
        (Outcome::Unknown, _) => (UNTOLD_NATS, None),
    };
    Evidence::of(nats, EXPIRED, [late_s, 0.0, 0.0, 0.0])
        .map(|evidence| Evidence { hard, ..evidence })
}

/// How rare it is that a credential is shared; less once the agent itself used it in many sessions.
fn elsewhere(ctx: &Context<'_>) -> Option<Evidence> {
    if ctx.keys.credential == 0 || !is_elsewhere(ctx) {
        return None;
    }
    let counts = &ctx.credentials?.counts;
    let get = |cell: u64| whole(counts.get(cell));
    let all = (get(cells::credentials_met(0)), get(cells::credentials_shared(0)));
    let group = ctx.keys.group;
    let of_group = (get(cells::credentials_met(group)), get(cells::credentials_shared(group)));
    let rate = (all.1 + SHARED_WEIGHT * SHARED_PRIOR) / (all.0 + SHARED_WEIGHT);
    let rate = (of_group.1 + GROUP_WEIGHT * rate) / (of_group.0 + GROUP_WEIGHT);
    let known = ctx.head.credentials.id(tag(ctx.keys.credential));
    let sessions = known.map_or(0.0, |(_, sessions)| f64::from(sessions));
    let nats = -ln(rate.min(1.0)) - ln(1.0 + sessions);
    Evidence::of(nats, ELSEWHERE, [all.0, all.1, sessions, 0.0])
}

fn unused(ctx: &Context<'_>) -> Option<Evidence> {
    let (last_day, sessions) = ctx.head.credentials.id(tag(ctx.keys.credential))?;
    let idle = f64::from(ctx.keys.day.saturating_sub(last_day));
    let silent_s = ctx.keys.now_s.saturating_sub(ctx.actor.progress.last_s);
    let extra = idle - f64::from(silent_s / 86_400);
    if extra < DORMANT_DAYS {
        return None;
    }
    Evidence::of(ln(1.0 + extra), UNUSED, [idle, extra, f64::from(sessions), 0.0])
}

fn new_kind(ctx: &Context<'_>) -> Option<Evidence> {
    let kind = ctx.keys.credential_kind;
    if kind == 0 || ctx.head.credentials.kind(tag(kind)) > 0 {
        return None;
    }
    let (known, kinds) = ctx.head.credentials.kinds();
    let known = f64::from(known);
    #[expect(clippy::cast_precision_loss, reason = "at most 3")]
    let fresh = (1.0 + 0.3 * kinds as f64) / (1.0 + known);
    let sessions = ctx.peer_sessions();
    let cell = cells::credential_kind(kind);
    let peers = (ctx.peers(cell) - ctx.own(cell)).max(0.0);
    let unshared = (0.5 * ln(2.0 + sessions) - ln(1.0 + peers)).max(0.0);
    let nats = if known > 0.0 { -ln(fresh.min(1.0)) + unshared } else { 0.0 };
    Evidence::of(nats, NEW_KIND, [known, peers, sessions, fresh])
}

/// A Student t of the logarithm of the age, as for sizes; only what is too old.
fn old(ctx: &Context<'_>) -> Option<Evidence> {
    let x = f64::from(age(ctx)?);
    let usual = ctx.head.credentials.age();
    if usual.tenths < AGE_TENTHS_MIN {
        return None;
    }
    let (mean, n) = (f64::from(usual.mean), f64::from(usual.tenths) / 10.0);
    let spread = ((f64::from(usual.variance) * n + SPREAD_WEIGHT) / (n + SPREAD_WEIGHT)).sqrt();
    let z = (x - mean) / spread;
    if z <= 0.0 {
        return None;
    }
    let nu = 4.0 + 0.2 * n;
    let nats = (nu + 1.0) / 2.0 * ln(1.0 + z * z / nu);
    let seconds = baseline::math::exp;
    Evidence::of(nats, OLD, [seconds(x), seconds(mean), seconds(mean + 2.0 * spread), n])
}

/// The credential that others use too, or the kind that is new.
fn causes(ctx: &Context<'_>, evidence: &Evidence) -> Vec<Thing> {
    let credential = ctx.activity.credential.as_ref();
    let (value, name, fresh) = match evidence.fact {
        ELSEWHERE => {
            let id = credential.and_then(|credential| credential.id.as_deref());
            (ctx.keys.credential, id.unwrap_or_default(), true)
        }
        NEW_KIND => {
            let kind = credential.and_then(|credential| credential.kind).unwrap_or_default();
            let cell = cells::credential_kind(ctx.keys.credential_kind);
            (ctx.keys.credential_kind, kind.as_str(), ctx.is_new_to_peers(cell, cell))
        }
        _ => return Vec::new(),
    };
    vec![Thing { kind: CauseKind::Credential, value, name: name.to_owned(), fresh }]
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [a, b, c, d] = evidence.numbers;
    let credential = ctx.activity.credential.as_ref();
    let id = credential.and_then(|credential| credential.id.as_deref()).unwrap_or("without id");
    let kind = credential.and_then(|credential| credential.kind).unwrap_or_default().as_str();
    let alone = "not compared".to_owned();
    let (observed, expected, support, peers, normal) = match evidence.fact {
        EXPIRED => (
            format!("credential {id} used {} after it expired", span(a)),
            "a credential that is valid".to_owned(),
            0.0,
            alone,
            "a use at most 5 minutes after it expires",
        ),
        ELSEWHERE => (
            format!("credential {id} is used by another agent too"),
            format!("a credential of its own; used in {} sessions before", count(c)),
            a,
            format!(
                "{} of {} times that an agent took up a credential, another had used it",
                count(b),
                count(a)
            ),
            "a credential that no other agent uses",
        ),
        UNUSED => (
            format!("credential {id} used after {} days", count(a)),
            format!("no pause of {} days while the agent was active", count(b)),
            c,
            alone,
            "a use within 14 days of the last, days of its own silence left out",
        ),
        NEW_KIND => (
            format!("a credential of type {kind} with scopes it never used together"),
            format!("a kind in use; a new one once in {} sessions", count(1.0 / d.max(1e-9))),
            a,
            format!("{} of {} peer sessions used it", count(b), count(c)),
            "a type and scopes that it used before",
        ),
        _ => (
            format!("credential {id} is {} old", span(a)),
            format!("usually {}, seldom above {}", span(b), span(c)),
            d,
            alone,
            "a credential as fresh as usual",
        ),
    };
    Explanation { observed, expected, support: count(support), peers, normal: normal.into() }
}
