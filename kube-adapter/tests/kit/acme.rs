//! An ACME server, the name server that it asks, and the Issuer of both.

use serde_json::{Value, json};
use testkit::servers::{Bind, Pebble, PebbleBuilder, TsigAlgorithm, TsigKey, Zone};

use super::space::Space;

/// An ACME server that asks a name server which takes updates for `example.test`.
pub struct Acme {
    pub pebble: Pebble,
    pub bind: Bind,
    key: TsigKey,
}

impl Acme {
    /// Starts both.
    pub fn start(pebble: PebbleBuilder) -> Self {
        Self::beside(pebble, &[])
    }

    /// The same, in a zone that holds records of others.
    pub fn beside(pebble: PebbleBuilder, others: &[&str]) -> Self {
        let secret = b"thirty-two bytes of a secret key".to_vec();
        let key = TsigKey::new("update.example.test", TsigAlgorithm::HmacSha256, secret);
        let zone = others.iter().fold(Zone::new("example.test"), |zone, record| zone.record(record));
        let bind = Bind::builder().recursive().zone(zone.update_with(&key)).start();
        let pebble = pebble.dns_server(bind.address()).start();
        Self { pebble, bind, key }
    }

    /// Makes the Issuer `ca` of it, whose solver has these fields beside the name server.
    pub fn prepare(&self, space: &Space, solver: Value) {
        space.apply(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "tsig" },
            "stringData": { "key": self.key.secret_base64() },
        }));
        let mut solver = solver;
        solver["dns01"]["rfc2136"] = json!({
            "nameserver": self.bind.address().to_string(), "tsigKeyName": self.key.name(), "tsigAlgorithm": "HMACSHA256",
            "tsigSecretSecretRef": { "name": "tsig", "key": "key" },
        });
        space.apply(&json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": { "name": "ca" },
            "spec": { "acme": {
                "server": self.pebble.directory_url(), "skipTLSVerify": true, "privateKeySecretRef": { "name": "account" },
                "solvers": [solver],
            } },
        }));
    }

    /// How many orders it took so far.
    pub fn orders(&self) -> usize {
        self.pebble.log().matches("Added order").count()
    }

    /// How many certificates it issued so far.
    pub fn certificates(&self) -> usize {
        self.pebble.log().matches("Issued certificate serial").count()
    }

    /// The answers to challenges that stand in the zone.
    pub fn answers(&self) -> Vec<String> {
        self.bind.records("example.test").into_iter().filter(|it| it.contains("_acme-challenge")).collect()
    }
}
