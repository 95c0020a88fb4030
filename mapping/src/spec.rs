//! One line of a mapping: a pointer, a list of ways of which the first that has a value counts, or a table that says
//! from where and what is done on the way. Constants are checked against their field here.

use std::collections::BTreeMap;

use record::lexeme::Lexeme;
use record::tree::Tree;
use schemas::activity::Text;

use super::compile::Compiler;
use super::field::Kind;
use super::paths;
use super::put::{self, Form, Put, TimeForm};
use super::setting::{Member, Problem, Setting, SettingValue};
use super::source::{Convert, Input, Piece, Source};

const KEYS: [&str; 17] = [
    "from", "const", "join", "with", "template", "json", "split", "part", "as", "zone", "unit",
    "prefix", "suffix", "scale", "map", "else", "when",
];
const CONVERSIONS: [&str; 10] =
    ["time", "host", "ip", "lower", "url", "text", "number", "bool", "bytes", "hash"];
const UNITS: [&str; 4] = ["s", "ms", "us", "ns"];

/// The field of a line.
#[derive(Clone, Copy)]
pub(super) struct Spec<'p> {
    pub(super) path: &'p str,
    pub(super) kind: Kind,
}

// === impl Spec ===

impl Spec<'_> {
    /// The ways of a line.
    pub(super) fn sources(self, setting: &Setting, compiler: &mut Compiler) -> Vec<Source> {
        match &setting.value {
            SettingValue::List(items) if items.is_empty() => {
                compiler.problem(
                    setting.span.clone(),
                    format!("`{}` has no way to a value", self.path),
                );
                Vec::new()
            }
            SettingValue::List(items) => {
                items.iter().filter_map(|item| self.source(item, compiler)).collect()
            }
            _ => self.source(setting, compiler).into_iter().collect(),
        }
    }

    fn source(self, setting: &Setting, compiler: &mut Compiler) -> Option<Source> {
        match &setting.value {
            SettingValue::Text(_) => {
                let slot = compiler.slot(self.path, false, setting)?;
                let source = Source::of(Input::Places(vec![slot]));
                if self.kind == Kind::Arguments {
                    self.unhashed(setting, compiler);
                    return None;
                }
                Some(source)
            }
            SettingValue::Table(members) => self.table(setting, members, compiler),
            _ => {
                let noun = setting.noun();
                let message =
                    format!("`{}` must be a pointer, a list or a table, found {noun}", self.path);
                let problem = Problem::new(setting.span.clone(), message);
                compiler.problems.push(problem.with_help("write { const = .. } for a constant"));
                None
            }
        }
    }

    fn unhashed(self, setting: &Setting, compiler: &mut Compiler) {
        let problem = Problem::new(setting.span.clone(), "arguments do not leave the decoder");
        compiler
            .problems
            .push(problem.with_help("take their hashes: { from = \"..\", as = \"hash\" }"));
    }

    fn table(
        self,
        setting: &Setting,
        members: &[Member],
        compiler: &mut Compiler,
    ) -> Option<Source> {
        let n_before = compiler.problems.len();
        for member in members.iter().filter(|member| !is_known(member)) {
            let problem =
                Problem::new(member.span.clone(), format!("`{}` is no key of a line", member.key));
            compiler.problems.push(problem.with_nearest(&member.key, KEYS));
        }
        let of = |key: &str| members.iter().find(|member| member.key == key).map(|m| &m.setting);
        let conversions = of("as").map(|setting| self.conversions(setting, compiler));
        let conversions = conversions.unwrap_or_default();
        let is_hash = |one: &Setting| one.value == SettingValue::Text("hash".to_owned());
        let is_hashed = of("as").is_some_and(|setting| list_of(setting).iter().any(is_hash));
        if self.kind == Kind::Arguments && !is_hashed {
            self.unhashed(setting, compiler);
        }
        let input = self.input(setting, members, is_hashed, compiler);
        let mut steps = Vec::new();
        self.before(members, &mut steps, compiler);
        steps.extend(conversions);
        self.after(members, &mut steps, compiler);
        let source = Source {
            when: of("when").and_then(|setting| compiler.condition(setting)),
            input: input?,
            steps,
            map: of("map").and_then(|setting| self.map(setting, compiler)),
            otherwise: of("else").and_then(|setting| self.constant(setting, compiler)),
            time: self.time(members, compiler),
        };
        (compiler.problems.len() == n_before).then_some(source)
    }

    fn input(
        self,
        setting: &Setting,
        members: &[Member],
        is_hashed: bool,
        compiler: &mut Compiler,
    ) -> Option<Input> {
        let inputs: Vec<&Member> = members
            .iter()
            .filter(|m| matches!(m.key.as_str(), "from" | "const" | "join" | "template"))
            .collect();
        let [input] = inputs.as_slice() else {
            // A mistyped key was told already.
            if members.iter().all(is_known) {
                let message = "a line has one of `from`, `const`, `join`, `template`";
                compiler.problem(setting.span.clone(), message);
            }
            return None;
        };
        let value = &input.setting;
        match input.key.as_str() {
            "from" => {
                let slots =
                    list_of(value).iter().map(|one| compiler.slot(self.path, is_hashed, one));
                Some(Input::Places(slots.collect::<Option<Vec<_>>>()?))
            }
            "const" => Some(Input::Constant(self.constant(value, compiler)?)),
            "join" => {
                let with = members.iter().find(|member| member.key == "with");
                let with = with.and_then(|member| compiler.text(&member.setting)).unwrap_or("/");
                let mut pieces = Vec::new();
                for one in list_of(value) {
                    if !pieces.is_empty() {
                        pieces.push(Piece::Literal(with.to_owned()));
                    }
                    pieces.push(Piece::Place(compiler.slot(self.path, is_hashed, one)?));
                }
                Some(pieces_of(pieces, compiler))
            }
            _ => self.template(value, is_hashed, compiler),
        }
    }

    /// `{/service}:{/method}`: texts, and places in braces.
    fn template(
        self,
        setting: &Setting,
        is_hashed: bool,
        compiler: &mut Compiler,
    ) -> Option<Input> {
        let text = compiler.text(setting)?;
        let (mut pieces, mut at) = (Vec::new(), 0);
        while let Some(open) = text.get(at..).and_then(|rest| rest.find('{')).map(|open| at + open)
        {
            let Some(close) =
                text.get(open..).and_then(|rest| rest.find('}')).map(|end| open + end)
            else {
                compiler.problem(setting.within(open..text.len()), "expected the closing `}`");
                return None;
            };
            let literal = text.get(at..open).unwrap_or_default();
            let pointer = text.get(open + 1..close).unwrap_or_default().to_owned();
            let place = Setting {
                span: setting.within(open + 1..close),
                value: SettingValue::Text(pointer),
            };
            pieces.push(Piece::Literal(literal.to_owned()));
            pieces.push(Piece::Place(compiler.slot(self.path, is_hashed, &place)?));
            at = close + 1;
        }
        pieces.push(Piece::Literal(text.get(at..).unwrap_or_default().to_owned()));
        pieces.retain(|piece| *piece != Piece::Literal(String::new()));
        Some(pieces_of(pieces, compiler))
    }

    /// What is done before the conversions.
    fn before(self, members: &[Member], steps: &mut Vec<Convert>, compiler: &mut Compiler) {
        let of = |key: &str| members.iter().find(|member| member.key == key).map(|m| &m.setting);
        if let Some(setting) = of("json")
            && let Some(pointer) = compiler.text(setting)
        {
            match paths::parse(pointer) {
                Ok(path) => steps.push(Convert::Json(path)),
                Err(why) => compiler.problem(setting.span.clone(), why),
            }
        }
        if let Some(setting) = of("split")
            && let Some(on) = compiler.text(setting)
        {
            let part = match of("part").map(|part| (&part.value, part.span.clone())) {
                None => 0,
                Some((SettingValue::Integer(part), _)) => *part,
                Some((_, span)) => return compiler.problem(span, "`part` must be a whole number"),
            };
            if on.is_empty() {
                return compiler.problem(setting.span.clone(), "`split` needs a separator");
            }
            steps.push(Convert::Split(on.to_owned(), part));
        }
    }

    /// What is done after the conversions.
    fn after(self, members: &[Member], steps: &mut Vec<Convert>, compiler: &mut Compiler) {
        let of = |key: &str| members.iter().find(|member| member.key == key).map(|m| &m.setting);
        if let Some(prefix) = of("prefix").and_then(|setting| compiler.text(setting)) {
            steps.push(Convert::Prefix(prefix.to_owned()));
        }
        if let Some(suffix) = of("suffix").and_then(|setting| compiler.text(setting)) {
            steps.push(Convert::Suffix(suffix.to_owned()));
        }
        if let Some(setting) = of("scale") {
            #[expect(clippy::cast_precision_loss, reason = "a factor is small")]
            let factor = match setting.value {
                SettingValue::Integer(number) => number as f64,
                SettingValue::Number(number) => number,
                _ => return compiler.problem(setting.span.clone(), "`scale` must be a number"),
            };
            steps.push(Convert::Scale(factor, matches!(self.kind, Kind::Whole(_))));
        }
    }

    fn conversions(self, setting: &Setting, compiler: &mut Compiler) -> Vec<Convert> {
        let mut found = Vec::new();
        for one in list_of(setting) {
            let Some(word) = compiler.text(one) else { continue };
            found.push(match word {
                "lower" => Convert::Lower,
                "host" => Convert::Host,
                "url" => Convert::Url,
                "text" => Convert::Text,
                "number" => Convert::Number,
                "bool" => Convert::Bool,
                "bytes" => Convert::Bytes,
                "hash" if compiler.mapping.secret.0.is_none() => {
                    let problem = Problem::new(one.span.clone(), "a hash needs a key");
                    compiler
                        .problems
                        .push(problem.with_help("name its file as `identity.hash_key_file`"));
                    continue;
                }
                // Arguments are hashed one by one, where they are put.
                "hash" if self.kind == Kind::Arguments => continue,
                "hash" => Convert::Hash,
                // Times and addresses are read as such by their fields.
                "time" if matches!(self.kind, Kind::Time | Kind::SideTime) => continue,
                "ip" if self.kind == Kind::Address => continue,
                "time" if self.kind == Kind::Scalar => Convert::Time,
                "time" | "ip" => {
                    let message = format!("`{}` holds no {word}", self.path);
                    compiler.problem(one.span.clone(), message);
                    continue;
                }
                word => {
                    let problem =
                        Problem::new(one.span.clone(), format!("`{word}` is no conversion"));
                    compiler.problems.push(problem.with_nearest(word, CONVERSIONS));
                    continue;
                }
            });
        }
        found
    }

    fn time(self, members: &[Member], compiler: &mut Compiler) -> TimeForm {
        let of = |key: &str| members.iter().find(|member| member.key == key).map(|m| &m.setting);
        let mut form = TimeForm::default();
        if let Some(setting) = of("zone")
            && let Some(zone) = compiler.text(setting)
        {
            match offset_s(zone) {
                Some(offset_s) => form.offset_s = offset_s,
                None => {
                    let message = format!("`{zone}` is no offset from UTC");
                    let problem = Problem::new(setting.span.clone(), message);
                    let help = "write \"UTC\" or an offset such as \"+02:00\"; zones with summer time are ambiguous once a year";
                    compiler.problems.push(problem.with_help(help));
                }
            }
        }
        if let Some(setting) = of("unit")
            && let Some(unit) = compiler.text(setting)
        {
            form.per_second = match unit {
                "s" => Some(1),
                "ms" => Some(1_000),
                "us" => Some(1_000_000),
                "ns" => Some(1_000_000_000),
                _ => {
                    let problem =
                        Problem::new(setting.span.clone(), format!("`{unit}` is no unit of time"));
                    compiler
                        .problems
                        .push(problem.with_help(format!("one of `{}`", UNITS.join("`, `"))));
                    None
                }
            };
        }
        form
    }

    fn map(
        self,
        setting: &Setting,
        compiler: &mut Compiler,
    ) -> Option<BTreeMap<String, Tree<'static>>> {
        let SettingValue::Table(members) = &setting.value else {
            compiler
                .problem(setting.span.clone(), "`map` must be a table of value and replacement");
            return None;
        };
        let pair =
            |member: &Member| Some((member.key.clone(), self.constant(&member.setting, compiler)?));
        Some(members.iter().filter_map(pair).collect())
    }

    /// A constant that its field takes.
    fn constant(self, setting: &Setting, compiler: &mut Compiler) -> Option<Tree<'static>> {
        let scalar = match &setting.value {
            SettingValue::Text(text) => Lexeme::Text(Text::Owned(text.clone())),
            SettingValue::Flag(truth) => Lexeme::Bool(*truth),
            SettingValue::Number(number) => Lexeme::Float(*number),
            SettingValue::Integer(number) => {
                u64::try_from(*number).map_or(Lexeme::Negative(*number), Lexeme::Unsigned)
            }
            SettingValue::List(_) | SettingValue::Table(_) => {
                let message = format!("a constant is a scalar, not {}", setting.noun());
                compiler.problem(setting.span.clone(), message);
                return None;
            }
        };
        let tree = Tree::Scalar(scalar);
        let refused = match (put::read(self.kind, tree.clone(), TimeForm::default()), self.kind) {
            (Form::Is(Put::Text(word)), Kind::Word(words)) if !words.contains(&word.as_ref()) => {
                let message = format!("`{}` has no word `{word}`", self.path);
                let problem = Problem::new(setting.span.clone(), message);
                let problem = problem.with_help(format!("one of `{}`", words.join("`, `")));
                Some(problem.with_nearest(&word, words.iter().copied()))
            }
            (Form::Is(_), _) => None,
            (Form::Fault(_, message), _) => {
                let message = format!("`{}` cannot {message}", self.path);
                Some(Problem::new(setting.span.clone(), message))
            }
            (Form::Absent | Form::Dropped, _) => {
                let message = format!("`{}` does not take this value", self.path);
                Some(Problem::new(setting.span.clone(), message))
            }
        };
        match refused {
            Some(problem) => {
                compiler.problems.push(problem);
                None
            }
            None => Some(tree),
        }
    }
}

