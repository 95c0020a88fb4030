//! Contrasts of what an actor is used to: the same event is normal for one history and strange after another.

use std::slice::from_ref;
use std::sync::Arc;

use detector::{Observe, Outcome, Settings, Stamp};
use proptest::prelude::*;
use schemas::activity::{Action, Activity, Agent, Endpoint, Geo, Resource, Session};
use schemas::choice::{ActionType, Anonymizer, Classification};
use schemas::time::{DAY_MS, EventTime};

const START_MS: i64 = 1_767_600_000_000;
const MINUTE_MS: i64 = 60_000;

/// One agent of one partition, and the time.
struct Watch {
    observe: Observe,
    ms: i64,
    count: u64,
}

/// What an event tells beside its time.
#[derive(Clone, Default)]
struct Event {
    source: Option<Endpoint<'static>>,
    destination: Option<Endpoint<'static>>,
    resource: Option<Resource<'static>>,
}

impl Watch {
    fn new() -> Self {
        let observe = Observe::new(Arc::new(Settings::default()));
        Self { observe, ms: START_MS, count: 0 }
    }

    /// A session of one event, so much later; gives what `signal` says of it, in nats.
    fn see(&mut self, later_ms: i64, event: &Event, signal: &str) -> f64 {
        self.ms += later_ms;
        self.count += 1;
        let time = EventTime::from_millis(self.ms).unwrap();
        let agent = Agent { id: "a".into(), ..Agent::default() };
        let action = Action { kind: ActionType::ToolCall, ..Action::default() };
        let mut activity = Activity::new(format!("e{}", self.count).into(), time, agent, action);
        let id = Some(format!("s{}", self.count).into());
        activity.session = Some(Session { id, ..Session::default() });
        activity.source.clone_from(&event.source);
        activity.destination.clone_from(&event.destination);
        activity.resource.clone_from(&event.resource);
        let stamp =
            Stamp { topic: "t", partition: 0, offset: self.count, ordinal: 0, log_ms: self.ms };
        self.observe.advance(&stamp);
        let Outcome::Scored(observed) = self.observe.apply(&activity, &stamp, false) else {
            panic!("event {} is not scored", self.count)
        };
        let score = observed.assessment.signals.iter().find(|score| score.id == signal);
        #[expect(clippy::cast_precision_loss, reason = "micro-nats below 2^52")]
        let nats = score.map_or(0.0, |score| score.evidence_micronats as f64 / 1e6);
        nats
    }

    /// Days of habit: three sessions each, ten minutes apart, of these events in turn.
    fn live(&mut self, days: usize, events: &[Event]) -> &mut Self {
        for event in events.iter().cycle().take(days * 3).collect::<Vec<_>>().chunks(3) {
            self.ms += DAY_MS - 20 * MINUTE_MS;
            for event in event {
                self.see(10 * MINUTE_MS, event, "network");
            }
        }
        self
    }
}

fn place(asn: u32, country: &'static str, route: Anonymizer) -> Endpoint<'static> {
    let geo = Geo { country: Some(country.into()), ..Geo::default() };
    Endpoint { asn: Some(asn), geo: Some(geo), anonymizer: Some(route), ..Endpoint::default() }
}

fn from(endpoint: Endpoint<'static>) -> Event {
    Event { source: Some(endpoint), ..Event::default() }
}

fn to(endpoint: Endpoint<'static>) -> Event {
    Event { destination: Some(endpoint), ..Event::default() }
}

fn office() -> Endpoint<'static> {
    place(64_500, "DE", Anonymizer::None)
}

fn of_class(id: &'static str, class: Classification) -> Event {
    let resource =
        Resource { id: Some(id.into()), classification: Some(class), ..Resource::default() };
    Event { resource: Some(resource), ..Event::default() }
}

#[test]
fn a_hidden_route_is_strange_only_where_it_is_no_habit_at_either_end() {
    for end in [from, to] {
        for route in [Anonymizer::Vpn, Anonymizer::Tor, Anonymizer::Proxy, Anonymizer::Hosting] {
            let (plain, hidden) = (end(office()), end(place(64_500, "DE", route)));
            let usual = Watch::new().live(40, from_ref(&hidden)).see(DAY_MS, &hidden, "network");
            let sudden = Watch::new().live(40, from_ref(&plain)).see(DAY_MS, &hidden, "network");
            assert!(usual < 0.5 && sudden > 3.0, "{route:?}: {usual} and {sudden}");
            let back =
                Watch::new().live(40, &[hidden, plain.clone()]).see(DAY_MS, &plain, "network");
            assert!(back < 0.5, "{route:?}: {back}");
        }
    }
}

