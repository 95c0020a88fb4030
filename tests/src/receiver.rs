//! A receiver of security event tokens over HTTP as RFC 8935 has it: it verifies each token with the published keys,
//! with a library that signed none of them, and keeps what it was sent. A plan says when it fails instead.
#![expect(clippy::disallowed_methods, reason = "a test of a socket waits in real time")]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

/// What a receiver answers to a push, beyond what it finds in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// What it finds: 202, or 400 with a reason.
    Judge,
    /// This status, with these headers.
    Status(u16, &'static str),
    /// This reason for refusing it.
    Refuse(&'static str),
    /// It takes the token and hangs up before it says so.
    HangUp,
}

/// One push as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The token, byte for byte.
    pub token: String,
    /// Its claims; null where it does not hold.
    pub claims: Value,
    /// What was answered; 0 where it hung up.
    pub status: u16,
}

/// What it expects of tokens and of who brings them.
#[derive(Clone, Debug)]
pub struct Expects {
    /// The published keys.
    pub jwks: Value,
    /// The issuer.
    pub issuer: String,
    /// Its name.
    pub audience: String,
    /// The header `Authorization`.
    pub authorization: Option<String>,
}

type Plans = Box<dyn FnMut(&Pushed) -> Plan + Send>;

/// A receiver on loopback; a drop shuts it down, its port is refused from then on.
pub struct Receiver {
    address: SocketAddr,
    pushed: Arc<Mutex<Vec<Pushed>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Starts one at this port; 0 is any. `plans` is asked at each push.
    pub fn start(port: u16, expects: Expects, mut plans: Plans) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        let address = listener.local_addr().expect("an address");
        listener.set_nonblocking(true).expect("a listener that does not block");
        let (pushed, stop) = (Arc::<Mutex<Vec<Pushed>>>::default(), Arc::<AtomicBool>::default());
        let (kept, stopped) = (Arc::clone(&pushed), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        // Whoever hangs up half-way is gone.
                        let _gone = serve(stream, &expects, &mut plans, &kept);
                    }
                    Err(_) => std::thread::sleep(Duration::from_millis(2)),
                }
            }
        });
        Self { address, pushed, stop, thread: Some(thread) }
    }

    /// One that judges and never fails.
    pub fn honest(port: u16, expects: Expects) -> Self {
        Self::start(port, expects, Box::new(|_| Plan::Judge))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// What it was sent so far.
    pub fn pushed(&self) -> Vec<Pushed> {
        self.pushed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// The tokens by their id; panics where one id came with other bytes.
pub fn by_id<'p>(pushed: impl IntoIterator<Item = &'p Pushed>) -> BTreeMap<String, String> {
    let mut tokens = BTreeMap::new();
    for push in pushed {
        let id = push.claims["jti"].as_str().expect("an id").to_owned();
        let before = tokens.insert(id.clone(), push.token.clone());
        assert!(before.is_none_or(|before| before == push.token), "{id} came with other bytes");
    }
    tokens
}

fn serve(
    stream: TcpStream,
    expects: &Expects,
    plans: &mut Plans,
    kept: &Mutex<Vec<Pushed>>,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream);
    let (mut head, mut headers) = (String::new(), BTreeMap::new());
    reader.read_line(&mut head)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let token = String::from_utf8_lossy(&body).into_owned();
    let found = judge(&head, &headers, &token, expects);
    let claims = found.clone().unwrap_or_default();
    let mut push = Pushed { token, claims, status: 0 };
    let (status, more, body) = match (plans(&push), found) {
        (Plan::Judge, Ok(_)) => (202, "", String::new()),
        (Plan::Judge, Err(err)) => (400, "", refusal(err)),
        (Plan::Refuse(err), _) => (400, "", refusal(err)),
        (Plan::Status(status, more), _) => (status, more, String::new()),
        (Plan::HangUp, _) => (0, "", String::new()),
    };
    push.status = status;
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(push);
    if status == 0 {
        return Ok(());
    }
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\n{more}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    reader.into_inner().write_all(answer.as_bytes())
}

fn refusal(err: &str) -> String {
    json!({"err": err, "description": "as the test wants it"}).to_string()
}

/// The claims of a token that holds, else the reason of RFC 8935 2.4.
fn judge(
    head: &str,
    headers: &BTreeMap<String, String>,
    token: &str,
    expects: &Expects,
) -> Result<Value, &'static str> {
    let header = |name: &str| headers.get(name).map(String::as_str);
    if header("authorization") != expects.authorization.as_deref() {
        return Err("authentication_failed");
    }
    let right = head.starts_with("POST ")
        && header("content-type") == Some("application/secevent+jwt")
        && header("accept") == Some("application/json");
    let jose = decode_header(token).map_err(|_| "invalid_request")?;
    if !right || jose.typ.as_deref() != Some("secevent+jwt") {
        return Err("invalid_request");
    }
    let jwks: JwkSet = serde_json::from_value(expects.jwks.clone()).expect("a key set");
    let key = jose.kid.as_deref().and_then(|kid| jwks.find(kid)).ok_or("invalid_key")?;
    let key = DecodingKey::from_jwk(key).map_err(|_| "invalid_key")?;
    let mut validation = Validation::new(jose.alg);
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    let claims: Value = decode(token, &key, &validation).map_err(|_| "invalid_key")?.claims;
    let one_event = claims["events"].as_object().is_some_and(|events| events.len() == 1);
    let whole = ["jti", "txn"].iter().all(|name| claims[name].is_string())
        && claims["iat"].is_i64()
        && claims["sub_id"]["format"].is_string()
        && claims.get("sub").is_none()
        && claims.get("exp").is_none();
    if claims["iss"] != expects.issuer.as_str() {
        return Err("invalid_issuer");
    }
    if claims["aud"] != expects.audience.as_str() {
        return Err("invalid_audience");
    }
    if one_event && whole { Ok(claims) } else { Err("invalid_request") }
}
