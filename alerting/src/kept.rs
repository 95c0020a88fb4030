//! A verdict as an alert keeps it: prose cleaned, numbers finite, every text within its limit. So an alert and its
//! record stay below 900 KiB whatever an event says. What is within the wire formats' limits stays whole.

use schemas::Contribution;
use schemas::finding::{Facts, Verdict};

use crate::budget;
use crate::cases::percent;
use crate::text::{clean, json_bytes};

/// Most bytes of a text in JSON: an id of 2,048 characters, however they are escaped.
const ID_BYTES_MAX: usize = 12 << 10;
/// What an alert tells in several places.
const PLACE_BYTES_MAX: usize = 8 << 10;
/// Names, versions, sessions: 256 characters.
const NAME_BYTES_MAX: usize = 1_536;
/// Links of a delegation, and most bytes of all of them.
const LINKS_MAX: usize = 32;
const CHAIN_BYTES_MAX: usize = 64 << 10;
/// Signals told, and characters of a signal's name.
const SIGNALS_MAX: usize = 32;
const SIGNAL_BYTES_MAX: usize = 64;
/// An event's id: 128 characters.
const EVENT_BYTES_MAX: usize = 768;

/// The verdict as an alert tells it, and whether something of it was cut.
pub(crate) fn kept(verdict: &Verdict) -> (Verdict, bool) {
    let mut cut = Cut { happened: false };
    let mut kept = verdict.clone();
    // An alert tells the one that it is about.
    kept.causes.clear();
    cut.text(&mut kept.actor.agent_id, ID_BYTES_MAX);
    cut.text(&mut kept.activity_id, EVENT_BYTES_MAX);
    cut.text(&mut kept.baseline.state, SIGNAL_BYTES_MAX);
    cut.signals(&mut kept.contributions);
    cut.signals(&mut kept.shadow_contributions);
    cut.list(&mut kept.keys, SIGNALS_MAX, SIGNAL_BYTES_MAX);
    cut.option(&mut kept.hard_indicator, NAME_BYTES_MAX);
    cut.facts(&mut kept.facts);
    kept.return_period_actor_months = budget::finite(verdict.return_period_actor_months);
    kept.counted_actor_months = verdict.counted_actor_months.map(budget::finite);
    kept.return_period_support.actor_hours =
        budget::finite(verdict.return_period_support.actor_hours);
    kept.trust_before = percent(verdict.trust_before);
    kept.trust_after = percent(verdict.trust_after);
    kept.trust_evidence = budget::finite(verdict.trust_evidence);
    (kept, cut.happened)
}

/// The id of an event, within its limit.
pub(crate) fn event_id(id: &str) -> String {
    let mut id = id.to_owned();
    Cut { happened: false }.text(&mut id, EVENT_BYTES_MAX);
    id
}

/// The name of a signal or family, within its limit.
pub(crate) fn signal(name: &str) -> String {
    let mut name = name.to_owned();
    Cut { happened: false }.text(&mut name, SIGNAL_BYTES_MAX);
    name
}

struct Cut {
    happened: bool,
}

// === impl Cut ===

impl Cut {
    /// Cuts a text where its JSON would be longer than that many bytes.
    fn text(&mut self, text: &mut String, bytes_max: usize) {
        let mut bytes = 0;
        let too_long = text.char_indices().find(|(_, c)| {
            bytes += json_bytes(*c);
            bytes > bytes_max
        });
        if let Some((at, _)) = too_long {
            text.truncate(at);
            self.happened = true;
        }
    }

    fn option(&mut self, text: &mut Option<String>, bytes_max: usize) {
        if let Some(text) = text {
            self.text(text, bytes_max);
        }
    }

    fn list(&mut self, texts: &mut Vec<String>, len_max: usize, bytes_max: usize) {
        self.happened |= len_max < texts.len();
        texts.truncate(len_max);
        texts.iter_mut().for_each(|text| self.text(text, bytes_max));
    }

    fn signals(&mut self, contributions: &mut Vec<Contribution>) {
        self.happened |= SIGNALS_MAX < contributions.len();
        contributions.truncate(SIGNALS_MAX);
        for contribution in contributions {
            self.text(&mut contribution.signal, SIGNAL_BYTES_MAX);
            for text in [
                &mut contribution.observed,
                &mut contribution.expected,
                &mut contribution.peers,
                &mut contribution.normal,
            ] {
                *text = clean(text);
            }
        }
    }

    fn facts(&mut self, facts: &mut Facts) {
        let chain = &mut facts.chain;
        self.list(chain, LINKS_MAX, ID_BYTES_MAX);
        let bytes = |link: &String| link.chars().map(json_bytes).sum::<usize>();
        if chain.iter().map(bytes).sum::<usize>() > CHAIN_BYTES_MAX {
            self.list(chain, LINKS_MAX, CHAIN_BYTES_MAX / LINKS_MAX);
        }
        for text in [
            &mut facts.agent_issuer,
            &mut facts.subject,
            &mut facts.tool_server,
            &mut facts.resource,
            &mut facts.destination,
        ] {
            self.option(text, PLACE_BYTES_MAX);
        }
        for text in [
            &mut facts.agent_instance_id,
            &mut facts.agent_name,
            &mut facts.agent_version,
            &mut facts.blueprint,
            &mut facts.owner,
            &mut facts.subject_name,
            &mut facts.purpose,
            &mut facts.delegation_id,
            &mut facts.credential_id,
            &mut facts.session,
            &mut facts.operation,
            &mut facts.classification,
            &mut facts.destination_ip,
            &mut facts.source,
            &mut facts.outcome,
            &mut facts.trace_id,
        ] {
            self.option(text, NAME_BYTES_MAX);
        }
        self.text(&mut facts.action, NAME_BYTES_MAX);
    }
}
