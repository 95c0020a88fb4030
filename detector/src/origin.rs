//! Where the values of a call came from, as far as the gateway logs it: the strongest origin among the arguments that
//! concern a slot. An origin is no evidence by itself, for legitimate values come from tools too; it says how to read
//! the evidence of its slot.

use baseline::math::{exp, ln};
use baseline::part::sessions::ORIGINS;
use baseline::shared::Calibration;
use schemas::activity::{Activity, Argument};
use schemas::choice::{ArgumentRef, Origin, OriginForm};

/// Votes that what is usual of all evidence stands for behind evidence as strong: as few as a habit begins with.
const USUAL_VOTES: f64 = 3.0;
/// Share of attacks that are no injection and so say nothing by their origins: bounds what an origin takes away to
/// ln 10 nats.
const OTHER_SHARE: f64 = 0.1;

/// Evidence whose value has an origin.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    /// Which tool.
    Tool,
    /// Whom to, by a usual tool.
    Destination,
    /// Whom to, by a tool that is new to the purpose.
    DestinationOfNewTool,
    /// What of.
    Resource,
}

/// Where the value of a slot first stood in the session, strongest hint of injection first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// In a tool's result, inside longer text.
    ToolText,
    /// In a tool's result, as a whole field.
    ToolField,
    /// Nowhere before: the model made it.
    Model,
    /// In the user's request, or there is no value.
    Request,
}

/// The channel of a subject's evidence among those told apart by origin; `None` where the origin is not logged.
pub(crate) fn channel(activity: &Activity<'_>, subject: Subject) -> Option<usize> {
    let slot = match subject {
        Subject::Tool => None,
        Subject::Destination | Subject::DestinationOfNewTool => Some(ArgumentRef::Destination),
        Subject::Resource => Some(ArgumentRef::Resource),
    };
    Some(
        subject as usize * ORIGINS
            + strongest(activity.action.arguments.as_deref()?, slot)? as usize,
    )
}

/// The strongest origin among the arguments of the whole call, or of the slot that some of them name.
fn strongest(arguments: &[Argument<'_>], slot: Option<ArgumentRef>) -> Option<Class> {
    let of_slot = |argument: &&Argument<'_>| slot.is_none() || argument.names == slot;
    let whole = arguments.is_empty() || slot.is_none();
    let mut strongest = whole.then_some(Class::Request);
    for argument in arguments.iter().filter(of_slot) {
        let class = class(argument)?;
        strongest = Some(strongest.map_or(class, |before| before.min(class)));
    }
    strongest
}

fn class(argument: &Argument<'_>) -> Option<Class> {
    match argument.origin {
        Origin::UserRequest => Some(Class::Request),
        Origin::Model => Some(Class::Model),
        Origin::ToolResult if argument.origin_form == Some(OriginForm::Field) => {
            Some(Class::ToolField)
        }
        Origin::ToolResult => Some(Class::ToolText),
        Origin::Unknown => None,
    }
}

/// What an origin adds to `nats` of evidence on a channel told apart by origin: the logarithm of how likely it is under
/// attack over its share among evidence as strong, in the tenant and then in the peer group. Its mean factor over
/// usual evidence is 1, however many calls log their origins: logging some of them shifts nothing.
pub(crate) fn nats(
    tables: [Option<&Calibration>; 2],
    handicaps: [f64; ORIGINS],
    channel: usize,
    nats: f64,
) -> f64 {
    let prior = prior(handicaps);
    let class = channel % ORIGINS;
    let subject = channel / ORIGINS;
    let [tenant, group] = tables;
    let mut usual = prior;
    for (table, from) in [(tenant, 0.0), (tenant, nats), (group, nats)] {
        usual = table.map_or(usual, |table| table.origins(subject, from, usual, USUAL_VOTES));
    }
    let of = |shares: [f64; ORIGINS]| shares.get(class).copied().unwrap_or(1.0);
    ln(factor(of(prior), of(usual)))
}

fn factor(under_attack: f64, usual: f64) -> f64 {
    (1.0 - OTHER_SHARE) * under_attack / usual.max(1e-9) + OTHER_SHARE
}

/// Handicaps in nats as shares that sum to 1.
fn prior(handicaps: [f64; ORIGINS]) -> [f64; ORIGINS] {
    let weights = handicaps.map(|handicap| exp(-handicap));
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baseline::part::sessions::BY_ORIGIN;
    use baseline::shared::{BINS, Table};
    use proptest::prelude::*;
    use schemas::finding::Increment;

    fn argument(
        origin: Origin,
        form: Option<OriginForm>,
        slot: Option<ArgumentRef>,
    ) -> Argument<'static> {
        Argument { name: "a".into(), origin, origin_form: form, names: slot, ..Argument::default() }
    }

    proptest! {
        #[test]
        fn origins_favour_nobody_on_average_and_take_little(
            handicaps in proptest::array::uniform4(0.0_f64..5.0),
            usual in proptest::array::uniform4(0.01_f64..1.0),
        ) {
            let sum: f64 = usual.iter().sum();
            let usual = usual.map(|share| share / sum);
            let prior = prior(handicaps);
            let mean: f64 = prior.iter().zip(usual).map(|(p, q)| q * factor(*p, q)).sum();
            prop_assert!((mean - 1.0).abs() < 1e-9, "{mean}");
            prop_assert!(prior.iter().zip(usual).all(|(p, q)| factor(*p, q) >= OTHER_SHARE));
        }
    }

    #[test]
    fn a_handicap_takes_from_its_own_origin_and_gives_to_the_others() {
        let votes = |class: usize| Increment {
            table: Table::Maxima.number(),
            scope: 0,
            group: 0,
            cell: ((BY_ORIGIN + class) * BINS + 50) as u64,
            add: 20_000,
        };
        let mut table = Calibration::default();
        table.add(1, &(0..ORIGINS).map(votes).collect::<Vec<_>>());
        let of = |handicaps, class| nats([Some(&table), None], handicaps, class, 4.0);
        let usual = [0.0, 1.0, 0.5, 2.0];
        for raised in 0..ORIGINS {
            let mut changed = usual;
            changed[raised] += 1.0;
            for class in 0..ORIGINS {
                let (before, after) = (of(usual, class), of(changed, class));
                assert_eq!(after < before, class == raised, "{raised}, {class}: {before} {after}");
            }
        }
    }

    #[test]
    fn without_votes_an_origin_says_nothing() {
        for channel in 0..4 * ORIGINS {
            let empty = Calibration::default();
            for tables in [[None, None], [Some(&empty), None], [Some(&empty), Some(&empty)]] {
                assert!(nats(tables, [0.0, 1.0, 0.5, 2.0], channel, 5.0).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_strongest_origin_of_a_slot_counts_and_one_unknown_hides_it() {
        let here = Some(ArgumentRef::Destination);
        let request = argument(Origin::UserRequest, None, here);
        let text = argument(Origin::ToolResult, Some(OriginForm::Text), None);
        let field = argument(Origin::ToolResult, Some(OriginForm::Field), here);
        let hidden = argument(Origin::Unknown, None, here);
        let both = [request.clone(), text.clone(), field];
        assert_eq!(strongest(&both, None), Some(Class::ToolText));
        assert_eq!(strongest(&both, here), Some(Class::ToolField));
        assert_eq!(strongest(&[request, hidden], here), None);
        assert_eq!(strongest(&[text], here), None);
        assert_eq!(strongest(&[], here), Some(Class::Request));
    }
}
