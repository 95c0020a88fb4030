//! Figures as Markdown.

use std::fmt::Write;

use super::judge::Figures;

/// Renders the figures of some seeds.
pub fn markdown(figures: &Figures, seeds: u64) -> String {
    let mut out = String::new();
    let _infallible = writeln!(
        out,
        "{seeds} seeds, {} agents and {} events in all.\n",
        figures.agents, figures.events
    );
    criteria(&mut out, figures);
    detection(&mut out, figures);
    alerts(&mut out, figures);
    costs(&mut out, figures);
    out
}

fn criteria(out: &mut String, figures: &Figures) {
    out.push_str("| asked for | found | enough |\n|---|---|---|\n");
    for (what, value, enough) in figures.criteria() {
        let enough = if enough { "yes" } else { "no" };
        let _infallible = writeln!(out, "| {what} | {value:.2} | {enough} |");
    }
}

fn detection(out: &mut String, figures: &Figures) {
    out.push_str(
        "\n| incident | found | detectable | share | in quiet windows | undetectable (found) |\n",
    );
    out.push_str("|---|---|---|---|---|---|\n");
    for (kind, tally) in &figures.detection {
        let _infallible = writeln!(
            out,
            "| `{}` | {} | {} | {:.2} | {:.2} | {} ({}) |",
            kind.signal(),
            tally.found,
            tally.detectable,
            tally.found as f64 / tally.detectable.max(1) as f64,
            tally.quiet_found as f64 / tally.quiet.max(1) as f64,
            tally.undetectable,
            tally.undetectable_found,
        );
    }
    out.push_str("\nUndetectable:");
    for ((signal, why), count) in &figures.reasons {
        let _infallible = write!(out, " {count} `{signal}` ({why});");
    }
    out.push('\n');
}

fn alerts(out: &mut String, figures: &Figures) {
    out.push_str(
        "\n| budget | alerts | actor-months | realised / budget | outside benign changes |\n",
    );
    out.push_str("|---|---|---|---|---|\n");
    for (budget, counts) in &figures.realised {
        let [ratio, calm] = figures.ratio(budget);
        let _infallible = writeln!(
            out,
            "| {budget} | {} | {:.0} | {ratio:.2} | {calm:.2} |",
            counts[0], counts[1]
        );
    }
    out.push_str("\nLeading signals of these alerts at 1:");
    for (signal, count) in &figures.false_signals {
        let _infallible = write!(out, " `{signal}` {count},");
    }
    out.push('\n');
}

fn costs(out: &mut String, figures: &Figures) {
    out.push_str("\n| benign change | groups | cost at most 1 | mean cost | largest | led by |\n");
    out.push_str("|---|---|---|---|---|---|\n");
    for (kind, cost) in &figures.costs {
        let groups = cost.groups.len();
        let cheap = cost.groups.iter().filter(|cost| **cost <= 1).count();
        let sum: i64 = cost.groups.iter().sum();
        let largest = cost.groups.iter().max().copied().unwrap_or(0);
        let mean = sum as f64 / groups.max(1) as f64;
        let led: Vec<String> = cost.signals.iter().map(|(s, n)| format!("{s} {n}")).collect();
        let (name, led) = (kind.name(), led.join(", "));
        let _infallible =
            writeln!(out, "| {name} | {groups} | {cheap} | {mean:.1} | {largest} | {led} |");
    }
}
