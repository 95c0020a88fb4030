//! Who acted, for whom and with what: agent, principal, model, delegation, credential, session. An agent
//! without an id is let through here; the record's own check names that fault.

use schemas::activity::{Agent, Credential, Delegation, Model, Principal, Session, Text};
use schemas::choice::{Authority, CredentialType, PrincipalType};
use schemas::reject::ErrorCode;
use serde::de::MapAccess;

use super::member::{Absent, Member, Node};

// === impl Node ===

impl<'de> Node<'de> for Agent<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "id" => self.id = at.text(2_048)?.unwrap_or_default(),
            "issuer" => self.issuer = at.text(2_048)?,
            "instance_id" => self.instance_id = at.text(256)?,
            "name" => self.name = at.text(256)?,
            "version" => self.version = at.text(64)?,
            "framework" => self.framework = at.text(64)?,
            "parent_id" => self.parent_id = at.text(2_048)?,
            "blueprint" => self.blueprint = at.text(256)?,
            "owner" => self.owner = at.node::<Principal<'_>>()?,
            "model" => self.model = at.node::<Model<'_>>()?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'de> Node<'de> for Principal<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "id" => self.id = at.name(2_048)?.unwrap_or_default(),
            "issuer" => self.issuer = at.text(2_048)?,
            "type" => self.kind = at.word(PrincipalType::from_wire)?,
            "name" => self.name = at.text(256)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        // An empty id was refused where it stood.
        if self.id.is_empty() { Err((ErrorCode::MissingField, "/id")) } else { Ok(self) }
    }
}

impl<'de> Node<'de> for Model<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "provider" => self.provider = at.text(256)?,
            "name" => self.name = at.text(256)?,
            "version" => self.version = at.text(256)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'de> Node<'de> for Delegation<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "mode" => self.mode = at.word(Authority::from_wire)?,
            "id" => self.id = at.text(256)?,
            "parent_id" => self.parent_id = at.text(256)?,
            "subject" => self.subject = at.node::<Principal<'_>>()?,
            "chain" => self.chain = at.nodes::<Principal<'_>>(32)?.unwrap_or_default(),
            "purpose" => self.purpose = at.text(256)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'de> Node<'de> for Credential<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "id" => self.id = at.text(256)?,
            "type" => self.kind = at.word(CredentialType::from_wire)?,
            "issuer" => self.issuer = at.text(2_048)?,
            "issued_at" => self.issued_at = at.side_time()?,
            "expires_at" => self.expires_at = at.side_time()?,
            "scopes" => self.scopes = at.texts(256, 256)?,
            "audience" => self.audience = at.texts(32, 2_048)?,
            "cnf_jkt" => self.cnf_jkt = at.text(128)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}

impl<'de> Node<'de> for Session<'de> {
    type Value = Self;

    fn member<A: MapAccess<'de>>(
        &mut self,
        key: &Text<'de>,
        at: &mut Member<'_, '_, 'de, A>,
    ) -> Result<(), A::Error> {
        match key.as_ref() {
            "id" => self.id = at.text(256)?,
            "task_id" => self.task_id = at.text(256)?,
            "conversation_id" => self.conversation_id = at.text(256)?,
            "mission_id" => self.mission_id = at.text(256)?,
            _ => at.unknown()?,
        }
        Ok(())
    }

    fn finish(self) -> Result<Self::Value, Absent> {
        Ok(self)
    }
}
