//! Nothing secret is logged while certificates are issued and refused.

use testkit::logged;

use crate::double::Fault;
use crate::world::{Asking, World, assert_silent};

#[test]
fn logs_are_silent_about_secrets() {
    let text = logged(|| {
        let world = World::new();
        world.issue(&Asking::new().request()).unwrap();
        let echo = "the token TOP-SECRET-token is not good, nor is the key TOP-SECRET-key";
        world.double.fault("IssueCertificate", Fault::Says(400, "InvalidArgsException", echo));
        world.issue(&Asking::new().request()).map(drop).unwrap_err();
        world.double.state().token = "another".to_owned();
        world.issue(&Asking::new().request()).map(drop).unwrap_err();
    });

    assert!(text.contains("a certificate was issued") && text.contains("ExpiredTokenException"), "{text}");
    assert_silent(&text);
}
