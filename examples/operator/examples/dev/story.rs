//! What there is to try.

use std::path::Path;

/// Prints the commands, in the order in which they make sense.
#[expect(clippy::print_stdout, reason = "the example talks to whoever started it")]
pub(crate) fn print(kubeconfig: &Path) {
    println!(
        "A cluster runs on this machine, and the operator in it. In another terminal, from the root of the repository:\n"
    );
    println!("  export KUBECONFIG={}", kubeconfig.display());
    for (command, what) in COMMANDS {
        println!("  {command:<78} # {what}");
    }
    println!("\nCtrl-C ends both.");
}

const COMMANDS: &[(&str, &str)] = &[
    ("kubectl apply -f examples/operator/samples/private-ca.yaml", "an authority of your own, and a certificate"),
    ("kubectl -n shop get issuers,certificates,certificaterequests", "what became of it"),
    ("kubectl -n shop describe certificate web", "when it is renewed, and how it came about"),
    (
        "kubectl -n shop get secret web-tls -o jsonpath='{.data.tls\\.crt}' | base64 -d | openssl x509 -noout -text",
        "the certificate",
    ),
    ("kubectl -n shop delete secret web-tls && kubectl -n shop get secrets --watch", "it comes back"),
    (
        "kubectl -n shop patch certificate web --type=merge -p '{\"spec\":{\"issuerRef\":{\"name\":\"shpo\"}}}'",
        "a typing error",
    ),
    ("kubectl -n shop describe certificate web", "what is said about it: which Issuer was probably meant"),
];
