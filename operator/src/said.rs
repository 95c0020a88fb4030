//! What people say: commands about requests and silences, verdicts on alerts. Each is checked as intake will check it, so
//! that what would become a dead letter is refused at once, and what names nothing that is known is not written.

use alerting::intake::{Arrival, Authors, feedback_or_command};
use alerting::{Asked, RequestState, SIGNATURE_HEADER, Secret};
use bus::{Bus, TopicPartition};
use schemas::command::{COMMAND_SCHEMA, Command, CommandAction};
use schemas::feedback::{FEEDBACK_SCHEMA, Feedback, FeedbackVerdict, Scope};
use schemas::finding::Versions;
use schemas::time::{DAY_MS, HOUR_MS};
use schemas::{EventTime, Source};
use serde::Serialize;
use serde_json::Value;

use crate::log::{Console, ConsoleError};
use crate::terminal::clean;

/// Who says something, and when.
#[derive(Clone, Debug)]
pub struct By {
    /// The person.
    pub author: String,
    /// Why; a word of ours where nothing is said.
    pub comment: Option<String>,
    /// The tenant; that of what it is said of, where none is named.
    pub tenant: Option<String>,
    /// When.
    pub time: EventTime,
    /// Says it also of what is not known.
    pub force: bool,
    /// Signs it.
    pub secret: Option<Secret>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The record.
    pub record: Value,
    /// Where to.
    pub at: TopicPartition,
    what: String,
}

/// The tenant of what is named, where that is known; and why saying it would come to nothing.
type Known = (Option<String>, Option<String>);

// === impl Written ===

impl Written {
    /// It for people, and where to see what becomes of it.
    pub fn text(&self) -> String {
        let id = self.record.get("id").and_then(Value::as_str).unwrap_or_default();
        let (what, id) = (&self.what, clean(id));
        format!(
            "{what} is written to {} as {id}.\nWhat becomes of it: `habitus tap decisions --from-start` tells its outcome \
             with that id, `habitus revoke list` and `habitus silence list` what is in force.\n",
            self.at
        )
    }
}

// === impl By ===

impl By {
    /// Unique where one process says one thing.
    fn id(&self, kind: &str) -> String {
        format!("{kind}-{:x}-{:x}", self.time.millis(), std::process::id())
    }

    fn comment(&self, what: &str) -> String {
        self.comment.clone().unwrap_or_else(|| format!("{what}, without a comment"))
    }

    /// The tenant that was named, of something that nobody knows.
    fn tenant(&self) -> Result<String, ConsoleError> {
        let needs = || ConsoleError::Misuse("know the tenant: name it with --tenant".to_owned());
        self.tenant.clone().ok_or_else(needs)
    }
}

/// Reads until when something holds: RFC 3339, or a span from now on such as `8h` or `7d`.
pub(crate) fn until(text: &str, now: EventTime) -> Result<EventTime, ConsoleError> {
    let span = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let unit_ms = match unit {
            "m" => HOUR_MS / 60,
            "h" => HOUR_MS,
            "d" => DAY_MS,
            _ => return None,
        };
        now.millis().checked_add(number.parse::<i64>().ok()?.checked_mul(unit_ms)?)
    });
    let time = span.map_or_else(|| EventTime::parse(text), EventTime::from_millis);
    time.map_err(|why| ConsoleError::Misuse(format!("{why}, or as a span such as 8h or 7d")))
}

// === impl Console ===

impl<B: Bus> Console<B> {
    /// Approves, denies or restores a request, or ends a silence; `restore` takes the id of an alert too.
    pub fn command(
        &self,
        action: CommandAction,
        target: &str,
        by: &By,
    ) -> Result<Written, ConsoleError> {
        let (tenant_id, vain) = match action {
            CommandAction::Unsilence => self.silenced(target, by)?,
            _ => self.asked(action, target, by)?,
        };
        if let Some(why) = vain.filter(|_| !by.force) {
            return Err(ConsoleError::Misuse(format!("{why}; --force says it all the same")));
        }
        let tenant_id = tenant_id.map_or_else(|| by.tenant(), Ok)?;
        let what = format!("{} of {}", action.as_str(), clean(target));
        self.order(tenant_id, (action, what), (Some(target.to_owned()), None, None), by)
    }

    /// Silences a scope until a time.
    pub fn silence(
        &self,
        scope: Scope,
        expires_at: EventTime,
        by: &By,
    ) -> Result<Written, ConsoleError> {
        let what = (CommandAction::Silence, "silence".to_owned());
        self.order(by.tenant()?, what, (None, Some(scope), Some(expires_at)), by)
    }

    fn order(
        &self,
        tenant_id: String,
        (action, what): (CommandAction, String),
        (target, scope, expires_at): (Option<String>, Option<Scope>, Option<EventTime>),
        by: &By,
    ) -> Result<Written, ConsoleError> {
        let command = Command {
            schema: COMMAND_SCHEMA.to_owned(),
            id: by.id("c"),
            time: by.time,
            tenant_id,
            action,
            target,
            scope,
            expires_at,
            author: by.author.clone(),
            comment: by.comment(action.as_str()),
        };
        self.write(&command.tenant_id, &command, what, by)
    }

