//! What is wrong with a mapping: all of it, each with its place and what was probably meant.

use super::NEEDED;
use super::toml::{mapping, setting};
use crate::Mapping;

/// The mistakes of a mapping with the needed fields and these lines: the text they mark, what they say, what helps.
fn mistakes(lines: &str) -> Vec<(String, String, String)> {
    let text = format!("{lines}\n{NEEDED}");
    let problems = mapping(&text).err().unwrap_or_default();
    let show = |problem: &crate::Problem| {
        let marked = text.get(problem.span.clone()).unwrap_or_default().to_owned();
        (marked, problem.message.clone(), problem.help.clone().unwrap_or_default())
    };
    problems.iter().map(show).collect()
}

#[test]
fn each_mistake_is_told_with_its_place() {
    for (lines, marked, message, help) in [
        ("agent.idd = \"/x\"", "idd", "no field `agent.idd`", "`agent.id`"),
        ("agnet.name = \"/x\"", "agnet", "no field `agnet`", ""),
        ("whne = \"x == 1\"", "whne", "no field `whne`", "`when`"),
        ("schema = \"/x\"", "schema", "is set by the mapping", ""),
        ("session = \"/x\"", "session", "is a group of fields", ""),
        ("session.id = \"x\"", "\"x\"", "begins with `/`", "\"/x\""),
        ("session.id = 7", "7", "must be a pointer", "const"),
        ("session.id = []", "[]", "no way to a value", ""),
        ("session.id = { form = \"/x\" }", "form", "`form` is no key", "`from`"),
        ("session.id = { as = \"lower\" }", "{ as = \"lower\" }", "has one of `from`", ""),
        ("session.id = { from = \"/x\", const = \"y\" }", "{ from", "has one of `from`", ""),
        ("session.id = { from = \"/x\", as = \"lowr\" }", "\"lowr\"", "no conversion", "`lower`"),
        ("session.id = { from = \"/x\", as = \"time\" }", "\"time\"", "holds no time", ""),
        ("session.id = { from = \"/x\", zone = \"CET\" }", "\"CET\"", "no offset", "+02:00"),
        ("session.id = { from = \"/x\", unit = \"m\" }", "\"m\"", "no unit", "`ms`"),
        ("session.id = { from = \"/x\", split = \"\" }", "\"\"", "needs a separator", ""),
        ("session.id = { template = \"{/x\" }", "{/x", "closing `}`", ""),
        ("session.id = { template = \"a{x}\" }", "x", "begins with `/`", ""),
        ("session.id = \"/x/*/y\"", "\"/x/*/y\"", "stands for the items", "each"),
        ("outcome.result = { const = \"sucess\" }", "\"sucess\"", "no word `sucess`", "`success`"),
        (
            "outcome.result = { from = \"/x\", map = { a = \"dneied\" } }",
            "\"dneied\"",
            "no word",
            "`denied`",
        ),
        ("outcome.result = { from = \"/x\", else = \"maybe\" }", "\"maybe\"", "no word", "one of"),
        ("usage.records = { const = \"many\" }", "\"many\"", "cannot read a whole number", ""),
        ("source.geo.country = { const = \"Nederland\" }", "\"Nederland\"", "does not take", ""),
        ("attributes.p = \"/call/Prompt\"", "\"/call/Prompt\"", "content or a secret", "hash"),
        ("credential.id = \"/access_token\"", "\"/access_token\"", "content or a secret", "hash"),
        ("action.arguments = \"/args\"", "\"/args\"", "do not leave", "hash"),
        ("attributes = 7", "attributes", "is a group of fields", ""),
        ("delegation.subject.name = \"/x\"", "name", "needs `delegation.subject.id`", ""),
        ("when = 'kind = \"x\"'", "=", "expected a comparison", ""),
        ("each = \"x\"", "\"x\"", "begins with `/`", ""),
    ] {
        let found = mistakes(lines);
        let [(at, said, helps)] = found.as_slice() else { panic!("{lines}: {found:?}") };
        assert!(
            at.starts_with(marked) && said.contains(message) && helps.contains(help),
            "{lines}: {found:?}"
        );
    }
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order() {
    let found = mistakes("agent.nme = \"/x\"\nsession.id = 7\nwhen = \"(\"");
    let marked: Vec<&str> = found.iter().map(|(marked, ..)| marked.as_str()).collect();
    assert_eq!(marked, ["nme", "7", ""]);
    let nothing = Mapping::parse("m", &setting("session.id = \"/x\""), None).unwrap_err();
    let said: Vec<&str> = nothing.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "an activity needs `time`",
            "an activity needs `agent.id`",
            "an activity needs `action.type`"
        ]
    );
    let text = format!("{NEEDED}session.id = {{ from = \"/x\", as = \"hash\" }}");
    let keyless = Mapping::parse("m", &setting(&text), None).unwrap_err();
    assert_eq!(keyless[0].message, "a hash needs a key");
}
