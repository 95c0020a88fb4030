//! Who may ask this process what, and its decision point: certificate and tokens are read, its address is had.

use std::sync::Arc;

use config::Config;
use telemetry::{AccessPoint, AccessSettings, Guard, Role, Server, Tls, Tokens, serve_access};

/// Reads certificate and tokens of all that is served.
pub(super) fn guard(config: &Config) -> anyhow::Result<Guard> {
    let (http, access) = (config.http(), config.access());
    let readers = http.token_file.as_deref().map(|file| (Role::Reader, file));
    let callers = access.as_ref().map(|access| (Role::Caller, access.token_file.as_str()));
    let files: Vec<_> = readers.into_iter().chain(callers).collect();
    let tls = http.identity.map(|files| Tls::load(&files.certificate, &files.key)).transpose()?;
    Ok(Guard { tokens: Tokens::load(&files)?, tls })
}

/// Serves the decision point where the config asks for it.
pub(super) fn serve(
    config: &Config,
    guard: &Guard,
) -> anyhow::Result<Option<(Arc<AccessPoint>, Server)>> {
    let Some(access) = config.access() else { return Ok(None) };
    let point = Arc::new(AccessPoint::new(AccessSettings {
        respond: config.settings().respond,
        guard: guard.clone(),
        url: access.url,
        age_ms_max: i64::try_from(access.trust_age_max.as_millis()).unwrap_or(i64::MAX),
        clock: stream::clock,
    }));
    let server = serve_access(access.listen, Arc::clone(&point))?;
    tracing::info!("the decision point answers on {}", server.url());
    Ok(Some((point, server)))
}
