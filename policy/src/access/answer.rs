//! Answers of the decision point: what the policies decide of the actor that is asked about, with why in `context`. Only
//! a decision in mode `enforce` binds; in any other it permits and says what it would have said.

use schemas::Authority;
use schemas::revocation::RevocationMode;
use schemas::trust::Level;
use serde_json::{Value as Json, json};

use super::request::{self, Evaluation, Malformed, Object, Semantic};
use super::table::TrustTable;
use crate::{Action, Decision, Facts, Inventory, PolicySet, Trust, chain, decide};

/// Tenant of a subject that names none.
const TENANT: &str = "default";

/// What answers are made of.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// Policies and mode.
    pub policies: PolicySet<'a>,
    /// Agents that are never revoked automatically, by id.
    pub protected: &'a [String],
    /// Trust as known.
    pub table: &'a TrustTable,
    /// Whether what is known was not confirmed for too long.
    pub stale: bool,
}

/// Answers a request of the Access Evaluation API.
pub fn evaluation(point: &Point<'_>, body: &[u8]) -> Result<Json, Malformed> {
    let body = request::body(body)?;
    let asked = request::evaluation(&body, &body)?;
    Ok(point.answer(&asked).1)
}

/// Answers a request of the Access Evaluations API; one without evaluations is a single one.
pub fn evaluations(point: &Point<'_>, body: &[u8]) -> Result<Json, Malformed> {
    let body = request::body(body)?;
    let semantic = request::semantic(&body)?;
    let Some(items) = request::several(&body)? else {
        let asked = request::evaluation(&body, &body)?;
        return Ok(point.answer(&asked).1);
    };
    let mut answers = Vec::new();
    for item in items {
        let (permitted, answer) = match item_of(item, &body) {
            Ok(asked) => point.answer(&asked),
            Err(error) => {
                let error = json!({"status": 400, "message": error.to_string()});
                (false, json!({"decision": false, "context": {"error": error}}))
            }
        };
        answers.push(answer);
        let last = match semantic {
            Semantic::All => false,
            Semantic::UntilDeny => !permitted,
            Semantic::UntilPermit => permitted,
        };
        if last {
            break;
        }
    }
    Ok(json!({"evaluations": answers}))
}

fn item_of<'a>(item: &'a Json, defaults: &'a Object) -> Result<Evaluation<'a>, Malformed> {
    let item = item.as_object().ok_or_else(|| Malformed("it must be an object".to_owned()))?;
    request::evaluation(item, defaults)
}

// === impl Point ===

impl Point<'_> {
    /// Whether access is permitted, and the answer.
    fn answer(&self, asked: &Evaluation<'_>) -> (bool, Json) {
        let subject = asked.subject.properties;
        let said = |of: Option<&'_ Object>, key: &str| of?.get(key)?.as_str().map(str::to_owned);
        let tenant = said(subject, "tenant_id").unwrap_or_else(|| TENANT.to_owned());
        let authority = said(subject, "authority").and_then(|word| Authority::from_wire(&word));
        let links = &asked.chain;
        // An authority that the agent never acted under starts no higher than those it has.
        let under = |authority| self.table.of(&tenant, asked.subject.id, authority);
        let found = under(authority).or_else(|| under(None));
        let of = |link: &str| {
            self.table.of(&tenant, link, None).map(|(_, known)| (known.score, known.level))
        };
        let own = found.map(|(_, known)| (known.score, known.level));
        // Of an actor nothing is known of, a fallen link still counts.
        let is_known = own.is_some() || links.iter().any(|link| of(link).is_some());
        let trust = is_known.then(|| {
            let (score, level) = own.unwrap_or((100.0, Level::Unknown));
            let (effective, effective_level) = chain::effective(links, (score, level), of);
            Trust { score: own.map_or(effective, |own| own.0), level, effective, effective_level }
        });
        let [blueprint, owner, version, purpose] =
            ["blueprint", "owner", "version", "purpose"].map(|key| said(subject, key));
        let classification = said(asked.resource.properties, "classification");
        let criticality = said(subject, "criticality");
        let inventory = |criticality| Inventory { state: None, criticality };
        let facts = Facts {
            tenant_id: &tenant,
            agent_id: asked.subject.id,
            authority: found.map(|(of, _)| of).or(authority).unwrap_or_default(),
            blueprint: blueprint.as_deref(),
            owner: owner.as_deref(),
            version: version.as_deref(),
            purpose: purpose.as_deref(),
            chain: links,
            trust,
            inventory: criticality.as_deref().map(inventory),
            protected: self.protected.iter().any(|id| id == asked.subject.id),
            stale: self.stale,
            ..Facts::default()
        };
        let action = Action {
            name: Some(asked.action),
            resource_id: Some(asked.resource.id),
            resource_type: Some(asked.resource.kind),
            classification: classification.as_deref(),
            subject_id: Some(asked.subject.id),
            subject_type: Some(asked.subject.kind),
            subject_properties: subject,
            properties: asked.action_properties,
            resource_properties: asked.resource.properties,
            context: asked.context,
        };
        let decision = decide(&self.policies, &facts, &action);
        let permitted = decision.permit || decision.mode != RevocationMode::Enforce;
        let mut context = told(&decision, trust);
        if let (Some(context), Some((of, known))) = (context.as_object_mut(), found) {
            context.insert("authority".to_owned(), of.as_str().into());
            let time = serde_json::to_value(known.time).unwrap_or_default();
            context.insert("trust_time".to_owned(), time);
        }
        (permitted, json!({"decision": permitted, "context": context}))
    }
}

/// Why it was decided so.
fn told(decision: &Decision, trust: Option<Trust>) -> Json {
    let reason = match (decision.stale, trust) {
        (true, _) => "stale_trust",
        (false, _) if decision.policy.is_some() => "policy",
        (false, None) => "unknown_actor",
        (false, Some(_)) => "no_policy_holds",
    };
    let mut context = json!({"reason": reason, "mode": decision.mode.as_str()});
    let mut add = |key: &str, value: Option<Json>| {
        if let (Some(context), Some(value)) = (context.as_object_mut(), value) {
            context.insert(key.to_owned(), value);
        }
    };
    let wire = |value| serde_json::to_value(value).ok();
    add("policy", decision.policy.as_ref().and_then(|policy| serde_json::to_value(policy).ok()));
    add("action", decision.action.map(|action| action.as_str().into()));
    add("obligations", decision.obligations.wire().and_then(wire));
    add("held", decision.held.map(|held| held.as_str().into()));
    add(
        "trust",
        trust.map(|trust| {
            json!({
                "score": trust.score,
                "level": trust.level.as_str(),
                "effective": trust.effective,
                "effective_level": trust.effective_level.as_str(),
            })
        }),
    );
    if !decision.errors.is_empty() {
        add("errors", serde_json::to_value(&decision.errors).ok());
    }
    if decision.mode != RevocationMode::Enforce {
        add("would", Some(json!({"decision": decision.permit})));
    }
    context
}
