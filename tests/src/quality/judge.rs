//! The accounting: which incidents were found, how many alerts came besides, what benign changes cost. It sees labels
//! and alerts, and nothing of how these came about.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::{Raised, Seen};
use crate::scenario::{Change, ChangeKind, DAY_MS, HOUR_MS, Incident, IncidentKind, Scenario};

/// An alert still finds an incident that long after its last call.
pub const GRACE_MS: i64 = HOUR_MS;
/// An alert that opened earlier than that before an incident is about something else, even if it goes on.
const OPEN_BEFORE_MS_MAX: i64 = 12 * HOUR_MS;
/// An incident of many agents is found with alerts of that many.
const SWARM_MEMBERS_MIN: usize = 3;
/// Earlier windows of the same agents, in which an alert would be chance.
const CHANCE_WINDOWS: i64 = 2;
const MONTH_MS: f64 = 30.0 * DAY_MS as f64;

/// Incidents of a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Detectable ones.
    pub detectable: usize,
    /// Of these, found.
    pub found: usize,
    /// Undetectable ones.
    pub undetectable: usize,
    /// Of these, found nevertheless.
    pub undetectable_found: usize,
    /// Windows of the same agents before the incidents.
    pub quiet: usize,
    /// Of these, with an alert that would have counted.
    pub quiet_found: usize,
}

/// What changes of a kind cost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cost {
    /// Alerts of each group beyond those without the change.
    pub groups: Vec<i64>,
    /// Leading signals of the alerts of these groups in these days.
    pub signals: BTreeMap<String, usize>,
}

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Events of a run.
    pub events: u64,
    /// Agents.
    pub agents: usize,
    /// By kind of incident, at the budget of 1.
    pub detection: BTreeMap<IncidentKind, Tally>,
    /// Why incidents were counted as undetectable.
    pub reasons: BTreeMap<(&'static str, &'static str), usize>,
    /// By budget: alerts of actors without incidents, their months; and both outside the windows of changes.
    pub realised: BTreeMap<String, [f64; 4]>,
    /// Leading signals of alerts of actors without incidents, at the budget of 1.
    pub false_signals: BTreeMap<String, usize>,
    /// By kind of change, at the budget of 1.
    pub costs: BTreeMap<ChangeKind, Cost>,
    /// What was said of missed incidents.
    pub missed: Vec<String>,
}

/// Judges runs of one scenario: at each budget, and at 1 without the changes.
pub fn judge(scenario: &Scenario, runs: &[(f64, &Seen)], unchanged: &Seen) -> Figures {
    let mut figures = Figures { agents: scenario.n_agents(), ..Figures::default() };
    for (budget, seen) in runs {
        figures.realised.insert(budget.to_string(), realised(scenario, seen));
        if (*budget - 1.0).abs() < 1e-9 {
            figures.events = seen.n_scored;
            figures.detect(scenario, seen);
            figures.count_false(scenario, seen);
            for change in scenario.changes() {
                let cost = figures.costs.entry(change.kind).or_default();
                cost.groups.extend(costs(change, seen, unchanged));
                for alert in openings(change, seen) {
                    *cost.signals.entry(alert.signal.clone()).or_default() += 1;
                }
            }
        }
    }
    figures
}

/// Adds the figures of another seed.
pub fn add(sum: &mut Figures, other: Figures) {
    sum.events += other.events;
    sum.agents += other.agents;
    for (kind, tally) in other.detection {
        let into = sum.detection.entry(kind).or_default();
        into.detectable += tally.detectable;
        into.found += tally.found;
        into.undetectable += tally.undetectable;
        into.undetectable_found += tally.undetectable_found;
        into.quiet += tally.quiet;
        into.quiet_found += tally.quiet_found;
    }
    for (reason, count) in other.reasons {
        *sum.reasons.entry(reason).or_default() += count;
    }
    for (budget, counts) in other.realised {
        let into = sum.realised.entry(budget).or_default();
        into.iter_mut().zip(counts).for_each(|(into, count)| *into += count);
    }
    for (signal, count) in other.false_signals {
        *sum.false_signals.entry(signal).or_default() += count;
    }
    for (kind, cost) in other.costs {
        let into = sum.costs.entry(kind).or_default();
        into.groups.extend(cost.groups);
        for (signal, count) in cost.signals {
            *into.signals.entry(signal).or_default() += count;
        }
    }
    sum.missed.extend(other.missed);
}

