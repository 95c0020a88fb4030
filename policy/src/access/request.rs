//! Requests of the AuthZEN API as what is asked: who, what, on what. Fields that are not known are passed over.

use serde_json::{Map, Value as Json};

/// Evaluations of one request, at most.
const EVALUATIONS_MAX: usize = 1_000;
/// Links of a chain of delegation, at most: as many as an activity may have.
const LINKS_MAX: usize = 32;

/// An object of a request.
pub(super) type Object = Map<String, Json>;

/// A request that says nothing that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("understand the request: {0}")]
pub struct Malformed(pub String);

/// A subject or a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entity<'a> {
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) properties: Option<&'a Object>,
}

/// One evaluation.
#[derive(Clone, Debug)]
pub(super) struct Evaluation<'a> {
    pub(super) subject: Entity<'a>,
    /// Ids from the root subject to the agent, where the caller tells them.
    pub(super) chain: Vec<String>,
    pub(super) resource: Entity<'a>,
    pub(super) action: &'a str,
    pub(super) action_properties: Option<&'a Object>,
    pub(super) context: Option<&'a Object>,
}

/// Which evaluations of several are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Semantic {
    All,
    UntilDeny,
    UntilPermit,
}

/// The object that a body is.
pub(super) fn body(bytes: &[u8]) -> Result<Object, Malformed> {
    match serde_json::from_slice(bytes) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(Malformed("it must be an object".to_owned())),
        Err(error) => Err(Malformed(format!("it is not JSON: {error}"))),
    }
}

/// The evaluations of a request, where there are any: none stands for a single one.
pub(super) fn several(body: &Object) -> Result<Option<&[Json]>, Malformed> {
    let items = match body.get("evaluations") {
        None => return Ok(None),
        Some(Json::Array(items)) => items.as_slice(),
        Some(_) => return Err(Malformed("`evaluations` must be a list".to_owned())),
    };
    if EVALUATIONS_MAX < items.len() {
        return Err(Malformed(format!("more than {EVALUATIONS_MAX} evaluations")));
    }
    Ok((!items.is_empty()).then_some(items))
}

/// Which evaluations are to be answered.
pub(super) fn semantic(body: &Object) -> Result<Semantic, Malformed> {
    let Some(options) = object(body, "options")? else { return Ok(Semantic::All) };
    match options.get("evaluations_semantic").map(Json::as_str) {
        None | Some(Some("execute_all")) => Ok(Semantic::All),
        Some(Some("deny_on_first_deny")) => Ok(Semantic::UntilDeny),
        Some(Some("permit_on_first_permit")) => Ok(Semantic::UntilPermit),
        Some(_) => Err(Malformed("`options.evaluations_semantic` is not known".to_owned())),
    }
}

/// One evaluation: what it does not say, the defaults say. An entity replaces its default whole, but for the fields that
/// it must have.
pub(super) fn evaluation<'a>(
    item: &'a Object,
    defaults: &'a Object,
) -> Result<Evaluation<'a>, Malformed> {
    let subject = Half::of("subject", item, defaults)?;
    let action = Half::of("action", item, defaults)?;
    let resource = Half::of("resource", item, defaults)?;
    let context = match object(item, "context")? {
        None => object(defaults, "context")?,
        own => own,
    };
    let subject = subject.entity()?;
    Ok(Evaluation {
        subject,
        chain: chain(subject.properties)?,
        resource: resource.entity()?,
        action: action.text("name")?,
        action_properties: action.properties()?,
        context,
    })
}

/// A link that cannot be read must not count as one that has not fallen.
fn chain(properties: Option<&Object>) -> Result<Vec<String>, Malformed> {
    let Some(chain) = properties.and_then(|of| of.get("chain")) else { return Ok(Vec::new()) };
    let links = chain.as_array().filter(|links| links.len() <= LINKS_MAX);
    let links = links.and_then(|links| links.iter().map(Json::as_str).collect::<Option<Vec<_>>>());
    let links = links.ok_or_else(|| {
        Malformed(format!("`subject.properties.chain` must be a list of at most {LINKS_MAX} texts"))
    })?;
    Ok(links.into_iter().map(str::to_owned).collect())
}

/// An entity and its default.
struct Half<'a> {
    name: &'static str,
    own: &'a Object,
    default: Option<&'a Object>,
}

// === impl Half ===

impl<'a> Half<'a> {
    fn of(name: &'static str, item: &'a Object, defaults: &'a Object) -> Result<Self, Malformed> {
        let default = object(defaults, name)?;
        let own = object(item, name)?.or(default);
        let own = own.ok_or_else(|| Malformed(format!("`{name}` is missing")))?;
        Ok(Self { name, own, default })
    }

    fn entity(&self) -> Result<Entity<'a>, Malformed> {
        Ok(Entity {
            kind: self.text("type")?,
            id: self.text("id")?,
            properties: self.properties()?,
        })
    }

    fn text(&self, field: &str) -> Result<&'a str, Malformed> {
        let found = self.own.get(field).or_else(|| self.default?.get(field));
        match found {
            Some(Json::String(text)) => Ok(text),
            Some(_) => Err(Malformed(format!("`{}.{field}` must be a text", self.name))),
            None => Err(Malformed(format!("`{}.{field}` is missing", self.name))),
        }
    }

    fn properties(&self) -> Result<Option<&'a Object>, Malformed> {
        object(self.own, "properties")
    }
}

fn object<'a>(of: &'a Object, key: &str) -> Result<Option<&'a Object>, Malformed> {
    match of.get(key) {
        None => Ok(None),
        Some(Json::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Malformed(format!("`{key}` must be an object"))),
    }
}
