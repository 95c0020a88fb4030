//! A mapping as it is configured: a neutral tree of keys and values with their places, so that this crate knows no
//! TOML; and what is wrong with it, all of it at once.

use std::ops::Range;

/// A configured value and where it stands, in bytes of the config.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Where it stands; a text with its quotes.
    pub span: Range<usize>,
    /// What it is.
    pub value: SettingValue,
}

/// A configured value.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Number(f64),
    /// A truth value.
    Flag(bool),
    /// A list.
    List(Vec<Setting>),
    /// A table; dotted keys are tables in tables.
    Table(Vec<Member>),
}

/// A key of a table and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub span: Range<usize>,
    /// Its value.
    pub setting: Setting,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where, in bytes of the config.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

// === impl Setting ===

impl Setting {
    /// What it is, for messages.
    pub(super) fn noun(&self) -> &'static str {
        match self.value {
            SettingValue::Text(_) => "a text",
            SettingValue::Integer(_) | SettingValue::Number(_) => "a number",
            SettingValue::Flag(_) => "a truth value",
            SettingValue::List(_) => "a list",
            SettingValue::Table(_) => "a table",
        }
    }

    /// The place of a part of a text; the whole of it where quotes or escapes move it.
    pub(super) fn within(&self, part: Range<usize>) -> Range<usize> {
        match &self.value {
            SettingValue::Text(text) if self.span.len() == text.len() + 2 => {
                let start = self.span.start + 1;
                start + part.start..start + part.end
            }
            _ => self.span.clone(),
        }
    }
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub(super) fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds which of the known words was probably meant.
    pub(super) fn with_nearest<'w>(
        mut self,
        word: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) -> Self {
        let likeness = |candidate: &&str| strsim::jaro_winkler(word, candidate);
        let nearest = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        if let Some(nearest) = nearest.filter(|nearest| 0.8 < likeness(nearest)) {
            self.help = Some(format!("did you mean `{nearest}`?"));
        }
        self
    }
}
