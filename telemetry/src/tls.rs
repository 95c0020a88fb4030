//! TLS of what is served, by rustls; handshakes go on beside each other, each within a time, so that none holds up who
//! asks next. Without the feature `tls` there is none to be had.

/// A certificate with its key, ready to serve.
#[derive(Clone)]
pub struct Tls {
    #[cfg(feature = "tls")]
    pub(super) acceptor: tokio_rustls::TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TLS")
    }
}

#[cfg(not(feature = "tls"))]
impl Tls {
    /// Fails: this program is built without TLS.
    pub fn load(_certificate: &str, _key: &str) -> std::io::Result<Self> {
        Err(std::io::Error::other(
            "serve with TLS: this program is built without the feature `tls`",
        ))
    }
}

#[cfg(feature = "tls")]
pub(super) use with_rustls::listener;

#[cfg(feature = "tls")]
mod with_rustls {
    use std::io;
    use std::net::SocketAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use axum::serve::Listener;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{Semaphore, mpsc};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::ServerConfig;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::server::TlsStream;

    use super::Tls;

    /// Handshakes at once; who comes beyond them waits in the backlog of the system.
    const HANDSHAKES_MAX: usize = 64;
    const HANDSHAKE: Duration = Duration::from_secs(10);
    /// After a failure to accept, such as too many open files.
    const PAUSE: Duration = Duration::from_millis(100);

    impl Tls {
        /// Reads a certificate chain and its key, both PEM.
        pub fn load(certificate: &str, key: &str) -> io::Result<Self> {
            let wrong = |file: &str, why: &dyn std::fmt::Display| {
                io::Error::other(format!("serve with TLS: {file}: {why}"))
            };
            let chain = CertificateDer::pem_file_iter(certificate)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| wrong(certificate, &error))?;
            let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()
                .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, private));
            let config = config.map_err(|error| wrong(certificate, &error))?;
            Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
        }
    }

    /// Connections whose handshake is done.
    pub(in super::super) struct Handshaken {
        address: SocketAddr,
        streams: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    }

    /// Begins to accept on the runtime of the caller; it ends with the runtime.
    pub(in super::super) fn listener(tcp: TcpListener, tls: &Tls) -> io::Result<Handshaken> {
        let address = tcp.local_addr()?;
        let (done, streams) = mpsc::channel(HANDSHAKES_MAX);
        let (acceptor, room) = (tls.acceptor.clone(), Arc::new(Semaphore::new(HANDSHAKES_MAX)));
        tokio::spawn(async move {
            while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
                let Ok((stream, peer)) = tcp.accept().await else {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                let (acceptor, done) = (acceptor.clone(), done.clone());
                tokio::spawn(async move {
                    let shaken = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        drop(done.send((stream, peer)).await);
                    }
                    drop(permit);
                });
            }
        });
        Ok(Handshaken { address, streams })
    }

    impl Listener for Handshaken {
        type Io = TlsStream<TcpStream>;
        type Addr = SocketAddr;

        async fn accept(&mut self) -> (Self::Io, Self::Addr) {
            match self.streams.recv().await {
                Some(accepted) => accepted,
                None => std::future::pending().await,
            }
        }

        fn local_addr(&self) -> io::Result<SocketAddr> {
            Ok(self.address)
        }
    }
}
