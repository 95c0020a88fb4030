//! The operator's verbs as they are said: what can be named, what is asked of the console, what is printed.

use std::io::Write;
use std::path::PathBuf;

use alerting::Secret;
use bus::Bus;
use clap::{Args, Subcommand, ValueEnum};
use schemas::command::CommandAction;
use schemas::feedback::{FeedbackVerdict, Scope};
use schemas::{Authority, EventTime};
use serde::Serialize;
use serde_json::json;

use crate::log::{Console, ConsoleError};
use crate::requests::silence_text;
use crate::said::{By, Written, until};
use crate::terminal::{clean, plain};
use crate::trust::{newest, step_text, trust_text};

/// A verb of an operator.
#[derive(Debug)]
pub enum Verb<'a> {
    /// `revoke`.
    Revoke(&'a Revoke),
    /// `trust`.
    Trust(&'a Trust),
    /// `feedback`.
    Feedback(&'a FeedbackArgs),
    /// `silence`.
    Silence(&'a Silence),
}

/// Verbs of `revoke`.
#[derive(Debug, Subcommand)]
pub enum Revoke {
    /// Lists requests: who, on whose behalf, what, why, since when, until when, and their state.
    #[command(after_help = "Example:\n  habitus revoke list -c habitus.toml --tenant acme")]
    List {
        /// What is shown, and how.
        #[command(flatten)]
        show: ShowArgs,
        /// Also those that are over.
        #[arg(long)]
        all: bool,
    },
    /// Lets a request that waits be sent.
    #[command(
        after_help = "Example:\n  habitus revoke approve rr-6d1f --author carol@acme.example"
    )]
    Approve(TargetArgs),
    /// Ends the wait; nothing of the kind is asked for for 24 hours.
    #[command(after_help = "Example:\n  habitus revoke deny rr-6d1f --author carol@acme.example")]
    Deny(TargetArgs),
    /// Undoes a request, or all of an alert.
    #[command(
        after_help = "Example:\n  habitus revoke restore rr-6d1f --author carol@acme.example"
    )]
    Restore(TargetArgs),
}

/// Verbs of `trust`.
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Shows the trust of each of its actors, and when it rises next.
    #[command(after_help = "Example:\n  habitus trust show billing-bot -c habitus.toml")]
    Show(AgentArgs),
    /// Shows every record of it that is still there, oldest first.
    #[command(after_help = "Example:\n  habitus trust history billing-bot -c habitus.toml")]
    History(AgentArgs),
}

/// Verbs of `silence`.
#[derive(Debug, Subcommand)]
pub enum Silence {
    /// Lists silences in force, and how many events each matched.
    #[command(after_help = "Example:\n  habitus silence list -c habitus.toml")]
    List(ShowArgs),
    /// Silences a scope: all that is named must match.
    #[command(after_help = "Example:\n  habitus silence add --tenant acme --key api.new.example \
                            --until 8h --author carol@acme.example")]
    Add(SilenceArgs),
    /// Ends a silence, or what an analyst expected.
    #[command(after_help = "Example:\n  habitus silence end c-19ab-7f --author carol@acme.example")]
    End(TargetArgs),
}

/// What is shown, and how.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Only of this tenant.
    #[arg(long)]
    tenant: Option<String>,
    /// A JSON line each.
    #[arg(long)]
    json: bool,
}

/// An agent.
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// Id of the agent.
    agent: String,
    #[command(flatten)]
    show: ShowArgs,
}

/// Who says something.
#[derive(Debug, Args)]
struct ByArgs {
    /// Who says it; for the audit.
    #[arg(long)]
    author: String,
    /// Why; for the audit.
    #[arg(long)]
    comment: Option<String>,
    /// Says it also of what is not known, or is over.
    #[arg(long)]
    force: bool,
    /// Signs it with the first secret of this file; needed where the config names authors.
    #[arg(long)]
    key_file: Option<PathBuf>,
    #[command(flatten)]
    show: ShowArgs,
}

/// What a command is about.
#[derive(Debug, Args)]
pub struct TargetArgs {
    /// Id of the request or silence; to restore, of an alert too.
    id: String,
    #[command(flatten)]
    by: ByArgs,
}

/// What something holds for.
#[derive(Debug, Args)]
struct ScopeArgs {
    /// The agent.
    #[arg(long)]
    agent: Option<String>,
    /// The authority it acts with.
    #[arg(long, value_parser = authority)]
    authority: Option<Authority>,
    /// The template it was made from.
    #[arg(long)]
    blueprint: Option<String>,
    /// The leading signal.
    #[arg(long)]
    signal: Option<String>,
    /// The destination, resource, tool, person, purpose, credential, source or version that was met.
    #[arg(long)]
    key: Option<String>,
}

/// Arguments of `silence add`.
#[derive(Debug, Args)]
pub struct SilenceArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// Until when: RFC 3339, or a span such as 8h or 7d; at most 30 days.
    #[arg(long)]
    until: String,
    #[command(flatten)]
    by: ByArgs,
}

/// Arguments of `feedback`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  habitus feedback 3f7a --author carol@acme.example expected --until 14d"
)]
pub struct FeedbackArgs {
    /// Id of the alert.
    alert: String,
    /// What is said of it.
    #[arg(value_enum)]
    verdict: Verdict,
    /// Holds for this scope, instead of the alert's actor and leading signal.
    #[command(flatten)]
    scope: ScopeArgs,
    /// Until when: RFC 3339, or a span such as 8h or 7d; at most 30 days.
    #[arg(long, default_value = "7d")]
    until: String,
    #[command(flatten)]
    by: ByArgs,
}

