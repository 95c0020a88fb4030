//! Contrasts of what an actor is used to: the same event is normal for one history and strange after another.

#[cfg(test)]
mod cases;
