//! Wire forms: filled in by its author.
