//! Every setting: its path, what it may be, its default, and a sentence when to change it.

use super::form::Form;
use super::kind::Kind;
use super::unit::Unit;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) path: &'static str,
    pub(super) kind: Kind,
    /// As TOML; empty where there is none.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
}

const fn field(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Field {
    Field { path, kind, default, doc }
}

/// Words of a mode.
pub(super) const MODES: &[&str] = &["shadow", "alert", "enforce"];
/// Words of a signal's mode.
pub(super) const SIGNAL_MODES: &[&str] = &["shadow", "alert"];

/// All settings but those of signals, which exist once for each signal id.
pub(super) const FIELDS: &[Field] = &[
    field("version", Kind::Integer(1, 1), "1", "Version of the config format."),
    field(
        "mode",
        Kind::Word(MODES),
        "\"shadow\"",
        "How binding what leaves is. `shadow` asks for nothing, `alert` recommends, `enforce` asks for revocations.",
    ),
    field(
        "policy",
        Kind::Policies,
        "",
        "Rules of your own: the first that holds decides; the built-in ladder stands after them.",
    ),
    field(
        "receiver",
        Kind::Receivers,
        "",
        "Who is told of risk and revocations by signed security event tokens, such as an identity provider.",
    ),
    field(
        "author",
        Kind::Authors,
        "",
        "Who may acknowledge, judge and command, each with a secret. Where one stands, nothing is taken without its author's signature.",
    ),
    field(
        "budget.alerts_per_actor_month",
        Kind::Number(0.0001, 1_000.0),
        "1.0",
        "Alerts you accept for each actor and month. Lower it when analysts cannot keep up.",
    ),
    field(
        "budget.revocations_per_actor_month",
        Kind::Number(0.000_001, 10.0),
        "0.001",
        "Automatic revocations you accept for each actor and month.",
    ),
    field(
        "budget.fleet_alerts_per_month",
        Kind::Number(0.0001, 1_000.0),
        "1.0",
        "Alerts about many agents at once that you accept for each tenant and month.",
    ),
    field(
        "engine.seed",
        Kind::Integer(0, i64::MAX),
        "0",
        "Seed of all hashes in state. Set it once for each deployment; another seed makes old state unreadable.",
    ),
    field(
        "engine.lanes",
        Kind::Integer(0, 1_024),
        "0",
        "Threads that own partitions; 0 is one a core. No result depends on it.",
    ),
    field(
        "engine.instance",
        Kind::Text(Form::Name(64)),
        "\"0\"",
        "Name of this process in its transactional ids: two processes of one group need two.",
    ),
    field(
        "memory.cap",
        Kind::Measure(Unit::Bytes, 8 << 20, 16 << 40),
        "\"1GiB\"",
        "Hard cap of all agents' habits, ids included. Raise it when known agents are evicted.",
    ),
    field("trust.trusted", Kind::Number(0.0, 100.0), "80.0", "Lowest score of `trusted`."),
    field("trust.watch", Kind::Number(0.0, 100.0), "60.0", "Lowest score of `watch`."),
    field(
        "trust.restricted",
        Kind::Number(0.0, 100.0),
        "40.0",
        "Lowest score of `restricted`; below is `untrusted`.",
    ),
    field(
        "origin_handicaps.tool_text",
        Kind::Number(0.0, 10.0),
        "0.0",
        "Nats taken from what a call shows where its value first stood inside the text of a tool's result, as injected ones do. Only differences between the four count.",
    ),
    field(
        "origin_handicaps.tool_field",
        Kind::Number(0.0, 10.0),
        "1.0",
        "The same where it was a whole field of a tool's result.",
    ),
    field(
        "origin_handicaps.model",
        Kind::Number(0.0, 10.0),
        "0.5",
        "The same where it stood nowhere before: the model made it.",
    ),
    field(
        "origin_handicaps.user_request",
        Kind::Number(0.0, 10.0),
        "2.0",
        "The same where it stood in the user's request. Lower this and `model` where rogue agents and stolen credentials worry you more than injections.",
    ),
    field(
        "response.protected",
        Kind::Texts(10_000),
        "[]",
        "Ids of agents that are never revoked automatically.",
    ),
    field(
        "response.breaker_agents_per_hour",
        Kind::Integer(0, 1_000_000),
        "3",
        "Agents of a tenant that may be revoked automatically within an hour, at least.",
    ),
    field(
        "response.breaker_share_per_hour",
        Kind::Number(0.0, 1.0),
        "0.005",
        "The same as a share of the tenant's agents; the larger of both holds.",
    ),
    field(
        "response.repeat_interval",
        Kind::Measure(Unit::Millis, 0, 86_400_000),
        "\"0ms\"",
        "An alert that stays open is told again at most once in this time, unless its severity, level or request changes; 0 is with every event. Raise it where updates are too many.",
    ),
    field(
        "networks.databases",
        Kind::Texts(64),
        "[]",
        "Files in MaxMind's format that tell country, autonomous system or anonymiser of an address. They fill what events leave open; the first that knows counts.",
    ),
    field(
        "networks.tor",
        Kind::Texts(64),
        "[]",
        "Files of prefixes, one a line, that are exits of Tor. Also addresses and systems such as AS64500; `#` begins a comment.",
    ),
    field("networks.proxy", Kind::Texts(64), "[]", "The same of proxies."),
    field("networks.vpn", Kind::Texts(64), "[]", "The same of VPNs."),
    field("networks.relay", Kind::Texts(64), "[]", "The same of relays."),
    field("networks.hosting", Kind::Texts(64), "[]", "The same of hosting."),
    field(
        "networks.egress",
        Kind::Texts(64),
        "[]",
        "The same of your own known ways out: coming from there is never a new network, nor travel.",
    ),
    field(
        "inventory.path",
        Kind::Text(Form::Path),
        "",
        "File of registered agents, a JSON record a line (`agent.inventory/1`): owners, aliases, purposes, validity. Without it nobody is judged by registration.",
    ),
    field(
        "inventory.topic",
        Kind::Flag,
        "false",
        "The same from the compacted topic `inventory.v1`, whose changes hold without a restart. In place of a file.",
    ),
    field(
        "identity.ai_agent",
        Kind::Texts(10_000),
        "[]",
        "Patterns of ids that are AI agents, whatever their type: `*` is any text. Of the three lists the first that matches counts, then the type that the format told.",
    ),
    field("identity.human", Kind::Texts(10_000), "[]", "The same of people."),
    field("identity.service", Kind::Texts(10_000), "[]", "The same of other programs."),
    field(
        "identity.ai_agent_blueprints",
        Kind::Texts(1_000),
        "[]",
        "Patterns of blueprints whose instances are AI agents, where no list of ids says more.",
    ),
    field(
        "identity.scored",
        Kind::Texts(3),
        "[\"ai_agent\", \"service\"]",
        "Whose activities are scored: `ai_agent`, `service`, `human`. Others are skipped as `identity_<class>` and counted; people still count as those who delegate.",
    ),
    field(
        "identity.addresses",
        Kind::Texts(100_000),
        "[]",
        "Who sends from an address, such as `10.0.0.7=etl`, or only for a time: `10.0.0.7=etl from 2026-01-01T00:00:00Z until 2026-02-01T00:00:00Z`. Network logs name nobody.",
    ),
    field(
        "identity.endpoints",
        Kind::Flag,
        "false",
        "Whether OCSF's `src_endpoint.uid` or `instance_uid` may name an agent that nothing else names.",
    ),
    field(
        "identity.hash_key_file",
        Kind::Text(Form::Path),
        "",
        "File, beside this one, of the key that mappings hash with (`as = \"hash\"`): at least 16 bytes, such as 32 random ones in hexadecimal. Who has another key cannot tell equal values.",
    ),
    field(
        "kafka.brokers",
        Kind::Text(Form::Brokers),
        "\"127.0.0.1:9092\"",
        "Brokers to ask first. Name several, so that one may be away.",
    ),
    field(
        "kafka.group",
        Kind::Text(Form::Printable(200)),
        "\"habitus\"",
        "Consumer group, whose members share the partitions. Another group starts anew.",
    ),
    field(
        "kafka.prefix",
        Kind::Text(Form::Name(200)),
        "\"habitus.\"",
        "What names of topics begin with. Change it where several deployments share a cluster.",
    ),
    field(
        "kafka.partitions",
        Kind::Integer(1, 10_000),
        "64",
        "Partitions of topics made here. Part of the state: choose it before the first start.",
    ),
    field(
        "kafka.findings_partitions",
        Kind::Integer(1, 1_000),
        "8",
        "Partitions of the findings, if made here; one tenant stays in one. Fixed like the others.",
    ),
    field(
        "kafka.replicas",
        Kind::Integer(0, 16),
        "0",
        "Replicas of topics made here; 0 is the broker's default. Set 3 in production.",
    ),
    field(
        "kafka.create_topics",
        Kind::Flag,
        "true",
        "Whether missing topics are made at start. Set it to false where others make them.",
    ),
    field(
        "kafka.security",
        Kind::Word(&["plaintext", "ssl", "sasl_ssl"]),
        "\"plaintext\"",
        "How brokers are spoken to: in the clear, with TLS, with TLS and as a user. TLS needs a build with the feature `tls`.",
    ),
    field(
        "kafka.ca_file",
        Kind::Text(Form::Path),
        "",
        "Authorities that vouch for the brokers, PEM; without it those of the system.",
    ),
    field(
        "kafka.certificate_file",
        Kind::Text(Form::Path),
        "",
        "Our certificate, PEM. Set it where brokers ask their clients for one.",
    ),
    field("kafka.key_file", Kind::Text(Form::Path), "", "Private key of that certificate, PEM."),
    field(
        "kafka.sasl_mechanism",
        Kind::Word(&["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]),
        "\"SCRAM-SHA-512\"",
        "How the user proves who it is. `PLAIN` hands its password to the brokers.",
    ),
    field(
        "kafka.user",
        Kind::Text(Form::Printable(256)),
        "",
        "User of the brokers, to whom their ACLs grant what docs/kafka.md lists.",
    ),
    field(
        "kafka.password_file",
        Kind::Text(Form::Path),
        "",
        "File of that user's password, read at start; a line break at its end is no part of it.",
    ),
    field(
        "input.topic",
        Kind::Text(Form::Name(249)),
        "",
        "Topic of activities; without it, `activity.v1` after the prefix. With `key = \"any\"`, one more of the topics that sources name.",
    ),
    field(
        "input.key",
        Kind::Word(&["agent", "any"]),
        "\"agent\"",
        "How its records are keyed. `agent`: by tenant, a bar and agent id. `any`: as it comes; intake reads the topics of all sources and hands each activity on under its agent's key.",
    ),
    field(
        "input.start",
        Kind::Text(Form::Start),
        "",
        "Where a group without offsets starts. Needed at the first start only: there is no safe default.",
    ),
    field(
        "input.accept_create_time",
        Kind::Flag,
        "false",
        "Accepts a topic whose timestamps are the producers'. Then one wrong clock can move log time.",
    ),
    field(
        "input.dead_letter_percent_max",
        Kind::Integer(1, 100),
        "50",
        "Share of a minute's activities that may be refused; above it a lane waits instead of draining the topic. 100: never.",
    ),
    field(
        "input.hold",
        Kind::Measure(Unit::Millis, 0, 86_400_000),
        "\"5m\"",
        "How long a span of OpenTelemetry waits for the one above it that names its agent, on the clock of the spans. Raise it where runs of agents take longer than that; 0ms never waits.",
    ),
    field(
        "input.hold_bytes_max",
        Kind::Measure(Unit::Bytes, 64 << 10, 16 << 30),
        "\"64MiB\"",
        "Memory of what waits and of the spans that are remembered, for each partition of a source; beyond it the oldest go without their agent.",
    ),
    field(
        "input.client",
        Kind::Client,
        "{}",
        "Properties of librdkafka for every Kafka client, passed through; those that delivery rests on are refused.",
    ),
    field(
        "batch.max_age",
        Kind::Measure(Unit::Millis, 1, 100),
        "\"5ms\"",
        "A batch is committed at this age. Raise it where throughput matters more than latency.",
    ),
    field(
        "batch.max_records",
        Kind::Integer(1, 1_000_000),
        "8192",
        "A batch is committed at this many records.",
    ),
    field(
        "batch.max_bytes",
        Kind::Measure(Unit::Bytes, 64 << 10, 64 << 20),
        "\"4MiB\"",
        "A batch is committed at this many bytes to be written.",
    ),
    field(
        "output.shadow",
        Kind::Flag,
        "false",
        "In mode `shadow`, whether what is kept back goes to `shadow.v1` after the prefix, to be looked at.",
    ),
    field(
        "sets.issuer",
        Kind::Text(Form::Printable(2_048)),
        "",
        "Issuer (`iss`) of security event tokens, as receivers registered it. Needed where a `receiver` stands.",
    ),
    field(
        "sets.keys",
        Kind::Texts(8),
        "[]",
        "Files of private keys, PEM or JWK, beside this one: of each algorithm the first signs, `config jwks` prints them all. Put a new key first and keep the old one until receivers have read it.",
    ),
    field(
        "http.listen",
        Kind::Text(Form::Address),
        "\"127.0.0.1:9464\"",
        "Where `/metrics`, `/healthz` and `/readyz` are served. Beyond loopback it needs a certificate, its key and tokens.",
    ),
    field(
        "http.certificate_file",
        Kind::Text(Form::Path),
        "",
        "Certificate of all that is served over HTTP, the decision point as well, PEM: then it is served with TLS only. Needs a build with the feature `tls`.",
    ),
    field("http.key_file", Kind::Text(Form::Path), "", "Private key of that certificate, PEM."),
    field(
        "http.token_file",
        Kind::Text(Form::Path),
        "",
        "File of the tokens that readers of metrics and readiness bear, one a line; `#` begins a comment. Without it, on loopback, they need none.",
    ),
    field(
        "access.listen",
        Kind::Text(Form::Address),
        "\"off\"",
        "Where the decision point answers (OpenID AuthZEN). Set it where gateways or token services ask for decisions. Beyond loopback it needs `http.certificate_file`.",
    ),
    field(
        "access.token_file",
        Kind::Text(Form::Path),
        "",
        "File of the tokens that callers may bear, one a line; `#` begins a comment. Needed where the decision point listens.",
    ),
    field(
        "access.url",
        Kind::Text(Form::Printable(2_048)),
        "",
        "Address by which callers know the decision point, for its metadata; without it, where it listens.",
    ),
    field(
        "access.trust_age_max",
        Kind::Measure(Unit::Millis, 1_000, 86_400_000),
        "\"30s\"",
        "Trust that was not confirmed for longer is too old to decide by: then `fail` of the policy holds, else `access.fail`.",
    ),
    field(
        "access.fail",
        Kind::Word(&["open", "closed"]),
        "\"open\"",
        "Whether access is permitted (`open`) or refused (`closed`) where trust is too old.",
    ),
];

/// The signal ids that have settings.
pub(super) fn signal_ids() -> Vec<&'static str> {
    detector::signal_ids()
}

/// Default of a signal's mode, as TOML.
pub(super) const SIGNAL_DEFAULT: &str = "\"alert\"";
/// Doc of a signal's mode.
pub(super) const SIGNAL_DOC: &str =
    "`shadow`: computed and listed under `shadow_contributions`, in no score. `alert`: counts.";
