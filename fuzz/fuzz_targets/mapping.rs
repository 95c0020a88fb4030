//! Any record through mappings, and any records through the proposal of one, which must load.
#![no_main]

use std::sync::LazyLock;

use ingest::{Limits, Notes};
use mapping::Mapping;

static MAPPINGS: LazyLock<[Mapping; 2]> = LazyLock::new(|| {
    let all = "when = 'not exists(a.b) or a.c in [1, \"x\"] and /d/0 < 3'\n\
        id = \"/id\"\ntime = [\"/time\", { from = \"/t\", unit = \"ms\" }]\nagent.id = \"/agent/id\"\n\
        action.type = { from = \"/k\", map = { x = \"tool_call\" }, else = \"other\" }\n\
        action.operation = { template = \"{/a/b}:{/a/c}\" }\naction.arguments = { from = \"/a\", as = \"hash\" }\n\
        destination.url = \"/url\"\ndestination.host = { from = \"/url\", as = [\"host\", \"lower\"] }\n\
        source.ip = \"/ip\"\nusage.bytes_out = { from = \"/n\", as = \"bytes\" }\n\
        usage.duration_ms = { from = \"/n\", scale = 1000 }\nattributes.x = \"/x\"\n\
        credential.scopes = \"/scopes\"\ndelegation.chain = \"/chain\"\n\
        session.id = { from = \"/s\", json = \"/a/0\", split = \":\", part = -1 }\n";
    let split = "each = \"/l/*/m\"\ntime = \"/l/*/m/*/t\"\nagent.id = [\"/l/*/a\", \"/a\"]\n\
        action.type = { const = \"tool_call\" }\nid = \"/l/*/id\"\n";
    [all, split].map(|text| fuzz::mapping(text).expect("a mapping"))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for mapping in MAPPINGS.iter() {
        let (mut notes, mut out) = (Notes::default(), Vec::new());
        mapping.decode(bytes, &Limits::default(), &mut notes, &mut out);
        fuzz::check(bytes, &notes, &out);
    }
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let proposal = mapping::propose("own", &lines);
    if proposal.missing.is_empty() {
        let text = proposal.text.replace("[mapping.own]\n", "");
        fuzz::mapping(&text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    }
});
