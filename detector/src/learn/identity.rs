//! What an activity teaches of who the agent is: its credentials and what it is made of, counted once a session. Who
//! met a credential is a sum of marks: as an agent always adds the same, the sum is a multiple of its mark exactly as
//! long as nobody else added.

use baseline::Head;
use baseline::hash::tag;
use baseline::part::sessions::Counted;
use baseline::shared::{Deltas, Table};

use crate::cells;
use crate::context::Context;
use crate::keys::Keys;
use crate::learn::Lesson;
use crate::signal::{credential, epoch, inventory};
use crate::widen;

/// What is learned of an agent's identity.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdentityLesson {
    new_credential: bool,
    new_kind: bool,
    age: Option<f32>,
    /// What is noted of the inventory whatever is learned: scope, cell, what is added.
    register: [Option<(u64, u64, i64)>; 2],
}

impl IdentityLesson {
    /// Takes down what the activity shows, with increments and slots of the session.
    pub(super) fn of(
        ctx: &Context<'_>,
        counts: &mut Vec<(u64, u64, i64)>,
        slots: &mut Vec<u64>,
    ) -> Self {
        let keys = ctx.keys;
        let mut first = |slot: u64| {
            let first = ctx.session.counted(slot) == Counted::No;
            if first {
                slots.push(slot);
            }
            first
        };
        let mut lesson = Self { age: credential::age(ctx), ..Self::default() };
        let told = inventory::cell(ctx).map(|cell| (cell, 100));
        let scope = cells::register_of(keys.tenant);
        lesson.register = [told, widen::begins(ctx)].map(|mark| {
            mark.filter(|(cell, _)| first(*cell)).map(|(cell, add)| (scope, cell, add))
        });
        if keys.credential != 0 {
            let cell = cells::credential(keys.credential);
            lesson.new_credential = first(cell);
            if lesson.new_credential && ctx.head.credentials.id(tag(keys.credential)).is_none() {
                let scope = cells::credentials_of(keys.tenant);
                counts.push((scope, cell, credential::mark(keys)));
                for group in [0, keys.group] {
                    counts.push((scope, cells::credentials_met(group), 100));
                    if credential::is_elsewhere(ctx) {
                        counts.push((scope, cells::credentials_shared(group), 100));
                    }
                }
            }
        }
        if keys.credential_kind != 0 {
            let cell = cells::credential_kind(keys.credential_kind);
            lesson.new_kind = first(cell);
            if lesson.new_kind {
                counts.push((keys.group, cell, 100));
            }
        }
        for (component, value) in keys.makeup.into_iter().filter(|(_, value)| *value != 0) {
            let cell = cells::makeup(component, value);
            if first(cell) {
                counts.push((keys.group, cell, 100));
            }
            if epoch::is_change(ctx, component, value) {
                counts.push((keys.group, cells::makeup_new(component), 100));
            }
        }
        lesson
    }

    /// Learns the agent's own parts.
    pub(super) fn teach(&self, head: &mut Head, keys: &Keys, tenths: u16) {
        if keys.credential != 0 {
            head.credentials.learn_id(tag(keys.credential), keys.day, self.new_credential);
        }
        if self.new_kind {
            head.credentials.learn_kind(tag(keys.credential_kind));
        }
        if let Some(age) = self.age {
            head.credentials.learn_age(age, tenths);
        }
    }
}

impl Lesson {
    /// Notes what the inventory said, whatever is learned of the activity: it is said once.
    pub(crate) fn note(&self, deltas: &mut Deltas) {
        for (scope, cell, add) in self.identity.register.into_iter().flatten() {
            deltas.add(Table::Counts, scope, cell, add);
        }
    }
}

/// Notes what the agent is made of, whatever is learned of the activity: an epoch begins once.
pub(crate) fn note_makeup(head: &mut Head, keys: &Keys) {
    for (component, value) in keys.makeup.into_iter().filter(|(_, value)| *value != 0) {
        head.makeup.note(component, tag(value));
    }
}
