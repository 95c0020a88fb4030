//! What an agent returns to: a Pitman-Yor process, so that most choices are old ones and new ones never end.

use super::random::Random;

/// The items an agent has met, by how often.
#[derive(Clone, Debug)]
pub(super) struct Habit {
    discount: f64,
    strength: f64,
    items: Vec<(u64, u32)>,
    total: u32,
}

impl Habit {
    pub(super) fn new(discount: f64, strength: f64) -> Self {
        Self { discount, strength, items: Vec::new(), total: 0 }
    }

    /// Chooses an item; a new one comes from the base.
    pub(super) fn draw(
        &mut self,
        random: &mut Random,
        base: impl FnOnce(&mut Random) -> u64,
    ) -> u64 {
        let kinds = self.items.len() as f64;
        let mut at = random.unit() * (f64::from(self.total) + self.strength);
        at -= self.strength + self.discount * kinds;
        let mut chosen = None;
        if at >= 0.0 {
            chosen = self.items.iter().position(|(_, count)| {
                at -= f64::from(*count) - self.discount;
                at < 0.0
            });
        }
        let item = match chosen {
            Some(place) => self.items[place].0,
            None => base(random),
        };
        self.total += 1;
        match self.items.iter_mut().find(|(known, _)| *known == item) {
            Some((_, count)) => *count += 1,
            None => self.items.push((item, 1)),
        }
        item
    }
}
