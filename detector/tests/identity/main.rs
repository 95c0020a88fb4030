//! Who acts: credentials, what an agent is made of, pauses. Each fact is found, says why, and is silent where it is
//! habit; a restart changes nothing.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod register;
#[cfg(test)]
mod restart;
