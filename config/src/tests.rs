//! Each mistake has its message, its place and, where there is one, its remedy.

use std::path::Path;

use super::fields::{FIELDS, signal_ids};
use super::local::LOCAL;
use super::read::default_values;
use super::*;

fn messages(text: &str) -> Vec<(String, usize)> {
    let (config, problems) = parse(text);
    assert!(config.is_none(), "must not load: {text}");
    let line = |problem: &Problem| text[..problem.span.start].matches('\n').count() + 1;
    problems.iter().map(|problem| (problem.message.clone(), line(problem))).collect()
}

#[test]
fn seven_mistakes_are_seven_messages_with_their_places() {
    let text = "version = 1\nmode = \"shaddow\"\nthreshhold = 3\n\n[budget]\nalerts_per_actor_month = \"one\"\n\n[memory]\ncap = \"1MiB\"\n\n[trust]\nwatch = 90\n\n[signal.rate]\nmode = \"off\"\n\n[signal.moon]\nmode = \"alert\"\n";
    let found = messages(text);
    let expected = [
        ("`mode` must be one of `shadow`, `alert`, `enforce`", 2),
        ("unknown setting `threshhold`", 3),
        ("`budget.alerts_per_actor_month` must be a number, found string", 6),
        ("`memory.cap` must lie between 8MiB and 16384GiB", 9),
        ("`trust.watch` must be lower than `trust.trusted`", 12),
        ("`signal.rate.mode` must be one of `shadow`, `alert`", 15),
        ("unknown setting `signal.moon`", 17),
    ];
    let expected: Vec<(String, usize)> =
        expected.iter().map(|(text, line)| ((*text).to_owned(), *line)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_message_shows_file_line_column_caret_and_help() {
    let text = "version = 1\nmode = \"shaddow\"\n";
    let (_, problems) = parse(text);
    let shown = render(&problems[0], text, "habitus.toml");
    for part in ["habitus.toml:2:8", "mode = \"shaddow\"", "^^^^", "did you mean `shadow`?"] {
        assert!(shown.contains(part), "{part} in:\n{shown}");
    }
}

#[test]
fn each_mistake_has_its_message() {
    for (text, expected) in [
        ("version = 2", "`version` must lie between 1 and 1"),
        ("mode = 3", "`mode` must be one of `shadow`, `alert`, `enforce`, found integer"),
        ("budget = 3", "`budget` is a section, not a value"),
        ("[engine]\nseed = -1", "`engine.seed` must lie between 0 and 9223372036854775807"),
        ("[engine]\nlanes = 1.5", "`engine.lanes` must be a whole number, found float"),
        ("[memory]\ncap = \"many\"", "`memory.cap` must be a size such as \"512MiB\""),
        ("[memory]\ncap = 7", "`memory.cap` must be a size such as \"512MiB\", found integer"),
        ("[response]\nprotected = [1]", "`response.protected` must hold texts only"),
        (
            "[response]\nbreaker_share_per_hour = 2.0",
            "`response.breaker_share_per_hour` must lie between 0 and 1",
        ),
        (
            "[budget]\nrevocations_per_actor_month = 2",
            "`budget.revocations_per_actor_month` must not exceed the budget of alerts",
        ),
        ("[kafka]\npartitions = 0", "`kafka.partitions` must lie between 1 and 10000"),
        (
            "[kafka]\ncreate_topics = 1",
            "`kafka.create_topics` must be true or false, found integer",
        ),
        (
            "[kafka]\nbrokers = \"kafka:9092,kafka\"",
            "`kafka.brokers` must be `host:port`, several with commas between them",
        ),
        (
            "[kafka]\nprefix = \"of one/\"",
            "`kafka.prefix` must be 1 to 200 letters, digits, `.`, `_` or `-`",
        ),
        (
            "[kafka]\ngroup = \"\"",
            "`kafka.group` must be 1 to 200 printable characters without blanks",
        ),
        (
            "[engine]\ninstance = \"a b\"",
            "`engine.instance` must be 1 to 64 letters, digits, `.`, `_` or `-`",
        ),
        ("[input]\nkey = \"none\"", "`input.key` must be one of `agent`, `any`"),
        (
            "[input]\nstart = \"yesterday\"",
            "`input.start` must be `earliest`, `latest` or a time as RFC 3339 with offset",
        ),
        ("[input]\nclient = 3", "`input.client` must be a table of properties, found integer"),
        ("[identity]\nhash_key_file = \"\"", "`identity.hash_key_file` must be the path of a file"),
        ("[input]\nhold = \"2d\"", "`input.hold` must lie between 0ms and 1d"),
        (
            "[input]\nhold_bytes_max = \"1KiB\"",
            "`input.hold_bytes_max` must lie between 64KiB and 16GiB",
        ),
        ("[batch]\nmax_age = \"1s\"", "`batch.max_age` must lie between 1ms and 100ms"),
        ("[batch]\nmax_age = \"5\"", "`batch.max_age` must be a duration such as \"5ms\""),
        ("[batch]\nmax_bytes = \"1GiB\"", "`batch.max_bytes` must lie between 64KiB and 64MiB"),
        ("[inventory]\npath = \"\"", "`inventory.path` must be the path of a file"),
        ("[inventory]\ntopic = \"t\"", "`inventory.topic` must be true or false, found string"),
        (
            "[inventory]\npath = \"i\"\ntopic = true",
            "`inventory.topic` and `inventory.path` say the same of different agents",
        ),
        ("[output]\nshadow = \"yes\"", "`output.shadow` must be true or false, found string"),
        (
            "[http]\nlisten = \"localhost\"",
            "`http.listen` must be an address and port such as `127.0.0.1:9464`, or `off`",
        ),
    ] {
        assert_eq!(messages(text), [(expected.to_owned(), messages(text)[0].1)], "{text}");
    }
    assert!(messages("mode = ")[0].0.starts_with("not TOML"));
}

#[test]
fn what_is_shown_loads_and_is_the_same() {
    let (config, problems) =
        parse("[budget]\nalerts_per_actor_month = 0.5\n[response]\nprotected = [\"a\\\"b\"]\n");
    assert!(problems.is_empty());
    let config = config.expect("valid");
    let (again, _) = parse(&config.to_toml());
    let again = again.expect("what is shown is valid");
    assert_eq!(again.to_toml(), config.to_toml());
    assert_eq!(again.hash(), config.hash());
    assert_ne!(Config::default().hash(), config.hash());
}

#[test]
fn a_setting_left_out_has_its_default() {
    let shown = Config::default().to_toml();
    for text in
        ["", "version = 1\n", "mode = \"shadow\"\n", "[budget]\nalerts_per_actor_month = 1\n"]
    {
        let (config, problems) = parse(text);
        assert!(problems.is_empty(), "{text}");
        assert_eq!(config.expect("valid").to_toml(), shown, "{text}");
    }
    for id in signal_ids() {
        assert!(shown.contains(&format!("[signal.{id}]\nmode = \"alert\"\n")), "{id}");
    }
    let defaults = FIELDS.iter().filter(|field| !field.default.is_empty()).count();
    assert_eq!(default_values().len(), defaults + signal_ids().len());
}

#[test]
fn equal_configs_hash_the_same_however_they_are_written() {
    let hash = |text: &str| parse(text).0.expect("valid").hash();
    let same = [
        "[memory]\ncap = \"1GiB\"\n[trust]\nwatch = 60\n",
        "trust = { watch = 60.0 }\nmemory.cap = \"1024 MiB\"\n",
        "",
    ];
    for text in same {
        assert_eq!(hash(text), Config::default().hash(), "{text}");
    }
    assert_ne!(hash("memory.cap = \"1025MiB\""), Config::default().hash());
    assert_ne!(hash("[signal.hours]\nmode = \"shadow\""), Config::default().hash());
}

fn valid(text: &str) -> Config {
    let (config, problems) = parse(text);
    config.unwrap_or_else(|| panic!("{problems:?}"))
}

#[test]
fn handicaps_of_origins_are_the_detectors_own_unless_set() {
    let bits = |nats: [f64; 4]| nats.map(f64::to_bits);
    let of = |text| bits(valid(text).settings().observe.origin_handicaps);
    let own = bits(detector::Settings::default().origin_handicaps);
    assert_eq!(of(""), own);
    let [text, field, _, request] = own;
    assert_eq!(of("origin_handicaps.model = 3"), [text, field, 3.0_f64.to_bits(), request]);
    let all =
        "[origin_handicaps]\ntool_text = 4\ntool_field = 3.5\nmodel = 3\nuser_request = 2.5\n";
    assert_eq!(of(all), bits([4.0, 3.5, 3.0, 2.5]));
    for (text, expected) in [
        (
            "[origin_handicaps]\ntool_text = -1",
            "`origin_handicaps.tool_text` must lie between 0 and 10",
        ),
        ("[origin_handicaps]\nmodel = nan", "`origin_handicaps.model` must lie between 0 and 10"),
        (
            "[origin_handicaps]\nuser_request = \"2\"",
            "`origin_handicaps.user_request` must be a number, found string",
        ),
        ("[origin_handicaps]\ntool = 1", "unknown setting `origin_handicaps.tool`"),
    ] {
        assert_eq!(messages(text)[0].0, expected, "{text}");
    }
}

#[test]
fn settings_of_one_process_are_no_part_of_the_hash() {
    for path in LOCAL {
        assert!(FIELDS.iter().any(|field| field.path == *path), "{path} is no setting");
    }
    let local = "engine.instance = \"b\"\nengine.lanes = 3\nhttp.listen = \"off\"\nkafka.brokers = \"k:1\"\n\
                 input.start = \"latest\"\ninput.client.debug = \"all\"\nbatch.max_age = \"7ms\"\n\
                 inventory.path = \"i\"\nbatch.max_records = 9\nbatch.max_bytes = \"1MiB\"\n\
                 networks.databases = [\"d\"]\nnetworks.egress = [\"e\"]\nnetworks.hosting = [\"h\"]\n\
                 networks.proxy = [\"p\"]\nnetworks.relay = [\"r\"]\nnetworks.tor = [\"t\"]\nnetworks.vpn = [\"v\"]\n\
                 access.listen = \"[::]:1\"\naccess.token_file = \"t\"\naccess.url = \"u\"\n\
                 http.certificate_file = \"c\"\nhttp.key_file = \"k\"\nhttp.token_file = \"t\"\n\
                 kafka.security = \"sasl_ssl\"\nkafka.ca_file = \"a\"\nkafka.certificate_file = \"c\"\n\
                 kafka.key_file = \"k\"\nkafka.sasl_mechanism = \"PLAIN\"\nkafka.user = \"u\"\nkafka.password_file = \"p\"\n\
                 sets.keys = [\"k\"]\ninput.dead_letter_percent_max = 9\nidentity.hash_key_file = \"k\"\n";
    assert_eq!(local.matches('=').count(), LOCAL.len(), "each of them is set");
    assert_ne!(valid(local), Config::default());
    assert_eq!(valid(local).hash(), Config::default().hash());
    for shared in [
        "input.accept_create_time = true",
        "inventory.topic = true",
        "output.shadow = true",
        "mode = \"alert\"",
        "origin_handicaps.model = 3",
    ] {
        assert_ne!(valid(shared).hash(), Config::default().hash(), "{shared}");
    }
}

#[test]
fn the_log_is_as_set() {
    let kafka = Config::default().kafka();
    assert_eq!((kafka.brokers.as_str(), kafka.group.as_str()), ("127.0.0.1:9092", "habitus"));
    assert_eq!((kafka.partitions, kafka.findings_partitions, kafka.replicas), (64, 8, 0));
    assert!(kafka.create_topics);
    let input = Config::default().input();
    assert_eq!((input.topic.as_str(), input.start), ("habitus.activity.v1", None));
    assert!(input.client.is_empty() && !input.accept_create_time);
    let batch = Config::default().batch();
    assert_eq!(
        (batch.max_age.as_millis(), batch.max_records, batch.max_bytes),
        (5, 8_192, 4 << 20)
    );

    assert_eq!(valid("kafka.prefix = \"a.\"").input().topic, "a.activity.v1");
    assert_eq!(valid("input.topic = \"mine\"").input().topic, "mine");
    for (text, start) in [
        ("\"earliest\"", Start::Earliest),
        ("\"latest\"", Start::Latest),
        ("\"2026-11-01T02:00:00+02:00\"", Start::At(1_793_491_200_000)),
        ("2026-11-01T00:00:00Z", Start::At(1_793_491_200_000)),
    ] {
        let config = valid(&format!("input.start = {text}"));
        assert_eq!(config.input().start, Some(start), "{text}");
        assert_eq!(valid(&config.to_toml()).input().start, Some(start), "{text} is shown");
    }
    let default = "127.0.0.1:9464".parse().ok();
    assert_eq!(Config::default().http().listen, default);
    assert_eq!(valid("http.listen = \"[::1]:0\"").http().listen, "[::1]:0".parse().ok());
    assert_eq!(valid("http.listen = \"off\"").http().listen, None);
}

#[test]
fn beyond_loopback_whoever_asks_is_met_with_tls_and_bears_a_token() {
    let tls = "http.certificate_file = \"c\"\nhttp.key_file = \"k\"\n";
    let said = |text: &str| -> Vec<String> { messages(text).into_iter().map(|(m, _)| m).collect() };
    for section in ["http", "access"] {
        for address in ["0.0.0.0:9464", "10.1.2.3:9464", "[::]:9464"] {
            let open = format!("{section}.listen = \"{address}\"\n");
            let token = format!("{section}.token_file = \"t\"\n");
            let beyond = format!("`{section}.listen` is beyond loopback and needs");
            let lacks = |path: &str| format!("{beyond} `{path}`");
            let [certificate, key] = ["http.certificate_file", "http.key_file"].map(lacks);
            assert_eq!(
                said(&open),
                [certificate.clone(), key.clone(), lacks(&format!("{section}.token_file"))]
            );
            assert_eq!(said(&format!("{open}{token}")), [certificate, key]);
            assert_eq!(said(&format!("{open}{tls}")), [lacks(&format!("{section}.token_file"))]);
            valid(&format!("{open}{token}{tls}"));
        }
    }
    assert_eq!(said("http.key_file = \"k\""), ["`http.key_file` needs `http.certificate_file`"]);
    let http = valid(&format!("{tls}http.listen = \"off\"")).beside(Path::new("/etc/h")).http();
    assert_eq!(http.listen, None);
    assert_eq!(http.identity.map(|files| files.key).as_deref(), Some("/etc/h/k"));
}

#[test]
fn brokers_are_spoken_to_as_set_and_nothing_set_is_void() {
    assert_eq!(Config::default().kafka().security, None);
    let said = |text: &str| -> Vec<String> { messages(text).into_iter().map(|(m, _)| m).collect() };
    assert_eq!(said("kafka.ca_file = \"a\""), ["`kafka.ca_file` means nothing without TLS"]);
    assert_eq!(said("kafka.user = \"u\""), ["`kafka.user` means nothing without SASL"]);
    let sasl = "kafka.security = \"sasl_ssl\"\n";
    let needs = |path: &str| format!("`kafka.security = \"sasl_ssl\"` needs `{path}`");
    assert_eq!(said(sasl), [needs("kafka.user"), needs("kafka.password_file")]);
    let tls = "kafka.security = \"ssl\"\nkafka.certificate_file = \"c\"\n";
    assert_eq!(said(tls), ["`kafka.certificate_file` needs `kafka.key_file`"]);
    let config = valid(&format!(
        "{sasl}kafka.user = \"u\"\nkafka.password_file = \"p\"\nkafka.ca_file = \"/a\""
    ));
    let security = config.beside(Path::new("/etc/h")).kafka().security.unwrap();
    assert_eq!(
        (security.ca_file.as_deref(), &security.identity),
        (Some("/a"), &None),
        "absolute ones stay"
    );
    let sasl = security.sasl.unwrap();
    assert_eq!((sasl.mechanism.as_str(), sasl.user.as_str()), ("SCRAM-SHA-512", "u"));
    assert_eq!(sasl.password_file, "/etc/h/p");
}

#[test]
fn client_properties_pass_through_however_they_are_written() {
    let expected =
        [("fetch.wait.max.ms", "50"), ("retry.backoff.ms", "2"), ("ssl.cipher.suites", "/a")];
    let mut expected: Vec<(String, String)> =
        expected.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    expected.push(("socket.keepalive.enable".to_owned(), "true".to_owned()));
    expected.sort();
    for text in [
        "[input.client]\n\"fetch.wait.max.ms\" = 50\n\"retry.backoff.ms\" = \"2\"\n\
         \"ssl.cipher.suites\" = \"/a\"\n\"socket.keepalive.enable\" = true\n",
        "[input.client]\nfetch.wait.max.ms = 50\nretry.backoff.ms = 2\nssl.cipher.suites = \"/a\"\n\
         socket.keepalive.enable = true\n",
        "[input]\nclient = { fetch.wait = { max.ms = 50 }, \"retry.backoff\" = { ms = 2 }, \
         ssl.cipher.suites = \"/a\", \"socket.keepalive.enable\" = \"true\" }\n",
    ] {
        let config = valid(text);
        let found: Vec<_> = config.input().client.into_iter().collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(valid(&config.to_toml()), config, "{text} is shown");
    }
}

#[test]
fn client_properties_that_delivery_rests_on_are_refused_with_the_reason() {
    for name in client::refused() {
        for text in
            [format!("[input.client]\n{name} = \"x\"\n"), format!("input.client.\"{name}\" = 1\n")]
        {
            let (config, problems) = parse(&text);
            assert!(config.is_none() && problems.len() == 1, "{text}");
            let message = format!("`input.client` property `{name}` may not be set");
            assert_eq!(problems[0].message, message);
            assert!(problems[0].help.is_some(), "{name} without a reason");
        }
    }
    let found = messages("[input.client]\na = [1]\ngroup.id = \"g\"\nb = 1979-05-27\n");
    let list = |name: &str| {
        format!("`input.client` property `{name}` must be a text, a number, true or false")
    };
    let refused = "`input.client` property `group.id` may not be set".to_owned();
    assert_eq!(found, [(list("a"), 2), (refused, 3), (list("b"), 4)]);
}

#[test]
fn no_secret_stands_in_a_config() {
    for name in
        ["sasl.password", "ssl.key.pem", "ssl.key.password", "sasl.oauthbearer.client.secret"]
    {
        let (config, problems) = parse(&format!("[input.client]\n\"{name}\" = \"hunter2\"\n"));
        assert!(config.is_none(), "{name}");
        let help = problems[0].help.as_deref().unwrap_or_default();
        assert!(help.contains("kafka.password_file"), "{name}: {help}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn editors_are_told_what_the_program_checks() {
    let all = schema();
    for field in FIELDS {
        let at = format!("/properties/{}", field.path.replace('.', "/properties/"));
        let property = all.pointer(&at).unwrap_or_else(|| panic!("{} is missing", field.path));
        assert_eq!(property["description"], field.doc);
        assert_eq!(property.get("default").is_none(), field.default.is_empty(), "{}", field.path);
        assert!(reference().contains(&format!("| `{}` | `", field.path)), "{}", field.path);
    }
}

#[test]
fn lists_are_named_in_order_and_found_at_their_place() {
    let text = "[networks]\negress = [\"e\"]\nvpn = [\"a\", \"b\"]\n";
    let (config, problems) = parse(text);
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    let lists = config.network_lists();
    let expected =
        [("networks.vpn", 0, "a"), ("networks.vpn", 1, "b"), ("networks.egress", 0, "e")];
    assert_eq!(lists, expected);
    for (setting, index, file) in lists {
        assert_eq!(&text[place_of(text, setting, index)], format!("\"{file}\""));
    }
    assert_eq!(place_of(text, "networks.tor", 0), 0..0);
    assert_eq!(config.hash(), Config::default().hash(), "their content has a hash of its own");
    assert!(parse("networks.vpn = [1]").0.is_none());
}

const POLICY: &str = "[[policy]]\nid = \"payments\"\nversion = \"7\"\nauthority = [\"autonomous\"]\n\
    blueprint = [\"payer\"]\ncriticality = [\"high\"]\nclassification = [\"restricted\"]\n\
    when = \"trust.score < 60.0 && 'data' in incident.keys\"\nthen = \"reduce_scopes\"\nmode = \"alert\"\n\
    max_token_lifetime = \"5m\"\nscopes_remove = [\"pay\"]\nfail = \"closed\"\n\
    [[policy]]\nid = \"rest\"\nthen = \"allow\"\n";

#[test]
fn policies_stand_before_the_ladder_as_written() {
    let config = valid(POLICY);
    let policies = config.settings().respond.policies;
    let ladder = alerting::policy::ladder();
    assert_eq!(policies.len(), 2 + ladder.len());
    assert_eq!(&policies[2..], &ladder[..]);
    let (first, spec) = (&policies[0], policies[0].spec());
    assert_eq!((first.version(), spec.id.as_str()), ("7", "payments"));
    assert_eq!(spec.max_token_lifetime_seconds, Some(300));
    assert_eq!(spec.mode, Some(Mode::Alert));
    assert_eq!(spec.scopes_remove, ["pay"]);
    assert_ne!(policies[1].version(), first.version());
    assert_eq!(valid(&config.to_toml()), config, "{}", config.to_toml());
    assert_ne!(config.hash(), Config::default().hash());
    let inline = "policy = [{ id = \"rest\", then = \"allow\" }]";
    assert_eq!(valid(inline).settings().respond.policies[0].spec().id, "rest");
}

#[test]
fn each_mistake_in_a_policy_has_its_place() {
    let text = POLICY.to_owned();
    for (from, to, message, marked, help) in [
        (
            "trust.score <",
            "trust.scor <",
            "`policy.when`: `trust.scor` is not known",
            "trust.scor",
            "trust.score",
        ),
        (
            "60.0",
            "'x'",
            "`policy.when`: `<` cannot compare a number with a text",
            "trust.score < 'x'",
            "",
        ),
        ("incident.keys\"", "incident.keys && (\"", "`policy.when`: expected a name", "", ""),
        (
            "\"reduce_scopes\"",
            "\"reduce_scope\"",
            "`policy.then` must be one of",
            "\"reduce_scope\"",
            "reduce_scopes",
        ),
        (
            "\"autonomous\"",
            "\"autonomus\"",
            "`policy.authority` may hold",
            "[\"autonomus\"]",
            "autonomous",
        ),
        ("then = \"allow\"", "them = \"allow\"", "unknown setting `policy.them`", "them", "then"),
        (
            "scopes_remove = [\"pay\"]",
            "",
            "`reduce_scopes` needs `scopes_remove`",
            "\"reduce_scopes\"",
            "",
        ),
        ("\"5m\"", "\"2d\"", "`policy.max_token_lifetime` must be a duration", "\"2d\"", ""),
        ("\"rest\"", "\"default\"", "`default` is the built-in ladder", "\"default\"", "choose"),
        ("\"rest\"", "\"a b\"", "`policy.id` must be 1 to 256 letters", "\"a b\"", ""),
        ("\"closed\"", "\"shut\"", "`policy.fail` must be one of `open`, `closed`", "\"shut\"", ""),
    ] {
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        let (config, problems) = parse(&text);
        assert!(config.is_none(), "{text}");
        let problem = problems.iter().find(|problem| problem.message.starts_with(message));
        let problem = problem.unwrap_or_else(|| panic!("{message} in {problems:?}"));
        assert_eq!(&text[problem.span.clone()], marked, "{message}");
        assert!(problem.help.as_deref().unwrap_or_default().contains(help), "{problem:?}");
    }
    let shown = |text: &str| render(&parse(text).1[0], text, "habitus.toml");
    let typo = text.replacen("trust.score <", "trust.scor <", 1);
    assert!(shown(&typo).contains("habitus.toml:8:9"), "{}", shown(&typo));
    assert!(messages("policy = 3")[0].0.contains("list of tables"));
    assert!(messages("[[policy]]\nthen = \"allow\"")[0].0.contains("needs `id`"));
    let twice = format!("{POLICY}[[policy]]\nid = \"rest\"\nthen = \"deny\"\n");
    assert!(messages(&twice)[0].0.contains("a second time"));
}

#[test]
fn the_decision_point_listens_where_it_is_told_and_knows_its_tokens() {
    assert_eq!(Config::default().access(), None);
    let token = "access.token_file = \"tokens\"\n";
    let access = valid(&format!("{token}access.listen = \"127.0.0.1:9465\"")).access().unwrap();
    assert_eq!((access.listen.port(), access.token_file.as_str()), (9465, "tokens"));
    assert_eq!(access.trust_age_max.as_secs(), 30);
    assert!(messages("access.listen = \"[::1]:9465\"")[0].0.contains("needs `access.token_file`"));
    assert_eq!(messages("access.listen = \"here\"").len(), 1);
}

#[test]
fn mistakes_of_receivers_have_their_places() {
    let sets = "[sets]\nissuer = \"https://h.example\"\nkeys = [\"k.pem\"]\n";
    let receiver = "[[receiver]]\nid = \"idp\"\naudience = \"a\"\n";
    for (text, expected, line) in [
        (format!("{receiver}{sets}url = 3"), "unknown setting `sets.url`", 7),
        (
            format!("{sets}{receiver}url = \"ftp://a\""),
            "`receiver.url` must be an address that begins with `https://`, or `http://` on loopback",
            7,
        ),
        (
            format!("{sets}{receiver}url = \"http://idp.example/\""),
            "`receiver.url` must be an address that begins with `https://`, or `http://` on loopback",
            7,
        ),
        (
            format!("{sets}{receiver}url = \"http://localhost:1@idp.example/\""),
            "`receiver.url` must be an address that begins with `https://`, or `http://` on loopback",
            7,
        ),
        (
            format!("{sets}{receiver}events = [\"session-revoke\"]"),
            "`receiver.events` must be a list of one of `risk-level-change`, `session-revoked`, `credential-change`",
            7,
        ),
        (
            format!("{sets}{receiver}algorithm = \"none\""),
            "`receiver.algorithm` must be one of `RS256`, `ES256`",
            7,
        ),
        (format!("{sets}{receiver}tenant = \"acme\""), "unknown setting `receiver.tenant`", 7),
        (format!("{sets}{receiver}{receiver}"), "receiver `idp` stands here a second time", 7),
        (format!("{sets}[[receiver]]\nid = \"idp\""), "each `receiver` needs `audience`", 4),
        (format!("{sets}receiver = 3"), "unknown setting `sets.receiver`", 4),
    ] {
        assert_eq!(messages(&text), [(expected.to_owned(), line)], "{text}");
    }
    let lacks: Vec<String> = messages(receiver).into_iter().map(|(text, _)| text).collect();
    assert_eq!(lacks, ["a `receiver` needs `sets.issuer`", "a `receiver` needs `sets.keys`"]);
    let whole = valid(&format!(
        "{sets}{receiver}url = \"http://[::1]/e?x\"\ntenants = [\"t\"]\nalgorithm = \"ES256\"\nprincipal = \"APPLICATION\"\nsubject_issuer = \"i\"\nauthorization_file = \"/run/s\"\nevents = [\"credential-change\"]\n"
    ));
    assert_eq!(valid(&whole.to_toml()), whole, "what is shown loads and is the same");
    assert_ne!(valid(&format!("{sets}{receiver}")).hash(), Config::default().hash());
}

#[test]
fn authors_are_read_with_every_mistake_and_shown_as_they_are() {
    let author = "[[author]]\nname = \"carol@acme.example\"\nsecret_file = \"carol.key\"\n";
    let words = "`acknowledge`, `verdict`, `approve`, `restore`, `silence`, `register`";
    for (text, expected, line) in [
        (format!("{author}right = [\"approve\"]"), "unknown setting `author.right`".to_owned(), 4),
        (
            format!("{author}rights = [\"all\"]"),
            format!("`author.rights` must be a list of one of {words}"),
            4,
        ),
        (
            format!("{author}tenants = []"),
            "`author.tenants` must be a list of tenants".to_owned(),
            4,
        ),
        (
            format!("{author}{author}"),
            "author `carol@acme.example` stands here a second time".to_owned(),
            4,
        ),
        ("[[author]]\nname = \"x\"".to_owned(), "each `author` needs `secret_file`".to_owned(), 1),
    ] {
        assert_eq!(messages(&text), [(expected, line)], "{text}");
    }
    let whole =
        valid(&format!("{author}rights = [\"approve\", \"restore\"]\ntenants = [\"acme\"]\n"));
    let [carol] = whole.authors() else { panic!("one author") };
    let rights = [alerting::intake::Right::Approve, alerting::intake::Right::Restore];
    assert_eq!((&carol.rights[..], &carol.tenants[..]), (&rights[..], &["acme".to_owned()][..]));
    assert_eq!(valid(&whole.to_toml()), whole, "what is shown loads and is the same");
    assert_ne!(valid(author).hash(), Config::default().hash(), "who may say what is judged by");
}
