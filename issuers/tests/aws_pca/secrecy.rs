//! Nothing secret is logged while certificates are issued and refused.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::double::Fault;
use crate::world::{Asking, World, assert_silent};

#[test]
fn logs_are_silent_about_secrets() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(log.clone())
        .finish();

    tracing::subscriber::with_default(subscriber, || {
        let world = World::new();
        world.issue(&Asking::new().request()).unwrap();
        let echo = "the token TOP-SECRET-token is not good, nor is the key TOP-SECRET-key";
        world.double.fault("IssueCertificate", Fault::Says(400, "InvalidArgsException", echo));
        world.issue(&Asking::new().request()).map(drop).unwrap_err();
        world.double.state().token = "another".to_owned();
        world.issue(&Asking::new().request()).map(drop).unwrap_err();
    });

    let text = log.text();
    assert!(text.contains("a certificate was issued") && text.contains("ExpiredTokenException"), "{text}");
    assert_silent(&text);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
