//! What can be said on the command line, and which exit code comes of it: 0 ok, 1 findings where asked for, 2 usage,
//! 69 a dependency is away, 70 internal, 78 bad config. Bad events are results, never errors.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use ::config::Config;
use bus::BusError;
use clap::{Args, Parser, Subcommand, ValueEnum};
use ingest::Format;
use mapping::Reading;
use operator::Verb as Operator;
use schemas::EventTime;
use stream::Unusable;

use super::lists::{self, Lists};
use super::{
    config, demo, doctor, explain, health, logging, map, operate, produce, run as run_verb, score,
    state, tap, validate,
};
use crate::render::line;

/// Exit code of a success.
pub(super) const OK: u8 = 0;
/// Exit code of warnings where `--deny-warnings` asks for it.
pub(super) const FINDINGS: u8 = 1;
const USAGE: u8 = 2;
/// Exit code of a dependency that is away, refuses, or was taken over by another instance.
pub(super) const UNAVAILABLE: u8 = 69;
/// Exit code of a fault of ours.
pub(super) const INTERNAL: u8 = 70;
/// Exit code of a config with mistakes.
pub(super) const BAD_CONFIG: u8 = 78;

/// Behavioural anomaly detection for AI agents: who acts, on whose behalf, and what differs from what they
/// normally do.
#[derive(Debug, Parser)]
#[command(name = "habitus", version, about, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    verb: Verb,
    /// Config file (TOML); without one the defaults hold.
    #[arg(short, long, global = true, env = "HABITUS_CONFIG")]
    config: Option<PathBuf>,
    /// Say more; twice says all. With `-v` the time of each stage is printed at exit.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say less: errors only.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// When to colour. `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

const EXAMPLES: &str = "\
Examples:
  habitus demo                                   synthetic agents, real alerts, in a minute
  habitus score --warmup past.ndjson now.ndjson  a JSON line for each activity
  habitus map --input logs.json.gz               what becomes of each record, field by field
  habitus explain now.ndjson --id EVENT          every signal of one activity
  habitus validate -c habitus.toml               all mistakes of a config, with position
  habitus revoke list -c habitus.toml            what was asked for, and what waits for you
  habitus produce -c habitus.toml now.ndjson     puts events onto Kafka, for `habitus run`";

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Shows the engine at work on synthetic agents, several of them compromised; ends by itself.
    Demo(DemoArgs),
    /// Writes a file's records to the input topic, each under its agent's key, and waits until all are taken.
    Produce(ProduceArgs),
    /// Consumes activities from Kafka and publishes alerts, trust and requests, until a signal.
    Run(RunArgs),
    /// Shows what becomes of each record of a file: the activity field by field, with what is missing and unmapped.
    Map(MapArgs),
    /// Checks broker, topics and rights, and samples each source: what is mapped, and which signals are blind there.
    Doctor(DoctorArgs),
    /// Scores files (or `-`), one JSON line for each activity, in input order.
    Score(ScoreArgs),
    /// Explains an activity of a file, or an alert from standard input (`explain -`).
    Explain(ExplainArgs),
    /// Checks the config completely: all mistakes at once, with position.
    Validate(ValidateArgs),
    /// Looks at the state topics: what they hold, and whether it is sound.
    State(StateArgs),
    /// Shows what leaves, as it leaves.
    Tap(tap::TapArgs),
    /// Requests that were made or wait for a person: lists, approves, denies, restores.
    #[command(subcommand)]
    Revoke(operator::Revoke),
    /// The trust of an agent, now and before.
    #[command(subcommand)]
    Trust(operator::Trust),
    /// Says of an alert whether what the agent did was expected.
    Feedback(operator::FeedbackArgs),
    /// Scopes whose alerts nobody wants to see for a time: lists, adds, ends.
    #[command(subcommand)]
    Silence(operator::Silence),
    /// Prints the effective config, the JSON Schema of config files, or a reference.
    Config(ConfigArgs),
    /// Asks the process that runs on this machine whether it is ready.
    Health,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Leaves config, events and alerts in this folder, for the next commands.
    #[arg(short, long)]
    pub(super) output: Option<PathBuf>,
    /// Seed of the synthetic agents.
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
    /// Takes the last six days, moved by whole days to end at this time: `now`, or RFC 3339. For `produce`: Kafka's
    /// input takes nothing older than seven days.
    #[arg(long, value_parser = demo::moment)]
    pub(super) until: Option<EventTime>,
}

