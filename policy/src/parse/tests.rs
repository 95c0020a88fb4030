//! Conditions that hold, that do not, that cannot be told, and mistakes with their places.

use proptest::prelude::*;
use schemas::trust::Level;
use serde_json::{Map, Value as Json, json};

use super::parse;
use crate::condition::Unfit;
use crate::decide::Action;
use crate::facts::{Facts, Trust, View};

fn told(condition: &str) -> Result<bool, Unfit> {
    let keys = ["place".to_owned(), "data".to_owned()];
    let chain = ["alice".to_owned(), "planner".to_owned(), "bot".to_owned()];
    let trust = Trust {
        score: 55.5,
        level: Level::Restricted,
        effective: 30.0,
        effective_level: Level::Untrusted,
    };
    let facts = Facts {
        agent_id: "bot",
        owner: None,
        chain: &chain,
        keys: &keys,
        trust: Some(trust),
        ..Facts::default()
    };
    let sent = json!({"soft": true, "n": 7, "who": {"name": "eve"}, "tags": ["a", 3]});
    let properties: &Map<String, Json> = sent.as_object().unwrap();
    let action = Action { name: Some("delete"), properties: Some(properties), ..Action::default() };
    parse(condition).unwrap().holds(&View { facts: &facts, action: &action })
}

#[test]
fn conditions_hold_or_do_not() {
    for (condition, expected) in [
        ("trust.score < 60.0 && trust.score >= 55.5", true),
        ("trust.score < 60 && trust.level == 'trusted'", false),
        ("trust.level in ['restricted', \"watch\"]", true),
        ("trust.effective_level == 'untrusted' || 1 > 2", true),
        ("'data' in incident.keys && !('work' in incident.keys)", true),
        ("incident.two_keys", true),
        ("!incident.hard_indicator && incident.hard_indicator == false", true),
        ("size(chain.links) == 3 && chain.length == 3 && size(actor.id) == 3", true),
        ("actor.id.startsWith('b') && actor.id.endsWith('t') && actor.id.contains('o')", true),
        ("has(actor.owner)", false),
        ("has(actor.owner) && actor.owner == 'x'", false),
        ("action.properties.soft == true && action.properties.soft", true),
        ("action.properties.who.name == 'eve'", true),
        ("'a' in action.properties.tags && 3 in action.properties.tags", true),
        ("has(action.properties.hard) || has(context.ip)", false),
        ("(action.name == 'read' || action.name == 'delete') && (true)", true),
    ] {
        assert_eq!(told(condition), Ok(expected), "{condition}");
    }
}

#[test]
fn what_cannot_be_told_is_an_error_unless_the_rest_decides() {
    for (condition, expected) in [
        ("actor.owner == 'x'", Err(Unfit)),
        ("!(actor.owner == 'x')", Err(Unfit)),
        ("action.properties.n == 'seven'", Err(Unfit)),
        ("action.properties.n.startsWith('7')", Err(Unfit)),
        ("'x' in action.properties.n", Err(Unfit)),
        ("actor.owner == 'x' && trust.score < 0.0", Ok(false)),
        ("trust.score < 0.0 && actor.owner == 'x'", Ok(false)),
        ("actor.owner == 'x' && trust.score > 0.0", Err(Unfit)),
        ("actor.owner == 'x' || trust.score > 0.0", Ok(true)),
        ("actor.owner == 'x' || trust.score < 0.0", Err(Unfit)),
        ("context.ip == '::1'", Err(Unfit)),
    ] {
        assert_eq!(told(condition), expected, "{condition}");
    }
}

#[test]
fn a_mistake_has_its_place() {
    for (text, at, message) in [
        ("", 0..0, "expected"),
        ("scor >= 0.8", 0..4, "`scor` is not known"),
        ("trust.score > 1 && trust.scor < 2", 19..29, "`trust.scor` is not known"),
        ("context == 'x'", 0..7, "`context` is not known"),
        ("trust.score >= '0.8'", 0..20, "`>=` cannot compare a number with a text"),
        ("trust.level < true", 0..18, "`<` cannot compare a text with true or false"),
        ("incident.two_keys < true", 0..24, "`<` cannot compare"),
        ("incident.keys == 'x'", 0..20, "`==` cannot compare a list with a text"),
        ("trust.score in ['a']", 0..20, "a number cannot be in this list"),
        ("trust.score in incident.keys", 0..28, "a number cannot be in a list"),
        ("trust.level", 11..11, "expected a comparison"),
        ("trust.score.startsWith('x')", 0..23, "`startsWith` needs a text"),
        ("size(trust.score) > 1", 5..17, "a number has no size"),
        ("trust.level = 'x'", 12..13, "expected a comparison"),
        ("trust.level == 'x", 15..17, "expected the closing quote"),
        ("trust.level == 'x' nope", 19..23, "expected `&&`"),
        ("(trust.known", 12..12, "expected `)`"),
        ("trust.score + 1 > 2", 12..13, "expected a comparison"),
        ("trust.level == 'ä' ö", 20..22, "expected `&&`"),
    ] {
        let found = parse(text).unwrap_err();
        assert!(found.at == at && found.message.starts_with(message), "{text}: {found:?}");
        assert_eq!(found.unknown.is_some(), found.message.contains("not known"), "{text}");
    }
    assert!(parse(&"(".repeat(99)).unwrap_err().message.contains("nested deeper"));
    assert!(parse(&"!".repeat(99)).unwrap_err().message.contains("nested deeper"));
    let long = vec!["trust.known"; 400].join(" && ");
    assert!(parse(&long).unwrap_err().message.contains("longer than"));
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in r#"([a-z.]{0,9}|[ ()!&|<>='\["\]é,0-9]|trust\.score|incident\.keys|in|has\(){0,40}"#) {
        if let Err(mistake) = parse(&text) {
            prop_assert!(text.get(mistake.at.clone()).is_some(), "{:?}", mistake);
        }
    }
}
