//! An authority that signs certificates for a test, by the OpenSSL that the feature `tls` needs anyway; and ACLs, granted
//! and taken over Kafka's own protocol, for neither librdkafka's binding nor the broker's jars bring a tool for it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Signs certificates; its files stand in a folder.
pub struct Authority {
    folder: PathBuf,
}

/// What ACLs are about, by the numbers of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A topic.
    Topic = 2,
    /// A consumer group.
    Group = 3,
    /// A transactional id.
    TransactionalId = 5,
}

/// Something that may be done with what is named so, or with all that begins so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What kind it is.
    pub resource: Resource,
    /// Its name, or how its name begins.
    pub name: String,
    /// All that begins so is meant.
    pub prefixed: bool,
    /// What may be done, as Kafka names it.
    pub operation: &'static str,
}

/// Operations with their numbers in the protocol.
const OPERATIONS: [(&str, u8); 5] =
    [("Read", 3), ("Write", 4), ("Create", 5), ("Describe", 8), ("DescribeConfigs", 10)];
const CREATE_ACLS: u16 = 30;
const DELETE_ACLS: u16 = 31;

impl Authority {
    /// A new one, whose files stand in a new folder.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let authority = Self { folder: folder.to_owned() };
        authority.openssl("ca", &["-subj", "/CN=an authority of a test"]);
        authority
    }

    /// Its own certificate.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for loopback and its key.
    pub fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let ca = ["ca.pem", "ca.key"].map(|file| self.folder.join(file).display().to_string());
        let subject = format!("/CN={name}");
        let names = "subjectAltName=IP:127.0.0.1,DNS:localhost";
        let leaf = "basicConstraints=critical,CA:FALSE";
        self.openssl(
            name,
            &[
                "-subj", &subject, "-addext", names, "-addext", leaf, "-CA", &ca[0], "-CAkey",
                &ca[1],
            ],
        );
        (self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key")))
    }

    fn openssl(&self, name: &str, more: &[&str]) {
        let mut command = Command::new("openssl");
        command.args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(' '),
        );
        command.args(more).current_dir(&self.folder);
        command.args(["-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")]);
        let output = command.output().expect("openssl starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Grants a user what is listed.
pub fn grant(plain: &str, user: &str, grants: &[Grant]) {
    change(plain, CREATE_ACLS, user, grants);
}

/// Takes it from the user again.
pub fn revoke(plain: &str, user: &str, grants: &[Grant]) {
    change(plain, DELETE_ACLS, user, grants);
}

/// Creations and filters of deletions look the same on the wire where nothing is left open.
fn change(plain: &str, api: u16, user: &str, grants: &[Grant]) {
    fn text(out: &mut Vec<u8>, text: &str) {
        out.extend(u16::try_from(text.len()).expect("a short text").to_be_bytes());
        out.extend(text.as_bytes());
    }
    let mut request = [api.to_be_bytes(), 1_u16.to_be_bytes()].concat();
    request.extend(7_u32.to_be_bytes());
    text(&mut request, "tests");
    request.extend(u32::try_from(grants.len()).expect("few").to_be_bytes());
    for Grant { resource, name, prefixed, operation } in grants {
        let (_, operation) =
            OPERATIONS.iter().find(|(known, _)| known == operation).expect("known");
        request.push(*resource as u8);
        text(&mut request, name);
        request.push(if *prefixed { 4 } else { 3 });
        text(&mut request, &format!("User:{user}"));
        text(&mut request, "*");
        request.extend([*operation, 3]);
    }
    let mut stream = TcpStream::connect(plain).expect("a broker");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let length = u32::try_from(request.len()).expect("short").to_be_bytes();
    stream.write_all(&[&length[..], &request].concat()).expect("a request");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("an answer");
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).expect("an answer");
    // Our number, a throttle time, a count; then each result begins with an error code.
    let count = u32::from_be_bytes(answer[8..12].try_into().expect("four bytes"));
    assert_eq!(count as usize, grants.len());
    if api == CREATE_ACLS {
        assert_eq!(answer[12..], vec![0; 4 * grants.len()], "no code, no message");
    } else {
        assert_eq!(answer[12..14], [0, 0], "no code");
    }
}
