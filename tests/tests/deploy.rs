//! What is shipped to run Habitus beside a broker, as far as it can be checked without a container engine: the
//! compose file by the specification's schema, the image's recipe, Prometheus' rules and Grafana's dashboard by the
//! metrics that exist, and all of them by each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use telemetry::{Shape, Spec, TABLE};
use tests::{binary, workspace_root};

fn text(path: &str) -> String {
    fs::read_to_string(workspace_root().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn services(compose: &Value) -> BTreeMap<&str, &Value> {
    let services = compose["services"].as_object().expect("services");
    services.iter().map(|(name, service)| (name.as_str(), service)).collect()
}

/// Host path, container path and options of a service's mounts.
fn mounts(service: &Value) -> Vec<(&str, &str, Option<&str>)> {
    texts(&service["volumes"])
        .into_iter()
        .map(|mount| {
            let mut parts = mount.splitn(3, ':');
            (parts.next().unwrap(), parts.next().expect("a path inside"), parts.next())
        })
        .collect()
}

/// The file of ours that a service sees at a path.
fn mounted(service: &Value, inside: &str) -> PathBuf {
    let found = mounts(service).into_iter().find_map(|(host, at, _)| {
        let rest = Path::new(inside).strip_prefix(at).ok()?;
        let path = workspace_root().join(host);
        Some(if rest.as_os_str().is_empty() { path } else { path.join(rest) })
    });
    let path = found.unwrap_or_else(|| panic!("{inside} is not mounted"));
    assert!(path.exists(), "{inside} is mounted from {}, which does not exist", path.display());
    path
}

/// Whether an image is named with a version that will not change under us.
fn is_pinned(image: &str) -> bool {
    let tag = image.rsplit_once(':').map_or("", |(_, tag)| tag);
    let numbers = tag.trim_start_matches('v').split('-').next().unwrap_or_default();
    numbers.contains('.') && numbers.split('.').all(|part| part.parse::<u32>().is_ok())
}

// === docker-compose.yml ===

#[test]
fn the_compose_file_keeps_the_specification() {
    let validator = jsonschema::validator_for(&json("deploy/compose-spec.schema.json")).unwrap();
    let compose = yaml("docker-compose.yml");
    let errors: Vec<String> = validator
        .iter_errors(&compose)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // The schema tells right from wrong.
    let mut wrong = compose;
    wrong["services"]["kafka"]["volume"] = Value::from("kafka-data:/x");
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn everything_that_the_compose_file_names_exists() {
    let compose = yaml("docker-compose.yml");
    let services = services(&compose);
    let volumes = compose["volumes"].as_object().expect("named volumes");
    let mut used = BTreeSet::new();
    for (name, service) in &services {
        for (host, _, options) in mounts(service) {
            if host.starts_with('.') {
                assert!(workspace_root().join(host).exists(), "{name}: {host} does not exist");
                assert_eq!(options, Some("ro"), "{name} may not write {host}");
            } else {
                assert!(volumes.contains_key(host), "{name}: volume {host} is not declared");
                used.insert(host.to_owned());
            }
        }
        let waits = &service["depends_on"];
        for other in texts(waits) {
            assert!(services.contains_key(other), "{name} waits for {other}");
        }
        for (other, how) in waits.as_object().into_iter().flatten() {
            let other = services.get(other.as_str()).unwrap_or_else(|| panic!("{name}: {other}"));
            let healthy = how["condition"] == "service_healthy";
            assert!(!healthy || other["healthcheck"].is_object(), "{name} waits in vain");
        }
        if let Some(mode) = service["network_mode"].as_str() {
            let shared = mode.strip_prefix("service:").expect("a service's network");
            assert!(services.contains_key(shared), "{name} shares the network of {shared}");
            assert!(service["ports"].is_null(), "{name} has no network of its own");
        }
        assert!(service["networks"].is_null() && service["env_file"].is_null(), "{name}");
    }
    let declared: BTreeSet<String> = volumes.keys().cloned().collect();
    assert_eq!(used, declared, "a volume that nobody uses");
}

#[test]
fn images_are_pinned_and_ports_are_on_loopback_once() {
    let compose = yaml("docker-compose.yml");
    let mut taken = BTreeSet::new();
    for (name, service) in services(&compose) {
        let image = service["image"].as_str().unwrap_or_else(|| panic!("{name} has no image"));
        assert!(is_pinned(image), "{name}: {image}");
        for port in texts(&service["ports"]) {
            let outer = port.strip_prefix("127.0.0.1:").unwrap_or_else(|| panic!("{name}: {port}"));
            let outer = outer.split_once(':').expect("two ports").0;
            assert!(taken.insert(outer.to_owned()), "{name}: {port} is taken");
        }
        assert_ne!(service["privileged"], true, "{name}");
    }
    for image in ["kafka", "kafka:latest", "kafka:4", "kafka:main-1.2", "a:5000/kafka"] {
        assert!(!is_pinned(image), "{image} changes");
    }
}

fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(binary());
    let output = command.args(arguments).env_remove("HABITUS_CONFIG").output().expect("it starts");
    let both = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&both).into_owned())
}

