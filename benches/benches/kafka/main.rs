//! `habitus run` on a genuine Kafka, as it is deployed: what an event costs beside merely consuming it, how long a finding,
//! an alert and a revocation request take, what state is written, how long a restore takes. Prints Markdown; fails where a
//! figure cannot be trusted, never because it is bad. `cargo bench -p benches --bench kafka -- [--events N] [--seconds S]
//! [--pace N] [--agents N] [--partitions P]`.
#![forbid(unsafe_code)]

mod fleet;
mod process;
mod stages;
mod watch;

use std::env;

use tests::binary;
use tests::broker::Broker;

/// How much is done.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Events of the backlog.
    events: u64,
    /// Seconds of the paced load.
    seconds: u64,
    /// Events a second of it.
    pace: u64,
    /// Agents to restore.
    agents: u64,
    /// Partitions of the input.
    partitions: u32,
}

impl Size {
    fn parse(arguments: &[String]) -> Self {
        let mut size =
            Self { events: 260_000, seconds: 90, pace: 1_000, agents: 100_000, partitions: 64 };
        for pair in arguments.chunks(2) {
            let [name, value] = pair else { panic!("{pair:?} lacks its value") };
            let value: u64 = value.parse().unwrap_or_else(|_| panic!("{value} is no number"));
            match name.as_str() {
                "--events" => size.events = value,
                "--seconds" => size.seconds = value,
                "--pace" => size.pace = value,
                "--agents" => size.agents = value,
                "--partitions" => size.partitions = u32::try_from(value).expect("a number"),
                _ => panic!("{name} is not understood"),
            }
        }
        size
    }
}

fn main() {
    // Cargo adds its own word.
    let arguments: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [verb, address, topic, count] = arguments.as_slice()
        && verb == process::CONSUME
    {
        return process::consume(address, topic, count.parse().expect("a number"));
    }
    let size = Size::parse(&arguments);
    let Some(broker) = Broker::own("figures") else { return };
    binary();
    stages::run(&broker, size);
}
