//! What is served over HTTP with a certificate: met with TLS only, by a client of another make, each role by its token; who
//! connects and says nothing holds up nobody.
#![cfg(feature = "tls")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use alerting::Settings;
use telemetry::{
    AccessPoint, AccessSettings, Facts, Guard, Metrics, Readiness, Role, Tls, Tokens, serve,
    serve_access,
};
use tests::authority::Authority;

/// Asks as OpenSSL does, believing this authority; `None` where there is no answer.
fn asked(ca: &Path, address: SocketAddr, request: &str, token: &str) -> Option<u16> {
    let mut client = Command::new("openssl");
    client.args(["s_client", "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1"]);
    client.arg("-CAfile").arg(ca).args(["-connect", &address.to_string()]);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut client = client.spawn().expect("openssl starts");
    let bearer = match token {
        "" => String::new(),
        token => format!("Authorization: Bearer {token}\r\n"),
    };
    let text =
        format!("{request} HTTP/1.1\r\nHost: localhost\r\n{bearer}Connection: close\r\n\r\n");
    // Where the handshake fails nobody reads it.
    let _unread = client.stdin.as_mut().expect("a pipe").write_all(text.as_bytes());
    let output = client.wait_with_output().expect("it ends");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    answer.split(' ').nth(1).and_then(|code| code.parse().ok())
}

#[test]
fn each_role_has_its_token_and_nobody_is_answered_in_the_clear() {
    let folder = std::env::temp_dir().join(tests::kafka::unique("habitus-https"));
    let (ours, strange) = (Authority::new(&folder), Authority::new(&folder.join("strange")));
    let (certificate, key) = ours.sign("server");
    let file = |path: &Path| path.display().to_string();
    let tls = Tls::load(&file(&certificate), &file(&key)).expect("a certificate");
    assert!(Tls::load(&file(&key), &file(&key)).is_err(), "a key is no certificate");
    let tokens = Tokens::default().with(Role::Reader, "read").with(Role::Caller, "call");
    let guard = Guard { tokens, tls: Some(tls) };
    let listen = "127.0.0.1:0".parse().expect("an address");
    let metrics = Arc::new(Metrics::new(Facts {
        config_hash: String::new(),
        state_bytes_max: 0,
        signals: Vec::new(),
    }));
    let http = serve(listen, guard.clone(), metrics, Arc::new(Readiness::new(1))).expect("serves");
    let point = Arc::new(AccessPoint::new(AccessSettings {
        respond: Settings::default(),
        guard,
        url: String::new(),
        age_ms_max: 1,
        clock: || 0,
    }));
    let access = serve_access(listen, point).expect("serves");
    assert!(http.url().starts_with("https://127.0.0.1:"));
    let _silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(http.address()).expect("a connection")).collect();
    let (metrics, access) = (http.address(), access.address());
    let decision = "POST /access/v1/evaluation";
    for (address, request, token, expected) in [
        (metrics, "GET /healthz", "", 200),
        (metrics, "GET /metrics", "", 401),
        (metrics, "GET /metrics", "nobody's", 401),
        (metrics, "GET /metrics", "call", 403),
        (metrics, "GET /metrics", "read", 200),
        (metrics, "GET /readyz", "call", 403),
        (metrics, "GET /readyz", "read", 503),
        (access, decision, "", 401),
        (access, decision, "read", 403),
        (access, decision, "call", 400),
    ] {
        let found = asked(&ours.certificate(), address, request, token);
        assert_eq!(found, Some(expected), "{request} with {token:?}");
    }
    assert_eq!(asked(&strange.certificate(), metrics, "GET /healthz", ""), None, "not believed");
    let mut clear = TcpStream::connect(metrics).expect("a connection");
    clear.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut answer = Vec::new();
    let _cut = clear.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "in the clear");
    std::fs::remove_dir_all(folder).expect("the folder goes");
}