/// Arguments of `produce`.
#[derive(Debug, Args)]
pub(super) struct ProduceArgs {
    /// Event files, folders or patterns, packed or not, a record a line; `-` is standard input.
    #[arg(required = true)]
    pub(super) events: Vec<String>,
    /// A header of every record; repeatable.
    #[arg(long, value_name = "NAME=VALUE", value_parser = produce::header)]
    pub(super) header: Vec<(String, Vec<u8>)>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// Ends once everything that is there now, and the findings it causes, is consumed.
    #[arg(long)]
    pub(super) once: bool,
    /// Goes on although the group's offsets or entries of the input are missing: what was in between stays unseen.
    #[arg(long)]
    pub(super) accept_state_loss: bool,
}

/// Arguments of `state`.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// What to do.
    #[arg(value_enum)]
    pub(super) what: StateWhat,
}

/// What `state` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum StateWhat {
    /// Lists partitions: progress, records, owner.
    Info,
    /// Checks every record and its invariants; exit code 1 where one does not hold.
    Verify,
}

/// How files are read.
#[derive(Debug, Args)]
pub(super) struct ReadingArgs {
    /// Format of the records; `auto` tells each by its shape.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(::config::formats()))]
    pub(super) format: Option<String>,
    /// Mapping of the config that reads them.
    #[arg(long, value_name = "NAME", conflicts_with = "format")]
    pub(super) mapping: Option<String>,
}

impl ReadingArgs {
    /// How a file is read: as said, else as the config says of its path.
    pub(super) fn of(&self, config: &Config, path: &str) -> anyhow::Result<Reading> {
        match (self.format.as_deref(), self.mapping.as_deref()) {
            (None, None) => Ok(config.reading_of_path(path)),
            (Some(name), _) => Ok(config.reading(Format::from_name(name), None)),
            (_, Some(name)) if config.mappings().any(|known| known == name) => {
                Ok(config.reading(None, Some(name)))
            }
            (_, Some(name)) => {
                let known: Vec<&str> = config.mappings().collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                Err(misuse(format!("find the mapping {name} in the config, which has {known}")))
            }
        }
    }
}

/// Arguments of `map`.
#[derive(Debug, Args)]
pub(super) struct MapArgs {
    /// File, folder or pattern; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(super) input: Option<String>,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    /// A JSON line for each activity.
    #[arg(long)]
    pub(super) json: bool,
    /// Only this one, counted from 0 within its file.
    #[arg(long, value_name = "N")]
    pub(super) record: Option<u64>,
    /// Proposes a mapping for the JSON of this file, each line with its reason; `--mapping` names it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "format", "json", "record"])]
    pub(super) init: Option<String>,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Looks at this file, folder or pattern instead of the broker; repeatable.
    #[arg(long, value_name = "FILE")]
    pub(super) input: Vec<String>,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    /// One JSON object.
    #[arg(long)]
    pub(super) json: bool,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
pub(super) struct ScoreArgs {
    /// Event files, folders or patterns, packed or not; `-` is standard input.
    #[arg(required = true)]
    pub(super) events: Vec<String>,
    /// Teaches before scoring begins; repeatable.
    #[arg(long)]
    pub(super) warmup: Vec<String>,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
    /// Habits, shared tables and calibrators stop once scoring begins.
    #[arg(long)]
    pub(super) freeze: bool,
    /// Adds each signal's share in micro-nats; they add up to the score exactly.
    #[arg(long)]
    pub(super) contributions: bool,
    /// Threads; 0 is one a core. No result depends on them.
    #[arg(long)]
    pub(super) lanes: Option<usize>,
    /// Writes the lines here instead of standard output.
    #[arg(short, long)]
    pub(super) output: Option<PathBuf>,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Event file, folder or pattern; `-` renders an alert from standard input.
    pub(super) file: String,
    /// Id of the activity.
    #[arg(long)]
    pub(super) id: Option<String>,
    /// Teaches before; repeatable.
    #[arg(long)]
    pub(super) warmup: Vec<String>,
    #[command(flatten)]
    pub(super) reading: ReadingArgs,
}

/// Arguments of `validate`.
#[derive(Debug, Args)]
pub(super) struct ValidateArgs {
    /// Config file; the same as `-c`.
    pub(super) file: Option<PathBuf>,
    /// Warnings make exit code 1.
    #[arg(long)]
    pub(super) deny_warnings: bool,
}

/// Arguments of `config`.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// What to print.
    #[arg(value_enum)]
    pub(super) what: ConfigWhat,
}

