//! What any format decodes to can be written as a native record and read again as the same activity: intake hands it on
//! in that form.
#![expect(clippy::panic, reason = "tests: a failure here is a failure of the test")]
#![expect(clippy::unwrap_used, reason = "a test fails by its panic")]

use std::path::{Path, PathBuf};

use ingest::{Carrier, Decoded, Format, Identity, Limits, Notes, Way, decode_as, decode_with};
use schemas::Activity;
use schemas::time::EventTime;

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn again(activity: &Activity<'_>, name: &str) {
    let written = serde_json::to_vec(activity).unwrap();
    let mut out = Vec::new();
    let limits = Limits::default();
    decode_as(Format::Native, &written, &limits, &mut Notes::default(), &mut out);
    let [Decoded::Activity(read)] = out.as_slice() else {
        panic!("{name}: {out:?} of {}", String::from_utf8_lossy(&written));
    };
    assert_eq!(**read, *activity, "{name}");
}

#[test]
fn every_sample_of_every_format_is_the_same_once_written_as_native() {
    let mut found = Vec::new();
    files(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    let identity = Identity::default();
    let time = EventTime::parse("2026-11-25T00:00:00Z").ok();
    let (mut seen, carrier) = (0, Carrier { headers: &[], time });
    for path in found {
        let name = path.display().to_string();
        let bytes = std::fs::read(&path).unwrap();
        for record in bytes.split(|byte| *byte == b'\n').chain([bytes.as_slice()]) {
            let mut out = Vec::new();
            let beside = (&Limits::default(), &carrier);
            decode_with(&Way::of(None, &identity), record, beside, &mut Notes::default(), &mut out);
            for decoded in &out {
                if let Decoded::Activity(activity) = decoded {
                    seen += 1;
                    again(activity, &name);
                }
            }
        }
    }
    println!("{seen} activities");
    assert!(seen > 300, "{seen} activities");
}