/// What can be said of an alert.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Verdict {
    /// It was meant to happen.
    Expected,
    /// It was an attack, or part of one.
    Malicious,
    /// Nobody knows.
    Unsure,
}

/// Does what an operator says, now being a time in milliseconds; prints what comes of it.
pub fn run<B: Bus>(
    console: &Console<B>,
    verb: &Verb<'_>,
    now_ms: i64,
    out: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let now =
        EventTime::from_millis(now_ms).map_err(|why| ConsoleError::Misuse(why.to_string()))?;
    let command = |action, args: &TargetArgs, out: &mut dyn Write| {
        let written = console.command(action, &args.id, &args.by.by(now)?)?;
        told(written, &args.by, out)
    };
    match verb {
        Verb::Revoke(Revoke::List { show, all }) => {
            let requests = console.requests(show.tenant.as_deref())?;
            let shown = requests.iter().filter(|request| *all || request.is_open());
            print(shown.map(|request| (request.text(), request.json())), show, out)
        }
        Verb::Revoke(Revoke::Approve(args)) => command(CommandAction::Approve, args, out),
        Verb::Revoke(Revoke::Deny(args)) => command(CommandAction::Deny, args, out),
        Verb::Revoke(Revoke::Restore(args)) => command(CommandAction::Restore, args, out),
        Verb::Trust(verb) => trust(console, verb, out),
        Verb::Feedback(args) => {
            let by = args.by.by(now)?;
            let of = (args.alert.as_str(), args.verdict.wire());
            let until = until(&args.until, now)?;
            told(console.feedback(of, args.scope.scope(), until, &by)?, &args.by, out)
        }
        Verb::Silence(Silence::List(show)) => {
            let silences = console.silences(show.tenant.as_deref())?;
            let lines = silences.iter().map(|(tenant, silence)| {
                let value = json!({"tenant_id": tenant, "silence": silence});
                (silence_text(tenant, silence), value)
            });
            print(lines, show, out)
        }
        Verb::Silence(Silence::Add(args)) => {
            let (by, until) = (args.by.by(now)?, until(&args.until, now)?);
            told(console.silence(args.scope.scope(), until, &by)?, &args.by, out)
        }
        Verb::Silence(Silence::End(args)) => command(CommandAction::Unsilence, args, out),
    }
}

fn trust<B: Bus>(
    console: &Console<B>,
    verb: &Trust,
    out: &mut dyn Write,
) -> Result<(), ConsoleError> {
    let (Trust::Show(args) | Trust::History(args)) = verb;
    let records = console.trust(&args.agent, args.show.tenant.as_deref())?;
    if records.is_empty() {
        let why = format!("find trust of the agent {}", clean(&args.agent));
        return Err(ConsoleError::Misuse(why));
    }
    match verb {
        Trust::Show(_) => {
            let newest = newest(&records).into_iter();
            print(newest.map(|trust| (trust_text(trust), trust)), &args.show, out)
        }
        Trust::History(_) => {
            print(records.iter().map(|trust| (step_text(trust), trust)), &args.show, out)
        }
    }
}

fn told(written: Written, by: &ByArgs, out: &mut dyn Write) -> Result<(), ConsoleError> {
    print([(written.text(), written.record)], &by.show, out)
}

fn print<V: Serialize>(
    lines: impl IntoIterator<Item = (String, V)>,
    show: &ShowArgs,
    out: &mut dyn Write,
) -> Result<(), ConsoleError> {
    for (text, value) in lines {
        match show.json {
            true => writeln!(
                out,
                "{}",
                plain(&serde_json::to_string(&value).map_err(std::io::Error::from)?)
            )?,
            false => write!(out, "{text}")?,
        }
    }
    Ok(())
}

fn authority(word: &str) -> Result<Authority, String> {
    let known = "delegated, autonomous or unknown";
    Authority::from_wire(word).ok_or_else(|| format!("failed to understand other than {known}"))
}

// === impl ByArgs ===

impl ByArgs {
    fn by(&self, time: EventTime) -> Result<By, ConsoleError> {
        let secret = |file: &PathBuf| {
            let text = std::fs::read_to_string(file).map_err(|why| format!("read it: {why}"));
            let secrets = text.and_then(|text| Secret::read(&text).map_err(|why| why.to_string()));
            let wrong = |why| ConsoleError::Misuse(format!("sign with {}: {why}", file.display()));
            secrets.map(|secrets| secrets.into_iter().next()).map_err(wrong)
        };
        Ok(By {
            author: self.author.clone(),
            comment: self.comment.clone(),
            tenant: self.show.tenant.clone(),
            time,
            force: self.force,
            secret: self.key_file.as_ref().map(secret).transpose()?.flatten(),
        })
    }
}

// === impl ScopeArgs ===

impl ScopeArgs {
    fn scope(&self) -> Scope {
        Scope {
            agent_id: self.agent.clone(),
            authority: self.authority,
            blueprint: self.blueprint.clone(),
            signal: self.signal.clone(),
            key: self.key.clone(),
        }
    }
}

// === impl Verdict ===

impl Verdict {
    fn wire(self) -> FeedbackVerdict {
        match self {
            Self::Expected => FeedbackVerdict::Expected,
            Self::Malicious => FeedbackVerdict::Malicious,
            Self::Unsure => FeedbackVerdict::Unsure,
        }
    }
}
