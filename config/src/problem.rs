//! A mistake in a config, with its place, as a compiler would show it.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The config does not load.
    Error,
    /// It loads, but probably not as meant.
    Warning,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What to do.
    pub help: Option<String>,
}

/// Which of the known words was probably meant, as a help; none where the nearest is no more alike than that (0 to 1).
pub(crate) fn did_you_mean<'n>(
    word: &str,
    known: impl IntoIterator<Item = &'n str>,
    alike: f64,
) -> Option<String> {
    let likeness = |known: &&str| strsim::jaro_winkler(word, known);
    let nearest = known.into_iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (alike < likeness(&nearest)).then(|| format!("did you mean `{nearest}`?"))
}

/// Renders a problem with its line and caret.
pub fn render(problem: &Problem, source: &str, name: &str) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let end = problem.span.end.min(source.len());
    let span = problem.span.start.min(end)..end;
    let snippet = Snippet::source(source).path(name).annotation(AnnotationKind::Primary.span(span));
    let mut group = level.primary_title(problem.message.as_str()).element(snippet);
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    Renderer::plain().render(&[group]).to_string()
}
