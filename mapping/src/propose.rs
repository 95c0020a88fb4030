//! A first mapping for JSON that nobody described: what each place is called and what its values look like, against
//! what each field is mostly called. It proposes and says why; who knows the records decides. Values are looked at
//! and never shown, but for the words of outcomes and of the records that are left out.

mod guess;
mod leaves;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use record::tree::Tree;

use self::guess::{GUESSES, Shape, VERDICTS, is_secret};
use self::leaves::{Leaf, Leaves};

/// Most records that a proposal looks at; 10,000.
const RECORDS_MAX: usize = 10_000;
/// Most places that one line names.
const PLACES_MAX: usize = 3;

/// A proposed mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The mapping in TOML, each line with its reason, then what was left out.
    pub text: String,
    /// Its lines.
    pub lines: Vec<ProposedLine>,
    /// Fields that each activity needs and nothing looks like.
    pub missing: Vec<&'static str>,
}

/// One line of a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposedLine {
    /// The field, or `when`, `each`.
    pub field: String,
    /// What stands behind the `=`, in TOML.
    pub spec: String,
    /// Why.
    pub reason: String,
}

/// Proposes a mapping of that name from some records; what is no JSON object is passed over.
pub fn propose(name: &str, records: &[&[u8]]) -> Proposal {
    let parsed = records.iter().take(RECORDS_MAX).filter_map(|record| {
        let text = std::str::from_utf8(record).ok()?;
        let is_bounded = !record::depth::exceeds(text, record::limits::Limits::default().depth_max);
        is_bounded.then(|| serde_json::from_str::<Tree<'_>>(text).ok()).flatten()
    });
    let records: Vec<Tree<'_>> = parsed.filter(|tree| matches!(tree, Tree::Object(_))).collect();
    let leaves = Leaves::of(&records);
    let mut writer = Writer { leaves: &leaves, lines: Vec::new(), used: BTreeSet::new() };
    writer.write();
    writer.finish(name)
}

struct Writer<'l> {
    leaves: &'l Leaves,
    lines: Vec<ProposedLine>,
    used: BTreeSet<String>,
}

// === impl Writer ===

impl<'l> Writer<'l> {
    fn write(&mut self) {
        if let Some(each) = &self.leaves.each {
            let reason = "a list of objects that holds most of each record";
            self.line("each", quoted(each), reason.to_owned());
        }
        for guess in GUESSES {
            self.guess(guess);
        }
        self.action_type();
        self.outcome();
        self.when();
    }

    /// A line for a field, where a place is called like it and looks like it.
    fn guess(&mut self, guess: &guess::Guess) {
        let fits = |leaf: &&'l Leaf| !is_secret(&leaf.pointer) && guess.shape.fits(leaf);
        let mut found: Vec<(usize, &Leaf)> = self
            .leaves
            .all()
            .filter(fits)
            .filter_map(|leaf| Some((guess.rank(leaf)?, leaf)))
            .collect();
        found.sort_by_key(|(rank, leaf)| (*rank, leaf.depth(), leaf.pointer.clone()));
        if found.is_empty() && guess.shape == Shape::Time {
            let shaped = self.leaves.all().filter(|leaf| leaf.n == leaf.n_text_times);
            found = shaped.map(|leaf| (0, leaf)).take(1).collect();
        }
        let Some((_, first)) = found.first() else { return };
        // Further places only where the first is not always there.
        let mut places = vec![*first];
        let is_open = guess.is_first_hit && first.n < self.leaves.n_records;
        places.extend(found.iter().skip(1).map(|(_, leaf)| *leaf).take(if is_open {
            PLACES_MAX - 1
        } else {
            0
        }));
        let spec = guess.shape.spec(&places);
        let mut reason =
            format!("{} in {} of {}", guess.shape.reason(first), first.n, self.leaves.n_records);
        if guess.shape == Shape::Time && first.n_local_times == first.n {
            reason.push_str("; without offset, so taken as UTC");
        }
        for leaf in places {
            self.used.insert(leaf.pointer.clone());
        }
        self.line(guess.field, spec, reason);
        if guess.field == "delegation.subject.id" {
            self.line(
                "delegation.subject.type",
                "{ const = \"user\" }".to_owned(),
                "a person, by its name".to_owned(),
            );
        }
        if guess.field == "destination.url" {
            let spec = format!("{{ from = {}, as = \"host\" }}", quoted(&first.pointer));
            self.line("destination.host", spec, "the host of the same URL".to_owned());
        }
    }

    /// What kind of action the records tell.
    fn action_type(&mut self) {
        let has = |field: &str| self.lines.iter().any(|line| line.field == field);
        let (kind, reason) = if has("action.tool.name") {
            ("tool_call", "the records name a tool")
        } else if has("usage.tokens_in") || has("usage.tokens_out") {
            ("model_call", "the records count tokens")
        } else if has("destination.url") {
            ("http_request", "the records hold a URL")
        } else {
            ("api_call", "nothing says more; see the list of types")
        };
        self.line("action.type", format!("{{ const = \"{kind}\" }}"), reason.to_owned());
    }

