//! What a tenant usually gets: how many newcomers a thing has in an episode, and how often an episode is as strange as
//! one at hand. A calibrator of its own per kind of thing: nothing is left out of it, so that it cannot narrow itself.

use std::collections::BTreeMap;

use baseline::math::{decay, deviance, exp};
use baseline::shared::bin;
use schemas::EventTime;
use schemas::finding::MetKind;
use schemas::time::DAY_MS;
use serde::{Deserialize, Serialize};

use crate::budget;
use crate::flood;
use crate::swarm::{Judged, Peak, Swarm, WINDOW_MS};

/// Newcomers expected before anything is known: some, and a share of the tenant's agents.
const PRIOR_AGENTS: f64 = 0.6;
const PRIOR_SHARE: f64 = 0.02;
/// Episodes that the prior stands for among the tenant's, and the tenant's among the thing's.
const PRIOR_EPISODES: f64 = 8.0;
const TENANT_EPISODES: f64 = 4.0;
/// Dispersion: who takes up something new tells colleagues.
const DISPERSION: f64 = 2.0;
/// Episodes that the prior stands for in the calibrator, within that many months, and how their evidence falls off.
const PRIOR_PEAKS: f64 = 10.0;
const PRIOR_MONTHS: f64 = 0.005;
const FALL_OFF: f64 = 1.2;
/// Evidence from which an episode teaches a tenth of what is usual.
const STRANGE_NATS: f64 = 4.0;
/// Half-life of all that is known, in months.
const MEMORY_MONTHS: f64 = 3.0;
const MONTH_WINDOWS: f64 = (30 * DAY_MS / WINDOW_MS) as f64;
const MONTH_HOURS: f64 = 720.0;
/// Most windows that count where nothing was said for longer.
const SILENT_WINDOWS: i64 = 12;

/// One kind of thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kind {
    /// Newcomers of all episodes; of the tenant itself, the most of an hour.
    agents: f64,
    /// Episodes.
    episodes: f64,
    /// Episodes by bin of their evidence.
    peaks: BTreeMap<u8, f64>,
}

impl Kind {
    /// Whether a tenant so old has not settled: its first episode and its start say nothing yet of who arrives.
    fn starts(&self, hours: f64) -> bool {
        self.episodes <= 0.0 || hours < flood::START_HOURS
    }
}

/// What a tenant usually gets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Usual {
    /// The window that log time has reached; none before the first meeting.
    window: Option<i64>,
    /// Months of log time behind it.
    months: f64,
    kinds: BTreeMap<MetKind, Kind>,
}

// === impl Usual ===

impl Usual {
    /// Begins to count log time.
    pub(crate) fn begin(&mut self, now: EventTime) -> bool {
        let window = self.window.is_none().then(|| now.millis() / WINDOW_MS);
        self.window = self.window.or(window);
        window.is_some()
    }

    /// Lets log time pass; `true` where it reached another window.
    pub(crate) fn pass(&mut self, now: EventTime) -> bool {
        let (window, Some(before)) = (now.millis() / WINDOW_MS, self.window) else { return false };
        if window <= before {
            return false;
        }
        self.window = Some(window);
        #[expect(clippy::cast_precision_loss, reason = "windows of a century fit")]
        let months = |windows: i64| windows as f64 / MONTH_WINDOWS;
        let elapsed = months(window - before);
        let left = decay(elapsed, MEMORY_MONTHS);
        self.months = self.months * left + months((window - before).min(SILENT_WINDOWS));
        for (met, kind) in &mut self.kinds {
            let arrives = *met == MetKind::Tenant;
            kind.agents *= if arrives { decay(elapsed, flood::MEMORY_MONTHS) } else { left };
            kind.episodes *= left;
            kind.peaks.values_mut().for_each(|peaks| *peaks *= left);
        }
        true
    }

    /// Judges the newest window of a thing; `n_agents` is how many agents the tenant has.
    pub(crate) fn judge(&self, kind: MetKind, swarm: &Swarm, n_agents: u32) -> Judged {
        let none = Kind::default();
        let known = self.kinds.get(&kind).unwrap_or(&none);
        let seen = swarm.window(kind).count();
        if kind == MetKind::Tenant {
            return self.judge_arrivals(known, (seen, flood::expected(known.agents)));
        }
        let prior = PRIOR_AGENTS + PRIOR_SHARE * f64::from(n_agents);
        let tenant = (PRIOR_EPISODES * prior + known.agents) / (PRIOR_EPISODES + known.episodes);
        let (agents, episodes) = swarm.usual();
        let expected = (TENANT_EPISODES * tenant + agents) / (TENANT_EPISODES + episodes);
        self.judge_against(known, (seen, expected))
    }

    /// Judges agents that are new to their tenant. Its first episode and its start say nothing yet.
    fn judge_arrivals(&self, known: &Kind, (agents, expected): (u64, f64)) -> Judged {
        let hours = self.months * MONTH_HOURS;
        if known.starts(hours) {
            return Judged { agents, expected, hours, ..Judged::default() };
        }
        self.judge_against(known, (agents, expected))
    }

    fn judge_against(&self, known: &Kind, (agents, expected): (u64, f64)) -> Judged {
        let nats = deviance(number(agents), expected, DISPERSION);
        let reached: f64 = known.peaks.range(bin(nats)..).map(|(_, peaks)| peaks).sum();
        let peaks = reached + PRIOR_PEAKS * exp(-nats / FALL_OFF);
        Judged {
            agents,
            expected,
            nats,
            return_period: budget::finite((self.months + PRIOR_MONTHS) / peaks),
            hours: self.months * MONTH_HOURS,
            extrapolated: reached < 1.0,
            episodes: known.episodes,
        }
    }

    /// Learns the peak of an episode, which is over; gives what it weighs for the thing itself.
    pub(crate) fn learn(&mut self, kind: MetKind, peak: Peak) -> f64 {
        let hours = self.months * MONTH_HOURS;
        let known = self.kinds.entry(kind).or_default();
        if kind == MetKind::Tenant {
            let starts = known.starts(hours);
            let (most, counts) = flood::learn(known.agents, (peak, number(peak.agents)), starts);
            known.agents = most;
            known.episodes += counts;
            *known.peaks.entry(bin(peak.nats)).or_default() += counts;
            return 0.0;
        }
        let weight = if peak.nats >= STRANGE_NATS { 0.1 } else { 1.0 };
        known.agents += number(peak.agents) * weight;
        known.episodes += weight;
        *known.peaks.entry(bin(peak.nats)).or_default() += 1.0;
        weight
    }
}

/// A number of agents.
pub(crate) fn number(agents: u64) -> f64 {
    f64::from(u32::try_from(agents).unwrap_or(u32::MAX))
}
