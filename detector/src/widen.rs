//! How freely an activity is learned. What is strange weighs a tenth; for 48 hours after an announced change began, only
//! what is twice as strange counts as strange, and it weighs half: an approved change may become normal soon.
//! When it began stands in the tenant's shared counts, as the mean of marks: sessions that begin it within one epoch of
//! 5 minutes each add theirs, and nobody does once it is known.

use crate::cells;
use crate::context::Context;

/// Hours for which a change is learned freely.
const WIDE_HOURS: i64 = 48;
/// The unit of a mark: an hour since 1970 stands below it.
const MARK: i64 = 1 << 40;

/// How freely is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gate {
    /// Score in micro-nats from which an activity is strange.
    pub(crate) strange_micro: i64,
    /// Evidence in nats from which a burst is.
    pub(crate) rate_nats: f64,
    /// What a strange activity weighs, in tenths.
    pub(crate) tenths: u16,
}

impl Gate {
    const USUAL: Self = Self { strange_micro: 4_000_000, rate_nats: 20.0, tenths: 1 };
    const WIDE: Self = Self { strange_micro: 8_000_000, rate_nats: 40.0, tenths: 5 };

    /// What holds for an activity.
    pub(crate) fn of(ctx: &Context<'_>) -> Self {
        if is_wide(ctx) { Self::WIDE } else { Self::USUAL }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::USUAL
    }
}

/// The cell of the announced change that an activity runs, and when it began: 0 where that is not known yet.
fn begun(ctx: &Context<'_>) -> Option<(u64, i64)> {
    let change = ctx.standing.change(ctx.activity)?;
    let from = u64::try_from(change.from.millis()).unwrap_or(0);
    let cell = cells::announced(ctx.keys.agent, from);
    let marks = ctx.register.map_or(0, |scope| scope.counts.get(cell));
    Some((cell, if marks < MARK { 0 } else { marks % MARK / (marks / MARK) }))
}

fn is_wide(ctx: &Context<'_>) -> bool {
    match begun(ctx) {
        None => false,
        Some((_, 0)) => ctx.standing.announces(ctx.activity),
        Some((_, hour)) => (hour..hour + WIDE_HOURS).contains(&i64::from(ctx.keys.hour)),
    }
}

/// The mark of a change that begins with this activity: its cell and what is added.
pub(crate) fn begins(ctx: &Context<'_>) -> Option<(u64, i64)> {
    let (cell, hour) = begun(ctx)?;
    let begins = hour == 0 && ctx.standing.announces(ctx.activity);
    begins.then(|| (cell, MARK | i64::from(ctx.keys.hour)))
}