    /// Says of an alert whether it was expected; it holds for a scope, or else for the actor and leading signal of the
    /// alert.
    pub fn feedback(
        &self,
        (alert_id, verdict): (&str, FeedbackVerdict),
        scope: Scope,
        expires_at: EventTime,
        by: &By,
    ) -> Result<Written, ConsoleError> {
        let mut known = None;
        self.alerts(|alert| {
            let own = &alert.unmapped.habitus;
            let is_tenants = by.tenant.as_ref().is_none_or(|tenant| *tenant == own.tenant_id);
            // Others may have joined an alert: it is of whoever opened it.
            if alert.finding_info.uid == alert_id && is_tenants && known.is_none() {
                let leading = Scope {
                    agent_id: Some(own.agent_id.clone()).filter(|id| !id.is_empty()),
                    authority: Some(own.authority),
                    signal: own.contributions.first().map(|first| first.signal.clone()),
                    ..Scope::default()
                };
                known = Some((own.tenant_id.clone(), leading));
            }
        })?;
        let (tenant_id, leading) = match known {
            Some(known) => known,
            None if by.force => (by.tenant()?, Scope::default()),
            None => {
                let why =
                    format!("find an alert {}; --force says it all the same", clean(alert_id));
                return Err(ConsoleError::Misuse(why));
            }
        };
        let feedback = Feedback {
            schema: FEEDBACK_SCHEMA.to_owned(),
            id: by.id("f"),
            time: by.time,
            tenant_id,
            verdict,
            alert_id: Some(alert_id.to_owned()),
            scope: if scope == Scope::default() { leading } else { scope },
            expires_at,
            author: by.author.clone(),
            comment: by.comment(verdict.as_str()),
        };
        let what = format!("{} of alert {}", verdict.as_str(), clean(alert_id));
        self.write(&feedback.tenant_id, &feedback, what, by)
    }

    /// The tenant of what a command is about, and why it would come to nothing.
    fn asked(&self, action: CommandAction, target: &str, by: &By) -> Result<Known, ConsoleError> {
        let all = self.requests(by.tenant.as_deref())?;
        let restores = action == CommandAction::Restore;
        let is_meant = |asked: &&Asked| {
            asked.request.request_id == target || restores && asked.is_of_alert(target)
        };
        let mut named = all.iter().map(|request| &request.asked).filter(is_meant);
        let fits =
            |state: RequestState| state == RequestState::Waiting || restores && state.may_be_done();
        let (word, id) = (action.as_str(), clean(target));
        let Some(first) = named.next() else {
            return Ok((None, Some(format!("find a request {id}"))));
        };
        let vain = !fits(first.state) && !named.any(|asked| fits(asked.state));
        let why = || format!("{word} {id}: it is {}", first.state.as_str());
        Ok((Some(first.request.tenant_id.clone()), vain.then(why)))
    }

    fn silenced(&self, id: &str, by: &By) -> Result<Known, ConsoleError> {
        let mut all = self.silences(by.tenant.as_deref())?.into_iter();
        let tenant = all.find(|(_, silence)| silence.id == id).map(|(tenant, _)| tenant);
        let vain = tenant.is_none().then(|| format!("find a silence {}", clean(id)));
        Ok((tenant, vain))
    }

    fn write(
        &self,
        tenant_id: &str,
        said: &impl Serialize,
        what: String,
        by: &By,
    ) -> Result<Written, ConsoleError> {
        let unwritable = |why| ConsoleError::Misuse(format!("write it as JSON: {why}"));
        let record = serde_json::to_value(said).map_err(unwritable)?;
        let bytes = record.to_string().into_bytes();
        if by.secret.is_none() && !self.authors.is_empty() {
            let why = "say it unsigned: the config names authors, so sign with --key-file";
            return Err(ConsoleError::Misuse(why.to_owned()));
        }
        let signature = by.secret.as_ref().map(|secret| secret.sign(&bytes));
        let arrival = Arrival {
            source: &Source { topic_id: String::new(), partition: 0, offset: 0, ordinal: 0 },
            log_time: by.time,
            versions: &Versions::default(),
            authors: &self.known(by),
            signature: signature.as_deref().map(str::as_bytes),
        };
        feedback_or_command(&bytes, &arrival)
            .map_err(|no| ConsoleError::Misuse(format!("{}: {}", no.message, no.path)))?;
        let header = |code: String| (SIGNATURE_HEADER.to_owned(), code.into_bytes());
        let headers: Vec<_> = signature.map(header).into_iter().collect();
        let at = self.say(tenant_id, &bytes, &headers)?;
        Ok(Written { record, at, what })
    }

    /// What intake will know: the own secret stands for that of the author; whether it is the same only intake can tell.
    fn known(&self, by: &By) -> Authors {
        let secrets = || by.secret.iter().cloned().collect();
        let authors = self.authors.iter();
        authors.map(|author| (author.name.clone(), author.grant(secrets()))).collect()
    }
}
