//! Policies: `[[policy]]` tables as the folds take them, every mistake with its place, a condition's within its text.

use std::collections::BTreeMap;
use std::ops::Range;

use alerting::Mode;
use alerting::policy::{Fail, Policy, PolicySpec, Then, names};
use schemas::Authority;
use schemas::revocation::RevocationAction;
use serde_json::{Value as Json, json};
use toml_edit::{Item, TableLike};

use super::client::Mistake;
use super::fields::MODES;
use super::problem::did_you_mean;
use super::unit::Unit;

/// Policies, and texts in one list of one, at most.
const POLICIES_MAX: usize = 256;
const TEXTS_MAX: usize = 256;
/// Longest id, version or text of a list, in characters.
const CHARS_MAX: usize = 256;
/// Longest life of a token, in milliseconds: a day.
const LIFETIME_MS_MAX: u64 = 86_400_000;

/// What a policy may call for.
const THENS: [(&str, Then); 9] = [
    ("allow", Then::Allow),
    ("deny", Then::Deny),
    ("shorten_token_lifetime", Then::Act(RevocationAction::ShortenTokenLifetime)),
    ("require_reauthentication", Then::Act(RevocationAction::RequireReauthentication)),
    ("require_human_approval", Then::Act(RevocationAction::RequireHumanApproval)),
    ("reduce_scopes", Then::Act(RevocationAction::ReduceScopes)),
    ("revoke_sessions", Then::Act(RevocationAction::RevokeSessions)),
    ("revoke_credentials", Then::Act(RevocationAction::RevokeCredentials)),
    ("suspend_agent", Then::Act(RevocationAction::SuspendAgent)),
];
const AUTHORITIES: [&str; 3] = ["delegated", "autonomous", "unknown"];
const CRITICALITIES: [&str; 3] = ["low", "normal", "high"];
const CLASSIFICATIONS: [&str; 5] = ["public", "internal", "confidential", "restricted", "unknown"];
const FAILS: [&str; 2] = ["open", "closed"];
const KEYS: [&str; 12] = [
    "authority",
    "blueprint",
    "classification",
    "criticality",
    "fail",
    "id",
    "max_token_lifetime",
    "mode",
    "scopes_remove",
    "then",
    "version",
    "when",
];

/// Reads the policies of an item; `text` is the whole config.
pub(super) fn read(text: &str, item: &Item, outer: &Range<usize>) -> (Vec<Policy>, Vec<Mistake>) {
    let mut reader = Reader { text, mistakes: Vec::new() };
    let inline =
        item.as_array().into_iter().flatten().map(|value| {
            (value.as_inline_table().map(|table| table as &dyn TableLike), value.span())
        });
    let tables = item.as_array_of_tables().into_iter().flat_map(|tables| tables.iter());
    let tables = tables.map(|table| (Some(table as &dyn TableLike), table.span()));
    let mut policies: Vec<Policy> = Vec::new();
    for (table, span) in inline.chain(tables) {
        let span = span.unwrap_or_else(|| outer.clone());
        let Some(table) = table else {
            reader.mistake(span, "`policy` must hold tables".to_owned(), None);
            continue;
        };
        let Some(policy) = reader.policy(table, &span) else { continue };
        if policies.iter().any(|known| known.spec().id == policy.spec().id) {
            let message = format!("policy `{}` stands here a second time", policy.spec().id);
            reader.mistake(span, message, None);
        } else if policies.len() == POLICIES_MAX {
            reader.mistake(span, format!("more than {POLICIES_MAX} policies"), None);
        } else {
            policies.push(policy);
        }
    }
    if !item.is_array_of_tables() && !item.is_array() {
        let help = Some("begin each policy with `[[policy]]`".to_owned());
        reader.mistake(outer.clone(), "`policy` is a list of tables".to_owned(), help);
    }
    (policies, reader.mistakes)
}

struct Reader<'t> {
    text: &'t str,
    mistakes: Vec<Mistake>,
}

