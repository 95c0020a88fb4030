//! What people and machines say from outside, checked before it may stand in the findings log: acknowledgements, verdicts of analysts,
//! commands of operators. One pure function a kind, bytes to finding; a refusal is for the dead letters. What follows
//! from them is decided in the respond fold.
#![forbid(unsafe_code)]

mod signature;

use std::collections::{BTreeMap, BTreeSet};

use schemas::acknowledgement::{ACKNOWLEDGEMENT_SCHEMA, Acknowledgement};
use schemas::command::{COMMAND_SCHEMA, Command, CommandAction};
use schemas::feedback::{FEEDBACK_SCHEMA, Feedback, Scope};
use schemas::finding::{Body, FINDING_SCHEMA, Finding, Versions};
use schemas::reject::{ErrorCode, Stage};
use schemas::rule::is_tenant;
use schemas::time::DAY_MS;
use schemas::{EventTime, Rejection, Source};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub use signature::{SIGNATURE_HEADER, Secret, SecretError};

/// Longest record: every text at its limit, however it is escaped.
const BYTES_MAX: usize = 64 << 10;
/// How far its time may lie ahead of the log.
const AHEAD_MS_MAX: i64 = 5 * 60_000;
/// How far it may lie behind: as long as its topic keeps it.
const BEHIND_MS_MAX: i64 = 30 * DAY_MS;
/// Longest life of a verdict or silence.
const LIFE_MS_MAX: i64 = 30 * DAY_MS;

const ID: usize = 128;
const NAME: usize = 256;
const TEXT: usize = 1_024;
const PLACE: usize = 2_048;

/// What an author may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// That a request was acted on.
    Acknowledge,
    /// Whether something was expected.
    Verdict,
    /// That a request is to be done or not.
    Approve,
    /// That a request is to be undone.
    Restore,
    /// That alerts are to be silent, or not any more.
    Silence,
    /// Who is registered.
    Register,
}

/// What one author may say, and of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Tenants; empty for all.
    pub tenants: BTreeSet<String>,
    /// What may be said; empty for everything.
    pub rights: BTreeSet<Right>,
    /// What the author signs with, any of them; without one nothing is taken.
    pub secrets: Vec<Secret>,
}

/// Who may say what, by name. Without an author, whoever may write to the topic.
pub type Authors = BTreeMap<String, Grant>;

/// Where and when a record came in, and what is in force.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Where it stands in its own topic.
    pub source: &'a Source,
    /// Log time there.
    pub log_time: EventTime,
    /// What is in force.
    pub versions: &'a Versions,
    /// Who may say what.
    pub authors: &'a Authors,
    /// The record's signature.
    pub signature: Option<&'a [u8]>,
}

// === impl Right ===

impl Right {
    /// All rights.
    pub const ALL: [Self; 6] = [
        Self::Acknowledge,
        Self::Verdict,
        Self::Approve,
        Self::Restore,
        Self::Silence,
        Self::Register,
    ];

    /// Its word in config.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Verdict => "verdict",
            Self::Approve => "approve",
            Self::Restore => "restore",
            Self::Silence => "silence",
            Self::Register => "register",
        }
    }

    /// The right of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == word)
    }

    fn of(action: CommandAction) -> Self {
        match action {
            CommandAction::Approve | CommandAction::Deny => Self::Approve,
            CommandAction::Restore => Self::Restore,
            CommandAction::Silence | CommandAction::Unsilence => Self::Silence,
        }
    }
}

// === impl Grant ===

impl Grant {
    fn signs(&self, bytes: &[u8], signature: Option<&[u8]>) -> bool {
        let mut secrets = self.secrets.iter();
        secrets.any(|secret| signature.is_some_and(|code| secret.verifies(bytes, code)))
    }

    fn allows(&self, tenant_id: &str, right: Right) -> bool {
        (self.tenants.is_empty() || self.tenants.contains(tenant_id))
            && (self.rights.is_empty() || self.rights.contains(&right))
    }
}

/// A record of the acknowledgements as a finding.
pub fn acknowledgement(bytes: &[u8], arrival: &Arrival<'_>) -> Result<Finding, Rejection> {
    let said: Acknowledgement = parse(bytes, ACKNOWLEDGEMENT_SCHEMA)?;
    check_acknowledgement(&said)?;
    in_time(said.time, arrival.log_time)?;
    let author = said.author.as_deref().unwrap_or_default();
    let signed = may(arrival, bytes, (author, &said.tenant_id, Right::Acknowledge))?;
    let tenant_id = said.tenant_id.clone();
    Ok(finding(tenant_id, arrival, signed, Body::Acknowledgement(Box::new(said))))
}

/// A verdict of an analyst as a finding.
pub fn feedback(bytes: &[u8], arrival: &Arrival<'_>) -> Result<Finding, Rejection> {
    let said: Feedback = parse(bytes, FEEDBACK_SCHEMA)?;
    check_feedback(&said)?;
    in_time(said.time, arrival.log_time)?;
    lives(said.expires_at, said.time, arrival.log_time)?;
    let signed = may(arrival, bytes, (&said.author, &said.tenant_id, Right::Verdict))?;
    let tenant_id = said.tenant_id.clone();
    Ok(finding(tenant_id, arrival, signed, Body::Feedback(Box::new(said))))
}

