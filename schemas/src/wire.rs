//! JSON Schemas (2020-12) of the wire forms, generated from the types. They say what is published;
//! decoders do not read them: unknown words and fields stay allowed on the wire.

mod limits;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::acknowledgement::{ACKNOWLEDGEMENT_SCHEMA, Acknowledgement};
use crate::activity::{ACTIVITY_SCHEMA, Activity};
use crate::alert::{ALERT_SCHEMA, HabitusAlert};
use crate::command::{COMMAND_SCHEMA, Command};
use crate::decision::{DECISION_SCHEMA, DecisionRecord};
use crate::feedback::{FEEDBACK_SCHEMA, Feedback};
use crate::finding::{FINDING_SCHEMA, Finding};
use crate::incident::{HabitusIncident, INCIDENT_SCHEMA};
use crate::inventory::{COMPLETE_SCHEMA, INVENTORY_SCHEMA, InventoryComplete, InventoryEntry};
use crate::revocation::{REVOCATION_SCHEMA, RevocationRequest};
use crate::set::SetClaims;
use crate::trust::{TRUST_SCHEMA, TrustRecord};
use limits::Limit;

const ID_PREFIX: &str = "https://schemas.example.org/habitus/";

/// One published schema before it is written.
struct Document {
    /// Its file name.
    file: &'static str,
    /// Its title.
    title: &'static str,
    /// The `schema` constant of the records it describes.
    constant: &'static str,
    /// What the types do not say.
    limits: &'static [Limit],
    /// What the types say.
    body: Value,
}

/// The schemas of the wire forms: file name and pretty JSON that ends with a newline.
pub fn wire_schemas() -> Vec<(&'static str, String)> {
    documents().into_iter().map(|document| (document.file, document.render().0)).collect()
}

fn documents() -> Vec<Document> {
    let mut documents = activity_to_finding();
    documents.extend(inventory_to_trust());
    documents
}

fn activity_to_finding() -> Vec<Document> {
    vec![
        Document {
            file: "agent.activity-1.schema.json",
            title: "Agent activity v1",
            constant: ACTIVITY_SCHEMA,
            limits: limits::ACTIVITY,
            body: generate::<Activity<'static>>(SchemaSettings::draft2020_12().for_serialize()),
        },
        document::<HabitusAlert>(
            "agent.alert-1.schema.json",
            "Habitus part of an alert v1",
            ALERT_SCHEMA,
            limits::ALERT,
        ),
        document::<Command>(
            "agent.command-1.schema.json",
            "Command of an operator v1",
            COMMAND_SCHEMA,
            limits::COMMAND,
        ),
        document::<DecisionRecord>(
            "agent.decision-1.schema.json",
            "Decision of a policy v1",
            DECISION_SCHEMA,
            limits::DECISION,
        ),
        document::<Feedback>(
            "agent.feedback-1.schema.json",
            "Verdict of an analyst v1",
            FEEDBACK_SCHEMA,
            limits::FEEDBACK,
        ),
        document::<Finding>(
            "agent.finding-1.schema.json",
            "Finding v1 (internal)",
            FINDING_SCHEMA,
            limits::FINDING,
        ),
    ]
}

fn inventory_to_trust() -> Vec<Document> {
    vec![
        document::<HabitusIncident>(
            "agent.incident-1.schema.json",
            "Habitus part of an incident v1",
            INCIDENT_SCHEMA,
            limits::INCIDENT,
        ),
        document::<InventoryEntry>(
            "agent.inventory-1.schema.json",
            "Agent inventory entry v1",
            INVENTORY_SCHEMA,
            limits::INVENTORY,
        ),
        document::<InventoryComplete>(
            "agent.inventory-complete-1.schema.json",
            "Claim that a tenant's inventory is complete v1",
            COMPLETE_SCHEMA,
            limits::INVENTORY_COMPLETE,
        ),
        document::<RevocationRequest>(
            "agent.revocation-1.schema.json",
            "Agent revocation request v1",
            REVOCATION_SCHEMA,
            limits::REVOCATION,
        ),
        document::<Acknowledgement>(
            "agent.revocation-ack-1.schema.json",
            "Acknowledgement of a revocation request v1",
            ACKNOWLEDGEMENT_SCHEMA,
            limits::ACKNOWLEDGEMENT,
        ),
        document::<TrustRecord>(
            "agent.trust-1.schema.json",
            "Trust of an actor v1",
            TRUST_SCHEMA,
            limits::TRUST,
        ),
        document::<SetClaims>(
            "security-event-token-1.schema.json",
            "Claims of a security event token v1",
            "",
            &[],
        ),
    ]
}

fn document<T: JsonSchema>(
    file: &'static str,
    title: &'static str,
    constant: &'static str,
    limits: &'static [Limit],
) -> Document {
    Document { file, title, constant, limits, body: generate::<T>(SchemaSettings::draft2020_12()) }
}

fn generate<T: JsonSchema>(settings: SchemaSettings) -> Value {
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

// === impl Document ===

impl Document {
    /// The text, and the limits that found no place.
    fn render(mut self) -> (String, Vec<&'static Limit>) {
        simplify(&mut self.body, self.constant != FINDING_SCHEMA);
        let misplaced = self.limits.iter().filter(|limit| !limit.apply(&mut self.body)).collect();
        if let Some(root) = self.body.as_object_mut() {
            root.insert("$id".to_owned(), Value::String(format!("{ID_PREFIX}{}", self.file)));
            root.insert("title".to_owned(), Value::String(self.title.to_owned()));
        }
        if let Some(schema) = self.body.pointer_mut("/properties/schema") {
            *schema = serde_json::json!({ "const": self.constant });
        }
        let mut text = serde_json::to_string_pretty(&sorted(self.body)).unwrap_or_default();
        text.push('\n');
        (text, misplaced)
    }
}

/// Writes closed vocabularies as `enum`; with `absent`, an optional property is absent and never null.
fn simplify(value: &mut Value, absent: bool) {
    match value {
        Value::Object(object) => {
            as_enum(object);
            if let Some(Value::Object(properties)) = object.get_mut("properties")
                && absent
            {
                properties.values_mut().for_each(not_null);
            }
            object.values_mut().for_each(|inner| simplify(inner, absent));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| simplify(inner, absent)),
        _ => {}
    }
}

/// `oneOf` of documented constants becomes `enum`.
fn as_enum(object: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = object.get("oneOf") else { return };
    let words: Option<Vec<Value>> =
        variants.iter().map(|variant| variant.get("const").cloned()).collect();
    if let Some(words) = words {
        object.remove("oneOf");
        object.insert("type".to_owned(), Value::String("string".to_owned()));
        object.insert("enum".to_owned(), Value::Array(words));
    }
}

fn not_null(property: &mut Value) {
    let Some(object) = property.as_object_mut() else { return };
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            object.insert("type".to_owned(), single);
        }
    }
    if let Some(Value::Array(choices)) = object.get("anyOf")
        && let [Value::Object(only), Value::Object(null)] = choices.as_slice()
        && null.get("type").is_some_and(|kind| kind == "null")
    {
        let only = only.clone();
        object.remove("anyOf");
        object.extend(only);
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
}

/// The same value with its keys in order, however maps are built.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut pairs: Vec<(String, Value)> = object.into_iter().collect();
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(pairs.into_iter().map(|(key, inner)| (key, sorted(inner))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_finds_its_property() {
        for document in documents() {
            let file = document.file;
            let (_, misplaced) = document.render();
            assert!(misplaced.is_empty(), "{file}: {misplaced:?}");
        }
    }
}
