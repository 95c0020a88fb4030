//! What a record may cost. The lengths of single fields are not here: they are part of the schema and
//! stand beside the field in its decoder.

/// Hard limits of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record in bytes; 1 MiB, what brokers accept by default.
    pub record_bytes_max: usize,
    /// Deepest nesting of objects and lists; 32, thrice what our formats need.
    pub depth_max: usize,
    /// Most spans of one OTLP record; 8,192, the batch of a collector.
    pub spans_max: usize,
    /// Most steps from a span up to the ancestor that names its agent; 64.
    pub ancestors_max: usize,
    /// Bytes that a record may expand to over all its envelopes; 16 MiB.
    pub expanded_bytes_max: usize,
    /// Envelopes in one another; 8, twice what is seen.
    pub envelopes_max: usize,
    /// Activities of one record; 8,192.
    pub activities_max: usize,
    /// Values and members of one text, before it is read into memory; 524,288.
    pub values_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes_max: 1 << 20,
            depth_max: 32,
            spans_max: 8_192,
            ancestors_max: 64,
            expanded_bytes_max: 16 << 20,
            envelopes_max: 8,
            activities_max: 8_192,
            values_max: 1 << 19,
        }
    }
}
