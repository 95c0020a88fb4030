//! Records of many spans within a pass: their outcomes stand in place, within the number that a record may have, and what
//! is told of one another goes to whoever asked.

use record::limits::Limits;
use record::outcome::Decoded;
use record::pointer::rejection;
use schemas::reject::ErrorCode;

use crate::ancestors::Ancestors;
use crate::format::otlp;
use crate::pass::{Pass, Spot};

// === impl Pass ===

impl Pass<'_> {
    /// Decodes a record of many spans.
    pub(crate) fn spans<'a>(
        &mut self,
        spot: Spot<'_>,
        out: &mut Vec<Decoded<'a>>,
        decode: impl FnOnce(&mut otlp::Sink<'_, 'a>, (&Limits, Option<&Ancestors>)),
    ) {
        let start = out.len();
        let mut kept = Vec::new();
        let (before, traced) = match &mut self.among {
            Some((before, traced)) => (Some(*before), Some(traced)),
            None => (None, None),
        };
        let n_orphans = traced.as_ref().map_or(0, |traced| traced.orphans.len());
        let partials = self.trace.is_some().then_some(&mut kept);
        let sink = &mut otlp::Sink { notes: &mut *self.notes, out, traced, partials };
        decode(sink, (self.limits, before));
        if let Some((_, traced)) = &mut self.among {
            traced.place(n_orphans, self.n_before);
        }
        // In place: an outcome is large, and spans are many.
        for decoded in out.iter_mut().skip(start) {
            if let Decoded::Rejected(rejection) = decoded {
                rejection.path.insert_str(0, spot.place);
            }
        }
        let max = self.limits.activities_max;
        self.n_activities += out.len() - start;
        if max < self.n_activities {
            out.truncate(out.len().saturating_sub(self.n_activities - max).max(start));
            self.tell_spans(out.len() - start, kept, start, spot.place);
            let message = format!("accept more than {max} activities in one record");
            return self.refuse(
                rejection(ErrorCode::TooLarge, String::new(), message),
                spot.place,
                out,
            );
        }
        self.tell_spans(out.len() - start, kept, start, spot.place);
    }
}
