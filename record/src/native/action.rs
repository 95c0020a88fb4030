//! What was done and to what: action, tool, arguments, resource. Arguments are names and keyed hashes; a
//! value has no field to stand in.

use schemas::activity::{Action, Argument, Resource, Text, Tool};
use schemas::choice::{ActionType, ArgumentKind, ArgumentRef, Classification, Origin, OriginForm};
use schemas::reject::ErrorCode;
use schemas::rule::is_keyed_hash;
use serde::de::MapAccess;

use super::member::{Absent, Member, Node};

/// An action whose type may still be absent.
#[derive(Default)]
pub(super) struct DraftAction<'a> {
    action: Action<'a>,
    has_type: bool,
}

/// An argument whose name or origin may still be absent.
#[derive(Default)]
struct DraftArgument<'a> {
    argument: Argument<'a>,
    has_name: bool,
    has_origin: bool,
}

// === impl DraftAction ===

impl<'a> DraftAction<'a> {
    /// The action, once it has a type.
    pub(super) fn finished(self) -> Option<Action<'a>> {
        self.has_type.then_some(self.action)
    }

    fn set_type(&mut self, kind: Option<ActionType>) {
        self.has_type = kind.is_some();
        self.action.kind = kind.unwrap_or_default();
    }
}

impl<'de> Node<'de> for DraftAction<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "type" => self.set_type(at.word(ActionType::from_wire)?),
            "operation" => self.action.operation = at.text(256)?,
            "tool" => self.action.tool = at.node::<Tool<'_>>()?,
            "parameters_hash" => self.action.parameters_hash = at.text(160)?,
            "arguments" => self.action.arguments = at.nodes::<DraftArgument<'_>>(32)?,
            "result_hash" => {
                self.action.result_hash =
                    at.text_like(is_keyed_hash, "hmac-sha256:[0-9a-f]{32,64}")?
            }
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

// === impl Node ===

impl<'de> Node<'de> for Tool<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "name" => self.name = at.text(256)?,
            "call_id" => self.call_id = at.text(256)?,
            "server" => self.server = at.text(2_048)?,
            "kind" => self.kind = at.text(64)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'a> DraftArgument<'a> {
    fn set_name(&mut self, name: Option<Text<'a>>) {
        self.has_name = name.is_some();
        self.argument.name = name.unwrap_or_default();
    }

    fn set_origin(&mut self, origin: Option<Origin>) {
        self.has_origin = origin.is_some();
        self.argument.origin = origin.unwrap_or_default();
    }
}

impl<'de> Node<'de> for DraftArgument<'de> {
    type Value = Argument<'de>;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "name" => self.set_name(at.text(128)?),
            "kind" => self.argument.kind = at.word(ArgumentKind::from_wire)?,
            "hash" => self.argument.hash = at.text(128)?,
            "origin" => self.set_origin(at.word(Origin::from_wire)?),
            "origin_call_id" => self.argument.origin_call_id = at.text(256)?,
            "origin_tool" => self.argument.origin_tool = at.text(256)?,
            "origin_form" => self.argument.origin_form = at.word(OriginForm::from_wire)?,
            "ref" => self.argument.names = at.word(ArgumentRef::from_wire)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        match (self.has_name, self.has_origin) {
            (false, _) => Err((ErrorCode::MissingField, "/name")),
            (_, false) => Err((ErrorCode::MissingField, "/origin")),
            _ => Ok(self.argument),
        }
    }
}

impl<'de> Node<'de> for Resource<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "id" => self.id = at.text(2_048)?,
            "type" => self.kind = at.text(128)?,
            "name" => self.name = at.text(256)?,
            "classification" => self.classification = at.word(Classification::from_wire)?,
            "service" => self.service = at.text(256)?,
            "region" => self.region = at.text(64)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}
