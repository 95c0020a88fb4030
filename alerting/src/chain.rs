//! Trust along a delegation: the least trusted link counts, and every hop beyond the second takes 5 %.
//! Links that no finding told of count as fully trusted: respond does not read activity.

use crate::tenant::Tenant;

/// Hops that cost nothing.
const FREE_HOPS: usize = 2;
/// What is left of trust per further hop.
const HOP_FACTOR: f64 = 0.95;

/// Trust of the least trusted link of the chain; `own` is that of the acting agent.
pub(crate) fn trust_effective(tenant: &Tenant, chain: &[String], own: f64) -> f64 {
    let links = chain.split_last().map_or(&[][..], |(_, links)| links);
    let least = links.iter().filter_map(|link| tenant.trust_of(link)).fold(own, f64::min);
    let n_dear_hops = links.len().saturating_sub(FREE_HOPS);
    (0..n_dear_hops).fold(least, |trust, _| trust * HOP_FACTOR)
}
