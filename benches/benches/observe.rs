//! What observing costs beside decoding, over the same events of the demo in one run: the ratio of the two
//! throughputs is what to read, not either of them.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use benches::Fixture;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| Fixture::new(usize::MAX))
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn decode(bencher: Bencher<'_, '_>) {
    let fixture = fixture();
    bencher
        .counter(ItemsCount::new(fixture.activities()))
        .counter(BytesCount::new(fixture.line_bytes()))
        .bench(|| black_box(fixture).decode());
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn decode_and_observe(bencher: Bencher<'_, '_>) {
    let fixture = fixture();
    bencher
        .counter(ItemsCount::new(fixture.activities()))
        .counter(BytesCount::new(fixture.line_bytes()))
        .bench(|| black_box(fixture).observe());
}
