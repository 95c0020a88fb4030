//! Habitus on an Apache Kafka that asks for TLS, a certificate of the client's own, a password and ACLs: with exactly the
//! grants that `docs/kafka.md` lists all of it works, and each thing that is wrong is one clear error.
#![cfg(feature = "tls")]
#![expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use servers::Secured;
use tests::authority::{Authority, Grant, Resource, grant, revoke};
use tests::broker::Broker;
use tests::deployment::{Deployment, finished};
use tests::receiver::{Expects, Receiver};
use tests::{binary, lines_of, workspace_root};

const USER: &str = "habitus";
const PASSWORD: &str = "a \"word\" of our own";
const ISSUER: &str = "https://habitus.acme.example";
const AUDIENCE: &str = "https://idp.acme.example/ssf";
/// How lines of the log begin that tell of something wrong, where it is no terminal's.
const ERROR: &str = "\"level\":\"ERROR\"";
const WARN: &str = "\"level\":\"WARN\"";
const PATIENCE: Duration = Duration::from_secs(120);

struct Scene {
    broker: Broker,
    deployment: Deployment,
    folder: PathBuf,
    receiver: Receiver,
    grants: Vec<Grant>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.folder);
    }
}

/// The grants that the page lists, for the names of a deployment.
fn listed(deployment: &Deployment) -> Vec<Grant> {
    let page = fs::read_to_string(workspace_root().join("docs/kafka.md")).expect("the page");
    let (_, section) = page.split_once("## Who may do what").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut grants = Vec::new();
    for line in section.lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, kind, name, operations, ..] = cells[..] else { continue };
        let resource = match kind {
            "topic" => Resource::Topic,
            "group" => Resource::Group,
            "transactional id" => Resource::TransactionalId,
            _ => continue,
        };
        let name = name.trim_matches('`');
        let (name, prefixed) = name.strip_suffix('*').map_or((name, false), |name| (name, true));
        let name = match (resource, name.strip_prefix("habitus.")) {
            (Resource::Topic, Some(rest)) => deployment.topic(rest),
            (Resource::Group | Resource::TransactionalId, None) if name == "habitus" => {
                deployment.topic("group")
            }
            _ => panic!("{line}"),
        };
        for operation in operations.split(',').map(str::trim) {
            let known = ["Read", "Write", "DescribeConfigs"];
            let operation = known.into_iter().find(|known| *known == operation).expect(operation);
            grants.push(Grant { resource, name: name.clone(), prefixed, operation });
        }
    }
    assert!(grants.len() > 30, "the page lists grants: {grants:?}");
    grants
}

impl Scene {
    fn new() -> Option<Self> {
        let folder = std::env::temp_dir().join(tests::kafka::unique("habitus-tls"));
        let (ours, strange) = (Authority::new(&folder), Authority::new(&folder.join("strange")));
        let (certificate, key) = ours.sign("broker");
        let both = [key, certificate].map(|file| fs::read_to_string(file).expect("PEM")).concat();
        fs::write(folder.join("identity.pem"), both).expect("a file");
        ours.sign("client");
        fs::copy(strange.certificate(), folder.join("strange.pem")).expect("a file");
        for (file, text) in
            [("password", PASSWORD), ("wrong", "a word of another"), ("tokens", "token")]
        {
            fs::write(folder.join(file), format!("{text}\n")).expect("a file");
        }
        let secured = Secured {
            identity: folder.join("identity.pem"),
            authority: ours.certificate(),
            users: vec![(USER.to_owned(), PASSWORD.to_owned())],
        };
        let broker = Broker::own_secured("tls", secured)?;
        let keys = workspace_root().join("sinks/tests/keys/rsa.pem");
        let signing = sinks::Signing::load(std::slice::from_ref(&keys)).expect("keys");
        let receiver = Receiver::honest(
            0,
            Expects {
                jwks: signing.jwks(),
                issuer: ISSUER.to_owned(),
                audience: AUDIENCE.to_owned(),
                authorization: None,
            },
        );
        let port = receiver.port();
        let more = format!(
            "[input]\nkey = \"any\"\nstart = \"earliest\"\naccept_create_time = true\n\
             [access]\nlisten = \"127.0.0.1:0\"\ntoken_file = {:?}\n\
             [sets]\nissuer = \"{ISSUER}\"\nkeys = [{keys:?}]\n\
             [[receiver]]\nid = \"idp\"\naudience = \"{AUDIENCE}\"\nurl = \"http://127.0.0.1:{port}/e\"\n",
            folder.join("tokens")
        );
        let deployment = Deployment::new("tls", &broker.plain_address(), 4, &more);
        let text = fs::read_to_string(deployment.config_path()).expect("a config file");
        let text = text.replacen("version = 1", "version = 1\nmode = \"enforce\"", 1);
        fs::write(deployment.config_path(), text).expect("a config file");
        let grants = listed(&deployment);
        Some(Self { broker, deployment, folder, receiver, grants })
    }

