//! Who is above a span: spans of tool calls do not name their agent, the span that invoked it does. Only
//! ancestors of the same trace in the same record count, and only so many steps up.

use std::collections::BTreeMap;

use schemas::activity::Text;

use super::span::Span;

/// What a span or resource says of its agent.
#[derive(Clone, Debug)]
pub(super) struct Naming<'a> {
    /// Id of the agent.
    pub(super) id: Text<'a>,
    /// Its name.
    pub(super) name: Option<Text<'a>>,
    /// Its version.
    pub(super) version: Option<Text<'a>>,
    /// The conversation it is in.
    pub(super) conversation_id: Option<Text<'a>>,
}

/// The spans of a record by trace and span.
pub(super) struct Ancestry<'a> {
    spans: BTreeMap<(u128, u64), Above<'a>>,
    steps_max: usize,
}

struct Above<'a> {
    parent: Option<u64>,
    naming: Option<Naming<'a>>,
}

// === impl Ancestry ===

impl<'a> Ancestry<'a> {
    /// The ancestry of all spans whose ids can be read.
    pub(super) fn of<'t>(spans: impl Iterator<Item = &'t Span<'t, 'a>>, steps_max: usize) -> Self
    where
        'a: 't,
    {
        let entry = |span: &Span<'t, 'a>| {
            let key = (span.trace_id()?, span.span_id()?);
            // What an ancestor says wrongly is its own rejection, not that of its descendants.
            Some((key, Above { parent: span.parent_id(), naming: span.naming().ok().flatten() }))
        };
        Self { spans: spans.filter_map(entry).collect(), steps_max }
    }

    /// What the nearest ancestor that names an agent says.
    pub(super) fn naming(&self, trace: u128, parent: Option<u64>) -> Option<&Naming<'a>> {
        let mut next = parent;
        for _ in 0..self.steps_max {
            let above = self.spans.get(&(trace, next?))?;
            if above.naming.is_some() {
                return above.naming.as_ref();
            }
            next = above.parent;
        }
        None
    }
}
