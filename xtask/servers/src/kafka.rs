//! Apache Kafka: one node in KRaft mode, from the jars of Maven Central, which are fetched once.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::process;

const POM: &str = include_str!("../kafka/pom.xml");
const SETTINGS: &str = include_str!("../kafka/server.properties");
/// Any 16 bytes: a folder of data knows its cluster by it.
const CLUSTER: &str = "aGFiaXR1cy10ZXN0LWthZg";
const DEFAULT_PORT: u16 = 19_092;
/// Below the ports that systems give to outgoing connections, so that a stopped broker finds its own again.
const FREE_PORTS: std::ops::Range<u16> = 20_000..32_000;
/// A broker of one core and little memory that starts in half the time of a tuned one.
const JVM: [&str; 4] =
    ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true"];

/// Says what must be installed before a broker can run here; `None` where nothing is missing.
pub fn missing() -> Option<String> {
    let missing: Vec<&str> = [("java", "openjdk-17-jre-headless"), ("mvn", "maven")]
        .into_iter()
        .filter_map(|(program, package)| (!on_path(program)).then_some(package))
        .collect();
    (!missing.is_empty()).then(|| {
        format!(
            "Kafka needs Java 17 or newer and Maven; missing here: {0} (Debian: apt-get install {0})",
            missing.join(" ")
        )
    })
}

/// Whether a program can be started by its name.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Names the broker that tests use, as `host:port`.
pub const KAFKA: &str = "HABITUS_TEST_KAFKA";

/// A broker for one suite of tests; the drop takes it down if `lend` started it.
#[derive(Debug)]
pub struct Lent {
    kafka: Kafka,
    port: u16,
    started: bool,
}

/// Finds or starts the default broker. `None` where `HABITUS_TEST_KAFKA` names one, or where none can run.
pub fn lend(servers: &Path) -> Result<Option<Lent>> {
    if std::env::var_os(KAFKA).is_some() || missing().is_some() {
        return Ok(None);
    }
    let kafka = Kafka::default(servers)?;
    let (port, started) = kafka.up_on_free_port()?;
    Ok(Some(Lent { kafka, port, started }))
}

impl Lent {
    /// Returns its address, `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.started
            && let Err(error) = self.kafka.down()
        {
            eprintln!("failed to take Kafka down: {error:#}");
        }
    }
}

/// A broker in its folder. It is ended by no drop: `down` does it.
#[derive(Clone, Debug)]
pub struct Kafka {
    servers: PathBuf,
    folder: PathBuf,
    advertised: Option<u16>,
    secured: Option<Secured>,
}

/// A broker that clients reach with TLS, a certificate of their own and a password only, and that grants nothing that
/// no ACL grants. Beside it, two ports on, it speaks in the clear to itself and to whoever sets it up.
#[derive(Clone, Debug)]
pub struct Secured {
    /// Its key and certificate, one file in PEM.
    pub identity: PathBuf,
    /// Who vouches for its clients' certificates, PEM.
    pub authority: PathBuf,
    /// Users with their passwords.
    pub users: Vec<(String, String)>,
}

impl Kafka {
    /// A broker in a folder, which need not exist; `servers` is the one that all servers share.
    pub fn new(servers: &Path, folder: &Path) -> Result<Self> {
        let absolute = |path| std::path::absolute(path).context("failed to name a folder");
        Ok(Self {
            servers: absolute(servers)?,
            folder: absolute(folder)?,
            advertised: None,
            secured: None,
        })
    }

    /// The same, but telling clients another port: that of a proxy before it.
    pub fn behind(mut self, port: u16) -> Self {
        self.advertised = Some(port);
        self
    }

    /// The same, with TLS, passwords and ACLs before it.
    pub fn secured(mut self, secured: Secured) -> Self {
        self.secured = Some(secured);
        self
    }

    /// The port at which it speaks in the clear, of one that clients know by this one.
    pub fn plain(&self, port: u16) -> u16 {
        port + if self.secured.is_some() { 2 } else { 0 }
    }

    /// The broker that is meant where none is named.
    pub fn default(servers: &Path) -> Result<Self> {
        Self::new(servers, &servers.join("kafka"))
    }

    /// The folder of its data: one below it for each partition.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it unless it answers already, waits until it answers, and returns its port and whether it was
    /// started here. Without a port it takes its former one, else the default. Data that it has is kept.
    pub fn up(&self, port: Option<u16>) -> Result<(u16, bool)> {
        self.start(|former| Ok(port.or(former).unwrap_or(DEFAULT_PORT)))
    }

