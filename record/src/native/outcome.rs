//! How much, how it ended, and who says so: usage, outcome, trace, producer. A bad trace id costs itself,
//! never the activity.

use schemas::activity::{Producer, Result as Ending, Text, Trace, Usage};
use schemas::choice::{Decision, Outcome};
use schemas::reject::ErrorCode;
use schemas::rule::is_trace_id;
use serde::de::MapAccess;

use super::member::{Absent, Member, Node};

/// An outcome whose result may still be absent.
#[derive(Default)]
pub(super) struct DraftOutcome<'a> {
    ending: Ending<'a>,
    has_result: bool,
}

// === impl DraftOutcome ===

impl DraftOutcome<'_> {
    fn set_result(&mut self, result: Option<Outcome>) {
        self.has_result = result.is_some();
        self.ending.result = result.unwrap_or_default();
    }
}

impl<'de> Node<'de> for DraftOutcome<'de> {
    type Value = Ending<'de>;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "result" => self.set_result(at.word(Outcome::from_wire)?),
            "code" => self.ending.code = at.text(64)?,
            "reason" => self.ending.reason = at.text(256)?,
            "decision" => self.ending.decision = at.word(Decision::from_wire)?,
            "policy_id" => self.ending.policy_id = at.text(256)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        if self.has_result { Ok(self.ending) } else { Err((ErrorCode::MissingField, "/result")) }
    }
}

// === impl Node ===

impl<'de> Node<'de> for Usage {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "bytes_out" => self.bytes_out = at.unsigned()?,
            "bytes_in" => self.bytes_in = at.unsigned()?,
            "records" => self.records = at.unsigned()?,
            "duration_ms" => self.duration_ms = at.unsigned()?,
            "tokens_in" => self.tokens_in = at.unsigned()?,
            "tokens_out" => self.tokens_out = at.unsigned()?,
            "cost_usd" => self.cost_usd = at.number(0.0..=f64::MAX)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'de> Node<'de> for Trace<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "trace_id" => self.trace_id = at.text_if(|text| is_trace_id(text, 32))?,
            "span_id" => self.span_id = at.text_if(|text| is_trace_id(text, 16))?,
            "parent_span_id" => self.parent_span_id = at.text_if(|text| is_trace_id(text, 16))?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'de> Node<'de> for Producer<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "name" => self.name = at.text(256)?,
            "version" => self.version = at.text(64)?,
            "format" => self.format = at.name(64)?,
            "event_id" => self.event_id = at.text(256)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}