#[test]
fn a_sudden_change_of_region_is_travel_but_not_for_a_pool_nor_by_a_way_out() {
    let abroad = place(64_501, "BR", Anonymizer::None);
    let (here, there) = (from(office()), from(abroad.clone()));
    // Both places are in use, days apart.
    let mut commuter = Watch::new();
    for _ in 0..6 {
        commuter.live(5, from_ref(&here)).live(5, from_ref(&there));
    }
    commuter.live(5, from_ref(&here));
    let mut calm = Watch::new();
    for _ in 0..6 {
        calm.live(5, from_ref(&here)).live(5, from_ref(&there));
    }
    let rested = calm.live(5, from_ref(&here)).see(DAY_MS, &there, "network");
    let travel = commuter.see(10 * MINUTE_MS, &there, "network");
    let back = commuter.see(10 * MINUTE_MS, &here, "network");
    assert!(rested < 0.5 && travel > 3.0 && back > 2.0, "{rested}, {travel}, {back}");

    let third = from(place(64_502, "SG", Anonymizer::None));
    let mut pool = Watch::new();
    pool.live(40, &[here.clone(), there.clone(), third.clone()]);
    let usual = pool.see(10 * MINUTE_MS, &there, "network");
    assert!(usual < 1.5, "a pool that moves every time: {usual}");

    let way_out = from(Endpoint { internal: Some(true), ..abroad });
    let mut known = Watch::new();
    known.live(40, from_ref(&here));
    assert!(known.see(10 * MINUTE_MS, &way_out, "network") < 0.5, "a known way out");
    assert!(known.see(10 * MINUTE_MS, &here, "network") < 0.5, "and back");
    let tor = from(place(64_666, "SC", Anonymizer::Tor));
    let beyond = Watch::new().live(40, &[way_out]).see(10 * MINUTE_MS, &tor, "network");
    assert!(beyond > 3.0, "from elsewhere than the known way out: {beyond}");
}

#[test]
fn one_network_over_several_countries_or_one_country_over_several_is_no_travel() {
    for (asn, country) in [(64_500, "FR"), (64_509, "DE")] {
        let other = place(asn, country, Anonymizer::None);
        let mut watch = Watch::new();
        for _ in 0..6 {
            watch.live(5, &[from(office())]).live(5, &[from(other.clone())]);
        }
        watch.live(1, &[from(office())]);
        let nats = watch.see(10 * MINUTE_MS, &from(other), "network");
        assert!(nats < 0.5, "{asn} {country}: {nats}");
    }
}

#[test]
fn what_a_list_begins_to_tell_is_no_change() {
    let country = Geo { country: Some("DE".into()), ..Geo::default() };
    let before = from(Endpoint { geo: Some(country), ..Endpoint::default() });
    let nats = Watch::new().live(40, &[before]).see(10 * MINUTE_MS, &from(office()), "network");
    assert!(nats < 0.5, "systems are told from now on: {nats}");
}

#[test]
fn who_always_meets_new_networks_pays_little_for_one_more() {
    let new = |n: u32| to(place(65_000 + n, "DE", Anonymizer::None));
    let (mut broad, mut narrow) = (Watch::new(), Watch::new());
    for n in 0..120 {
        broad.live(1, &[new(3 * n), new(3 * n + 1), new(3 * n + 2)]);
        narrow.live(1, &[new(0), new(1), new(2)]);
    }
    let broad = broad.see(DAY_MS, &new(900), "network");
    let narrow = narrow.see(DAY_MS, &new(900), "network");
    assert!(broad < 3.0 && narrow > broad + 2.0, "{broad} and {narrow}");
}

#[test]
fn a_jump_in_classification_is_strange_by_itself_and_more_so_by_two() {
    use Classification::{Confidential, Internal, Restricted, Unknown};
    let one = "crm/sales/orders";
    let after = |habit, now| {
        let mut watch = Watch::new();
        watch.live(40, &[of_class(one, habit)]).see(DAY_MS, &of_class(one, now), "resource")
    };
    let (one_up, two_up) = (after(Internal, Confidential), after(Internal, Restricted));
    assert!(one_up > 4.0 && two_up > one_up, "{one_up} and {two_up}");
    for (habit, now) in [
        (Restricted, Restricted),
        (Restricted, Internal),
        (Internal, Internal),
        (Internal, Unknown),
        (Unknown, Restricted),
    ] {
        let nats = after(habit, now);
        assert!(nats < 0.5, "{habit:?} to {now:?}: {nats}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_longer_the_habit_the_stranger_its_end(days in 6_usize..40, more in 10_usize..40) {
        let tor = from(place(64_666, "SC", Anonymizer::Tor));
        let secret = of_class("a/b", Classification::Restricted);
        let plain = of_class("a/b", Classification::Public);
        let network =
            |days| Watch::new().live(days, &[from(office())]).see(DAY_MS, &tor, "network");
        let class =
            |days| Watch::new().live(days, from_ref(&plain)).see(DAY_MS, &secret, "resource");
        prop_assert!(network(days) < network(days + more));
        prop_assert!(class(days) < class(days + more));
    }
}
