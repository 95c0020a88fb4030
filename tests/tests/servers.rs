//! The servers that tests run against: they keep their data and their port, and leave nothing behind.

use std::net::TcpStream;
use std::path::PathBuf;

use tests::broker::Broker;
use tests::workspace_root;

fn folder(name: &str) -> PathBuf {
    servers::folder(&workspace_root()).join(format!("{name}-{}", std::process::id()))
}

#[test]
fn a_broker_comes_back_with_its_data_and_goes_without_a_trace() {
    let Some(broker) = Broker::own("comes-back") else { return };
    let folder = folder("comes-back");
    let cluster = folder.join("data/meta.properties");
    let written = std::fs::read(&cluster).unwrap();
    let address = broker.address().to_owned();
    for end in [Broker::stop, Broker::kill9] {
        TcpStream::connect(&address).expect("it listens");
        end(&broker);
        TcpStream::connect(&address).expect_err("it is gone");
        assert_eq!(std::fs::read(&cluster).unwrap(), written);
        broker.start();
    }
    drop(broker);
    TcpStream::connect(&address).expect_err("it is gone");
    assert!(!folder.exists(), "{} is left", folder.display());
}
