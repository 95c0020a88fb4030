//! What one pass carries along: where it stands, what it noticed, and the first fault. A fault ends the
//! parse; the path is left as it stood, so it is the place of any error.

use schemas::activity::Text;
use schemas::reject::{ErrorCode, Rejection};
use serde::de::Error;

use crate::depth;
use crate::lexeme::Lexeme;
use crate::limits::Limits;
use crate::notes::Notes;
use crate::outcome::{invalid_json, too_deep};
use crate::pointer::{self, Segment, rejection};

/// The state of one pass.
pub(super) struct Context<'n, 'de> {
    notes: &'n mut Notes,
    path: Vec<Segment<'de>>,
    fault: Option<Rejection>,
    has_unknown: bool,
    kind: String,
}

// === impl Context ===

impl<'n, 'de> Context<'n, 'de> {
    /// A pass that begins.
    pub(super) fn new(notes: &'n mut Notes) -> Self {
        Self {
            notes,
            path: Vec::with_capacity(4),
            fault: None,
            has_unknown: false,
            kind: String::new(),
        }
    }

    /// Whether a member was skipped unread.
    pub(super) fn has_unknown(&self) -> bool {
        self.has_unknown
    }

    /// Goes down to a member or item.
    pub(super) fn enter(&mut self, segment: Segment<'de>) {
        self.path.push(segment);
    }

    /// Comes back up from it.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Notes a fault at this place and gives the error that ends the parse.
    pub(super) fn fault<E: Error>(&mut self, code: ErrorCode, message: impl Into<String>) -> E {
        self.fault = Some(rejection(code, pointer::exact(&self.path), message));
        E::custom("rejected")
    }

    /// Notes that something required is absent below this place.
    pub(super) fn absent<E: Error>(&mut self, code: ErrorCode, below: &str) -> E {
        let path = pointer::exact(&self.path) + below;
        self.fault = Some(rejection(code, path, "find a required field"));
        E::custom("rejected")
    }

    /// Notes that the value at this place is of another kind than wanted.
    pub(super) fn misfit<E: Error>(&mut self, wanted: &str, found: &Lexeme<'_>) -> E {
        self.fault(ErrorCode::InvalidField, format!("read {wanted}: found {}", found.noun()))
    }

    /// Notes that the list of the item at this place is longer than its limit.
    pub(super) fn too_long<E: Error>(&mut self, items_max: usize) -> E {
        self.leave();
        self.fault(ErrorCode::TooLarge, format!("accept more than {items_max} items"))
    }

    /// Takes a scalar as a text of at most so many characters; null is none.
    pub(super) fn text<E: Error>(
        &mut self,
        lexeme: Lexeme<'de>,
        chars_max: usize,
    ) -> Result<Option<Text<'de>>, E> {
        match lexeme {
            Lexeme::Null => Ok(None),
            // Counting is rare: a text of few bytes has few characters.
            Lexeme::Text(text) if text.len() <= chars_max || text.chars().count() <= chars_max => {
                Ok(Some(text))
            }
            Lexeme::Text(_) => {
                let message = format!("accept a text of more than {chars_max} characters");
                Err(self.fault(ErrorCode::TooLarge, message))
            }
            other => Err(self.misfit("a text", &other)),
        }
    }

    /// Counts the member at this place as unknown.
    pub(super) fn count_field(&mut self) {
        self.has_unknown = true;
        pointer::kind_into(&mut self.kind, &self.path);
        self.notes.count_field(&self.kind);
    }

    /// Counts the value at this place as unknown.
    pub(super) fn count_value(&mut self) {
        pointer::kind_into(&mut self.kind, &self.path);
        self.notes.count_value(&self.kind);
    }

    /// Counts an address that is no IP.
    pub(super) fn count_opaque_address(&mut self) {
        self.notes.count_opaque_address();
    }

    /// The rejection of a record that is `null`.
    pub(super) fn not_an_object(self) -> Rejection {
        let message = "recognise a record that is no json object";
        rejection(ErrorCode::UnsupportedFormat, String::new(), message)
    }

    /// The rejection of a parse that ended with an error.
    pub(super) fn into_rejection(
        self,
        error: &serde_json::Error,
        text: &str,
        limits: &Limits,
    ) -> Rejection {
        if let Some(fault) = self.fault {
            return fault;
        }
        let (line, column) = (error.line(), error.column());
        let misfit = |what: &str| {
            let message = format!("read {what} at line {line} column {column}");
            rejection(ErrorCode::InvalidField, pointer::exact(&self.path), message)
        };
        if error.is_data() {
            return misfit("a value of another type");
        }
        if error.to_string().starts_with("number out of range") {
            return misfit("a number that is not finite");
        }
        if depth::exceeds(text, limits.depth_max) { too_deep(limits) } else { invalid_json(error) }
    }
}
