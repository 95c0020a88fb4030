//! Genuine Kafka brokers for tests: one that all share, and others for tests that stop and kill theirs.
//! `cargo xtask test` lends the shared one and takes it down; a `cargo test` by hand starts it once and leaves
//! it for the next run: `cargo xtask servers down` ends it.

use std::env;
use std::io::Write;
use std::path::PathBuf;

use servers::{Kafka, Secured};

use crate::proxy::Proxy;
use crate::workspace_root;

/// A broker on loopback.
#[derive(Debug)]
pub struct Broker {
    address: String,
    own: Option<Kafka>,
}

impl Broker {
    /// The broker of all tests: they keep apart by the names of topics, groups and transactions. `None`, with a
    /// line that says so, where none can run; under `CI` that is a failure.
    pub fn shared() -> Option<Self> {
        if let Ok(address) = env::var(servers::KAFKA) {
            return Some(Self { address, own: None });
        }
        can_run()?;
        let kafka = Kafka::default(&servers::folder(&workspace_root())).expect("a folder");
        let (port, _) = kafka.up_on_free_port().expect("Kafka starts");
        Some(Self { address: format!("127.0.0.1:{port}"), own: None })
    }

    /// A broker of the caller's own, killed and cleaned up with the value. `None` as for `shared`.
    pub fn own(name: &str) -> Option<Self> {
        can_run()?;
        Some(Self::start_in(own_folder(name)))
    }

    /// As `own`, but clients reach it through a proxy: it tells them the proxy's port.
    pub fn own_behind(name: &str, proxy: &Proxy) -> Option<Self> {
        can_run()?;
        let mut broker = Self::start_in(own_folder(name).behind(proxy.port()));
        proxy.lead_to(&broker.address);
        broker.address = format!("127.0.0.1:{}", proxy.port());
        Some(broker)
    }

    /// As `own`, with TLS, passwords and ACLs before it.
    pub fn own_secured(name: &str, secured: Secured) -> Option<Self> {
        can_run()?;
        Some(Self::start_in(own_folder(name).secured(secured)))
    }

    /// The address at which a secured one speaks in the clear, to whoever sets it up.
    pub fn plain_address(&self) -> String {
        let (host, port) = self.address.rsplit_once(':').expect("a port");
        format!("{host}:{}", self.kafka().plain(port.parse().expect("a port")))
    }

    fn start_in(kafka: Kafka) -> Self {
        let (port, _) = kafka.up_on_free_port().expect("Kafka starts");
        Self { address: format!("127.0.0.1:{port}"), own: Some(kafka) }
    }

    /// Its address, `host:port`; the same after each start.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where its topics are files: a folder for each partition.
    pub fn data(&self) -> PathBuf {
        self.kafka().data()
    }

    /// Its process id: to stop it and let it go on.
    pub fn pid(&self) -> u32 {
        let pid = std::fs::read_to_string(self.data().with_file_name("pid")).expect("a pid");
        pid.trim().parse().expect("a number")
    }

    /// Starts it again and waits until it answers.
    pub fn start(&self) {
        self.kafka().up(None).expect("Kafka starts");
    }

    /// Lets it end in peace, and waits.
    pub fn stop(&self) {
        self.kafka().stop().expect("Kafka stops");
    }

    /// Kills it, and waits.
    pub fn kill9(&self) {
        self.kafka().kill().expect("Kafka is killed");
    }

    /// Lets no file of it grow any more, as on a full disk, and waits until it gives up: a broker ends where none of its
    /// folders can be written. The limit is that of the process (`RLIMIT_FSIZE`), so that the next start has room again.
    #[expect(clippy::disallowed_methods, reason = "a test of a broker waits in real time")]
    pub fn fill_disk(&self) {
        let log = self.data().with_file_name("log");
        let told = |text: &str| {
            let log = std::fs::read(&log).expect("a log");
            String::from_utf8_lossy(&log).matches(text).count()
        };
        let before = told("File too large");
        // Room for what the broker says of it.
        let room = std::fs::metadata(&log).expect("a log").len() + (128 << 10);
        let pid = self.pid().to_string();
        let limit = format!("--fsize={room}");
        let status = std::process::Command::new("prlimit").args(["--pid", &pid, &limit]).status();
        assert!(status.expect("prlimit, of util-linux").success());
        let since = std::time::Instant::now();
        while process_lives(&pid) {
            assert!(since.elapsed().as_secs() < 90, "the broker goes on without room");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(told("File too large") > before, "it ended of something else");
        self.kill9();
    }

    fn kafka(&self) -> &Kafka {
        self.own.as_ref().expect("only a broker of one's own is stopped and started")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(kafka) = &self.own
            && let Err(error) = kafka.down()
        {
            eprintln!("failed to take Kafka down: {error:#}");
        }
    }
}

/// Whether a process is more than a name that waits to be asked for its end: its threads hold its ports.
fn process_lives(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_named = stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X']));
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
    threads > usize::from(is_named)
}

fn own_folder(name: &str) -> Kafka {
    let servers = servers::folder(&workspace_root());
    let folder = servers.join(format!("{name}-{}", std::process::id()));
    Kafka::new(&servers, &folder).expect("a folder")
}

fn can_run() -> Option<()> {
    let Some(missing) = servers::missing() else { return Some(()) };
    assert!(env::var_os("CI").is_none(), "{missing}");
    // Not captured, so that it is seen beside the test's `ok`.
    let _ = writeln!(std::io::stderr(), "skipped: {missing}");
    None
}
