//! `run`: consumes activities from Kafka and publishes findings, alerts, trust and requests, until a signal. Exit codes: 0
//! ended as asked, 69 the log refuses, 70 internal, 78 a config that the log contradicts.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lane::LaneError;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use super::access;
use super::cli::{BAD_CONFIG, INTERNAL, OK, RunArgs, UNAVAILABLE, threads};
use super::lists::Lists;
use config::Config;
use stream::{Orders, connect, run_process, watch_end};
use telemetry::{Facts, Metrics, Readiness, serve};

/// Exit code of a second signal.
const KILLED: i32 = 130;

/// Runs `run`.
pub(super) fn run(config: &Config, lists: &Lists, args: &RunArgs) -> anyhow::Result<u8> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // The second signal finds the flag set and ends the process at once.
        flag::register_conditional_shutdown(signal, KILLED, Arc::clone(&stop))?;
        flag::register(signal, Arc::clone(&stop))?;
    }
    watch_end(&stop, || {
        tracing::error!(
            "failed to end in time: a call on the log does not return; the next start recovers"
        );
        std::process::exit(i32::from(UNAVAILABLE));
    })?;
    let lanes = threads(config.lanes());
    let metrics = Arc::new(Metrics::new(Facts {
        config_hash: config.hash(),
        state_bytes_max: config.settings().memory_bytes_max as u64,
        signals: detector::signal_ids(),
    }));
    let readiness = Arc::new(Readiness::new(lanes));
    let guard = access::guard(config)?;
    let serve = |at| serve(at, guard.clone(), Arc::clone(&metrics), Arc::clone(&readiness));
    let server = config.http().listen.map(serve).transpose()?;
    if let Some(server) = &server {
        tracing::info!("metrics and health on {}", server.url());
    }
    let access = access::serve(config, &guard)?;
    lists.log();
    let given = lists.lists.clone();
    let Some(connected) = connect(config, true, &stop, Some(Arc::clone(&metrics)), given)? else {
        return Ok(OK);
    };
    let (cluster, mode) = (config.kafka(), config.mode());
    tracing::info!(
        lanes,
        group = cluster.group,
        ?mode,
        "reading {}",
        connected.setup.names().sources.join(", ")
    );
    let orders = Orders {
        lanes,
        once: args.once,
        accept_state_loss: args.accept_state_loss,
        access: access.as_ref().map(|(point, _)| Arc::clone(point)),
    };
    let outcome = run_process(config, &connected, &orders, (&metrics, &readiness, &stop));
    readiness.drain();
    match outcome {
        Ok(()) => {
            tracing::info!("everything read is committed");
            Ok(OK)
        }
        Err(error) => {
            tracing::error!("failed to {error}");
            Ok(exit_code(&error))
        }
    }
}

fn exit_code(error: &LaneError) -> u8 {
    match error {
        LaneError::Bus(_) | LaneError::Hung { .. } | LaneError::DrainTimeout => UNAVAILABLE,
        LaneError::NoStart { .. }
        | LaneError::OffsetLost { .. }
        | LaneError::EntriesLost { .. }
        | LaneError::Topics(_) => BAD_CONFIG,
        LaneError::State { .. } | LaneError::Unbalanced { .. } => INTERNAL,
    }
}