// === impl Figures ===

impl Figures {
    fn detect(&mut self, scenario: &Scenario, seen: &Seen) {
        for (number, incident) in scenario.incidents().iter().enumerate() {
            let tally = self.detection.entry(incident.kind).or_default();
            let found = is_found(incident, &seen.alerts, 0);
            match incident.undetectable {
                Some(why) => {
                    tally.undetectable += 1;
                    tally.undetectable_found += usize::from(found);
                    *self.reasons.entry((incident.kind.signal(), why)).or_default() += 1;
                }
                None => {
                    tally.detectable += 1;
                    tally.found += usize::from(found);
                    // Quiet windows lie a week apart, those of a drift by its length.
                    let length = incident.end_ms - incident.begin_ms;
                    let step = (7 * DAY_MS).max(length + 2 * GRACE_MS);
                    let windows = if step > 7 * DAY_MS { 1 } else { CHANCE_WINDOWS };
                    for back in 1..=windows {
                        tally.quiet += 1;
                        let chance = is_found(incident, &seen.alerts, -back * step);
                        tally.quiet_found += usize::from(chance);
                    }
                    if !found {
                        self.missed.push(missed(incident, seen.nearest.get(&number)));
                    }
                }
            }
        }
    }

    fn count_false(&mut self, scenario: &Scenario, seen: &Seen) {
        let guilty = guilty(scenario);
        for alert in seen.alerts.iter().filter(|alert| !guilty.contains(alert.agent.as_str())) {
            *self.false_signals.entry(alert.signal.clone()).or_default() += 1;
        }
    }

    /// The share of detectable incidents that were found, drift left out.
    pub fn share_found(&self) -> f64 {
        let kinds = self.detection.iter().filter(|(kind, _)| **kind != IncidentKind::Drift);
        let (found, all) =
            kinds.fold((0, 0), |(found, all), (_, t)| (found + t.found, all + t.detectable));
        found as f64 / all.max(1) as f64
    }

    /// The share of detectable drifts that were found before the habit had doubled.
    pub fn share_of_drifts(&self) -> f64 {
        let tally = self.detection.get(&IncidentKind::Drift).copied().unwrap_or_default();
        tally.found as f64 / tally.detectable.max(1) as f64
    }

    /// Realised over budget on actors without incidents: everywhere, and outside the windows of changes.
    pub fn ratio(&self, budget: &str) -> [f64; 2] {
        let [alerts, months, calm_alerts, calm_months] =
            self.realised.get(budget).copied().unwrap_or_default();
        let budget: f64 = budget.parse().unwrap_or(f64::NAN);
        [alerts / months.max(1e-9) / budget, calm_alerts / calm_months.max(1e-9) / budget]
    }

    /// Groups that a change cost more than one alert, and all groups.
    pub fn dear_groups(&self) -> (usize, usize) {
        let all = self.costs.values().flat_map(|cost| &cost.groups);
        (all.clone().filter(|cost| **cost > 1).count(), all.count())
    }

    /// What is asked for, what came out, and whether that is enough.
    pub fn criteria(&self) -> Vec<(String, f64, bool)> {
        let mut criteria = vec![(
            "detectable incidents found at 1, >= 0.85".to_owned(),
            self.share_found(),
            self.share_found() >= 0.85,
        )];
        for budget in self.realised.keys() {
            let [ratio, _] = self.ratio(budget);
            let within = (0.7..=1.3).contains(&ratio);
            criteria.push((format!("realised / budget at {budget}, 0.7-1.3"), ratio, within));
        }
        let (dear, all) = self.dear_groups();
        let share = dear as f64 / all.max(1) as f64;
        criteria.push(("groups that a benign change cost more than 1, 0".into(), share, dear == 0));
        let drifts = self.share_of_drifts();
        criteria.push(("drifts found before doubling, >= 0.90".into(), drifts, drifts >= 0.9));
        criteria
    }
}

