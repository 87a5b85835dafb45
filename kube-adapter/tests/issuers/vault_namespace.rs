//! A Vault with namespaces, which the open edition has not: a gate before the real one lets nobody in who does not name the namespace wherever it is wanted.

use std::io::{BufRead as _, BufReader, Read as _, Write as _, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::json;

use crate::kit::{Operator, Space, vault};
use crate::{request, signing_request};

#[test]
fn a_namespace_of_vault_is_named_in_every_call_but_that_for_its_health() {
    let (space, vault) = (Space::new("teams"), vault::start());
    let proxy = space.proxy();
    let gate = Gate::before(vault.url().trim_start_matches("http://").parse().expect("an address"));
    vault::prepare(&vault, &space);
    space.patch("issuers", "ca", "", &json!({ "spec": { "vault": { "server": gate.url, "namespace": NAMESPACE } } }));
    let _operator = Operator::start(&proxy, space.settings());
    space.await_condition("issuers", "ca", "Ready", "True");
    space.apply(&request("r", "ca", &signing_request(&["a.example.test"]).0));
    space.await_condition("certificaterequests", "r", "Ready", "True");
    let heard = gate.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert!(heard.iter().any(|it| it.path == "/v1/pki/sign/web"), "{heard:?}");
    for Heard { path, namespace } in &heard {
        // Vault does not know the path within a namespace.
        let wanted = (!path.starts_with("/v1/sys/health")).then(|| NAMESPACE.to_owned());
        assert_eq!(*namespace, wanted, "{path}");
    }
}

/// Listens before a Vault.
struct Gate {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

/// A path that was asked for, and the namespace that was named.
#[derive(Clone, Debug)]
struct Heard {
    path: String,
    namespace: Option<String>,
}

impl Gate {
    fn before(vault: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let list = Arc::clone(&heard);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let list = Arc::clone(&list);
                // A connection that breaks is the controller's, which has ended.
                thread::spawn(move || pass(client, vault, &list).ok());
            }
        });
        Self { url, heard }
    }
}

/// Takes one request, and hands it on without its namespace where it names the right one.
fn pass(mut client: TcpStream, vault: SocketAddr, heard: &Mutex<Vec<Heard>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut named, mut length) = (String::new(), None, 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (name, value) = line.split_once(':').unwrap_or((line.trim(), ""));
        match name.to_ascii_lowercase().as_str() {
            "" => break,
            "x-vault-namespace" => named = Some(value.trim().to_owned()),
            "connection" => {}
            "content-length" => {
                length = value.trim().parse().expect("a length");
                head.push_str(&line);
            }
            _ => head.push_str(&line),
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let may = named.as_deref() == Some(NAMESPACE) || path.starts_with("/v1/sys/health");
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(Heard { path, namespace: named });
    if !may {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let mut server = TcpStream::connect(vault)?;
    server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    server.write_all(&body)?;
    copy(&mut server, &mut client).map(drop)
}

const NAMESPACE: &str = "teams/web";
