//! An OpenTelemetry collector: built once through the Go module proxy, OTLP over HTTP in, two Kafka topics out. And the
//! SDK for Python, installed once, for an agent that tells of itself.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::kafka::on_path;
use crate::process;

const MANIFEST: &str = include_str!("../otel/builder.yaml");
const SETTINGS: &str = include_str!("../otel/collector.yaml");
const BUILDER: &str = "go.opentelemetry.io/collector/cmd/builder@v0.155.0";
/// What an agent in Python needs, and of which version.
const SDK: [&str; 2] =
    ["opentelemetry-sdk==1.45.2", "opentelemetry-exporter-otlp-proto-http==1.45.2"];

/// Says what must be installed before a collector can be built here; `None` where nothing is missing.
pub fn missing_go() -> Option<String> {
    let message = "the OpenTelemetry collector needs Go 1.25 or newer, which is missing here";
    (!on_path("go")).then(|| message.to_owned())
}

/// A collector in its folder. It is ended by no drop: `down` does it.
#[derive(Clone, Debug)]
pub struct Collector {
    servers: PathBuf,
    folder: PathBuf,
}

impl Collector {
    /// A collector in a folder, which need not exist; `servers` is the one that all servers share.
    pub fn new(servers: &Path, folder: &Path) -> Result<Self> {
        let absolute = |path| std::path::absolute(path).context("failed to name a folder");
        Ok(Self { servers: absolute(servers)?, folder: absolute(folder)? })
    }

    /// Starts it before the Kafka at this address, writing protobuf to one topic and JSON to the other; waits until it
    /// listens, and returns the port of OTLP over HTTP.
    pub fn up(&self, kafka: &str, [proto, json]: [&str; 2], port: Option<u16>) -> Result<u16> {
        self.down()?;
        let program = self.built()?;
        fs::create_dir_all(&self.folder)?;
        let port = match port {
            Some(port) => port,
            None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port(),
        };
        let settings = SETTINGS
            .replace("{PORT}", &port.to_string())
            .replace("{KAFKA}", kafka)
            .replace("{PROTO}", proto)
            .replace("{JSON}", json);
        let path = self.folder.join("collector.yaml");
        fs::write(&path, settings)?;
        let log = File::create(self.folder.join("log"))?;
        let mut collector = Command::new(program);
        collector.arg("--config").arg(path).stdin(Stdio::null());
        let mut child = collector
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("failed to start the collector")?;
        fs::write(self.folder.join("pid"), child.id().to_string())?;
        let alive = || child.try_wait().is_ok_and(|status| status.is_none());
        let listens = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        process::wait(&self.folder, alive, listens).context("failed to start the collector")?;
        Ok(port)
    }

    /// Lets it send what it has, and waits for its end.
    pub fn stop(&self) -> Result<()> {
        process::end(&self.folder, "TERM", || true)
    }

    /// Ends it and removes what it left. What was built is kept.
    pub fn down(&self) -> Result<()> {
        process::end(&self.folder, "KILL", || true)?;
        for name in ["collector.yaml", "log", "pid"] {
            let path = self.folder.join(name);
            if path.exists() {
                fs::remove_file(&path)?;
            }
        }
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }

    /// Builds the program unless it was, and returns its path.
    fn built(&self) -> Result<PathBuf> {
        let folder = self.servers.join("otelcol-built");
        once(&folder, MANIFEST, || {
            let mut go = Command::new("go");
            run(go.args(["install", BUILDER]).env("GOBIN", &folder).env("GOFLAGS", "-trimpath"))?;
            let manifest = folder.join("builder.yaml");
            let output = folder.join("out");
            fs::write(&manifest, MANIFEST.replace("{OUTPUT}", &output.to_string_lossy()))?;
            let mut builder = Command::new(folder.join("builder"));
            run(builder.arg("--config").arg(&manifest).env("GOFLAGS", "-trimpath"))
        })?;
        Ok(folder.join("out").join("otelcol"))
    }
}

/// A Python that has the SDK, installed once; `None` where there is no Python.
pub fn python_sdk(servers: &Path) -> Result<Option<PathBuf>> {
    if !on_path("python3") {
        return Ok(None);
    }
    let folder = std::path::absolute(servers)?.join("otel-python");
    let python = folder.join("venv").join("bin").join("python");
    once(&folder, &SDK.join("\n"), || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")))?;
        let mut pip = Command::new(&python);
        run(pip.args(["-m", "pip", "install", "-q", "--disable-pip-version-check"]).args(SDK))
    })?;
    Ok(Some(python))
}

/// Does what makes a folder's content, once for each key; others wait meanwhile.
fn once(folder: &Path, key: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    fs::create_dir_all(folder)?;
    let lock = File::create(folder.join("lock"))?;
    lock.lock().with_context(|| format!("failed to lock {}", folder.display()))?;
    let done = folder.join("done");
    if fs::read_to_string(&done).is_ok_and(|made| made == key) {
        return Ok(());
    }
    make()?;
    Ok(fs::write(&done, key)?)
}

/// Runs a command to its end, silent unless it fails.
fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("failed to start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    Ok(())
}