    /// A config that speaks to the broker as its clients must, with these files.
    fn config(&self, ca: &str, password: &str) -> PathBuf {
        let text = fs::read_to_string(self.deployment.config_path()).expect("a config file");
        let plain = format!("brokers = \"{}\"", self.broker.plain_address());
        assert!(text.contains(&plain), "{text}");
        let secure = format!(
            "brokers = \"{}\"\nsecurity = \"sasl_ssl\"\nca_file = \"{ca}\"\n\
             certificate_file = \"client.pem\"\nkey_file = \"client.key\"\nuser = \"{USER}\"\npassword_file = \"{password}\"",
            self.broker.address()
        );
        let path = self.folder.join(format!("{ca}-{password}.toml"));
        fs::write(&path, text.replacen(&plain, &secure, 1)).expect("a config file");
        path
    }

    fn habitus(&self, arguments: &[&str], config: &PathBuf) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).arg("-c").arg(config).stdin(Stdio::null());
        command.env_remove("HABITUS_CONFIG").env_remove("RUST_LOG").env("NO_COLOR", "1");
        command
    }

    /// Runs until all is read; the log.
    fn run(&self, config: &PathBuf) -> (Option<i32>, String) {
        let Output { status, stderr, .. } = finished(self.habitus(&["run", "--once"], config));
        (status.code(), String::from_utf8(stderr).expect("a log"))
    }

    /// Nothing works, and one line says why.
    fn fails(&self, config: &PathBuf, why: &str) {
        let (code, log) = self.run(config);
        assert_eq!(code, Some(69), "{why}: {log}");
        let told = |level: &str| log.lines().filter(|line| line.contains(level)).count();
        assert_eq!((told(ERROR), told(WARN)), (1, 0), "{why}: {log}");
        let error = log.lines().find(|line| line.contains(ERROR)).expect("an error");
        assert!(error.contains(why), "{why}: {error}");
        let secret = ["of our own", "of another"].iter().any(|word| log.contains(word));
        assert!(!secret, "no secret is told: {log}");
        println!("{}", error.split_once("failed").map_or(error, |(_, rest)| rest.trim()));
    }

    fn without(&self, config: &PathBuf, lost: &dyn Fn(&Grant) -> bool, why: &str) {
        let lost: Vec<Grant> = self.grants.iter().filter(|known| lost(known)).cloned().collect();
        assert!(!lost.is_empty(), "{why}");
        revoke(&self.broker.plain_address(), USER, &lost);
        // Brokers answer from what they know of ACLs, which they learn a moment later.
        std::thread::sleep(Duration::from_secs(1));
        self.fails(config, why);
        grant(&self.broker.plain_address(), USER, &lost);
        std::thread::sleep(Duration::from_secs(1));
    }
}

#[test]
fn the_listed_grants_are_enough_and_whatever_is_wrong_is_one_clear_error() {
    let Some(scene) = Scene::new() else { return };
    let deployment = &scene.deployment;
    deployment.make_input_with_create_time();
    let connected = deployment.connected();
    let events = scenario::generate(7);
    let source = deployment.source();
    lines_of(&events).iter().for_each(|event| source.send_event(event, true));
    source.flush();
    let config = scene.config("ca.pem", "password");
    scene.fails(&config, "authorization failed");
    grant(&scene.broker.plain_address(), USER, &scene.grants);

    scene.fails(&scene.config("strange.pem", "password"), "certificate verify failed");
    scene.fails(&scene.config("ca.pem", "wrong"), "uthentication failed");
    let findings = deployment.topic("findings.v1");
    let writes = |known: &Grant| known.name == findings && known.operation == "Write";
    scene.without(&config, &writes, &format!("do not let us write to {findings}"));
    let of_groups = |known: &Grant| known.resource == Resource::Group;
    scene.without(&config, &of_groups, "we need Read on groups");
    let of_transactions = |known: &Grant| known.resource == Resource::TransactionalId;
    scene.without(&config, &of_transactions, "we need Write on transactional ids");

    let (code, log) = scene.run(&config);
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains(WARN) && !log.contains(ERROR), "{log}");
    let audit = deployment.audit();
    assert!(audit.is_clean(), "{audit:#?}");
    for topic in ["alerts.v1", "trust.v1", "revocations.v1", "decisions.v1", "revocations.set.v1"] {
        assert!(!deployment.read(&connected, topic).is_empty(), "{topic} is empty");
    }
    let mut child = scene.habitus(&["-q", "run"], &config).spawn().expect("the binary starts");
    let since = Instant::now();
    while scene.receiver.pushed().is_empty() {
        assert!(since.elapsed() < PATIENCE, "no token is delivered");
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().expect("kill -9");
    child.wait().expect("the process ends");

    // The doctor tells the same before anything runs.
    let lost: Vec<Grant> = scene.grants.iter().filter(|known| writes(known)).cloned().collect();
    let doctor = || finished(scene.habitus(&["doctor"], &config));
    let text = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!text(&doctor()).contains("ACLs do not let us"), "{}", text(&doctor()));
    revoke(&scene.broker.plain_address(), USER, &lost);
    std::thread::sleep(Duration::from_secs(1));
    let told = text(&doctor());
    let fault = format!("{findings}: the brokers' ACLs do not let us write to it");
    assert!(told.lines().any(|line| line.starts_with("fault") && line.contains(&fault)), "{told}");
}
