//! A strict reader of the Prometheus text format 0.0.4, for what Habitus says of itself. It panics at the first
//! thing that the format does not allow.

use std::collections::{BTreeMap, BTreeSet};

/// The labels of a sample.
pub type Labels = BTreeMap<String, String>;

/// One metric with its samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Family {
    /// `counter`, `gauge` or `histogram`.
    pub shape: String,
    /// What it says.
    pub help: String,
    /// Name, labels and value of each sample, in order.
    pub samples: Vec<(String, Labels, f64)>,
}

impl Family {
    /// Returns the value of the sample with these labels.
    pub fn value(&self, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Labels =
            labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.samples.iter().find(|(_, labels, _)| *labels == wanted).map(|(_, _, value)| *value)
    }
}

/// Reads a scrape: every metric by its name.
pub fn exposition(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n'), "the last line ends");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(!families.contains_key(name), "{name} is told once, in one place");
            name.clone_into(&mut current);
            families.entry(name.to_owned()).or_default().help = help.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, shape) = rest.split_once(' ').expect("a type");
            assert_eq!(name, current, "the type follows the help");
            assert!(["counter", "gauge", "histogram"].contains(&shape), "{line}");
            families.get_mut(name).expect("has a help").shape = shape.to_owned();
        } else {
            let sample = sample(line);
            assert!(seen.insert((sample.0.clone(), sample.1.clone())), "twice: {line}");
            let family = families.get_mut(&current).expect("a sample follows its type");
            let histogram = family.shape == "histogram";
            let suffix =
                sample.0.strip_prefix(&current).unwrap_or_else(|| panic!("strays: {line}"));
            let right = if histogram {
                ["_bucket", "_sum", "_count"].contains(&suffix)
            } else {
                suffix.is_empty()
            };
            assert!(right, "{line} under {current}");
            family.samples.push(sample);
        }
    }
    for (name, family) in &families {
        assert!(!family.shape.is_empty(), "{name} has no type");
        if family.shape == "histogram" {
            check_histogram(name, family);
        }
    }
    families
}

/// Reads `name{label="value",...} number`.
fn sample(line: &str) -> (String, Labels, f64) {
    let (head, value) = line.rsplit_once(' ').expect("a value");
    let value = match value {
        "+Inf" => f64::INFINITY,
        value => value.parse().unwrap_or_else(|_| panic!("no number: {line}")),
    };
    let (name, mut rest) = match head.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').expect("labels end")),
        None => (head, ""),
    };
    assert!(is_name(name), "no name: {line}");
    let mut labels = Labels::new();
    while !rest.is_empty() {
        let (label, after) = rest.split_once("=\"").expect("a label");
        assert!(is_name(label) && !label.contains(':'), "no label: {line}");
        let end = after.find('"').expect("a label's value ends");
        let value = &after[..end];
        assert!(!value.contains(['\\', '\n']), "our values need no escapes: {line}");
        assert!(labels.insert(label.to_owned(), value.to_owned()).is_none(), "twice: {line}");
        rest = after[end + 1..].strip_prefix(',').unwrap_or(&after[end + 1..]);
    }
    (name.to_owned(), labels, value)
}

fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// Buckets rise, the last is `+Inf` and holds all; there is a sum.
fn check_histogram(name: &str, family: &Family) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for (sample, labels, value) in &family.samples {
        if sample.ends_with("_bucket") {
            let mut labels = labels.clone();
            let bound = labels.remove("le").expect("a bucket has a bound");
            let bound = bound.replace("+Inf", "inf").parse().expect("a bound is a number");
            series.entry(labels).or_default().push((bound, *value));
        }
    }
    let of = |suffix: &str, labels: &Labels| {
        let wanted = format!("{name}{suffix}");
        let found = family.samples.iter().find(|(name, l, _)| *name == wanted && l == labels);
        found.unwrap_or_else(|| panic!("{wanted} {labels:?} is missing")).2
    };
    for (labels, buckets) in &series {
        let rises = |pair: &[(f64, f64)]| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1;
        assert!(buckets.windows(2).all(rises), "{name}: {buckets:?}");
        let last = buckets.last().expect("a bucket");
        assert!(last.0.is_infinite(), "{name} ends with +Inf");
        assert!((last.1 - of("_count", labels)).abs() < 0.5, "{name}: +Inf holds all");
        assert!(of("_sum", labels) >= 0.0);
    }
    let counts = family.samples.iter().filter(|(name, ..)| name.ends_with("_count")).count();
    assert_eq!(counts, series.len(), "{name}: each count has its buckets");
}