    /// As `up`, on its former port or one that nobody uses.
    pub fn up_on_free_port(&self) -> Result<(u16, bool)> {
        self.start(|former| former.map_or_else(|| self.free_port(), Ok))
    }

    fn start(&self, choose: impl FnOnce(Option<u16>) -> Result<u16>) -> Result<(u16, bool)> {
        if let Some(missing) = missing() {
            bail!("{missing}");
        }
        let _lock = self.lock()?;
        if process::living(&self.folder).is_some() {
            let port = self.port().context("failed to find the port of a running broker")?;
            let alive = || process::living(&self.folder).is_some();
            process::wait(&self.folder, alive, || answers(self.plain(port)))?;
            return Ok((port, false));
        }
        let former = self.port();
        let port = choose(former)?;
        if former.is_none() && answers(self.plain(port)) {
            return Ok((port, false));
        }
        ensure!(
            self.is_free(port),
            "port {port} or one of the next two is taken by another program: --port N"
        );
        let jars = self.fetch()?;
        self.configure(port)?;
        if !self.data().join("meta.properties").exists() {
            let mut format = self.java(&jars, "kafka.tools.StorageTool")?;
            format.args(["format", "-t", CLUSTER, "-c"]).arg(self.settings());
            for (user, password) in self.secured.iter().flat_map(|secured| &secured.users) {
                let user = format!("SCRAM-SHA-512=[name={user},password={password}]");
                format.args(["--add-scram", &user]);
            }
            let status = format.status().context("failed to start java")?;
            ensure!(status.success(), "failed to format:\n{}", process::log_end(&self.folder));
        }
        let child = self.java(&jars, "kafka.Kafka")?.arg(self.settings()).spawn();
        let mut child = child.context("failed to start java")?;
        fs::write(self.folder.join("pid"), child.id().to_string())?;
        let alive = || child.try_wait().is_ok_and(|status| status.is_none());
        process::wait(&self.folder, alive, || answers(self.plain(port)))
            .context("failed to start Kafka")?;
        Ok((port, true))
    }

    /// Lets it end as an operator would, and waits. Its data stays.
    pub fn stop(&self) -> Result<()> {
        self.end("TERM")
    }

    /// Kills it at once, and waits. Its data stays, as a power cut leaves it.
    pub fn kill(&self) -> Result<()> {
        self.end("KILL")
    }

    /// Ends it and removes its data.
    pub fn down(&self) -> Result<()> {
        self.kill()?;
        for name in ["data", "log", "pid", "server.properties"] {
            let path = self.folder.join(name);
            let gone =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            if let Err(error) = gone
                && path.exists()
            {
                return Err(error).with_context(|| format!("failed to remove {}", path.display()));
            }
        }
        // A folder that holds something else stays.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    fn end(&self, signal: &str) -> Result<()> {
        // A dying process loses its name before its sockets.
        let closed = || self.port().is_none_or(|port| connect(port).is_err());
        process::end(&self.folder, signal, closed)
    }

    /// Makes the folders; who else wants to start a server here waits until the file is dropped.
    fn lock(&self) -> Result<File> {
        let path = self.servers.join("lock");
        fs::create_dir_all(&self.servers)
            .and_then(|()| fs::create_dir_all(&self.folder))
            .and_then(|()| File::create(&path))
            .and_then(|file| file.lock().map(|()| file))
            .with_context(|| format!("failed to lock {}", path.display()))
    }

    /// Fetches the jars unless they were, and returns their folder.
    fn fetch(&self) -> Result<PathBuf> {
        let jars = self.servers.join("jars");
        fs::create_dir_all(&jars)?;
        let (pom, done) = (jars.join("pom.xml"), jars.join("fetched"));
        if fs::read_to_string(&done).is_ok_and(|fetched| fetched == POM) {
            return Ok(jars);
        }
        for entry in fs::read_dir(&jars)?.flatten().filter(|e| e.path().extension().is_some()) {
            fs::remove_file(entry.path())?;
        }
        fs::write(&pom, POM)?;
        let mut maven = Command::new("mvn");
        maven.args(["-B", "-q", "-f"]).arg(&pom).arg("dependency:copy-dependencies");
        maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", jars.display()));
        let status = maven.stdin(Stdio::null()).status().context("failed to start mvn")?;
        ensure!(status.success(), "failed to fetch Kafka: mvn ended with {status}");
        fs::write(&done, POM)?;
        Ok(jars)
    }

