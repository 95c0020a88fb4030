//! A `habitus run` at work, and what it says over HTTP.
#![expect(clippy::disallowed_methods, reason = "a test of a process waits in real time")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::deployment::Deployment;
use crate::{Family, ask, exposition};

/// How long it may take to serve, and to be ready.
const SERVES: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that answers; a drop kills it.
pub struct Running {
    child: Child,
    http: Option<SocketAddr>,
}

impl Running {
    /// Starts it, and waits until it says where it answers: its config must name a port of `http.listen`, or 0.
    pub fn start(deployment: &Deployment, log: &str) -> Self {
        let mut running = Self { child: deployment.spawn(log), http: None };
        running.http = Some(until(SERVES, || deployment.http(log)));
        running
    }

    /// Waits until it calls itself ready.
    pub fn await_ready(&self) {
        until(PATIENCE, || (self.get("/readyz").0 == 200).then_some(()));
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its metrics.
    pub fn metrics(&self) -> BTreeMap<String, Family> {
        let (status, body) = self.get("/metrics");
        assert_eq!(status, 200, "{body}");
        exposition(&body)
    }

    /// Lets it end in peace; panics where it fails.
    pub fn end(mut self) {
        let sent = Command::new("kill").arg(self.pid().to_string()).status().expect("kill");
        assert!(sent.success());
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "ended with {status}");
    }

    /// Asks a question: status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let address = self.http.expect("an address");
        let (status, _, body) = ask(address, &format!("GET {path}")).expect("an answer");
        (status, body)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `end` there is nothing to kill.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

fn until<T>(patience: Duration, mut attempt: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(since.elapsed() < patience, "it does not get there");
        std::thread::sleep(Duration::from_millis(10));
    }
}
