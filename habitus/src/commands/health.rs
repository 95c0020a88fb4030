//! `health`: asks the running process of this machine whether it is ready, as a container's health check does.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use config::Config;

use super::cli::{Misuse, OK, UNAVAILABLE};
use crate::render;

const TIMEOUT: Duration = Duration::from_secs(2);
/// Bytes read of an answer, which takes a line.
const ANSWER_BYTES_MAX: u64 = 4_096;

/// Runs `health`.
pub(super) fn run(config: &Config) -> anyhow::Result<u8> {
    let address = config.http_listen();
    let address = address.ok_or_else(|| Misuse("ask anybody: `http.listen` is off".to_owned()))?;
    let ask = || -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = match ask() {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!("failed to ask {address}: {error}");
            return Ok(UNAVAILABLE);
        }
    };
    let said = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body.trim_end());
    writeln!(io::stdout(), "{}", render::clean(said))?;
    Ok(if answer.split(' ').nth(1) == Some("200") { OK } else { UNAVAILABLE })
}
