//! A proxy before a broker that breaks chosen requests: what a network does that is neither up nor down. It knows
//! of Kafka's protocol only the frames, the number of a request's kind, and the number that pairs it with its reply.
#![expect(clippy::disallowed_methods, reason = "a proxy lives beside the test, as a network does")]

use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The request that ends a transaction, by its number in Kafka's protocol.
pub const END_TXN: i16 = 26;

/// What happens to a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The broker answers, but the answer is lost with the connection.
    LoseReply,
    /// The connection is lost; the request reaches the broker that much later.
    Late(Duration),
}

/// A proxy on a port of its own, until the end of the process.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    aim: Mutex<String>,
    /// Kind of the requests that go wrong, and how: one fault for one request.
    faults: Mutex<Vec<(i16, Fault)>>,
}

impl Proxy {
    /// A proxy that leads nowhere yet.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let shared = Arc::new(Shared::default());
        let for_clients = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&for_clients);
                // A connection that fails is one that the client sees fail.
                thread::spawn(move || shared.serve(client).ok());
            }
        });
        Self { port, shared }
    }

    /// Port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads new connections to this address.
    pub fn lead_to(&self, address: &str) {
        *self.shared.aim.lock().expect("no panic") = address.to_owned();
    }

    /// Lets the next request of a kind go wrong.
    pub fn spoil(&self, kind: i16, fault: Fault) {
        self.shared.faults.lock().expect("no panic").push((kind, fault));
    }

    /// Faults that no request met yet.
    pub fn n_waiting(&self) -> usize {
        self.shared.faults.lock().expect("no panic").len()
    }
}

impl Default for Proxy {
    fn default() -> Self {
        Self::new()
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) -> Result<()> {
        let aim = self.aim.lock().expect("no panic").clone();
        let mut broker = TcpStream::connect(aim)?;
        let lost = Arc::new(Mutex::new(None));
        let (replies, to_client) = (broker.try_clone()?, client.try_clone()?);
        let lost_reply = Arc::clone(&lost);
        thread::spawn(move || pass_replies(replies, to_client, &lost_reply).ok());
        loop {
            let Ok(request) = frame(&mut client) else { return broker.shutdown(Shutdown::Both) };
            match self.fault(&request) {
                None => broker.write_all(&request)?,
                Some(Fault::LoseReply) => {
                    *lost.lock().expect("no panic") = request.get(8..12).map(<[u8]>::to_vec);
                    broker.write_all(&request)?;
                }
                Some(Fault::Late(delay)) => {
                    client.shutdown(Shutdown::Both)?;
                    thread::sleep(delay);
                    return broker.write_all(&request);
                }
            }
        }
    }

    fn fault(&self, request: &[u8]) -> Option<Fault> {
        let kind = i16::from_be_bytes([*request.get(4)?, *request.get(5)?]);
        let mut faults = self.faults.lock().expect("no panic");
        let place = faults.iter().position(|fault| fault.0 == kind)?;
        Some(faults.remove(place).1)
    }
}

/// Passes replies on, up to the one that is to be lost.
fn pass_replies(
    mut broker: TcpStream,
    mut client: TcpStream,
    lost: &Mutex<Option<Vec<u8>>>,
) -> Result<()> {
    let passed = loop {
        let Ok(reply) = frame(&mut broker) else { break Ok(()) };
        if reply.get(4..8) == lost.lock().expect("no panic").as_deref() {
            break Ok(());
        }
        if let Err(error) = client.write_all(&reply) {
            break Err(error);
        }
    };
    // Late requests still go to the broker, so only the client's side ends.
    client.shutdown(Shutdown::Both)?;
    passed
}

/// Reads a frame, its length included.
fn frame(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut frame = vec![0; 4];
    stream.read_exact(&mut frame)?;
    let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
    frame.resize(4 + length as usize, 0);
    stream.read_exact(&mut frame[4..])?;
    Ok(frame)
}
