//! Who is above a span: spans of tool calls do not name their agent, the span that invoked it does. Ancestors of
//! the same trace count, in the same record and in those before it, and only so many steps up.

use schemas::activity::Text;
use schemas::reject::Rejection;
use serde::{Deserialize, Serialize};

use super::batch::{Batch, Span};
use super::key::Key;
use crate::ancestors::Ancestors;

/// What a span or resource says of its agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Naming<'a> {
    /// Id of the agent.
    pub(crate) id: Text<'a>,
    /// Its name.
    pub(crate) name: Option<Text<'a>>,
    /// Its version.
    pub(crate) version: Option<Text<'a>>,
    /// The conversation it is in.
    pub(crate) conversation_id: Option<Text<'a>>,
}

/// Where the way up from a span ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Climb<N> {
    /// At the nearest ancestor that names an agent.
    Named(N),
    /// At a span that was not seen; so many steps were left.
    Missing(u64, usize),
    /// At a root, or too far up.
    Nobody,
}

/// The spans of a record by trace and span, and those of records before it.
pub(crate) struct Ancestry<'b, 'a> {
    batch: &'b Batch<'a>,
    before: Option<&'b Ancestors>,
    spans: Vec<(u128, u64, &'b Span<'a>)>,
    steps_max: usize,
}

/// What a span says of its agent, itself or by its resource: an id before a name.
pub(crate) fn naming_of<'a>(
    batch: &Batch<'a>,
    span: &Span<'a>,
) -> Result<Option<Naming<'a>>, Rejection> {
    let (own, resource) = (batch.own(span), batch.resource(span));
    let mut from = own;
    let mut id = own.text(&[Key::AgentId], 2_048)?;
    if id.is_none() && resource.has(&[Key::AgentId]) {
        (id, from) = (resource.text(&[Key::AgentId], 2_048)?, resource);
    }
    if id.is_none() {
        (id, from) = (own.text(&[Key::AgentName], 256)?.or_else(|| invoked(batch, span)), own);
    }
    if id.is_none() && resource.has(&[Key::AgentName]) {
        (id, from) = (resource.text(&[Key::AgentName], 256)?, resource);
    }
    let Some(id) = id else { return Ok(None) };
    Ok(Some(Naming {
        id,
        name: from.text(&[Key::AgentName], 256)?,
        version: from.text(&[Key::AgentVersion], 64)?,
        conversation_id: from.text(&[Key::ConversationId], 256)?,
    }))
}

/// The agent in the name of a span that is its run: `invoke_agent planner`, `agent_run [planner]`, or any name
/// where OpenInference says that the span is an agent.
fn invoked<'a>(batch: &Batch<'a>, span: &Span<'a>) -> Option<Text<'a>> {
    let own = batch.own(span);
    let is_agent = own.word(&[Key::OpenInferenceKind]) == Some("AGENT");
    let name = match after_prefix(&span.name) {
        Some(range) => part(&span.name, range),
        None if is_agent => span.name.clone(),
        None => return None,
    };
    (!name.is_empty() && name.chars().count() <= 256).then_some(name)
}

/// Where the agent stands in `invoke_agent <agent>` or `agent_run [<agent>]`.
pub(crate) fn after_prefix(name: &str) -> Option<std::ops::Range<usize>> {
    let bracketed = || name.strip_prefix("agent_run [")?.strip_suffix(']');
    let agent = name.strip_prefix("invoke_agent ").or_else(bracketed)?;
    let start = name.find(agent).unwrap_or_default();
    Some(start..start + agent.len())
}

/// A part of a text, borrowed where the text is.
pub(crate) fn part<'a>(text: &Text<'a>, range: std::ops::Range<usize>) -> Text<'a> {
    match text {
        Text::Borrowed(text) => Text::Borrowed(text.get(range).unwrap_or_default()),
        Text::Owned(text) => Text::Owned(text.get(range).unwrap_or_default().to_owned()),
    }
}

// === impl Ancestry ===

impl<'b, 'a> Ancestry<'b, 'a> {
    /// The ancestry of all spans whose ids can be read.
    pub(crate) fn of(
        batch: &'b Batch<'a>,
        before: Option<&'b Ancestors>,
        steps_max: usize,
    ) -> Self {
        let mut spans: Vec<_> = batch
            .spans()
            .filter_map(|span| Some((span.trace.good()?, span.span.good()?, span)))
            .collect();
        // Stable: of spans with one id the last counts.
        spans.sort_by_key(|(trace, span, _)| (*trace, *span));
        Self { batch, before, spans, steps_max }
    }

    /// What the nearest ancestor that names an agent says.
    pub(crate) fn naming(&self, trace: u128, parent: Option<u64>) -> Option<Naming<'a>> {
        match self.climb(trace, parent) {
            Climb::Named(naming) => Some(naming),
            Climb::Missing(..) | Climb::Nobody => None,
        }
    }

    /// Goes up to the nearest ancestor that names an agent.
    pub(crate) fn climb(&self, trace: u128, parent: Option<u64>) -> Climb<Naming<'a>> {
        let mut next = parent;
        for left in (1..=self.steps_max).rev() {
            let Some(own) = next else { return Climb::Nobody };
            let key = (trace, own);
            let end = self.spans.partition_point(|(trace, span, _)| (*trace, *span) <= key);
            let found = end.checked_sub(1).and_then(|index| self.spans.get(index));
            let Some((.., span)) = found.filter(|(trace, span, _)| (*trace, *span) == key) else {
                let Some(before) = self.before else { return Climb::Missing(own, left) };
                return match before.climb(trace, own, left) {
                    Climb::Named(naming) => Climb::Named(naming.clone()),
                    Climb::Missing(span, left) => Climb::Missing(span, left),
                    Climb::Nobody => Climb::Nobody,
                };
            };
            // What an ancestor says wrongly is its own rejection, not that of its descendants.
            if let Ok(Some(naming)) = naming_of(self.batch, span) {
                return Climb::Named(naming);
            }
            next = span.parent.good();
        }
        Climb::Nobody
    }
}

// === impl Naming ===

impl Naming<'_> {
    /// The same, kept beyond its record.
    pub(crate) fn into_owned(self) -> Naming<'static> {
        let owned = |text: Text<'_>| Text::Owned(text.into_owned());
        Naming {
            id: owned(self.id),
            name: self.name.map(owned),
            version: self.version.map(owned),
            conversation_id: self.conversation_id.map(owned),
        }
    }
}