/// Whether alerts find an incident, its window moved by some milliseconds.
fn is_found(incident: &Incident, alerts: &[Raised], moved_ms: i64) -> bool {
    let begin = incident.begin_ms + moved_ms;
    let end = incident.end_ms + moved_ms + GRACE_MS;
    let drift = incident.kind == IncidentKind::Drift;
    // Over weeks any alert would be a find: a drift has to be told as what grows.
    let speaks = |alert: &&Raised| !drift || ["drift", "volume", "rate"].contains(&&*alert.signal);
    let before = if drift { 0 } else { OPEN_BEFORE_MS_MAX };
    // For a member an alert opens with its own first event in it. One that goes on or opens again is no new find.
    let finds = |times: &[i64]| {
        times.first().is_some_and(|opened| (begin - before..=end).contains(opened))
            && times.iter().any(|ms| (begin..=end).contains(ms))
    };
    let found = alerts.iter().filter(|alert| speaks(alert)).flat_map(|alert| &alert.times_ms);
    let agents: BTreeSet<&str> = found
        .filter(|(agent, times)| incident.agents.contains(agent) && finds(times))
        .map(|(agent, _)| agent.as_str())
        .collect();
    agents.len() >= if incident.agents.len() > 1 { SWARM_MEMBERS_MIN } else { 1 }
}

fn guilty(scenario: &Scenario) -> BTreeSet<&str> {
    scenario.incidents().iter().flat_map(|i| i.agents.iter().map(String::as_str)).collect()
}

/// Openings and months of actors without incidents; the same outside the windows of changes.
fn realised(scenario: &Scenario, seen: &Seen) -> [f64; 4] {
    let guilty = guilty(scenario);
    let mut windows: BTreeMap<&str, Vec<(i64, i64)>> = BTreeMap::new();
    for change in scenario.changes() {
        for agent in change.groups.iter().flat_map(|(_, agents)| agents) {
            windows.entry(agent).or_default().push(change.window_ms());
        }
    }
    let empty = Vec::new();
    let windows_of = |agent: &str| windows.get(agent).unwrap_or(&empty);
    let mut counts = [0.0; 4];
    for alert in seen.alerts.iter().filter(|alert| !guilty.contains(alert.agent.as_str())) {
        let changed = windows_of(&alert.agent)
            .iter()
            .any(|(from, to)| (*from..*to).contains(&alert.opened_ms));
        counts[0] += 1.0;
        counts[2] += if changed { 0.0 } else { 1.0 };
    }
    for ((agent, _), first) in &seen.actors {
        if guilty.contains(agent.as_str()) {
            continue;
        }
        let end = scenario.end_ms();
        let inside: i64 =
            windows_of(agent).iter().map(|(from, to)| (to - (*from).max(*first)).max(0)).sum();
        counts[1] += (end - first) as f64 / MONTH_MS;
        counts[3] += (end - first - inside) as f64 / MONTH_MS;
    }
    counts
}

/// Alerts of each group in a change's days, less those of the same days without it.
fn costs(change: &Change, seen: &Seen, unchanged: &Seen) -> Vec<i64> {
    let (from, to) = change.window_ms();
    let openings = |seen: &Seen, agents: &[String]| {
        let within = |alert: &&Raised| {
            (from..to).contains(&alert.opened_ms) && agents.contains(&alert.agent)
        };
        seen.alerts.iter().filter(within).count() as i64
    };
    let cost = |agents: &[String]| openings(seen, agents) - openings(unchanged, agents);
    change.groups.iter().map(|(_, agents)| cost(agents)).collect()
}

/// Alerts of a change's groups in its days.
fn openings<'a>(change: &'a Change, seen: &'a Seen) -> impl Iterator<Item = &'a Raised> {
    let (from, to) = change.window_ms();
    seen.alerts.iter().filter(move |alert| {
        let mut groups = change.groups.iter();
        (from..to).contains(&alert.opened_ms)
            && groups.any(|(_, agents)| agents.contains(&alert.agent))
    })
}

fn missed(incident: &Incident, nearest: Option<&super::engine::Nearest>) -> String {
    let mut text = format!("{} by {}", incident.kind.signal(), incident.agents[0]);
    let Some(nearest) = nearest else { return text + ": nothing was scored" };
    let of: Vec<String> = nearest
        .contributions
        .iter()
        .take(4)
        .map(|(signal, micronats)| format!("{signal} {:.2}", *micronats as f64 / 1e6))
        .collect();
    text += &format!(
        ": strangest event {}, once in {:.2} actor-months ({})",
        nearest.id,
        nearest.return_period,
        of.join(", ")
    );
    if let Some(explained) = &nearest.explained {
        text += "\n";
        text += &habitus::render::verdict(explained);
    }
    text
}
