//! The topics as they are, against what is wanted of them: what cannot work is a fault, what differs a warning.

use bus::{Bus, BusError, TopicDetails, TopicInfo, TopicSpec};
use stream::{Topic, Topics};

use super::report::{Finding, Level};

/// Topics with their partitions.
type Inputs = Vec<(String, u32)>;

/// Checks every topic; tells also of those that are as they should be. Gives those of the topics that others
/// write activities to which exist, with their partitions.
pub(super) fn check<B: Bus>(
    bus: &B,
    topics: &mut Topics,
) -> Result<(Vec<Finding>, Inputs), BusError> {
    let names: Vec<String> = topics.all().map(|(_, spec)| spec.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut admin = bus.admin()?;
    let infos = admin.describe(&names)?;
    let all: Vec<Topic> = topics.all().map(|(topic, _)| topic).collect();
    let known: Vec<(Topic, Option<TopicInfo>)> = all.into_iter().zip(infos).collect();
    for (topic, info) in &known {
        if let Some(info) = info {
            topics.found(*topic, info);
        }
    }
    let mut found = Vec::new();
    for (topic, info) in &known {
        let Some(spec) = topics.get(*topic) else { continue };
        let Some(info) = info else {
            let text = "does not exist yet: `run` makes it where `kafka.create_topics` allows";
            found.push(Finding::new(Level::Warning, &spec.name, text.to_owned()));
            continue;
        };
        let details = admin.details(&info.name)?;
        let before = found.len();
        if let Err(why) = topics.check(*topic, info) {
            found.push(Finding::new(Level::Fault, &spec.name, why));
        }
        differences(spec, &details, &mut found);
        for verb in topics.missing_rights(*topic, &details) {
            let text = format!("the brokers' ACLs do not let us {verb} it");
            found.push(Finding::new(Level::Fault, &spec.name, text));
        }
        if found.len() == before {
            let text = format!("{} partitions, as wanted", info.partitions);
            found.push(Finding::new(Level::Good, &spec.name, text));
        }
    }
    let mut sources: Vec<Topic> = topics.sources().map(|(source, _)| source).collect();
    if sources.is_empty() {
        sources.push(Topic::Activity);
    }
    let inputs = known.into_iter().filter(|(topic, _)| sources.contains(topic));
    let inputs = inputs.filter_map(|(_, info)| info.map(|info| (info.name, info.partitions)));
    Ok((found, inputs.collect()))
}

/// Settings that are not as they would be made here.
fn differences(spec: &TopicSpec, details: &TopicDetails, found: &mut Vec<Finding>) {
    for (name, wanted) in &spec.settings {
        // Told as a fault where it is one.
        if name == "message.timestamp.type" {
            continue;
        }
        if let Some(set) = details.settings.get(name).filter(|set| *set != wanted) {
            let text = format!("`{name}` is {set}; made here it would be {wanted}");
            found.push(Finding::new(Level::Warning, &spec.name, text));
        }
    }
    let in_sync = details.settings.get("min.insync.replicas").and_then(|set| set.parse().ok());
    if let (Some(replicas), Some(in_sync)) = (details.replicas, in_sync) {
        let text = match replicas.cmp(&in_sync) {
            std::cmp::Ordering::Less => {
                let text = format!(
                    "has {replicas} replicas and `min.insync.replicas` {in_sync}: no write can succeed"
                );
                return found.push(Finding::new(Level::Fault, &spec.name, text));
            }
            std::cmp::Ordering::Equal if 1 < replicas => {
                format!("needs all of its {replicas} replicas: one broker away stops writes")
            }
            _ if replicas == 1 => "has one replica: a broker lost is data lost".to_owned(),
            _ => return,
        };
        found.push(Finding::new(Level::Warning, &spec.name, text));
    }
}
