//! # network
//!
//! **Detects.** A network, country or hidden route (VPN, Tor, proxy, relay, hosting) that the actor does not use, at
//! either end.
//!
//! **Why.** A stolen credential is used from elsewhere; exfiltration hides behind an anonymiser.
//!
//! **Wrong when.** The workload moves to another region or provider: the first hours there are new.
//!
//! **Example.** A Tor exit in another country, after 400 sessions from one cloud region.

use baseline::hash::tag;
use baseline::math::ln;
use schemas::choice::Anonymizer;

use super::kind::count;
use super::{Evidence, Explanation, Signal};
use crate::cells;
use crate::context::Context;

pub(super) const SIGNAL: Signal = Signal {
    id: "network",
    family: "place",
    channels: 1,
    full_on_failure: false,
    handicap_nats: 0.0,
    evaluate,
    explain,
};

fn evaluate(ctx: &Context<'_>) -> Option<Evidence> {
    let (known, kinds) = ctx.actor.networks.total(ctx.keys.day);
    if known < 1.0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 8")]
    let fresh = (1.0 + 0.3 * kinds as f64) / (1.0 + known);
    let sessions = ctx.peer_sessions();
    let mut worst = (0.0, 0_u8, [0.0; 4]);
    for (index, key) in (0_u8..).zip(ctx.keys.networks).filter(|(_, key)| *key != 0) {
        if ctx.actor.networks.weight(tag(key), ctx.keys.day) > 0.0 {
            continue;
        }
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

fn explain(ctx: &Context<'_>, evidence: &Evidence) -> Explanation {
    let [known, peers, sessions, fresh] = evidence.numbers;
    let (side, endpoint) = if evidence.fact < 2 {
        ("from", &ctx.activity.source)
    } else {
        ("to", &ctx.activity.destination)
    };
    let endpoint = endpoint.as_ref();
    let asn = endpoint.and_then(|e| e.asn).map_or_else(String::new, |asn| format!(" AS{asn}"));
    let country =
        endpoint.and_then(|e| e.geo.as_ref()).and_then(|geo| geo.country.as_deref()).unwrap_or("");
    let route = endpoint.and_then(|e| e.anonymizer).unwrap_or_default();
    let route = if matches!(route, Anonymizer::None | Anonymizer::Unknown) {
        String::new()
    } else {
        format!(" over {}", route.as_str())
    };
    Explanation {
        observed: format!("{side}{asn} {country}{route}, not used before").replace("  ", " "),
        expected: format!(
            "a network in use; a new one once in {} uses",
            count(1.0 / fresh.max(1e-9))
        ),
        support: count(known),
        peers: format!("{} of {} peer sessions used it", count(peers), count(sessions)),
        normal: "a network and route that the actor or its peers use".into(),
    }
}
