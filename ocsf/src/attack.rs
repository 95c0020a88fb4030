//! Techniques that fit a signal, as data: ATT&CK, ATLAS and the OWASP risks of agentic applications. They
//! say what a signal may mean, never that it was proven. A signal that is not listed has none.

use crate::finding::{Attack, Named};

const ATTACK_VERSION: &str = "19.2";
const ATLAS_VERSION: &str = "5.6.1";

/// An id and its name; the name is empty where it is not verified.
type Entry = (&'static str, &'static str);

/// One technique: tactic, technique, sub-technique; an empty id is absent.
struct Technique {
    version: &'static str,
    tactic: Entry,
    technique: Entry,
    sub_technique: Entry,
}

/// What fits a signal.
struct Row {
    signal: &'static str,
    techniques: &'static [Technique],
    owasp: &'static [&'static str],
}

const NONE: Entry = ("", "");
const EXFILTRATION: Entry = ("TA0010", "Exfiltration");
const INITIAL_ACCESS: Entry = ("TA0001", "Initial Access");
const DISCOVERY: Entry = ("TA0007", "Discovery");
const ATLAS_EXFILTRATION: Entry = ("AML.TA0010", "Exfiltration");
const TOOL_EXFILTRATION: Entry = ("AML.T0086", "Exfiltration via AI Agent Tool Invocation");
const TOOL_INVOCATION: Entry = ("AML.T0053", "AI Agent Tool Invocation");
const VALID_ACCOUNTS: Entry = ("T1078", "Valid Accounts");
const CLOUD_ACCOUNTS: Entry = ("T1078.004", "Cloud Accounts");
const ATLAS_ACCOUNTS: Entry = ("AML.T0012", "Valid Accounts");
const ATLAS_CLOUD_DISCOVERY: Entry = ("AML.T0075", "Cloud Service Discovery");

const fn attack(tactic: Entry, technique: Entry, sub_technique: Entry) -> Technique {
    Technique { version: ATTACK_VERSION, tactic, technique, sub_technique }
}

const fn atlas(tactic: Entry, technique: Entry) -> Technique {
    Technique { version: ATLAS_VERSION, tactic, technique, sub_technique: NONE }
}

const fn row(
    signal: &'static str,
    techniques: &'static [Technique],
    owasp: &'static [&'static str],
) -> Row {
    Row { signal, techniques, owasp }
}

const ROWS: &[Row] = &[
    row(
        "destination",
        &[
            attack(EXFILTRATION, ("T1567", "Exfiltration Over Web Service"), NONE),
            atlas(ATLAS_EXFILTRATION, TOOL_EXFILTRATION),
        ],
        &["ASI01", "ASI02"],
    ),
    row(
        "network",
        &[
            attack(("TA0011", "Command and Control"), ("T1090", "Proxy"), NONE),
            atlas(NONE, ATLAS_ACCOUNTS),
        ],
        &["ASI03", "ASI10"],
    ),
    row(
        "resource",
        &[
            attack(("TA0009", "Collection"), ("T1530", "Data from Cloud Storage"), NONE),
            atlas(("AML.TA0009", "Collection"), ("AML.T0085", "Data from AI Services")),
        ],
        &["ASI02", "ASI03"],
    ),
    row(
        "volume",
        &[
            attack(EXFILTRATION, ("T1020", "Automated Exfiltration"), NONE),
            atlas(ATLAS_EXFILTRATION, TOOL_EXFILTRATION),
        ],
        &["ASI02"],
    ),
    row("sequence", &[atlas(NONE, TOOL_INVOCATION)], &["ASI02", "ASI05"]),
    row("purpose", &[atlas(NONE, TOOL_INVOCATION)], &["ASI01", "ASI10"]),
    row(
        "rate",
        &[
            attack(("TA0040", "Impact"), NONE, ("T1496.004", "Cloud Service Hijacking")),
            atlas(("AML.TA0011", "Impact"), ("AML.T0034.002", "Agentic Resource Consumption")),
        ],
        &["ASI02", "ASI08"],
    ),
    row(
        "fan_out",
        &[
            attack(DISCOVERY, ("T1619", "Cloud Storage Object Discovery"), NONE),
            atlas(NONE, ATLAS_CLOUD_DISCOVERY),
        ],
        &["ASI02"],
    ),
    row(
        "hours",
        &[attack(INITIAL_ACCESS, VALID_ACCOUNTS, CLOUD_ACCOUNTS), atlas(NONE, ATLAS_ACCOUNTS)],
        &["ASI03"],
    ),
    row(
        "dormancy",
        &[attack(INITIAL_ACCESS, VALID_ACCOUNTS, CLOUD_ACCOUNTS), atlas(NONE, ATLAS_ACCOUNTS)],
        &["ASI03"],
    ),
    row(
        "failure",
        &[attack(DISCOVERY, ("T1580", ""), NONE), atlas(NONE, ATLAS_CLOUD_DISCOVERY)],
        &["ASI02", "ASI03"],
    ),
    row(
        "authority",
        &[
            attack(("TA0008", "Lateral Movement"), NONE, ("T1550.001", "Application Access Token")),
            atlas(("AML.TA0015", ""), ("AML.T0091.000", "")),
        ],
        &["ASI03", "ASI07"],
    ),
    row(
        "credential",
        &[attack(INITIAL_ACCESS, VALID_ACCOUNTS, CLOUD_ACCOUNTS), atlas(NONE, ATLAS_ACCOUNTS)],
        &["ASI03"],
    ),
    row(
        "inventory",
        &[attack(NONE, VALID_ACCOUNTS, NONE), atlas(NONE, ("AML.T0103", "Deploy AI Agent"))],
        &["ASI10"],
    ),
    row(
        "epoch",
        &[atlas(NONE, ("AML.T0081", "Modify AI Agent Configuration"))],
        &["ASI04", "ASI06"],
    ),
    row("coordination", &[atlas(NONE, ("AML.T0029", "Denial of AI Service"))], &["ASI08"]),
    row(
        "drift",
        &[
            attack(EXFILTRATION, ("T1020", "Automated Exfiltration"), NONE),
            atlas(NONE, ("AML.T0025", "")),
        ],
        &["ASI06", "ASI10"],
    ),
];

fn rows<'s>(signals: &'s [&str]) -> impl Iterator<Item = &'static Row> + 's {
    signals.iter().filter_map(|signal| ROWS.iter().find(|row| row.signal == *signal))
}

/// Techniques of these signals, in their order, each once.
pub fn attacks(signals: &[&str]) -> Vec<Attack> {
    let mut found: Vec<Attack> = Vec::new();
    for technique in rows(signals).flat_map(|row| row.techniques) {
        let attack = Attack {
            version: Some(technique.version.to_owned()),
            tactic: named(technique.tactic),
            technique: named(technique.technique),
            sub_technique: named(technique.sub_technique),
        };
        if !found.contains(&attack) {
            found.push(attack);
        }
    }
    found
}

/// OWASP risks of these signals, in order, each once.
pub fn owasp(signals: &[&str]) -> Vec<String> {
    let mut found: Vec<String> =
        rows(signals).flat_map(|row| row.owasp).map(|id| (*id).to_owned()).collect();
    found.sort();
    found.dedup();
    found
}

fn named((uid, name): Entry) -> Option<Named> {
    let name = (!name.is_empty()).then(|| name.to_owned());
    (!uid.is_empty()).then(|| Named { uid: uid.to_owned(), name })
}
