//! What a signal is: an id, a family, its channels, a function from context to evidence and one to words. Adding
//! one touches its own file and the list.

use schemas::cause::CauseKind;

use super::list::ALL;
use crate::context::Context;
use crate::origin::{Subject, channel};

/// Micro-nats of a nat.
pub(crate) const MICRO: f64 = 1e6;

/// One kind of strangeness.
pub struct Signal {
    /// Id in alerts, metrics, config and file names.
    pub id: &'static str,
    /// Family: two keys need two families.
    pub family: &'static str,
    /// Channels with a scale of their own; with none, its evidence is taken as it is.
    pub channels: usize,
    /// Whether it keeps its full weight on a failed action.
    pub full_on_failure: bool,
    /// Nats by which its calibrated evidence must exceed that of a change of content to weigh as much: how work is
    /// done varies by itself, what it touches much less. A prior, the same for every tenant.
    pub handicap_nats: f64,
    /// Evidence of an activity, if any.
    pub(crate) evaluate: fn(&Context<'_>) -> Option<Evidence>,
    /// Evidence of what the session did so far, on a channel of its own; the one that says more speaks for the signal.
    pub(crate) over_session: Option<fn(&Context<'_>) -> Option<Evidence>>,
    /// The evidence in words.
    pub(crate) explain: fn(&Context<'_>, &Evidence) -> Explanation,
    /// The new things that the evidence is about, the one that says most first.
    pub(crate) causes: fn(&Context<'_>, &Evidence) -> Vec<Thing>,
}

/// A thing that evidence is about.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) kind: CauseKind,
    /// Its hash; 0 for none.
    pub(crate) value: u64,
    /// What people call it.
    pub(crate) name: String,
    /// Whether it is new to the peer group, as far as that is counted.
    pub(crate) fresh: bool,
}

impl Signal {
    /// Of a signal that is about how much or when, not about a thing.
    pub(crate) const NO_CAUSES: fn(&Context<'_>, &Evidence) -> Vec<Thing> = |_, _| Vec::new();
}

/// Evidence in nats with the numbers its explanation needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence {
    /// Which of the signal's channels.
    pub channel: usize,
    /// Model evidence G in nats, before calibration.
    pub nats: f64,
    /// Its channel among those that tell evidence apart by origin, where that is logged.
    pub by_origin: Option<usize>,
    /// Which fact it was.
    pub fact: u8,
    /// Numbers of that fact.
    pub numbers: [f64; 4],
    /// Name of the fact where it is a key by itself.
    pub hard: Option<&'static str>,
}

/// Evidence in words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// What was seen.
    pub observed: String,
    /// What was expected.
    pub expected: String,
    /// Observations behind the expectation.
    pub support: u64,
    /// What peers do.
    pub peers: String,
    /// The smallest change that would have kept it silent.
    pub normal: String,
}

impl Evidence {
    /// Evidence on the first channel; `None` where there is nothing to say.
    pub(crate) fn of(nats: f64, fact: u8, numbers: [f64; 4]) -> Option<Self> {
        (nats > 0.0).then_some(Self {
            channel: 0,
            by_origin: None,
            nats,
            fact,
            numbers,
            hard: None,
        })
    }

    /// Tells it apart by the origin of its value.
    pub(crate) fn by_origin(self, ctx: &Context<'_>, subject: Subject) -> Self {
        Self { by_origin: channel(ctx.activity, subject), ..self }
    }
}

/// Every signal, in the order of the list.
pub(crate) fn signals() -> &'static [&'static Signal] {
    ALL
}

/// Channels of all signals together.
pub(crate) fn channel_count() -> usize {
    ALL.iter().map(|signal| signal.channels).sum()
}

/// The channels of tempo, as bits: how much is done, not what.
pub(crate) fn tempo_channels() -> u64 {
    let mut first = 0;
    let mut bits = 0;
    for signal in ALL {
        if signal.family == "tempo" {
            bits |= ((1 << signal.channels) - 1) << first;
        }
        first += signal.channels;
    }
    bits
}

/// Ids of all signals, in the order of the list.
pub fn signal_ids() -> Vec<&'static str> {
    ALL.iter().map(|signal| signal.id).collect()
}

/// The family of a signal id; empty where it is none of ours.
pub fn family_of(id: &str) -> &'static str {
    ALL.iter().find(|signal| signal.id == id).map_or("", |signal| signal.family)
}

/// A span of seconds for people.
pub(crate) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{} s", count(s)),
        s if s < 5_400.0 => format!("{} min", count(s / 60.0)),
        s if s < 172_800.0 => format!("{} h", count(s / 3_600.0)),
        s => format!("{} days", count(s / 86_400.0)),
    }
}

/// A count for people.
pub(crate) fn count(x: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let count = (x + 0.5).clamp(0.0, 1e15) as u64;
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_channels_fit_a_session() {
        let mut ids = signal_ids();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ALL.len());
        assert!(channel_count() <= baseline::part::sessions::BY_ORIGIN);
    }
}
