//! The decision point of a process: its tokens are read, its address is had.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, ensure};
use config::Config;
use telemetry::{AccessPoint, AccessSettings, Server, serve_access};

/// Serves the decision point where the config asks for it.
pub(super) fn serve(config: &Config) -> anyhow::Result<Option<(Arc<AccessPoint>, Server)>> {
    let Some(access) = config.access() else { return Ok(None) };
    let file = &access.token_file;
    let text = fs::read_to_string(file).with_context(|| format!("failed to read {file}"))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let tokens: Vec<String> =
        lines.filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
    ensure!(!tokens.is_empty(), "failed to find a token in {file}");
    let point = Arc::new(AccessPoint::new(AccessSettings {
        respond: config.settings().respond,
        tokens,
        url: access.url,
        age_ms_max: i64::try_from(access.trust_age_max.as_millis()).unwrap_or(i64::MAX),
        clock: stream::clock,
    }));
    let server = serve_access(access.listen, Arc::clone(&point))?;
    tracing::info!("the decision point answers on http://{}", server.address());
    Ok(Some((point, server)))
}
