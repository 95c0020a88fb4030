//! From a configured mapping to its rules. Every mistake is reported, with its place and what was probably meant;
//! a mapping with one is none.

use std::ops::Range;

use ingest::Format;

use super::condition;
use super::field::{self, FIELDS, Kind};
use super::paths;
use super::setting::{Member, Problem, Setting, SettingValue};
use super::spec::Spec;
use super::{Mapping, Rule, Target};

/// Keys of a mapping that are no field.
const OWN_KEYS: [&str; 3] = ["when", "each", "extends"];
/// Fields without which there is no activity.
const REQUIRED: [&str; 3] = ["time", "agent.id", "action.type"];
/// Most attributes of an activity.
const ATTRIBUTES_MAX: usize = 64;
/// Last steps of pointers to content and secrets, which may leave as hashes only.
const SECRETS: [&str; 26] = [
    "access_token",
    "api_key",
    "apikey",
    "args",
    "arguments",
    "authorization",
    "body",
    "client_secret",
    "completion",
    "content",
    "cookie",
    "input",
    "messages",
    "output",
    "params",
    "parameters",
    "passwd",
    "password",
    "private_key",
    "prompt",
    "refresh_token",
    "result",
    "secret",
    "session_token",
    "token",
    "tool_input",
];

/// Reads a mapping.
pub(super) fn compile(
    name: &str,
    setting: &Setting,
    secret: Option<&[u8]>,
) -> Result<Mapping, Vec<Problem>> {
    let SettingValue::Table(members) = &setting.value else {
        let message = format!("a mapping is a table, not {}", setting.noun());
        return Err(vec![Problem::new(setting.span.clone(), message)]);
    };
    let mut compiler = Compiler {
        mapping: Mapping::empty(name, secret),
        places: Vec::new(),
        problems: Vec::new(),
    };
    compiler.own(members);
    compiler.section("", members);
    compiler.finish(setting.span.clone())
}

pub(super) struct Compiler {
    pub(super) mapping: Mapping,
    /// Where each rule's key stands.
    places: Vec<(String, Range<usize>)>,
    pub(super) problems: Vec<Problem>,
}

// === impl Compiler ===

