//! # volume
//!
//! **Detects.** A transfer far larger than the actor's usual one for the same tool, sent or received. The session's
//! own surprise (a result of a size this context never returned) is shown under this signal too.
//!
//! **Why.** Bulk export and staging move more than the work needs.
//!
//! **Wrong when.** Sizes are wild by nature: then the spread is wide and only extremes speak.
//!
//! **Example.** 812 MB in one export; usual are 3.1 MB.

use baseline::hash::{pair, tag};
use baseline::math::{exp, ln};
use baseline::part::volume::Moments;

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "volume",
    family: "data",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 2.5,
    evaluate,
    over_session: None,
    explain,
    causes: Signal::NO_CAUSES,
};

/// Observations before an actor's own spread speaks.
const COUNT_MIN: f32 = 3.0;
/// Observations before its mean is held against slow growth.
const SETTLED: f32 = 10.0;
/// Weight of a spread of one e-fold, in observations.
const SPREAD_WEIGHT: f64 = 5.0;

/// Classes of an activity's transfers and ln(1 + bytes): sent, then received.
pub(crate) fn transfers(ctx: &Context<'_>) -> [Option<(u32, f64)>; 2] {
    let usage = ctx.activity.usage.unwrap_or_default();
    let class = |side: u64, bytes: Option<u64>| {
        #[expect(clippy::cast_precision_loss, reason = "a logarithm follows")]
        bytes.map(|bytes| (tag(pair(ctx.keys.tool, side)), ln(1.0 + bytes as f64)))
    };
    [class(1, usage.bytes_out), class(2, usage.bytes_in)]
}

/// How far an activity's transfers are from the actor's usual ones, in standard deviations, where these are known.
pub(crate) fn deviates(ctx: &Context<'_>) -> [Option<f64>; 2] {
    transfers(ctx).map(|transfer| {
        let (class, x) = transfer?;
        let usual = ctx.actor.volume.get(class).filter(|usual| usual.count >= SETTLED)?;
        Some((x - f64::from(usual.mean)) / spread(usual))
    })
}

fn spread(usual: &Moments) -> f64 {
    let n = f64::from(usual.count);
    ((f64::from(usual.variance) * n + SPREAD_WEIGHT) / (n + SPREAD_WEIGHT)).sqrt()
}

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let mut worst = (0.0, 0_u8, [0.0; 4]);
    for (side, transfer) in (0_u8..).zip(transfers(ctx)) {
        let Some((class, x)) = transfer else { continue };
        let Some(moments) =
            ctx.actor.volume.get(class).filter(|moments| moments.count >= COUNT_MIN)
        else {
            continue;
        };
        let n = f64::from(moments.count);
        let spread = spread(moments);
        let z = (x - f64::from(moments.mean)) / spread;
        if z <= 0.0 {
            continue;
        }
        // Student t with nu = 4 + n/5: the logarithm of its density ratio.
        let nu = 4.0 + 0.2 * n;
        let nats = (nu + 1.0) / 2.0 * ln(1.0 + z * z / nu);
        if nats > worst.0 {
            worst = (
                nats,
                side,
                [
                    exp(x) - 1.0,
                    exp(f64::from(moments.mean)),
                    exp(f64::from(moments.mean) + 2.0 * spread),
                    n,
                ],
            );
        }
    }
    Evidence::of(worst.0, worst.1, worst.2)
}

fn bytes(x: f64) -> String {
    match x {
        x if x < 1_000.0 => format!("{x:.0} B"),
        x if x < 1e6 => format!("{:.1} kB", x / 1e3),
        x if x < 1e9 => format!("{:.1} MB", x / 1e6),
        x => format!("{:.1} GB", x / 1e9),
    }
}

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [seen, usual, high, n] = evidence.numbers;
    let way = if evidence.fact == 0 { "sent" } else { "received" };
    if evidence.fact == u8::MAX {
        return Explanation {
            observed: "an earlier result in this session had a size never returned here before"
                .into(),
            expected: "results of the sizes this tool returns for this purpose".into(),
            support: count(ctx.purpose_sessions().max(ctx.peer_sessions())),
            peers: "compared with the peer group's sessions".into(),
            normal: "results of a familiar size".into(),
        };
    }
    Explanation {
        observed: format!("{} {way} in one call", bytes(seen)),
        expected: format!("usually {}, seldom above {}", bytes(usual), bytes(high)),
        support: count(n),
        peers: "not compared".into(),
        normal: format!("at most {} B {way} in one call", (usual - 1.0).max(0.0).floor()),
    }
}