/// What `config` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ConfigWhat {
    /// The effective config, every default included.
    Show,
    /// The JSON Schema of config files.
    Schema,
    /// The reference of all settings, in Markdown.
    Reference,
    /// The reference of all metrics, in Markdown.
    Metrics,
    /// The public keys of `sets.keys`, for whoever receives security event tokens.
    Jwks,
}

/// Runs what was said; gives the exit code.
pub fn run(cli: Cli) -> u8 {
    let plain = cli.color == Color::Never
        || (cli.color == Color::Auto && std::env::var_os("NO_COLOR").is_some());
    // A service says what it does without being asked.
    let verbose = cli.verbose.max(u8::from(matches!(cli.verb, Verb::Run(_))));
    logging::start(verbose, cli.quiet, !plain);
    let outcome = dispatch(&cli);
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => OK,
        Err(error) if is_misuse(&error) => {
            // Nobody is left to tell where stderr is gone too.
            drop(writeln!(io::stderr(), "error: failed to {}", line(&format!("{error:#}"))));
            USAGE
        }
        Err(error) => {
            tracing::error!("failed to {error:#}");
            let is_away = error.chain().any(|cause| cause.downcast_ref::<BusError>().is_some());
            match error.downcast_ref::<Unusable>() {
                Some(_) => BAD_CONFIG,
                None if is_away => UNAVAILABLE,
                None => INTERNAL,
            }
        }
    }
}

/// Threads to use; 0 is one a core.
pub(super) fn threads(set: usize) -> usize {
    match set {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        set => set,
    }
}

/// What was asked for does not fit together, or names what does not exist.
#[derive(Debug)]
pub(super) struct Misuse(pub(super) String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Misuse {}

/// The error of one.
pub(crate) fn misuse(why: String) -> anyhow::Error {
    Misuse(why).into()
}

/// Whether the command line is at fault: a file that it names is missing or shut counts as that.
fn is_misuse(error: &anyhow::Error) -> bool {
    use io::ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied};
    let shut = [NotFound, PermissionDenied, IsADirectory, NotADirectory];
    error.downcast_ref::<Misuse>().is_some()
        || error.chain().any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| shut.contains(&error.kind()))
        })
}

fn dispatch(cli: &Cli) -> anyhow::Result<u8> {
    if let Verb::Validate(args) = &cli.verb {
        return validate::run(args.file.as_deref().or(cli.config.as_deref()), args);
    }
    if let Verb::Config(args) = &cli.verb
        && !matches!(args.what, ConfigWhat::Show | ConfigWhat::Jwks)
    {
        return config::describe(args.what);
    }
    let loaded = match validate::load(cli.config.as_deref())? {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    let lists = match &cli.verb {
        Verb::Run(_) | Verb::Produce(_) | Verb::Score(_) | Verb::Explain(_) | Verb::Config(_) => {
            let jwks = matches!(&cli.verb, Verb::Config(args) if args.what == ConfigWhat::Jwks);
            let signs = jwks || matches!(&cli.verb, Verb::Run(_));
            lists::load(&loaded, cli.config.as_deref(), signs)?
        }
        _ => Some(Lists::default()),
    };
    let Some(lists) = lists else { return Ok(BAD_CONFIG) };
    match &cli.verb {
        Verb::Demo(args) => demo::run(&loaded, args, cli.verbose > 0),
        Verb::Produce(args) => produce::run(&loaded, &lists, args),
        Verb::Run(args) => run_verb::run(&loaded, &lists, args),
        Verb::State(args) => state::run(&loaded, args),
        Verb::Tap(args) => tap::run(&loaded, args),
        Verb::Revoke(verb) => operate::run(&loaded, &Operator::Revoke(verb)),
        Verb::Trust(verb) => operate::run(&loaded, &Operator::Trust(verb)),
        Verb::Feedback(args) => operate::run(&loaded, &Operator::Feedback(args)),
        Verb::Silence(verb) => operate::run(&loaded, &Operator::Silence(verb)),
        Verb::Map(args) => map::run(&loaded, args),
        Verb::Doctor(args) => doctor::run(&loaded, args),
        Verb::Score(args) => score::run(&loaded, &lists, args, cli.verbose > 0),
        Verb::Explain(args) => explain::run(&loaded, &lists, args),
        Verb::Config(args) if args.what == ConfigWhat::Jwks => config::jwks(&lists),
        Verb::Config(_) => config::show(&loaded, &lists),
        Verb::Health => health::run(&loaded),
        Verb::Validate(_) => Ok(OK),
    }
}

/// A reader that went away, as `head` does, is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