impl Compiler {
    pub(super) fn problem(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem::new(span, message));
    }

    /// Reads what is no field; the list that splits a record first, for all pointers refer to it.
    fn own(&mut self, members: &[Member]) {
        let of = |key| members.iter().find(move |member| member.key == key).map(|m| &m.setting);
        if let Some(setting) = of("each")
            && let Some(text) = self.text(setting)
        {
            match paths::parse(text) {
                Ok(steps) => self.mapping.each = Some((text.to_owned(), steps)),
                Err(why) => self.problem(setting.span.clone(), why),
            }
        }
        if let Some(setting) = of("extends") {
            self.extends(setting);
        }
        if let Some(setting) = of("when") {
            self.mapping.when = self.condition(setting);
        }
    }

    /// Reads which built-in format it adds to: one whose records are one activity each.
    fn extends(&mut self, setting: &Setting) {
        let Some(name) = self.text(setting) else { return };
        self.mapping.extends = Some(name.to_owned());
        let is_open = |format: &Format| !matches!(format, Format::Otlp | Format::Langfuse);
        if Format::from_name(name).as_ref().is_some_and(is_open) {
            return;
        }
        let known = Format::ALL.into_iter().filter(is_open).map(Format::as_str);
        let message = format!("there is no format `{name}` of one activity a record");
        self.problems.push(Problem::new(setting.span.clone(), message).with_nearest(name, known));
    }

    pub(super) fn condition(&mut self, setting: &Setting) -> Option<condition::Condition> {
        let text = self.text(setting)?;
        let each = self.mapping.each.as_ref().map(|(_, steps)| steps);
        match condition::parse(text, &mut self.mapping.paths, each) {
            Ok(condition) => Some(condition),
            Err(mistake) => {
                self.problem(setting.within(mistake.at), mistake.message);
                None
            }
        }
    }

    fn section(&mut self, prefix: &str, members: &[Member]) {
        for member in members {
            let path = match prefix {
                "" => member.key.clone(),
                prefix => format!("{prefix}.{}", member.key),
            };
            if prefix.is_empty() && OWN_KEYS.contains(&path.as_str()) {
                continue;
            }
            let below = match &member.setting.value {
                SettingValue::Table(below) => Some(below),
                _ => None,
            };
            match (field::named(&path), below) {
                (Some(field), _) => {
                    self.rule(&path, Target::Field(field), field.kind, member);
                }
                (None, Some(below)) if path == "attributes" => self.attributes(below),
                (None, Some(below)) if field::is_section(&path) => self.section(&path, below),
                (None, None) if path == "attributes" || field::is_section(&path) => {
                    self.problem(
                        member.span.clone(),
                        format!("`{path}` is a group of fields, not a value"),
                    );
                }
                (None, _) => self.unknown(&path, member.span.clone()),
            }
        }
    }

    fn attributes(&mut self, members: &[Member]) {
        for (n, member) in members.iter().enumerate() {
            let path = format!("attributes.{}", member.key);
            if ATTRIBUTES_MAX <= n {
                return self.problem(member.span.clone(), "an activity has at most 64 attributes");
            }
            self.rule(&path, Target::Attribute(member.key.clone()), Kind::Scalar, member);
        }
    }

    fn unknown(&mut self, path: &str, span: Range<usize>) {
        if matches!(path, "schema" | "producer.format") {
            return self.problem(span, format!("`{path}` is set by the mapping itself"));
        }
        let known = FIELDS.iter().map(|field| field.path).chain(OWN_KEYS).chain(["attributes"]);
        let problem = Problem::new(span, format!("an activity has no field `{path}`"));
        self.problems.push(problem.with_nearest(path, known));
    }

    fn rule(&mut self, path: &str, target: Target, kind: Kind, member: &Member) {
        self.places.push((path.to_owned(), member.span.clone()));
        let sources = Spec { path, kind }.sources(&member.setting, self);
        let plain = match sources.as_slice() {
            [only] => only.plain(),
            _ => None,
        };
        self.mapping.rules.push(Rule { target, kind, sources, plain });
    }

    /// The slot of a pointer.
    pub(super) fn slot(&mut self, path: &str, is_hashed: bool, setting: &Setting) -> Option<usize> {
        let pointer = self.text(setting)?;
        let steps = match paths::parse(pointer) {
            Ok(steps) => steps,
            Err(why) => {
                let help = format!(
                    "write \"/{pointer}\" for a field of the record, {{ const = \"{pointer}\" }} for this text"
                );
                self.problems.push(Problem::new(setting.span.clone(), why).with_help(help));
                return None;
            }
        };
        let each = self.mapping.each.as_ref().map(|(_, steps)| steps);
        if !condition::is_within(&steps, each) {
            let problem =
                Problem::new(setting.span.clone(), "`*` stands for the items of `each` only");
            self.problems.push(
                problem.with_help("name the list: each = \"/calls\", then \"/calls/*/tool\""),
            );
            return None;
        }
        if !is_hashed && is_open(path) && is_secret(&steps) {
            let problem = Problem::new(
                setting.span.clone(),
                format!(
                    "`{pointer}` looks like content or a secret, which do not leave the decoder"
                ),
            );
            self.problems
                .push(problem.with_help("take its hash: { from = \"..\", as = \"hash\" }"));
            return None;
        }
        let slot = self.mapping.paths.slot(pointer, &steps);
        if slot.is_none() {
            self.problem(
                setting.span.clone(),
                format!("a mapping reads at most {} fields", paths::SLOTS_MAX),
            );
        }
        slot
    }

    pub(super) fn text<'s>(&mut self, setting: &'s Setting) -> Option<&'s str> {
        match &setting.value {
            SettingValue::Text(text) => Some(text),
            _ => {
                self.problem(
                    setting.span.clone(),
                    format!("must be a text, found {}", setting.noun()),
                );
                None
            }
        }
    }

    fn finish(mut self, whole: Range<usize>) -> Result<Mapping, Vec<Problem>> {
        let has = |path: &str| self.places.iter().any(|(known, _)| known == path);
        let mut missing = Vec::new();
        if self.mapping.extends.is_none() {
            missing.extend(
                REQUIRED
                    .into_iter()
                    .filter(|path| !has(path))
                    .map(|path| Problem::new(whole.clone(), format!("an activity needs `{path}`"))),
            );
        }
        for of in ["agent.owner", "delegation.subject"] {
            let part = self.places.iter().find(|(path, _)| path.starts_with(&format!("{of}.")));
            if let Some((path, span)) = part
                && !has(&format!("{of}.id"))
            {
                missing.push(Problem::new(span.clone(), format!("`{path}` needs `{of}.id`")));
            }
        }
        self.problems.extend(missing);
        if !self.problems.is_empty() {
            self.problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
            return Err(self.problems);
        }
        // In the order of the schema: the time comes first, a host before the address that may stand in for it.
        self.mapping.rules.sort_by_key(Rule::rank);
        Ok(self.mapping)
    }
}

/// Whether a field holds free text of the source.
fn is_open(path: &str) -> bool {
    path.starts_with("attributes.") || matches!(path, "credential.id" | "outcome.reason")
}

/// Whether the last step is called like content or a secret.
pub(super) fn is_secret(steps: &[paths::Step]) -> bool {
    steps.last().is_some_and(|step| match step {
        paths::Step::Name(name) => SECRETS.contains(&name.to_ascii_lowercase().as_str()),
        paths::Step::Each => false,
    })
}
