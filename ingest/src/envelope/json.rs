//! Envelopes of JSON: lists of records, EventBridge, CloudEvents, CloudWatch subscriptions, AKS, and what
//! log shippers make of a line. Each is told by its members. An envelope's own id and time are of the
//! delivery, never of the event.

use record::path;
use record::tree::Tree;

/// What stands in an envelope.
pub(crate) enum Opened<'t, 'a> {
    /// No envelope.
    Leaf,
    /// Records, each with the pointer to it below the envelope.
    Trees(Vec<(&'t Tree<'a>, String)>),
    /// Records as JSON text.
    Texts(Vec<(&'t str, String)>),
    /// A record in base64, packed or not.
    Base64(&'t str, &'static str),
    /// Nothing, by a named rule.
    Nothing(&'static str),
}

/// The lists of records that services write.
const LISTS: [&str; 3] = ["Records", "records", "logEvents"];
/// Where shippers put a line that they do not read, best first.
const LINES: [&str; 4] = ["message", "log", "event/original", "log_s"];

/// Opens what is an envelope whatever else it looks like.
pub(crate) fn open<'t, 'a>(tree: &'t Tree<'a>) -> Opened<'t, 'a> {
    if let Tree::List(items) = tree {
        return listed(items, "");
    }
    if !tree.members().iter().any(|(key, _)| is_mark(key)) {
        return Opened::Leaf;
    }
    if let Some(Tree::List(_)) = tree.get("logEvents") {
        return cloudwatch(tree);
    }
    for key in LISTS {
        if let Some(Tree::List(items)) = tree.get(key)
            && tree.members().len() <= 3
        {
            return listed(items, &format!("/{key}"));
        }
    }
    if let Some(Tree::List(items)) = tree.get("items")
        && tree.get("kind").is_some()
        && tree.get("apiVersion").is_some()
    {
        return listed(items, "/items");
    }
    // A page of the API of OpenAI or Anthropic, as somebody stored it.
    if let Some(Tree::List(items)) = tree.get("data")
        && tree.get("has_more").is_some()
    {
        return listed(items, "/data");
    }
    if let Some(data) = tree.at("awslogs/data", false).and_then(Tree::text) {
        return Opened::Base64(data, "/awslogs/data");
    }
    if tree.get("detail-type").is_some()
        && let Some(detail) = tree.get("detail").filter(|detail| detail.is_object())
    {
        return Opened::Trees(vec![(detail, "/detail".to_owned())]);
    }
    if tree.get("specversion").is_some() && tree.get("source").is_some() {
        return cloudevent(tree);
    }
    // AKS writes the event as text; other services of Azure write an object there.
    match tree.at("properties/log", false) {
        Some(log) => line(log, "/properties/log"),
        None => Opened::Leaf,
    }
}

/// Whether a member of this name may be that of an envelope.
fn is_mark(key: &str) -> bool {
    matches!(
        key,
        "logEvents"
            | "Records"
            | "records"
            | "items"
            | "data"
            | "awslogs"
            | "detail-type"
            | "specversion"
            | "properties"
    )
}

/// Opens what a shipper wrapped, where no format knows the record as it is.
pub(crate) fn open_last<'t, 'a>(tree: &'t Tree<'a>) -> Opened<'t, 'a> {
    for key in LINES {
        if let Some(found) = tree.at(key, false) {
            match line(found, &format!("/{key}")) {
                Opened::Leaf => {}
                opened => return opened,
            }
        }
    }
    Opened::Leaf
}

/// The name of what was opened, for people.
pub(crate) fn layer_of(tree: &Tree<'_>, opened: &Opened<'_, '_>) -> &'static str {
    let has = |key: &str| tree.get(key).is_some();
    let place = match opened {
        Opened::Trees(all) => all.first().map(|(_, place)| place.as_str()),
        Opened::Texts(all) => all.first().map(|(_, place)| place.as_str()),
        Opened::Base64(_, place) => Some(*place),
        Opened::Leaf | Opened::Nothing(_) => None,
    };
    match place.unwrap_or_default() {
        _ if matches!(tree, Tree::List(_)) => "json_array",
        _ if has("logEvents") => "cloudwatch",
        "/awslogs/data" => "cloudwatch",
        _ if LISTS.iter().any(|key| has(key)) => "records",
        _ if has("has_more") => "page",
        "/detail" => "eventbridge",
        "/data" | "/data_base64" => "cloudevents",
        "/properties/log" => "aks",
        "/message" | "/event/original" => "logstash",
        "/log" => "fluent",
        "/log_s" => "log_analytics",
        _ if has("items") => "kubernetes_list",
        _ if has("specversion") => "cloudevents",
        _ => "other",
    }
}

fn listed<'t, 'a>(items: &'t [Tree<'a>], place: &str) -> Opened<'t, 'a> {
    match items.first() {
        None if place.is_empty() => Opened::Leaf,
        None => Opened::Nothing("empty_envelope"),
        Some(Tree::Scalar(_)) => Opened::Leaf,
        Some(_) => {
            let place = |(index, item)| (item, format!("{place}/{index}"));
            Opened::Trees(items.iter().enumerate().map(place).collect())
        }
    }
}

/// A batch of lines; the test message that opens a subscription has none.
fn cloudwatch<'t, 'a>(tree: &'t Tree<'a>) -> Opened<'t, 'a> {
    if tree.word("messageType") == Some("CONTROL_MESSAGE") {
        return Opened::Nothing("cloudwatch_control_message");
    }
    let mut texts = Vec::new();
    for (index, event) in tree.get("logEvents").map_or(&[][..], Tree::items).iter().enumerate() {
        if let Some(text) = event.word("message") {
            texts.push((text, format!("/logEvents/{index}/message")));
        }
    }
    if texts.is_empty() { Opened::Nothing("empty_envelope") } else { Opened::Texts(texts) }
}

/// A structured event; without data it says only that something happened.
fn cloudevent<'t, 'a>(tree: &'t Tree<'a>) -> Opened<'t, 'a> {
    if let Some(data) = tree.word("data_base64") {
        return Opened::Base64(data, "/data_base64");
    }
    match tree.get("data") {
        None => Opened::Nothing("cloudevent_without_data"),
        Some(Tree::Scalar(lexeme)) => match lexeme {
            record::lexeme::Lexeme::Text(text) => {
                Opened::Texts(vec![(text.as_ref(), "/data".to_owned())])
            }
            _ => Opened::Leaf,
        },
        Some(data) => Opened::Trees(vec![(data, "/data".to_owned())]),
    }
}

/// A line of a shipper: an object, or JSON text of one or of several.
fn line<'t, 'a>(found: &'t Tree<'a>, place: &str) -> Opened<'t, 'a> {
    if found.is_object() {
        return Opened::Trees(vec![(found, place.to_owned())]);
    }
    match found.text() {
        Some(text) if path::is_json_object(text) || text.trim_start().starts_with("[{") => {
            Opened::Texts(vec![(text.as_ref(), place.to_owned())])
        }
        _ => Opened::Leaf,
    }
}
