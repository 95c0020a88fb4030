//! Asks a running process over HTTP whether it is ready.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes read of an answer, which takes a line.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Whether the process at an address is ready, and what it says of it.
pub fn ask_ready(address: SocketAddr, token: Option<&str>) -> io::Result<(bool, String)> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let token = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\r\n"));
    stream.write_all(format!("GET /readyz HTTP/1.0\r\n{token}\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    let said = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim_end());
    Ok((answer.split(' ').nth(1) == Some("200"), said.to_owned()))
}
