//! Tools an actor uses, counted in sessions, with how often it met something new under each: at most 16.

use crate::bytes::{Reader, StateError, Writer};
use crate::part::slots::append;

/// Most tools kept.
pub const TOOLS_MAX: usize = 16;

/// One tool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToolUse {
    /// Tag of the tool's hash.
    pub tag: u32,
    /// Sessions that used it, in tenths of a session.
    pub sessions: u16,
    /// Sessions in which it was new to a known purpose.
    pub novel: u16,
}

/// The tools of one actor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    slots: Box<[ToolUse]>,
}

impl Tools {
    /// The tool, where known.
    pub fn get(&self, tag: u32) -> Option<&ToolUse> {
        self.slots.iter().find(|tool| tool.tag == tag)
    }

    /// Adds tenths of a session, and one novelty where `novel`.
    pub fn learn(&mut self, tag: u32, tenths: u16, novel: bool) {
        let index =
            self.slots.iter().position(|tool| tool.tag == tag).unwrap_or_else(|| self.admit(tag));
        if let Some(tool) = self.slots.get_mut(index) {
            tool.sessions = tool.sessions.saturating_add(tenths);
            tool.novel = tool.novel.saturating_add(u16::from(novel));
        }
    }

    fn admit(&mut self, tag: u32) -> usize {
        let fresh = ToolUse { tag, ..ToolUse::default() };
        if self.slots.len() < TOOLS_MAX {
            append(&mut self.slots, fresh);
            return self.slots.len() - 1;
        }
        let least = self
            .slots
            .iter()
            .enumerate()
            .min_by_key(|(_, tool)| tool.sessions)
            .map_or(0, |(index, _)| index);
        if let Some(tool) = self.slots.get_mut(least) {
            *tool = fresh;
        }
        least
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.slots.len() * size_of::<ToolUse>()
    }

    /// Appends the table.
    pub fn encode(&self, out: &mut Writer) {
        out.u8(u8::try_from(self.slots.len()).unwrap_or(u8::MAX));
        for tool in self.slots.iter() {
            out.u32(tool.tag);
            out.u16(tool.sessions);
            out.u16(tool.novel);
        }
    }

    /// Takes the table.
    pub fn decode(input: &mut Reader<'_>) -> Result<Self, StateError> {
        let len = usize::from(input.u8()?);
        if len > TOOLS_MAX {
            return Err(StateError::Value);
        }
        let mut slots = Vec::with_capacity(len);
        for _ in 0..len {
            slots.push(ToolUse { tag: input.u32()?, sessions: input.u16()?, novel: input.u16()? });
        }
        Ok(Self { slots: slots.into() })
    }
}