/// A command of an operator as a finding.
pub fn command(bytes: &[u8], arrival: &Arrival<'_>) -> Result<Finding, Rejection> {
    let said: Command = parse(bytes, COMMAND_SCHEMA)?;
    check_command(&said)?;
    in_time(said.time, arrival.log_time)?;
    if let Some(expires_at) = said.expires_at {
        lives(expires_at, said.time, arrival.log_time)?;
    }
    let signed = may(arrival, bytes, (&said.author, &said.tenant_id, Right::of(said.action)))?;
    let tenant_id = said.tenant_id.clone();
    Ok(finding(tenant_id, arrival, signed, Body::Command(Box::new(said))))
}

/// A record of the feedback topic, which verdicts and commands share.
pub fn feedback_or_command(bytes: &[u8], arrival: &Arrival<'_>) -> Result<Finding, Rejection> {
    #[derive(Deserialize)]
    struct Outline {
        schema: String,
    }
    let outline = if bytes.len() <= BYTES_MAX { serde_json::from_slice(bytes).ok() } else { None };
    match outline {
        Some(Outline { schema }) if schema == COMMAND_SCHEMA => command(bytes, arrival),
        _ => feedback(bytes, arrival),
    }
}

/// The entry that a tenant's log time reached a deadline, as `Respond::next_deadline` names it. It carries the
/// deadline's time, never a clock's: written twice, or late, it changes nothing more.
pub fn tick(tenant_id: &str, due: EventTime, partition: u32, versions: &Versions) -> Finding {
    let source = Source {
        topic_id: "tick".to_owned(),
        partition,
        offset: due.millis().unsigned_abs(),
        ordinal: 0,
    };
    Finding {
        schema: FINDING_SCHEMA.to_owned(),
        tenant_id: tenant_id.to_owned(),
        log_time: due,
        source,
        versions: versions.clone(),
        signed: false,
        body: Body::Tick {},
    }
}

fn finding(tenant_id: String, arrival: &Arrival<'_>, signed: bool, body: Body) -> Finding {
    Finding {
        schema: FINDING_SCHEMA.to_owned(),
        tenant_id,
        log_time: arrival.log_time,
        source: arrival.source.clone(),
        versions: arrival.versions.clone(),
        signed,
        body,
    }
}

fn refusal(code: ErrorCode, path: &str, message: impl Into<String>) -> Rejection {
    let stage = match code {
        ErrorCode::InvalidField
        | ErrorCode::TimeOutOfRange
        | ErrorCode::BadSignature
        | ErrorCode::NotPermitted => Stage::Validate,
        _ => Stage::Parse,
    };
    Rejection { code, stage, path: path.to_owned(), message: message.into() }
}

fn invalid(path: &str, message: &str) -> Rejection {
    refusal(ErrorCode::InvalidField, path, message)
}

fn parse<T: DeserializeOwned>(bytes: &[u8], schema: &str) -> Result<T, Rejection> {
    if bytes.is_empty() {
        return Err(refusal(ErrorCode::EmptyValue, "", "find a value"));
    }
    if bytes.len() > BYTES_MAX {
        return Err(refusal(ErrorCode::TooLarge, "", "accept more than 64 KiB"));
    }
    let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|error| {
        let code = match std::str::from_utf8(bytes) {
            Ok(_) => ErrorCode::InvalidJson,
            Err(_) => ErrorCode::InvalidUtf8,
        };
        let (line, column) = (error.line(), error.column());
        refusal(code, "", format!("read JSON at line {line}, column {column}"))
    })?;
    if json.get("schema").and_then(serde_json::Value::as_str) != Some(schema) {
        let message = format!("understand another schema than {schema}");
        return Err(refusal(ErrorCode::UnsupportedSchema, "/schema", message));
    }
    // What serde says may quote the payload: it is not told.
    let read = serde_json::from_value(json);
    read.map_err(|_| invalid("", &format!("find every field of {schema}, each of its kind")))
}

/// Whether an acknowledgement is one, whoever says it.
pub fn check_acknowledgement(said: &Acknowledgement) -> Result<(), Rejection> {
    tenant(&said.tenant_id)?;
    sized("/request_id", Some(&said.request_id), 1, ID)?;
    sized("/author", said.author.as_deref(), 0, NAME)?;
    sized("/detail", said.detail.as_deref(), 0, TEXT)
}

/// Whether a verdict of an analyst is one, whoever gives it.
pub fn check_feedback(said: &Feedback) -> Result<(), Rejection> {
    tenant(&said.tenant_id)?;
    sized("/id", Some(&said.id), 1, ID)?;
    sized("/alert_id", said.alert_id.as_deref(), 0, ID)?;
    sized("/author", Some(&said.author), 1, NAME)?;
    sized("/comment", Some(&said.comment), 1, TEXT)?;
    scope(&said.scope, &said.author)
}

