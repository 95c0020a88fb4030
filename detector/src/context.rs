//! What a signal may look at: the activity, the actor's habits before it, its session, and the fleet's snapshot.

use baseline::crowd::Busy;
use baseline::part::sessions::{Counted, Session};
use baseline::shared::{Scope, Shared};
use baseline::{Actor, Head};
use schemas::activity::Activity;

use crate::cells;
use crate::inventory::{Inventory, Standing};
use crate::keys::Keys;

/// Share of the peer group's sessions below which a thing is new to it.
const NEW_SHARE: f64 = 0.02;

/// Everything a signal may look at; nothing it may change.
pub(crate) struct Context<'a> {
    /// The activity.
    pub(crate) activity: &'a Activity<'a>,
    pub(crate) keys: &'a Keys,
    pub(crate) head: &'a Head,
    pub(crate) actor: &'a Actor,
    pub(crate) session: &'a Session,
    pub(crate) tenant: Option<&'a Scope>,
    pub(crate) group: Option<&'a Scope>,
    /// Who met which credential; only where the activity names one.
    pub(crate) credentials: Option<&'a Scope>,
    /// What the inventory says of it, and what was counted of that; only where it says something.
    pub(crate) standing: Standing<'a>,
    pub(crate) register: Option<&'a Scope>,
    /// More than a minute behind the actor's newest activity: windows stand still.
    pub(crate) late: bool,
    /// The first activity of its call: order, rate and failures count the call once.
    pub(crate) first_of_call: bool,
    /// How busy the destination is, over all agents of the partition.
    pub(crate) busy: Busy,
    /// For how long the tenant's agents have been watched, in seconds.
    pub(crate) watched_s: f64,
}

/// Hundredths as a number of sessions.
pub(crate) fn whole(hundredths: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let count = hundredths.max(0) as f64 / 100.0;
    count
}

impl<'a> Context<'a> {
    pub(crate) fn scopes(shared: &'a Shared, keys: &Keys) -> [Option<&'a Scope>; 3] {
        let credentials = (keys.credential != 0).then(|| cells::credentials_of(keys.tenant));
        let credentials = credentials.and_then(|scope| shared.scope(scope));
        [shared.scope(keys.tenant), shared.scope(keys.group), credentials]
    }

    /// What the inventory says, with its scope where that can matter.
    pub(crate) fn registered(
        inventory: &'a Inventory,
        activity: &Activity<'_>,
        (shared, keys): (&'a Shared, &Keys),
    ) -> (Standing<'a>, Option<&'a Scope>) {
        let standing = inventory.standing(activity);
        let matters = standing.fact.is_some() || standing.change(activity).is_some();
        let scope = matters.then(|| cells::register_of(keys.tenant));
        (standing, scope.and_then(|scope| shared.scope(scope)))
    }

    /// Sessions of the purpose, or without one of the peers.
    pub(crate) fn sessions(&self) -> f64 {
        if self.keys.purpose == 0 { self.peer_sessions() } else { self.purpose_sessions() }
    }

    /// A count of the peer group, in sessions.
    pub(crate) fn peers(&self, cell: u64) -> f64 {
        self.group.map_or(0.0, |scope| whole(scope.counts.get(cell)))
    }

    /// A count of the tenant, in sessions.
    pub(crate) fn everyone(&self, cell: u64) -> f64 {
        self.tenant.map_or(0.0, |scope| whole(scope.counts.get(cell)))
    }

    /// How many of a slot's sessions are this one.
    pub(crate) fn own(&self, slot: u64) -> f64 {
        if self.session.counted(slot) == Counted::Before { 1.0 } else { 0.0 }
    }

    /// Whether hardly any session of the peer group other than this one counts in a cell: what is taken up by a group is
    /// known to some of it before the first of them alerts.
    pub(crate) fn is_new_to_peers(&self, cell: u64, slot: u64) -> bool {
        self.peers(cell) - self.own(slot) < 1.0 + NEW_SHARE * self.peer_sessions()
    }

    /// Sessions of the peer group other than this one.
    pub(crate) fn peer_sessions(&self) -> f64 {
        let cell = cells::sessions(0);
        (self.peers(cell) - self.own(cell)).max(0.0)
    }

    /// Sessions of this purpose other than this one; 0 without a purpose.
    pub(crate) fn purpose_sessions(&self) -> f64 {
        if self.keys.purpose == 0 {
            return 0.0;
        }
        let cell = cells::sessions(self.keys.purpose);
        (self.peers(cell) - self.own(cell)).max(0.0)
    }

    /// Other sessions of this purpose that used this tool.
    pub(crate) fn purpose_tool(&self) -> f64 {
        let cell = cells::tool(self.keys.purpose, self.keys.tool);
        (self.peers(cell) - self.own(cell)).max(0.0)
    }

    /// Whether the tool is new to a purpose that others know.
    pub(crate) fn tool_is_new(&self) -> bool {
        self.purpose_sessions() > 0.0 && self.purpose_tool() < 1.0
    }
}
