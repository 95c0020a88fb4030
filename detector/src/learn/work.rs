//! What an activity teaches of how work is done: tools by purpose, once a session, and the steps from one to the next.

use baseline::part::sessions::Counted;

use super::{Lesson, is_ripe};
use crate::cells;
use crate::context::Context;

impl Lesson {
    /// Tools, and steps.
    pub(super) fn tools(&mut self, ctx: &Context<'_>, weight: i64) {
        let keys = ctx.keys;
        let slot = cells::tool(keys.purpose, keys.tool);
        if ctx.session.counted(slot) == Counted::No {
            self.slots.push(slot);
            self.counts.push((keys.group, slot, weight));
            if keys.purpose != 0 {
                self.counts.push((keys.group, cells::tool(0, keys.tool), weight));
                self.slots.push(cells::tool(0, keys.tool));
            }
            let new = ctx.tool_is_new() && is_ripe(ctx);
            self.new_tool = Some(new);
            if new {
                for cell in [
                    cells::new_tools(0, 0),
                    cells::new_tools(0, keys.tool),
                    cells::new_tools(keys.purpose, 0),
                ] {
                    self.counts.push((keys.group, cell, 100));
                }
            }
        }
        if !ctx.first_of_call || ctx.late {
            return;
        }
        let from = u64::from(ctx.session.tool);
        for purpose in [0, keys.purpose].into_iter().take(if keys.purpose == 0 { 1 } else { 2 }) {
            self.counts.push((keys.group, cells::calls_to(purpose, keys.tool), weight));
            self.counts.push((keys.group, cells::calls(purpose), weight));
            if from != 0 {
                self.counts.push((keys.group, cells::step(purpose, from, keys.tool), weight));
                self.counts.push((keys.group, cells::steps_from(purpose, from), weight));
            }
        }
    }
}