/// The config that a command line names, and whether the binary takes its verb and flags.
fn check_command(arguments: &[&str]) -> Option<String> {
    let (verb, flags) = arguments.split_first().expect("a verb");
    let mut help = vec![*verb, "--help"];
    help.splice(1..1, flags.iter().copied());
    let (code, said) = run(&help);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    let place = flags.iter().position(|flag| *flag == "--config" || *flag == "-c")?;
    Some((*flags.get(place + 1).expect("a path")).to_owned())
}

#[test]
fn habitus_runs_as_told_with_a_config_that_fits_the_rest() {
    let compose = yaml("docker-compose.yml");
    let services = services(&compose);
    let habitus = services["habitus"];
    let inside = check_command(&texts(&habitus["command"])).expect("names its config");
    let path = mounted(habitus, &inside);
    let (code, said) = run(&["validate", "--deny-warnings", path.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");
    let (config, _) = config::parse(&fs::read_to_string(&path).unwrap());
    let config = config.expect("valid");
    // The image looks for the config where compose mounts it.
    assert!(text("Dockerfile").contains(&format!("ENV HABITUS_CONFIG={inside}\n")));

    // It asks the broker by a name and port that the broker gives out.
    let kafka = &services["kafka"]["environment"];
    let advertised = kafka["KAFKA_ADVERTISED_LISTENERS"].as_str().unwrap();
    let brokers = config.kafka().brokers;
    assert!(advertised.split(',').any(|listener| listener.ends_with(&format!("://{brokers}"))));
    assert!(services.contains_key(brokers.split(':').next().unwrap()));
    // One broker cannot hold two replicas.
    assert!(config.kafka().replicas < 2);
    assert_eq!(kafka["KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR"], "1");

    // Prometheus asks where Habitus listens, on the loopback that both share.
    assert_eq!(habitus["network_mode"], "service:prometheus");
    let prometheus = yaml("deploy/prometheus/prometheus.yml");
    let target = prometheus["scrape_configs"][0]["static_configs"][0]["targets"][0].as_str();
    assert_eq!(config.http().listen.map(|address| address.to_string()).as_deref(), target);
}

#[test]
fn prometheus_and_grafana_find_their_files() {
    let compose = yaml("docker-compose.yml");
    let services = services(&compose);
    let prometheus = services["prometheus"];
    let config = texts(&prometheus["command"]).into_iter();
    let config = config.filter_map(|flag| flag.strip_prefix("--config.file=")).next().unwrap();
    mounted(prometheus, config);
    let rules = yaml("deploy/prometheus/prometheus.yml");
    for file in texts(&rules["rule_files"]) {
        mounted(prometheus, file);
    }
    let grafana = services["grafana"];
    mounted(grafana, "/etc/grafana/provisioning/datasources/prometheus.yml");
    let provider = yaml("deploy/grafana/provisioning/dashboards/habitus.yml");
    let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
    mounted(grafana, &format!("{folder}/habitus.json"));
    mounted(
        grafana,
        grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].as_str().unwrap(),
    );
    let source = yaml("deploy/grafana/provisioning/datasources/prometheus.yml");
    let source = &source["datasources"][0];
    let url = source["url"].as_str().unwrap();
    let (host, port) = url.strip_prefix("http://").and_then(|at| at.split_once(':')).unwrap();
    assert!(
        texts(&services[host]["ports"]).iter().any(|ports| ports.ends_with(&format!(":{port}")))
    );
    let dashboard = json("deploy/grafana/dashboards/habitus.json").to_string();
    let uids = dashboard.matches("\"uid\":\"").count() - 1;
    let right = format!("\"uid\":\"{}\"", source["uid"].as_str().unwrap());
    assert_eq!(dashboard.matches(&right).count(), uids, "all panels ask the one source");
}

// === Dockerfile ===

/// Instructions with their arguments; comments gone, continued lines joined.
fn instructions(dockerfile: &str) -> Vec<(String, String)> {
    let lines = dockerfile.lines().filter(|line| !line.trim_start().starts_with('#'));
    let joined = lines.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (name, rest) =
                line.split_once(' ').unwrap_or_else(|| panic!("no argument: {line}"));
            (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// The arguments of an instruction in its JSON form.
fn exec(arguments: &str) -> Vec<String> {
    serde_json::from_str(arguments).unwrap_or_else(|error| panic!("{arguments}: {error}"))
}

#[test]
fn the_image_is_built_of_what_exists_and_runs_as_nobody() {
    const KNOWN: [&str; 11] = [
        "FROM",
        "RUN",
        "WORKDIR",
        "COPY",
        "USER",
        "ENV",
        "HEALTHCHECK",
        "ENTRYPOINT",
        "CMD",
        "LABEL",
        "EXPOSE",
    ];
    let all = instructions(&text("Dockerfile"));
    assert_eq!(all[0].0, "FROM");
    let mut stages = Vec::new();
    let (mut user, mut entry) = (String::new(), Vec::new());
    for (name, arguments) in &all {
        assert!(KNOWN.contains(&name.as_str()), "{name} is no instruction that we know");
        let words: Vec<&str> = arguments.split(' ').collect();
        match name.as_str() {
            "FROM" => {
                assert!(is_pinned(words[0]), "{arguments}");
                stages.push(if let [_, "AS", stage] = words[..] { stage } else { "" });
                user.clear();
            }
            "COPY" => {
                let from = words[0].strip_prefix("--from=");
                let sources = &words[usize::from(from.is_some())..words.len() - 1];
                assert!(!sources.is_empty(), "{arguments}");
                for source in sources {
                    match from {
                        Some(stage) => assert!(stages.contains(&stage) && source.starts_with('/')),
                        None => assert!(workspace_root().join(source).exists(), "{source}"),
                    }
                }
            }
            "USER" => user.clone_from(arguments),
            "ENTRYPOINT" => entry = exec(arguments),
            "CMD" => {
                let command = exec(arguments);
                check_command(&command.iter().map(String::as_str).collect::<Vec<_>>());
            }
            "HEALTHCHECK" => {
                let command = exec(arguments.split_once("CMD ").expect("a command").1);
                assert_eq!(command[0], "habitus");
                let mut help: Vec<&str> = command[1..].iter().map(String::as_str).collect();
                help.push("--help");
                assert_eq!(run(&help).0, Some(0), "{arguments}");
            }
            _ => {}
        }
    }
    assert_eq!(entry, ["habitus"]);
    assert_eq!(stages.len(), 2, "what builds is left behind");
    let number = user.split(':').next().and_then(|user| user.parse::<u32>().ok());
    assert!(number.is_some_and(|number| number > 0), "`{user}` may be root");
    // It is built by the toolchain that the workspace asks for.
    let manifest = text("Cargo.toml");
    let version = manifest.split("rust-version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(all[0].1.starts_with(&format!("rust:{version}.")), "{}", all[0].1);
}

// === Prometheus and Grafana ===

const FUNCTIONS: [&str; 10] = [
    "sum",
    "max",
    "min",
    "count",
    "rate",
    "increase",
    "absent",
    "histogram_quantile",
    "time",
    "vector",
];
const KEYWORDS: [&str; 8] = ["by", "on", "and", "or", "unless", "ignoring", "bool", "group_left"];

/// The metrics that an expression names; an error where a name is no metric, label or function of ours.
fn metrics_in(expression: &str) -> Result<BTreeSet<&'static str>, String> {
    let mut open = Vec::new();
    let pairs = [(')', '('), (']', '['), ('}', '{')];
    for c in expression.chars() {
        match pairs.iter().find(|pair| pair.0 == c) {
            Some(pair) if open.pop() != Some(pair.1) => return Err(format!("{c} closes nothing")),
            None if "([{".contains(c) => open.push(c),
            _ => {}
        }
    }
    if !open.is_empty() {
        return Err(format!("{open:?} stay open"));
    }
    // Ranges and quoted values hold no names.
    let unquoted: String = expression.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let parts = unquoted.split('[').enumerate();
    let bare = parts.map(|(place, part)| match part.split_once(']') {
        Some((_, rest)) if place > 0 => rest,
        _ => part,
    });
    let bare = bare.collect::<Vec<_>>().join(" ");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let words = bare.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
    let (mut metrics, mut labels) = (BTreeSet::new(), Vec::new());
    for word in words.filter(|word| word.parse::<f64>().is_err()) {
        if let Some(name) = word.strip_prefix("habitus_") {
            let spec = TABLE.iter().find(|spec| exposes(spec, name));
            metrics.insert(spec.ok_or_else(|| format!("{word} does not exist"))?.name);
        } else if !FUNCTIONS.contains(&word) && !KEYWORDS.contains(&word) {
            labels.push(word);
        }
    }
    let known = TABLE.iter().filter(|spec| metrics.contains(spec.name));
    let mut known: BTreeSet<&str> = known.flat_map(|spec| spec.labels).copied().collect();
    known.extend(["le", "instance"]);
    match labels.into_iter().find(|label| !known.contains(label)) {
        Some(label) => Err(format!("{label} is no label of these metrics")),
        None => Ok(metrics),
    }
}

/// Whether a metric has samples of this name.
fn exposes(spec: &Spec, name: &str) -> bool {
    let suffixes: &[&str] = match spec.shape {
        Shape::Histogram(_) => &["_bucket", "_sum", "_count"],
        _ => &[""],
    };
    suffixes.iter().any(|suffix| name.strip_suffix(suffix) == Some(spec.name))
}

#[test]
fn rules_name_only_metrics_that_exist() {
    let rules = yaml("deploy/prometheus/rules.yml");
    let rules: Vec<&Value> = rules["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|group| group["rules"].as_array().expect("rules"))
        .collect();
    assert_eq!(rules.len(), 8);
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule["alert"].as_str().expect("a name");
        assert!(names.insert(name), "{name} twice");
        let named = metrics_in(rule["expr"].as_str().expect("an expression"));
        assert!(!named.unwrap_or_else(|error| panic!("{name}: {error}")).is_empty(), "{name}");
        assert!(rule["for"].as_str().is_some_and(|time| time.ends_with('m')), "{name}");
        assert!(["warning", "critical"].contains(&rule["labels"]["severity"].as_str().unwrap()));
        for part in ["summary", "remedy"] {
            let told = rule["annotations"][part].as_str().unwrap_or_default();
            assert!(told.len() > 20, "{name} has no {part}");
            // A metric in the words must exist too.
            for word in told.split([' ', ';', ',', ':', '.']) {
                let of = |name| TABLE.iter().any(|spec| spec.name == name);
                assert!(word.strip_prefix("habitus_").is_none_or(of), "{name}: {word}");
            }
        }
    }
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let dashboard = json("deploy/grafana/dashboards/habitus.json");
    let panels = dashboard["panels"].as_array().expect("panels");
    let (mut shown, mut ids, mut places) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel}");
        let place = &panel["gridPos"];
        assert!(places.insert((place["x"].as_u64(), place["y"].as_u64())), "two panels in a place");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().expect("an expression");
            let named = metrics_in(expression);
            shown.extend(named.unwrap_or_else(|error| panic!("{expression}: {error}")));
        }
    }
    let all: BTreeSet<&str> = TABLE.iter().map(|spec| spec.name).collect();
    assert_eq!(shown, all);
}

#[test]
fn an_expression_with_a_mistake_is_found() {
    for wrong in [
        "habitus_consumer_lag > 3",
        "sum(rate(habitus_alerts_total[5m])",
        "sum by (agent) (habitus_alerts_total)",
        "habitus_commit_duration_seconds > 1",
        "avg(habitus_state_bytes)",
    ] {
        assert!(metrics_in(wrong).is_err(), "{wrong}");
    }
    let right = "sum by (reason) (rate(habitus_dlq_events_total{reason=~\"a|b\"}[5m])) > 0.01";
    assert_eq!(metrics_in(right), Ok(BTreeSet::from(["dlq_events_total"])));
}
