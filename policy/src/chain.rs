//! Trust along a delegation: the least trusted link counts, and every hop beyond the second takes 5 %.
//! Links that no finding told of count as fully trusted: respond does not read activity.

use schemas::trust::Level;

/// Hops that cost nothing.
const FREE_HOPS: usize = 2;
/// What is left of trust per further hop.
const HOP_FACTOR: f64 = 0.95;

/// Trust and level of the least trusted link of the chain; `own` is that of the acting agent, which stands last, and
/// `of` tells that of another one as far as it is known.
pub fn effective(
    chain: &[String],
    own: (f64, Level),
    of: impl Fn(&str) -> Option<(f64, Level)>,
) -> (f64, Level) {
    let links = chain.split_last().map_or(&[][..], |(_, links)| links);
    let known = links.iter().filter_map(|link| of(link));
    let (least, level) = known.fold(own, |a, b| (a.0.min(b.0), a.1.min(b.1)));
    let n_dear_hops = links.len().saturating_sub(FREE_HOPS);
    ((0..n_dear_hops).fold(least, |trust, _| trust * HOP_FACTOR), level)
}