/// Whether a command is one, whoever gives it.
pub fn check_command(said: &Command) -> Result<(), Rejection> {
    tenant(&said.tenant_id)?;
    sized("/id", Some(&said.id), 1, ID)?;
    sized("/author", Some(&said.author), 1, NAME)?;
    sized("/comment", Some(&said.comment), 1, TEXT)?;
    sized("/target", said.target.as_deref(), 1, ID)?;
    let silences = said.action == CommandAction::Silence;
    match (&said.scope, said.expires_at, &said.target) {
        (Some(of), Some(_), None) if silences => scope(of, &said.author),
        _ if silences => {
            Err(invalid("/scope", "find scope and expiry of a silence, and no target"))
        }
        (None, None, Some(_)) => Ok(()),
        _ => Err(invalid("/target", "find a target, and neither scope nor expiry")),
    }
}

fn tenant(id: &str) -> Result<(), Rejection> {
    if is_tenant(id) { Ok(()) } else { Err(invalid("/tenant_id", "accept the tenant")) }
}

fn sized(path: &str, text: Option<&str>, min: usize, max: usize) -> Result<(), Rejection> {
    let Some(text) = text else { return Ok(()) };
    let length = text.chars().take(max + 1).count();
    if (min..=max).contains(&length) {
        return Ok(());
    }
    let message = format!("accept a text of other than {min} to {max} characters");
    Err(refusal(ErrorCode::InvalidField, path, message))
}

/// It must name whom or what it is about: an authority or a signal alone would be the whole tenant.
fn scope(scope: &Scope, author: &str) -> Result<(), Rejection> {
    sized("/scope/agent_id", scope.agent_id.as_deref(), 1, PLACE)?;
    sized("/scope/blueprint", scope.blueprint.as_deref(), 1, NAME)?;
    sized("/scope/signal", scope.signal.as_deref(), 1, 64)?;
    sized("/scope/key", scope.key.as_deref(), 1, PLACE)?;
    if scope.agent_id.is_none() && scope.blueprint.is_none() && scope.key.is_none() {
        return Err(invalid("/scope", "find an agent, a blueprint or a key"));
    }
    if scope.agent_id.as_deref() == Some(author) {
        return Err(invalid("/author", "let an agent speak for itself"));
    }
    Ok(())
}

fn in_time(time: EventTime, log_time: EventTime) -> Result<(), Rejection> {
    let behind_ms = log_time.millis() - time.millis();
    if (-AHEAD_MS_MAX..=BEHIND_MS_MAX).contains(&behind_ms) {
        return Ok(());
    }
    let message = "accept a time more than 5 minutes ahead of the log or 30 days behind it";
    Err(refusal(ErrorCode::TimeOutOfRange, "/time", message))
}

fn lives(expires_at: EventTime, from: EventTime, log_time: EventTime) -> Result<(), Rejection> {
    let life_ms = expires_at.millis() - from.millis();
    if log_time < expires_at && life_ms <= LIFE_MS_MAX {
        return Ok(());
    }
    let message = "accept an expiry in the past or more than 30 days after it was said";
    Err(refusal(ErrorCode::TimeOutOfRange, "/expires_at", message))
}

/// Whether an author may say that of a tenant; gives whether a signature proves who it was.
fn may(
    arrival: &Arrival<'_>,
    bytes: &[u8],
    (author, tenant_id, right): (&str, &str, Right),
) -> Result<bool, Rejection> {
    if arrival.authors.is_empty() {
        return Ok(false);
    }
    let signs = |grant: &&Grant| grant.signs(bytes, arrival.signature);
    let Some(grant) = arrival.authors.get(author).filter(signs) else {
        let message = "find this author's signature of it";
        return Err(refusal(ErrorCode::BadSignature, "/author", message));
    };
    if grant.allows(tenant_id, right) {
        return Ok(true);
    }
    let message = format!("let this author {} for this tenant", right.as_str());
    Err(refusal(ErrorCode::NotPermitted, "/author", message))
}

/// Whether somebody who may register agents of a tenant signed that. A record of the inventory names no author.
pub fn may_register(
    authors: &Authors,
    (bytes, signature): (&[u8], Option<&[u8]>),
    tenant_id: &str,
) -> Result<(), Rejection> {
    if authors.is_empty() {
        return Ok(());
    }
    let mut signers = authors.values().filter(|grant| grant.signs(bytes, signature)).peekable();
    if signers.peek().is_none() {
        return Err(refusal(ErrorCode::BadSignature, "", "find an author's signature of it"));
    }
    if signers.any(|grant| grant.allows(tenant_id, Right::Register)) {
        return Ok(());
    }
    let message = "let this author register agents of this tenant";
    Err(refusal(ErrorCode::NotPermitted, "/tenant_id", message))
}

#[cfg(test)]
mod tests;