    /// The place whose words tell how an action ended, and what they mean.
    fn outcome(&mut self) {
        for (field, names, words) in VERDICTS {
            let known = |leaf: &Leaf| -> BTreeMap<String, &'static str> {
                let meaning = |word: &String| {
                    let (_, meaning) =
                        words.iter().find(|(known, _)| word.eq_ignore_ascii_case(known))?;
                    Some((word.clone(), *meaning))
                };
                leaf.words.iter().filter_map(meaning).collect()
            };
            let best = self
                .leaves
                .all()
                .filter(|leaf| !leaf.has_more_words)
                .filter_map(|leaf| {
                    Some((names.iter().position(|name| leaf.is_called(name))?, leaf))
                })
                .filter(|(_, leaf)| !known(leaf).is_empty())
                .min_by_key(|(rank, leaf)| (*rank, leaf.depth()));
            let Some((_, leaf)) = best else { continue };
            let pairs: Vec<String> = known(leaf)
                .iter()
                .map(|(word, meaning)| format!("{} = \"{meaning}\"", key(word)))
                .collect();
            let otherwise = if *field == "outcome.result" { ", else = \"unknown\"" } else { "" };
            let spec = format!(
                "{{ from = {}, map = {{ {} }}{otherwise} }}",
                quoted(&leaf.pointer),
                pairs.join(", ")
            );
            let reason = format!("{} of its {} words are known", pairs.len(), leaf.words.len());
            self.used.insert(leaf.pointer.clone());
            self.line(field, spec, reason);
        }
    }

    /// Leaves out kinds of records that never name an agent: they can be no activities.
    fn when(&mut self) {
        let Some(agent) = self.lines.iter().find(|line| line.field == "agent.id") else {
            return;
        };
        let spec = agent.spec.clone();
        let is_told = |pointer: &str| spec.contains(&quoted(pointer));
        let kinds = ["eventtype", "type", "kind", "event", "level"];
        for leaf in self.leaves.all().filter(|leaf| !leaf.has_more_words && !is_told(&leaf.pointer))
        {
            // What stands in a condition must be written plainly there.
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "/_-".contains(c);
            if !kinds.iter().any(|name| leaf.is_called(name)) || !leaf.pointer.chars().all(is_plain)
            {
                continue;
            }
            let without = self.leaves.words_without(&leaf.pointer, &is_told);
            if without.is_empty() || without.len() == leaf.words.len() {
                continue;
            }
            let place = &leaf.pointer;
            let words: Vec<String> = without.iter().map(|word| format!("\"{word}\"")).collect();
            let spec = match words.as_slice() {
                [word] => format!("'{place} != {word}'"),
                words => format!("'not {place} in [{}]'", words.join(", ")),
            };
            let reason = format!("{} kinds of records never name an agent", without.len());
            let line = ProposedLine { field: "when".to_owned(), spec, reason };
            return self.lines.insert(0, line);
        }
    }

    fn line(&mut self, field: &str, spec: String, reason: String) {
        self.lines.push(ProposedLine { field: field.to_owned(), spec, reason });
    }

    fn finish(self, name: &str) -> Proposal {
        let has = |field: &str| self.lines.iter().any(|line| line.field == field);
        let missing: Vec<&'static str> =
            ["time", "agent.id"].into_iter().filter(|field| !has(field)).collect();
        let mut text = format!(
            "# Proposed from {} records by names and shapes. Check each line: its reason stands behind it.\n[mapping.{}]\n",
            self.leaves.n_records,
            key(name)
        );
        for ProposedLine { field, spec, reason } in &self.lines {
            // Writing to a String cannot fail.
            writeln!(text, "{field} = {spec}  # {reason}").unwrap_or_default();
        }
        for field in &missing {
            writeln!(
                text,
                "# {field} = \"/..\"  # nothing looks like it, and each activity needs it"
            )
            .unwrap_or_default();
        }
        for leaf in self.leaves.all().filter(|leaf| !self.used.contains(&leaf.pointer)) {
            let why = match is_secret(&leaf.pointer) {
                true => "content or a secret: at most its hash",
                false => "no field is called so",
            };
            writeln!(text, "# not mapped: {}  # {why}", quoted(&leaf.pointer)).unwrap_or_default();
        }
        Proposal { text, lines: self.lines, missing }
    }
}

/// A text of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            // Writing to a String cannot fail.
            c if c.is_control() => write!(quoted, "\\u{:04X}", u32::from(c)).unwrap_or_default(),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A key of TOML, quoted where it must be.
fn key(word: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let is_plain = !word.is_empty() && word.chars().all(is_bare);
    if is_plain { word.to_owned() } else { quoted(word) }
}

#[cfg(test)]
mod tests;
