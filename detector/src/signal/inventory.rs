//! # inventory
//!
//! **Detects.** What the given inventory of agents contradicts: an agent that it does not list although it claims to be
//! complete, one without an owner, one whose time is over or has not begun, a purpose that is not declared, a retired
//! agent at work. That last one is a hard indicator.
//!
//! **Why.** A rogue agent, or one that should be gone, has nobody who watches it; the register is the only place that
//! knows, whatever the agent's habits are.
//!
//! **Wrong when.** The inventory is late: list what is deployed before it works. Its evidence is fixed in nats, not
//! learned; what lasts weighs less with each further session of the agent, so that one state is one alert, not one a
//! day, until another fact or purpose comes. A tenant is judged by absence only where the file says that all its agents
//! are listed.
//!
//! **Example.** An agent nobody registered reads invoices; all 320 agents of the tenant are listed, and it is none of them.

use super::kind::{count, span};
use super::{Evidence, Explanation, Signal};
use crate::cells;
use crate::context::{Context, whole};
use crate::inventory::Fact;

pub(super) const SIGNAL: Signal = Signal {
    id: "inventory",
    family: "identity",
    channels: 0,
    full_on_failure: true,
    handicap_nats: 0.0,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Sessions of a state after which its evidence has fallen to half.
const TOLD_SESSIONS: f64 = 2.0;

/// Evidence of a fact at first sight, in nats. Odds as a register's keeper might give them, the same for every tenant.
fn nats(fact: Fact) -> f64 {
    match fact {
        Fact::Retired => 12.0,
        Fact::Unknown => 10.0,
        Fact::Expired => 9.0,
        Fact::Early | Fact::OffPurpose => 8.0,
        Fact::Ownerless => 3.0,
    }
}

/// Where the sessions of a lasting state are counted: a purpose apart, for it is an act.
pub(crate) fn cell(ctx: &Context<'_>) -> Option<u64> {
    let fact = ctx.standing.fact?;
    let purpose = if fact == Fact::OffPurpose { ctx.keys.purpose } else { 0 };
    Some(cells::registered(ctx.keys.agent, fact as u64, purpose))
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let (fact, cell) = (ctx.standing.fact?, cell(ctx)?);
    let sessions = ctx.register.map_or(0.0, |scope| whole(scope.counts.get(cell)));
    let told = (sessions - ctx.own(cell)).max(0.0);
    let hard = (fact == Fact::Retired).then_some("retired_agent_active");
    let nats = nats(fact) * TOLD_SESSIONS / (TOLD_SESSIONS + told);
    let evidence = Evidence::of(nats, fact as u8, [told, 0.0, 0.0, 0.0])?;
    Some(Evidence { hard, ..evidence })
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let now_ms = ctx.activity.time.millis();
    let entry = ctx.standing.entry;
    #[expect(clippy::cast_precision_loss, reason = "below 2^52")]
    let seconds = |ms: i64| span(ms.max(0) as f64 / 1e3);
    let since = entry.and_then(|entry| entry.valid_until).map(|at| seconds(now_ms - at.millis()));
    let until = entry.and_then(|entry| entry.valid_from).map(|at| seconds(at.millis() - now_ms));
    let purpose = ctx.activity.purpose().unwrap_or("?");
    let purposes = entry.map(|entry| entry.purposes.join(", ")).unwrap_or_default();
    let in_use = "an agent that is in use".to_owned();
    let (observed, expected, normal) = match ctx.standing.fact {
        Some(Fact::Retired) => (
            format!(
                "an agent at work that was retired{}",
                since.map_or_else(String::new, |s| format!(" {s} ago"))
            ),
            in_use,
            "no work after retirement",
        ),
        Some(Fact::Expired) => (
            format!("an agent at work {} after its time was over", since.unwrap_or_default()),
            in_use,
            "work before its time is over, or a later end in the inventory",
        ),
        Some(Fact::Early) => (
            format!("an agent at work {} before its time begins", until.unwrap_or_default()),
            in_use,
            "work from its first day on, or an earlier begin in the inventory",
        ),
        Some(Fact::OffPurpose) => (
            format!("work for purpose {purpose}, which is not declared"),
            format!("one of its declared purposes: {purposes}"),
            "a declared purpose",
        ),
        Some(Fact::Ownerless) => (
            "an agent that nobody owns".to_owned(),
            "a person or team that is accountable".to_owned(),
            "an owner in the inventory or in the event",
        ),
        Some(Fact::Unknown) | None => (
            "an agent that the inventory does not list".to_owned(),
            "a registered agent: the inventory lists all of this tenant".to_owned(),
            "an entry, or an alias, in the inventory",
        ),
    };
    let support = count(evidence.numbers[0]);
    let peers = format!("given by the inventory, not learned; seen in {support} earlier sessions");
    Explanation { observed, expected, support, peers, normal: normal.into() }
}
