//! Tests of the lane: its core without any log, and the whole of it on the simulator.

mod core;
mod toy;