/// The members of one policy: where each stands, and its item.
type Members<'t> = BTreeMap<&'t str, (Range<usize>, &'t Item)>;

// === impl Reader ===

impl Reader<'_> {
    fn mistake(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.mistakes.push((span, message, help));
    }

    fn policy(&mut self, table: &dyn TableLike, outer: &Range<usize>) -> Option<Policy> {
        let before = self.mistakes.len();
        let mut members = Members::new();
        for (key, item) in table.iter() {
            let at = table.key(key).and_then(toml_edit::Key::span);
            let at = at.unwrap_or_else(|| outer.clone());
            if KEYS.contains(&key) {
                members.insert(key, (item.span().unwrap_or(at), item));
            } else {
                let help = nearest(key, KEYS.into_iter());
                self.mistake(at, format!("unknown setting `policy.{key}`"), help);
            }
        }
        for key in ["id", "then"] {
            if !members.contains_key(key) {
                self.mistake(outer.clone(), format!("a policy needs `{key}`"), None);
            }
        }
        let then = self.word(&members, "then", &THENS.map(|(word, _)| word));
        let then = THENS.into_iter().find(|(word, _)| Some(*word) == then).map(|(_, then)| then);
        let id = self.label(&members, "id").unwrap_or_default();
        let spec = PolicySpec {
            version: self.label(&members, "version"),
            authorities: self
                .words(&members, "authority", &AUTHORITIES)
                .iter()
                .filter_map(|word| Authority::from_wire(word))
                .collect(),
            blueprints: self.texts(&members, "blueprint"),
            criticality: self.words(&members, "criticality", &CRITICALITIES),
            classification: self.words(&members, "classification", &CLASSIFICATIONS),
            when: self.text(&members, "when"),
            mode: self.word(&members, "mode", MODES).map(|word| match word {
                "enforce" => Mode::Enforce,
                "alert" => Mode::Alert,
                _ => Mode::Shadow,
            }),
            max_token_lifetime_seconds: self.lifetime(&members),
            scopes_remove: self.texts(&members, "scopes_remove"),
            fail: self.word(&members, "fail", &FAILS).map(fail),
            ..PolicySpec::new(&id, then.unwrap_or(Then::Allow))
        };
        self.fits(&members, &spec);
        if before < self.mistakes.len() {
            return None;
        }
        self.checked(&members, spec)
    }

    /// What only two members together can tell.
    fn fits(&mut self, members: &Members<'_>, spec: &PolicySpec) {
        let reduces = spec.then == Then::Act(RevocationAction::ReduceScopes);
        if let Some((span, _)) = members.get("then")
            && reduces
            && spec.scopes_remove.is_empty()
        {
            let message = "`reduce_scopes` needs `scopes_remove`".to_owned();
            self.mistake(span.clone(), message, None);
        }
        if let Some((span, _)) = members.get("id")
            && spec.id == "default"
        {
            let message = "`default` is the built-in ladder".to_owned();
            self.mistake(span.clone(), message, Some("choose another `id`".to_owned()));
        }
    }

    fn checked(&mut self, members: &Members<'_>, spec: PolicySpec) -> Option<Policy> {
        let when = spec.when.clone().unwrap_or_default();
        match Policy::new(spec) {
            Ok(policy) => Some(policy),
            Err(mistake) => {
                let (span, _) = members.get("when")?;
                // Within the text, where it is written as it is meant.
                let raw = self.text.get(span.clone()).unwrap_or_default();
                let place = raw.find(&when).map(|offset| {
                    let begin = span.start + offset;
                    begin + mistake.at.start..begin + mistake.at.end
                });
                let help = mistake.unknown.and_then(|unknown| nearest(&unknown, names()));
                let message = format!("`policy.when`: {}", mistake.message);
                self.mistake(place.unwrap_or_else(|| span.clone()), message, help);
                None
            }
        }
    }

    fn text(&mut self, members: &Members<'_>, key: &str) -> Option<String> {
        let (span, item) = members.get(key)?;
        let text = item.as_str().map(str::to_owned);
        if text.is_none() {
            self.mistake(span.clone(), format!("`policy.{key}` must be a text"), None);
        }
        text
    }

    fn label(&mut self, members: &Members<'_>, key: &str) -> Option<String> {
        let text = self.text(members, key)?;
        let fits = (1..=CHARS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if let Some((span, _)) = members.get(key)
            && !fits
        {
            let wanted = format!("1 to {CHARS_MAX} letters, digits, `.`, `_` or `-`");
            self.mistake(span.clone(), format!("`policy.{key}` must be {wanted}"), None);
        }
        Some(text)
    }

    fn word<'w>(&mut self, members: &Members<'_>, key: &str, words: &[&'w str]) -> Option<&'w str> {
        let text = self.text(members, key)?;
        let found = words.iter().find(|word| **word == text).copied();
        if let (None, Some((span, _))) = (found, members.get(key)) {
            let message = format!("`policy.{key}` must be one of `{}`", words.join("`, `"));
            self.mistake(span.clone(), message, nearest(&text, words.iter().copied()));
        }
        found
    }

    fn texts(&mut self, members: &Members<'_>, key: &str) -> Vec<String> {
        let Some((span, item)) = members.get(key) else { return Vec::new() };
        let fits = |text: &&str| (1..=CHARS_MAX).contains(&text.chars().count());
        let list = |array: &toml_edit::Array| {
            let texts = array.iter().map(|value| value.as_str().filter(fits).map(str::to_owned));
            texts.collect::<Option<Vec<String>>>()
        };
        match item.as_array().and_then(list) {
            Some(texts) if (1..=TEXTS_MAX).contains(&texts.len()) => texts,
            _ => {
                let wanted = format!("a list of 1 to {TEXTS_MAX} texts");
                self.mistake(span.clone(), format!("`policy.{key}` must be {wanted}"), None);
                Vec::new()
            }
        }
    }

    fn words(&mut self, members: &Members<'_>, key: &str, words: &[&str]) -> Vec<String> {
        let texts = self.texts(members, key);
        let stranger = texts.iter().find(|text| !words.contains(&text.as_str()));
        if let (Some(stranger), Some((span, _))) = (stranger, members.get(key)) {
            let message = format!("`policy.{key}` may hold `{}`", words.join("`, `"));
            self.mistake(span.clone(), message, nearest(stranger, words.iter().copied()));
        }
        texts
    }

    fn lifetime(&mut self, members: &Members<'_>) -> Option<u32> {
        let (span, item) = members.get("max_token_lifetime")?;
        let ms = item.as_str().and_then(|text| Unit::Millis.parse(text));
        let seconds = ms.filter(|ms| (1_000..=LIFETIME_MS_MAX).contains(ms)).map(|ms| ms / 1_000);
        if seconds.is_none() {
            let message = "`policy.max_token_lifetime` must be a duration of 1s to 1d".to_owned();
            self.mistake(span.clone(), message, None);
        }
        seconds.and_then(|seconds| u32::try_from(seconds).ok())
    }
}

/// The fail mode of a word.
pub(super) fn fail(word: &str) -> Fail {
    if word == "closed" { Fail::Closed } else { Fail::Open }
}

fn nearest<'n>(written: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    did_you_mean(written, known, 0.7)
}

/// Policies as TOML, in one line.
pub(super) fn toml(policies: &[Policy]) -> String {
    let quoted = |text: &str| toml_edit::Value::from(text).to_string();
    let list = |texts: &[String]| {
        let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
        format!("[{}]", texts.join(", "))
    };
    let one = |policy: &Policy| {
        let spec = policy.spec();
        let then = THENS.into_iter().find(|(_, then)| *then == spec.then).map_or("", |(w, _)| w);
        let mut members = vec![format!("id = {}", quoted(&spec.id))];
        let mut add = |key: &str, value: Option<String>| {
            members.extend(value.map(|value| format!("{key} = {value}")));
        };
        let authorities: Vec<String> =
            spec.authorities.iter().map(|one| one.as_str().to_owned()).collect();
        add("version", spec.version.as_deref().map(quoted));
        for (key, texts) in [
            ("authority", &authorities),
            ("blueprint", &spec.blueprints),
            ("criticality", &spec.criticality),
            ("classification", &spec.classification),
            ("scopes_remove", &spec.scopes_remove),
        ] {
            add(key, (!texts.is_empty()).then(|| list(texts)));
        }
        add("when", spec.when.as_deref().map(quoted));
        add("then", Some(quoted(then)));
        add("mode", spec.mode.map(|mode| quoted(&format!("{mode:?}").to_lowercase())));
        let lifetime = spec.max_token_lifetime_seconds;
        add("max_token_lifetime", lifetime.map(|seconds| quoted(&format!("{seconds}s"))));
        add("fail", spec.fail.map(|fail| quoted(&format!("{fail:?}").to_lowercase())));
        format!("{{ {} }}", members.join(", "))
    };
    format!("[{}]", policies.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// The JSON Schema of policies.
pub(super) fn schema() -> Json {
    let texts = |items: Json| json!({"type": "array", "minItems": 1, "maxItems": TEXTS_MAX, "items": items});
    let label = json!({"type": "string", "pattern": "^[A-Za-z0-9._-]{1,256}$"});
    let text = json!({"type": "string", "minLength": 1, "maxLength": CHARS_MAX});
    json!({
        "type": "array",
        "maxItems": POLICIES_MAX,
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": ["id", "then"],
            "properties": {
                "id": label,
                "version": label,
                "authority": texts(json!({"enum": AUTHORITIES})),
                "blueprint": texts(text.clone()),
                "criticality": texts(json!({"enum": CRITICALITIES})),
                "classification": texts(json!({"enum": CLASSIFICATIONS})),
                "when": {"type": "string", "maxLength": 4_096},
                "then": {"enum": THENS.map(|(word, _)| word)},
                "mode": {"enum": MODES},
                "max_token_lifetime": {"type": "string"},
                "scopes_remove": texts(text),
                "fail": {"enum": FAILS},
            },
        },
    })
}
