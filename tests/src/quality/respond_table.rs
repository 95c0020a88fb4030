//! What the response does, as Markdown, by size of the fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use baseline::math::{exp, ln};

use super::respond::Answers;
use crate::scenario::IncidentKind;

/// Renders the answers of some seeds by the size that was asked for.
pub fn markdown(sizes: &BTreeMap<u32, Answers>, seeds: u64) -> String {
    let mut all = Answers::default();
    sizes.values().for_each(|answers| all.add(answers));
    let mut out = String::new();
    let _infallible = writeln!(
        out,
        "{seeds} seeds; {} agents and {} events in all; {:.0} healthy actor-months.\n",
        all.agents, all.events, all.healthy_months
    );
    criteria(&mut out, sizes, &all);
    fleets(&mut out, sizes);
    kinds(&mut out, sizes);
    out
}

fn criteria(out: &mut String, sizes: &BTreeMap<u32, Answers>, all: &Answers) {
    out.push_str("| asked for | found | enough |\n|---|---|---|\n");
    let mut line = |what: String, found: String, enough: bool| {
        let enough = if enough { "yes" } else { "no" };
        let _infallible = writeln!(out, "| {what} | {found} | {enough} |");
    };
    for (size, answers) in sizes {
        let rate = answers.false_restricted();
        let n_falls = answers.falls.values().sum();
        let (low, high) = interval(n_falls);
        let (low, high) = (low / answers.healthy_months, high / answers.healthy_months);
        line(
            format!("false `restricted` per actor-month, {size} agents, <= 0.03"),
            format!("{rate:.3} ({low:.3} to {high:.3})"),
            rate <= 0.03,
        );
    }
    let (low, high) = interval(all.revoked);
    line(
        "automatic revocations of healthy actors, <= 1".to_owned(),
        format!("{} ({low:.2} to {high:.2})", all.revoked),
        all.revoked <= 1,
    );
    for (size, answers) in sizes {
        let (detectable, found) = answers.in_time();
        let share = found as f64 / detectable.max(1) as f64;
        line(
            format!("restricted within 20 events, {size} agents, >= 0.50"),
            format!("{share:.2}"),
            share >= 0.5,
        );
    }
}

fn fleets(out: &mut String, sizes: &BTreeMap<u32, Answers>) {
    out.push_str(
        "\n| fleet | healthy actor-months | false `restricted` | of these learning | in days of changes | led by \
         | asked of healthy actors, per month | healthy revoked | revoked in incidents |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for (size, answers) in sizes {
        let mut falls: Vec<(&String, &usize)> = answers.falls.iter().collect();
        falls.sort_by_key(|(signal, count)| (std::cmp::Reverse(**count), *signal));
        let led: Vec<String> =
            falls.iter().take(6).map(|(signal, count)| format!("{signal} {count}")).collect();
        let _infallible = writeln!(
            out,
            "| {size} | {:.0} | {} | {} | {} | {} | {:.3} | {} | {} |",
            answers.healthy_months,
            answers.falls.values().sum::<usize>(),
            answers.falls_learning,
            answers.falls_changed,
            led.join(", "),
            answers.asked as f64 / answers.healthy_months.max(1e-9),
            answers.revoked,
            answers.kinds.values().map(|tally| tally.revoked).sum::<usize>(),
        );
    }
}

fn kinds(out: &mut String, sizes: &BTreeMap<u32, Answers>) {
    out.push_str("\n| incident |");
    for size in sizes.keys() {
        let _infallible = write!(out, " {size} agents |");
    }
    out.push_str(" share | median events | restricted before | undetectable |\n|---|");
    out.push_str(&"---|".repeat(sizes.len() + 4));
    out.push('\n');
    let all: BTreeSet<IncidentKind> =
        sizes.values().flat_map(|answers| answers.kinds.keys().copied()).collect();
    for kind in all {
        let of = || sizes.values().map(move |answers| answers.kinds.get(&kind));
        let _infallible = write!(out, "| `{}` |", kind.signal());
        for tally in of() {
            let tally = tally.cloned().unwrap_or_default();
            let _infallible = write!(out, " {} of {} |", tally.in_time, tally.detectable);
        }
        let sum = |figure: fn(&super::Answered) -> usize| of().flatten().map(figure).sum::<usize>();
        let (in_time, detectable) = (sum(|t| t.in_time), sum(|t| t.detectable));
        let events = of().flatten().flat_map(|tally| tally.events.iter().copied()).collect();
        let _infallible = writeln!(
            out,
            " {:.2} | {} | {} | {} ({}) |",
            in_time as f64 / detectable.max(1) as f64,
            median(events),
            sum(|t| t.before),
            sum(|t| t.undetectable),
            sum(|t| t.undetectable_in_time),
        );
    }
}

fn median(mut all: Vec<usize>) -> String {
    all.sort_unstable();
    all.get(all.len() / 2).map_or_else(|| "-".to_owned(), usize::to_string)
}

/// The exact 95 % interval of a Poisson mean of which so many were counted (Garwood 1936): the means beyond which that
/// many or fewer, or that many or more, come in one case of forty.
fn interval(count: usize) -> (f64, f64) {
    const SIDE: f64 = 0.025;
    let low = match count {
        0 => 0.0,
        _ => mean_at(count - 1, 1.0 - SIDE),
    };
    (low, mean_at(count, SIDE))
}

/// The Poisson mean at which at most so many are counted with this probability.
fn mean_at(count: usize, probability: f64) -> f64 {
    let at_most = |mean: f64| {
        let term = |(log_sum, log_term): (f64, f64), n: usize| {
            let log_term = log_term + ln(mean) - ln(n as f64);
            (log_sum + ln(1.0 + exp(log_term - log_sum)), log_term)
        };
        exp((1..=count).fold((-mean, -mean), term).0)
    };
    let (mut low, mut high) = (0.0, 10.0 * (count as f64 + 1.0));
    for _ in 0..100 {
        let mean = (low + high) / 2.0;
        if at_most(mean) > probability { low = mean } else { high = mean }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_published_table() {
        for (count, low, high) in [
            (0, 0.0, 3.689),
            (1, 0.025, 5.572),
            (2, 0.242, 7.225),
            (10, 4.795, 18.390),
            (100, 81.364, 121.627),
        ] {
            let found = interval(count);
            assert!((found.0 - low).abs() < 6e-4 && (found.1 - high).abs() < 6e-4, "{found:?}");
        }
    }
}