    fn settings(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn configure(&self, port: u16) -> Result<()> {
        let (controller, data) = (port + 1, self.data());
        let advertised = self.advertised.unwrap_or(port);
        let text = format!(
            "{SETTINGS}\n\
             listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=CLIENTS://127.0.0.1:{advertised}\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             log.dirs={}\n",
            data.display()
        );
        let text = match &self.secured {
            None => text,
            Some(secured) => text + &secured.settings((port, advertised), self.plain(port)),
        };
        fs::write(self.settings(), text).context("failed to write the settings of Kafka")
    }

    /// The port that this folder's settings name.
    fn port(&self) -> Option<u16> {
        let settings = fs::read_to_string(self.settings()).ok()?;
        let (_, rest) = settings.split_once("listeners=CLIENTS://127.0.0.1:")?;
        rest.split(',').next()?.parse().ok()
    }

    /// A port that is free and that no other broker here will want back: one that was killed starts again.
    fn free_port(&self) -> Result<u16> {
        let folders = fs::read_dir(&self.servers)?.flatten().map(|entry| entry.path());
        let brokers = folders.map(|folder| Self { folder, ..self.clone() });
        let taken: Vec<u16> = brokers.filter_map(|broker| broker.port()).collect();
        // Processes that look at the same time begin at different ports.
        let step = usize::try_from(std::process::id())? * 2 % FREE_PORTS.len();
        let (before, after) = (FREE_PORTS.take(step), FREE_PORTS.skip(step));
        let wanted = |port: u16| taken.iter().any(|taken| taken.abs_diff(port) < 3);
        let free = after.chain(before).find(|port| !wanted(*port) && self.is_free(*port));
        free.context("failed to find a free port")
    }

    /// Whether all ports that it needs are free: its own, the controller's, and the plain one of a secured one.
    fn is_free(&self, port: u16) -> bool {
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        port < u16::MAX - 1 && (port..=self.plain(port).max(port + 1)).all(free)
    }

    /// Prepares a program of Kafka; what it prints goes to the log of this folder.
    fn java(&self, jars: &Path, class: &str) -> Result<Command> {
        let log = File::options().create(true).append(true).open(self.folder.join("log"))?;
        let mut java = Command::new("java");
        java.args(JVM).arg("-cp").arg(jars.join("*")).arg(class).current_dir(&self.folder);
        java.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(java)
    }
}

// === impl Secured ===

impl Secured {
    /// Settings that win over those before them.
    fn settings(&self, (port, advertised): (u16, u16), plain: u16) -> String {
        format!(
            "listeners=CLIENTS://127.0.0.1:{port},CONTROLLER://127.0.0.1:{},PLAIN://127.0.0.1:{plain}\n\
             advertised.listeners=CLIENTS://127.0.0.1:{advertised},PLAIN://127.0.0.1:{plain}\n\
             inter.broker.listener.name=PLAIN\n\
             listener.security.protocol.map=CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT\n\
             listener.name.clients.sasl.enabled.mechanisms=SCRAM-SHA-512\n\
             listener.name.clients.scram-sha-512.sasl.jaas.config=\
             org.apache.kafka.common.security.scram.ScramLoginModule required;\n\
             listener.name.clients.ssl.keystore.type=PEM\n\
             listener.name.clients.ssl.keystore.location={}\n\
             listener.name.clients.ssl.truststore.type=PEM\n\
             listener.name.clients.ssl.truststore.location={}\n\
             listener.name.clients.ssl.client.auth=required\n\
             authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
             super.users=User:ANONYMOUS\n",
            port + 1,
            self.identity.display(),
            self.authority.display()
        )
    }
}

/// Whether Kafka speaks at a port: it answers the question for its API versions.
fn answers(port: u16) -> bool {
    const ASK: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let ask = || -> std::io::Result<[u8; 10]> {
        let mut stream = connect(port)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(&ASK)?;
        let mut answer = [0; 10];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    };
    // Its length, then our number, then no error.
    ask().is_ok_and(|answer| answer.ends_with(&[0, 0, 0, 7, 0, 0]))
}

fn connect(port: u16) -> std::io::Result<TcpStream> {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(1))
}
