//! `observe_once PASSES`: decodes and observes a fixed input that many times, for callgrind. Prints the number
//! of activities in one pass. It takes no time: what differs between two counts of passes is the folds alone.
#![forbid(unsafe_code)]

use std::hint::black_box;

use benches::Fixture;

/// Activities of one pass.
const ACTIVITIES: usize = 5_000;

fn main() {
    let passes: u32 = std::env::args()
        .nth(1)
        .and_then(|passes| passes.parse().ok())
        .expect("usage: observe_once PASSES");
    let fixture = Fixture::new(ACTIVITIES);
    println!("{}", fixture.activities());
    for _ in 0..passes {
        black_box(black_box(&fixture).observe());
    }
}
