//! Activities and broken records out of one seed, for the tests of what decodes them; those of `mapping` include
//! this file.

use std::net::IpAddr;

use schemas::activity::*;
use schemas::choice::*;
use schemas::time::{EventTime, TIME_MS_MAX, TIME_MS_MIN};

/// A small generator: which fields are there and what they hold follows from one seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.below(2) == 0).then(|| make(self))
    }

    fn list<T>(&mut self, n_max: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let n = if self.below(8) == 0 { n_max } else { self.below(4) };
        (0..n).map(|_| make(self)).collect()
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    fn text(&mut self, chars_max: usize) -> Text<'static> {
        let alphabet =
            ['a', 'Z', '0', ' ', '"', '\\', '/', '\n', '\u{0}', 'é', '漢', '😀', '|', '~'];
        let max = chars_max.min(24) as u64;
        let n = if self.below(16) == 0 { chars_max as u64 } else { self.below(max + 1) };
        (0..n).map(|_| self.pick(&alphabet)).collect::<String>().into()
    }

    fn some_text(&mut self, chars_max: usize) -> Text<'static> {
        Text::Owned(format!("x{}", self.text(chars_max - 1)))
    }

    fn opt(&mut self, chars_max: usize) -> Option<Text<'static>> {
        self.option(|dice| dice.text(chars_max))
    }

    fn hex(&mut self, n: usize) -> Text<'static> {
        let digits: String = (0..n - 1).map(|_| self.pick(&['0', '7', 'a', 'f'])).collect();
        Text::Owned(format!("{digits}1"))
    }

    fn time(&mut self) -> EventTime {
        let span = u64::try_from(TIME_MS_MAX - TIME_MS_MIN).unwrap();
        EventTime::from_millis(TIME_MS_MIN + i64::try_from(self.below(span)).unwrap()).unwrap()
    }

    fn principal(&mut self) -> Principal<'static> {
        Principal {
            id: self.some_text(2_048),
            issuer: self.opt(2_048),
            kind: self.option(|dice| dice.pick(&[PrincipalType::User, PrincipalType::Unknown])),
            name: self.opt(256),
        }
    }

    fn agent(&mut self) -> Agent<'static> {
        Agent {
            id: self.some_text(2_048),
            issuer: self.opt(2_048),
            instance_id: self.opt(256),
            name: self.opt(256),
            version: self.opt(64),
            framework: self.opt(64),
            parent_id: self.opt(2_048),
            blueprint: self.opt(256),
            owner: self.option(Self::principal),
            model: self.option(|dice| Model {
                provider: dice.opt(256),
                name: dice.opt(256),
                version: dice.opt(256),
            }),
        }
    }

    fn argument(&mut self) -> Argument<'static> {
        Argument {
            name: self.text(128),
            kind: self.option(|dice| dice.pick(&[ArgumentKind::Value, ArgumentKind::Url])),
            hash: self.opt(128),
            origin: self.pick(&[Origin::UserRequest, Origin::Unknown]),
            origin_call_id: self.opt(256),
            origin_tool: self.opt(256),
            origin_form: self.option(|dice| dice.pick(&[OriginForm::Field, OriginForm::Text])),
            names: self
                .option(|dice| dice.pick(&[ArgumentRef::Destination, ArgumentRef::Resource])),
        }
    }

    fn action(&mut self) -> Action<'static> {
        Action {
            kind: self.pick(&[ActionType::ToolCall, ActionType::DataRead, ActionType::Other]),
            operation: self.opt(256),
            tool: self.option(|dice| Tool {
                name: dice.opt(256),
                call_id: dice.opt(256),
                server: dice.opt(2_048),
                kind: dice.opt(64),
            }),
            parameters_hash: self.opt(160),
            arguments: self.option(|dice| dice.list(32, Self::argument)),
            result_hash: self.option(|dice| format!("hmac-sha256:{}", dice.hex(64)).into()),
        }
    }

    fn geo(&mut self) -> Geo<'static> {
        // Few decimals: the parser is exact for them.
        let degrees = |n: u64, offset: f64| (n as f64) / 4.0 - offset;
        Geo {
            country: self.option(|dice| dice.pick(&["NL", "DE"]).into()),
            city: self.opt(300),
            lat: self.option(|dice| degrees(dice.below(721), 90.0)),
            lon: self.option(|dice| degrees(dice.below(1_441), 180.0)),
        }
    }

    fn endpoint(&mut self, is_destination: bool) -> Endpoint<'static> {
        let ips = ["203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1"];
        let mut endpoint = Endpoint {
            host: self.opt(255),
            ip: self.option(|dice| dice.pick(&ips).parse::<IpAddr>().unwrap()),
            port: self.option(|dice| u16::try_from(dice.below(65_536)).unwrap()),
            asn: self.option(|dice| u32::try_from(dice.below(1 << 32)).unwrap()),
            as_org: self.opt(256),
            geo: self.option(Self::geo),
            anonymizer: self.option(|dice| dice.pick(&[Anonymizer::Vpn, Anonymizer::Unknown])),
            ..Endpoint::default()
        };
        if is_destination {
            endpoint.address = self.opt(512);
            endpoint.url = self.opt(2_048);
            endpoint.protocol = self.opt(32);
            endpoint.internal = self.option(|dice| dice.below(2) == 0);
        } else {
            endpoint.user_agent = self.opt(2_048);
        }
        endpoint
    }

    fn attributes(&mut self) -> Vec<(Text<'static>, Scalar<'static>)> {
        let n = self.below(65);
        let attribute = |n| {
            let scalar = match self.below(5) {
                0 => Scalar::Text(self.text(100)),
                1 => Scalar::Number(self.below(1_000) as f64 / 8.0),
                2 => Scalar::Integer(i64::from_ne_bytes(self.next().to_ne_bytes())),
                3 => Scalar::Bool(self.below(2) == 0),
                _ => Scalar::Null,
            };
            (Text::Owned(format!("{n}.{}", self.text(20))), scalar)
        };
        (0..n).map(attribute).collect()
    }

    pub(crate) fn activity(&mut self) -> Activity<'static> {
        let id = self.some_text(128);
        let (time, agent, action) = (self.time(), self.agent(), self.action());
        let mut activity = Activity::new(id, time, agent, action);
        activity.observed_time = self.option(Self::time);
        activity.tenant_id = self.pick(&["default", "acme", "a.B_9-"]).into();
        activity.delegation = self.option(|dice| Delegation {
            mode: dice.option(|dice| dice.pick(&[Authority::Delegated, Authority::Unknown])),
            id: dice.opt(256),
            parent_id: dice.opt(256),
            subject: dice.option(Self::principal),
            chain: dice.list(32, Self::principal),
            purpose: dice.opt(256),
        });
        activity.credential = self.option(|dice| Credential {
            id: dice.opt(256),
            kind: dice.option(|dice| dice.pick(&[CredentialType::ApiKey, CredentialType::X509])),
            issuer: dice.opt(2_048),
            issued_at: dice.option(Self::time),
            expires_at: dice.option(Self::time),
            scopes: dice.list(256, |dice| dice.text(256)),
            audience: dice.list(32, |dice| dice.text(2_048)),
            cnf_jkt: dice.opt(128),
        });
        activity.session = self.option(|dice| Session {
            id: dice.opt(256),
            task_id: dice.opt(256),
            conversation_id: dice.opt(256),
            mission_id: dice.opt(256),
        });
        activity.resource = self.option(|dice| Resource {
            id: dice.opt(2_048),
            kind: dice.opt(128),
            name: dice.opt(256),
            classification: dice.option(|dice| dice.pick(&[Classification::Public])),
            service: dice.opt(256),
            region: dice.opt(64),
        });
        activity.destination = self.option(|dice| dice.endpoint(true));
        activity.source = self.option(|dice| dice.endpoint(false));
        activity.usage = self.option(|dice| Usage {
            bytes_out: dice.option(Self::next),
            bytes_in: dice.option(Self::next),
            records: dice.option(Self::next),
            duration_ms: dice.option(Self::next),
            tokens_in: dice.option(Self::next),
            tokens_out: dice.option(Self::next),
            cost_usd: dice.option(|dice| dice.below(10_000) as f64 / 100.0),
        });
        activity.outcome = self.option(|dice| Result {
            result: dice.pick(&[Outcome::Denied, Outcome::Unknown]),
            code: dice.opt(64),
            reason: dice.opt(256),
            decision: dice.option(|dice| dice.pick(&[Decision::Deny, Decision::None])),
            policy_id: dice.opt(256),
        });
        activity.trace = self.option(|dice| Trace {
            trace_id: dice.option(|dice| dice.hex(32)),
            span_id: dice.option(|dice| dice.hex(16)),
            parent_span_id: dice.option(|dice| dice.hex(16)),
        });
        activity.producer = self.option(|dice| Producer {
            name: dice.opt(256),
            version: dice.opt(64),
            format: dice.option(|dice| dice.some_text(64)),
            event_id: dice.opt(256),
        });
        activity.attributes = self.attributes();
        activity
    }
}

/// Cuts, doubles, overwrites or inserts at random places.
pub(crate) fn mutate(mut bytes: Vec<u8>, seed: u64) -> Vec<u8> {
    let mut dice = Dice(seed);
    let words: [&[u8]; 12] = [
        b"null",
        b"-1",
        b"1e999",
        b"[[[[",
        b"{\"a\":",
        b"\"\\ud800\"",
        b"\"",
        b"\\",
        b"}",
        b"]",
        b"\xff",
        b"9999-12-31T23:59:59Z",
    ];
    for _ in 0..=dice.below(6) {
        let at = usize::try_from(dice.below(bytes.len() as u64 + 1)).unwrap();
        let end = (at + usize::try_from(dice.below(40)).unwrap()).min(bytes.len());
        match dice.below(5) {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let copy = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, copy));
            }
            2 => drop(bytes.splice(at..at, dice.pick(&words).to_vec())),
            3 => bytes.truncate(at),
            _ => bytes[at..end].iter_mut().for_each(|byte| *byte = dice.next().to_le_bytes()[0]),
        }
    }
    bytes
}
