//! How serde reaches the nodes: one visitor for an object, one for a list of objects, one for a list of
//! texts. A value of another shape is serde's own data error; the context knows the place.

use std::fmt;
use std::marker::PhantomData;

use schemas::activity::Text;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::context::Context;
use super::member::{Member, Node};
use crate::lexeme::Lexeme;
use crate::pointer::Segment;
use crate::tree::Key;

/// Reads an object into a node.
pub(super) struct NodeSeed<'c, 'n, 'de, N> {
    ctx: &'c mut Context<'n, 'de>,
    node: PhantomData<N>,
}

// === impl NodeSeed ===

impl<'c, 'n, 'de, N> NodeSeed<'c, 'n, 'de, N> {
    /// Reads at the place where the context stands.
    pub(super) fn new(ctx: &'c mut Context<'n, 'de>) -> Self {
        Self { ctx, node: PhantomData }
    }
}

impl<'de, N: Node<'de>> DeserializeSeed<'de> for NodeSeed<'_, '_, 'de, N> {
    type Value = Option<N::Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, N: Node<'de>> Visitor<'de> for NodeSeed<'_, '_, 'de, N> {
    type Value = Option<N::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut node = N::default();
        while let Some(Key(key)) = map.next_key()? {
            self.ctx.enter(Segment::Key(key.clone()));
            node.member(&key, &mut Member { ctx: self.ctx, map: &mut map })?;
            self.ctx.leave();
        }
        match node.finish() {
            Ok(value) => Ok(Some(value)),
            Err((code, below)) => Err(self.ctx.absent(code, below)),
        }
    }
}

/// Reads a list of objects.
pub(super) struct NodesSeed<'c, 'n, 'de, N> {
    ctx: &'c mut Context<'n, 'de>,
    items_max: usize,
    node: PhantomData<N>,
}

// === impl NodesSeed ===

impl<'c, 'n, 'de, N> NodesSeed<'c, 'n, 'de, N> {
    /// Reads at the place where the context stands.
    pub(super) fn new(ctx: &'c mut Context<'n, 'de>, items_max: usize) -> Self {
        Self { ctx, items_max, node: PhantomData }
    }
}

impl<'de, N: Node<'de>> DeserializeSeed<'de> for NodesSeed<'_, '_, 'de, N> {
    type Value = Option<Vec<N::Value>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, N: Node<'de>> Visitor<'de> for NodesSeed<'_, '_, 'de, N> {
    type Value = Option<Vec<N::Value>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        loop {
            self.ctx.enter(Segment::Index(items.len()));
            let Some(item) = seq.next_element_seed(NodeSeed::<N>::new(self.ctx))? else { break };
            let Some(item) = item else {
                return Err(self.ctx.misfit("an object", &Lexeme::Null));
            };
            if self.items_max <= items.len() {
                return Err(self.ctx.too_long(self.items_max));
            }
            self.ctx.leave();
            items.push(item);
        }
        self.ctx.leave();
        Ok(Some(items))
    }
}

/// Reads a list of texts.
pub(super) struct TextsSeed<'c, 'n, 'de> {
    pub(super) ctx: &'c mut Context<'n, 'de>,
    pub(super) items_max: usize,
    pub(super) chars_max: usize,
}

// === impl TextsSeed ===

impl<'de> DeserializeSeed<'de> for TextsSeed<'_, '_, 'de> {
    type Value = Option<Vec<Text<'de>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextsSeed<'_, '_, 'de> {
    type Value = Option<Vec<Text<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of texts")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        loop {
            self.ctx.enter(Segment::Index(items.len()));
            let Some(lexeme) = seq.next_element()? else { break };
            let Some(item) = self.ctx.text(lexeme, self.chars_max)? else {
                return Err(self.ctx.misfit("a text", &Lexeme::Null));
            };
            if self.items_max <= items.len() {
                return Err(self.ctx.too_long(self.items_max));
            }
            self.ctx.leave();
            items.push(item);
        }
        self.ctx.leave();
        Ok(Some(items))
    }
}
