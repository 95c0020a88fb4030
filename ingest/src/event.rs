//! One record of a foreign format while it is mapped: what its rules may look at.

use std::cell::{Cell, OnceCell};

use record::lexeme::Lexeme;
use record::tree::Tree;
use schemas::EventTime;
use schemas::activity::Text;

use crate::carrier::Identity;
use crate::format::ocsf::Principal;
use crate::plan::Found;

/// A record, and what is known beside it.
pub(crate) struct Event<'t, 'a> {
    /// The record.
    pub(crate) tree: &'t Tree<'a>,
    /// What stands at the places that its format knows.
    pub(crate) found: &'t Found<'t, 't, 'a>,
    /// Whether the names of its members may come in any case.
    pub(crate) caseless: bool,
    /// Who is behind which address.
    pub(crate) identity: &'t Identity,
    /// When it happened, once that is read.
    pub(crate) time: Cell<Option<EventTime>>,
    /// Who acts, of OCSF, once that is asked.
    pub(crate) principal: OnceCell<Option<Principal<'a>>>,
}

// === impl Event ===

impl<'t, 'a> Event<'t, 'a> {
    /// What stands at a path, unless it is null or empty.
    pub(crate) fn at(&self, path: &str) -> Option<&'t Tree<'a>> {
        self.found.at(path).unwrap_or_else(|| self.tree.at(path, self.caseless))
    }

    /// What stands at the first of the paths that holds anything.
    pub(crate) fn first(&self, paths: &[&str]) -> Option<&'t Tree<'a>> {
        paths.iter().find_map(|path| self.at(path))
    }

    /// The text or number at a path, as text.
    pub(crate) fn text(&self, path: &str) -> Option<Text<'a>> {
        text_of(self.at(path)?)
    }

    /// The text or number at the first of the paths that holds one.
    pub(crate) fn first_text(&self, paths: &[&str]) -> Option<Text<'a>> {
        paths.iter().find_map(|path| self.text(path))
    }

    /// The text at a path; empty where there is none.
    pub(crate) fn word(&self, path: &str) -> &'t str {
        self.at(path).and_then(Tree::text).map_or("", AsRef::as_ref)
    }

    /// The whole number at a path.
    pub(crate) fn number(&self, path: &str) -> Option<u64> {
        self.at(path)?.unsigned()
    }

    /// The truth value at a path, also as text.
    pub(crate) fn flag(&self, path: &str) -> Option<bool> {
        flag_of(self.at(path)?)
    }

    /// The agent that the config knows behind an address.
    pub(crate) fn agent_at(&self, address: &str) -> Option<Text<'a>> {
        self.identity.agent_at(address, self.time.get()).map(|id| Text::Owned(id.to_owned()))
    }

    /// Whether anything stands at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.at(path).is_some()
    }
}

/// A text or a number, as text.
pub(crate) fn text_of<'a>(tree: &Tree<'a>) -> Option<Text<'a>> {
    match tree {
        Tree::Scalar(Lexeme::Text(text)) => Some(text.clone()),
        Tree::Scalar(Lexeme::Unsigned(number)) => Some(Text::Owned(number.to_string())),
        Tree::Scalar(Lexeme::Negative(number)) => Some(Text::Owned(number.to_string())),
        Tree::Scalar(Lexeme::Float(number)) => Some(Text::Owned(number.to_string())),
        _ => None,
    }
}

/// A truth value, also as text.
pub(crate) fn flag_of(tree: &Tree<'_>) -> Option<bool> {
    match tree {
        Tree::Scalar(Lexeme::Bool(truth)) => Some(*truth),
        Tree::Scalar(Lexeme::Text(text)) if text.eq_ignore_ascii_case("true") => Some(true),
        Tree::Scalar(Lexeme::Text(text)) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
