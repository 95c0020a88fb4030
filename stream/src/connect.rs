//! The way to the log: waits for the broker, makes or checks the topics, and says what is wrong in words.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use bus::kafka::Kafka;
use bus::{Bus, BusError, TopicInfo};
use config::Config;

use super::link::link;
use super::setup::{Lists, Setup};
use super::topics::{Topic, Topics};
use telemetry::Metrics;

const RETRY: Duration = Duration::from_secs(1);

/// A log whose topics are as they must be.
pub struct Connected {
    /// The log.
    pub kafka: Kafka,
    /// What folds are made with.
    pub setup: Arc<Setup>,
}

/// Topics that cannot be used: a mistake of the config or the cluster.
#[derive(Debug)]
pub struct Unusable(Vec<String>);

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "use the topics: {}", self.0.join("; "))
    }
}

impl std::error::Error for Unusable {}

/// Connects, waiting for the broker as long as it takes; `None` where `stop` came first. With `create`, missing topics
/// are made where the config allows it.
pub fn connect(
    config: &Config,
    create: bool,
    stop: &AtomicBool,
    metrics: Option<Arc<Metrics>>,
    lists: Lists,
) -> anyhow::Result<Option<Connected>> {
    let (cluster, kafka) = (config.kafka(), link(config)?);
    let mut topics = Topics::new(config);
    if let Some(name) = topics.twice() {
        bail!(Unusable(vec![format!("{name} would be two things at once: name another source")]));
    }
    let mut waits = false;
    let infos = loop {
        match describe(&kafka, &topics) {
            Ok(infos) => break infos,
            Err(BusError::Unavailable(reason)) => {
                if !waits {
                    tracing::warn!("waiting for Kafka at {}: {reason}", cluster.brokers);
                    waits = true;
                }
                if stop.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                std::thread::sleep(RETRY);
            }
            Err(error) => return Err(error.into()),
        }
    };
    if waits {
        tracing::info!("Kafka at {} answers", cluster.brokers);
    }
    for (topic, info) in &infos {
        topics.found(*topic, info);
    }
    let infos = prepare(&kafka, &topics, infos, create && cluster.create_topics)?;
    for (topic, info) in &infos {
        topics.found(*topic, info);
    }
    let input_id = infos.iter().find(|(topic, _)| *topic == Topic::Activity);
    let input_id = input_id.map_or("", |(_, info)| info.id.as_str()).to_owned();
    let setup = Arc::new(Setup::new(config, (&topics, &input_id), metrics, lists)?);
    Ok(Some(Connected { kafka, setup }))
}

fn describe(kafka: &Kafka, topics: &Topics) -> Result<Vec<(Topic, TopicInfo)>, BusError> {
    let names: Vec<&str> = topics.all().map(|(_, spec)| spec.name.as_str()).collect();
    let infos = kafka.admin()?.describe(&names)?;
    let known = topics.all().zip(infos).filter_map(|((topic, _), info)| Some((topic, info?)));
    Ok(known.collect())
}

/// Fails where the brokers say that we may not do what we must; all of it is told at once.
pub(super) fn check_rights<B: Bus>(bus: &B, topics: &Topics) -> Result<(), BusError> {
    let mut admin = bus.admin()?;
    let mut missing = Vec::new();
    for (topic, spec) in topics.all() {
        let details = admin.details(&spec.name)?;
        let verbs = topics.missing_rights(topic, &details);
        missing.extend(verbs.map(|verb| format!("{verb} {}", spec.name)));
    }
    match missing.is_empty() {
        true => Ok(()),
        false => {
            let missing = missing.join(", ");
            Err(BusError::Refused(format!("the brokers' ACLs do not let us {missing}")))
        }
    }
}

/// What became of a topic, where it is gone or has other partitions than at the start.
pub(super) fn changed<B: Bus>(bus: &B, setup: &Setup) -> Result<Option<String>, BusError> {
    let known: Vec<(&str, u32)> =
        setup.layout.partitions.iter().map(|(name, count)| (&**name, *count)).collect();
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let infos = bus.admin()?.describe(&names)?;
    let change = known.iter().zip(infos).find_map(|((name, count), info)| match info {
        None => Some(format!("{name} was deleted while it was in use")),
        Some(info) if info.partitions != *count => Some(format!(
            "{name} has {} partitions and had {count} at the start: their number is part of the state",
            info.partitions
        )),
        Some(_) => None,
    });
    Ok(change)
}

/// Makes what is missing, then checks everything at once.
fn prepare(
    kafka: &Kafka,
    topics: &Topics,
    mut infos: Vec<(Topic, TopicInfo)>,
    create: bool,
) -> anyhow::Result<Vec<(Topic, TopicInfo)>> {
    let missing = |infos: &[(Topic, TopicInfo)]| -> Vec<Topic> {
        let missing =
            topics.all().filter(|(topic, _)| infos.iter().all(|(known, _)| known != topic));
        missing.map(|(topic, _)| topic).collect()
    };
    for topic in missing(&infos) {
        let Some(spec) = topics.get(topic) else { continue };
        if !create {
            bail!(Unusable(vec![format!("{} does not exist", spec.name)]));
        }
        kafka.admin()?.create(spec)?;
        tracing::info!(partitions = spec.partitions, "topic {} is made", spec.name);
    }
    // A topic that was just made is known everywhere a moment later.
    for _ in 0..30 {
        if missing(&infos).is_empty() {
            break;
        }
        std::thread::sleep(RETRY / 5);
        infos = describe(kafka, topics)?;
    }
    let checks = infos.iter().filter_map(|(topic, info)| topics.check(*topic, info).err());
    let problems: Vec<String> = checks.collect();
    if !problems.is_empty() {
        bail!(Unusable(problems));
    }
    Ok(infos)
}
