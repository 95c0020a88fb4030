//! What a partition learned goes up once: the parts of an epoch's findings are numbered, of bounded size, and their
//! increments are those of the epoch, wherever it was cut.

use std::collections::BTreeMap;

use detector::{INCREMENTS_MAX, Observe, Stamp, finding_rule};
use schemas::EventTime;
use schemas::finding::{Body, Epoch, Finding, Increment, Versions};
use schemas::id::Source;
use tests::{activity, adversarial, dense, lines_of, settings};

const FINDING_BYTES_MAX: usize = 256 << 10;

/// Drives a stream through one epoch that is closed after every so many activities; gives the findings of each end.
fn findings(bytes: &[u8], every: usize) -> Vec<Vec<Finding>> {
    let mut fold = Observe::new(std::sync::Arc::new(settings().observe));
    let mut ends = Vec::new();
    let lines = lines_of(bytes);
    for (place, line) in lines.iter().enumerate() {
        let activity = activity(line);
        let log_ms = activity.time.millis();
        let offset = place as u64;
        let stamp = Stamp { topic: "t", partition: 3, offset, ordinal: 0, log_ms };
        fold.advance(&stamp);
        fold.apply(&activity, &stamp, false);
        if (place + 1) % every == 0 || place + 1 == lines.len() {
            ends.push(fold.close_epoch(&stamp).findings);
        }
    }
    ends
}

fn sums(ends: &[Vec<Finding>]) -> BTreeMap<(String, u8, u64, u64), i64> {
    let mut sums = BTreeMap::new();
    for finding in ends.iter().flatten() {
        let Body::Epoch(epoch) = &finding.body else { continue };
        for add in &epoch.increments {
            let key = (finding.tenant_id.clone(), add.table, add.scope, add.cell);
            *sums.entry(key).or_insert(0) += add.add;
        }
    }
    sums.retain(|_, sum| *sum != 0);
    sums
}

#[test]
fn parts_are_numbered_and_add_up_wherever_the_epoch_was_cut() {
    let bytes = dense(&adversarial(17, 3_000), 50);
    let whole = findings(&bytes, usize::MAX);
    assert_eq!(sums(&whole), sums(&findings(&bytes, 7)));
    assert_eq!(sums(&whole), sums(&findings(&bytes, 250)));

    let mut tenants: BTreeMap<&str, Vec<&Epoch>> = BTreeMap::new();
    for finding in &whole[0] {
        let bytes = serde_json::to_vec(finding).unwrap().len();
        assert!(bytes <= FINDING_BYTES_MAX, "{bytes} bytes");
        assert_eq!(finding.source.partition, 3);
        if let Body::Epoch(epoch) = &finding.body {
            tenants.entry(&finding.tenant_id).or_default().push(epoch);
        }
    }
    assert_eq!(tenants.keys().copied().collect::<Vec<_>>(), ["acme", "globex"]);
    for parts in tenants.values() {
        assert!(parts.len() > 1, "one part is no test of parts");
        let numbers: Vec<u32> = parts.iter().map(|epoch| epoch.part).collect();
        assert_eq!(numbers, (0..parts.len() as u32).collect::<Vec<_>>());
        assert!(parts.iter().all(|epoch| epoch.parts as usize == parts.len()));
        let all: Vec<&Increment> = parts.iter().flat_map(|epoch| &epoch.increments).collect();
        assert!(all.is_sorted_by(|a, b| (a.table, a.scope, a.cell) < (b.table, b.scope, b.cell)));
        assert!(all.iter().all(|increment| increment.add != 0));
    }
    let mut ids: Vec<String> =
        whole[0].iter().map(|finding| finding.source.derive(&finding_rule(finding))).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), whole[0].len(), "ids are unique");
}

#[test]
fn the_largest_part_keeps_its_size() {
    let widest = Increment { table: 3, scope: u64::MAX, group: 0, cell: u64::MAX, add: i64::MIN };
    let text = |length: usize| "x".repeat(length);
    let time = EventTime::from_millis(1_795_467_091_412).unwrap();
    let versions =
        Versions { program: text(32), config: text(64), lists: text(64), control_offset: u64::MAX };
    let finding = Finding {
        schema: "agent.finding/1".to_owned(),
        tenant_id: text(64),
        log_time: time,
        source: Source {
            topic_id: text(249),
            partition: u32::MAX,
            offset: u64::MAX,
            ordinal: u32::MAX,
        },
        versions,
        signed: false,
        body: Body::Epoch(Epoch {
            epoch: i64::MIN,
            part: u32::MAX,
            parts: u32::MAX,
            increments: vec![widest; INCREMENTS_MAX],
            met: Vec::new(),
            met_cut: u64::MAX,
        }),
    };
    let bytes = serde_json::to_vec(&finding).unwrap().len();
    assert!(bytes <= FINDING_BYTES_MAX, "{bytes} bytes");
}