// === impl Source ===

impl Source {
    fn of(input: Input) -> Self {
        let time = TimeForm::default();
        Self { when: None, input, steps: Vec::new(), map: None, otherwise: None, time }
    }
}

/// A joined text; where it is of an item, the place within the item stands for it.
fn pieces_of(pieces: Vec<Piece>, compiler: &Compiler) -> Input {
    let slots: Vec<usize> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Place(slot) => Some(*slot),
            Piece::Literal(_) => None,
        })
        .collect();
    let is_of_item = |slot: &&usize| {
        let steps = compiler.mapping.paths.pointers.get(**slot).map(|(_, steps)| steps);
        steps.is_some_and(|steps| steps.contains(&paths::Step::Each))
    };
    let lead = slots.iter().find(is_of_item).or(slots.first()).copied();
    Input::Pieces(pieces, lead)
}

/// The items of a list; anything else is a list of itself.
fn list_of(setting: &Setting) -> &[Setting] {
    match &setting.value {
        SettingValue::List(items) => items,
        _ => std::slice::from_ref(setting),
    }
}

fn is_known(member: &Member) -> bool {
    KEYS.contains(&member.key.as_str())
}

/// Seconds ahead of UTC of `UTC`, `Z` or `+02:00`.
fn offset_s(zone: &str) -> Option<i32> {
    if matches!(zone, "UTC" | "Z" | "utc") {
        return Some(0);
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let is_two = |digits: &str| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_two(hours) || !is_two(minutes) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 15 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}
