//! Both controllers get the same manifests, good ones and bad ones, and come to the same end; where they do not, a row says why.

use std::time::Duration;

use serde_json::json;

use crate::kit::manifests::{renew, signing_request};
use crate::kit::{eventually_within, pause};
use crate::scene::Scene;
use crate::told;

#[test]
#[ignore = "minutes long, and in need of cert-manager: .ci/test --long"]
fn both_come_to_the_same_end() {
    let (ours, theirs) = (Scene::new("ours"), Scene::new("theirs"));
    let (operator, rival) = (ours.ours(), theirs.theirs());
    for scene in [&ours, &theirs] {
        scene.apply(MANIFESTS);
        for (name, issuer) in [("bare", "ca"), ("bare-nobody", "nope"), ("bare-self", "self")] {
            scene.space.apply(&signing_request(name, issuer));
        }
        let mut unreadable = signing_request("bare-unreadable", "ca");
        unreadable["spec"]["request"] = json!("eHg=");
        scene.space.apply(&unreadable);
    }
    await_end(&ours, &theirs, &["order", "wildcard"]);
    let mut differences = compare("as applied", &ours, &theirs);
    for scene in [&ours, &theirs] {
        change(scene);
    }
    await_end(&ours, &theirs, &["order", "wildcard", "late-password", "uris"]);
    differences.extend(compare("changed", &ours, &theirs));
    operator.stop();
    drop(rival);
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n"));
}

/// What people do to objects that are there.
fn change(scene: &Scene) {
    let space = &scene.space;
    space.patch("certificates", "rsa", "", &json!({ "spec": { "secretTemplate": { "labels": { "new": "label" }, "annotations": { "new": "annotation" } } } }));
    space.patch("certificates", "template", "", &json!({ "spec": { "secretTemplate": null } }));
    space.patch("certificates", "formats", "", &json!({ "spec": { "additionalOutputFormats": null } }));
    space.patch("certificates", "stores", "", &json!({ "spec": { "keystores": null } }));
    space.patch(
        "certificates",
        "never",
        "",
        &json!({ "spec": { "dnsNames": ["never.example.test", "more.example.test"] } }),
    );
    space.patch("certificates", "p384", "", &json!({ "spec": { "privateKey": { "size": 521 } } }));
    space.patch("certificates", "usages", "", &json!({ "spec": { "usages": ["client auth"] } }));
    space.patch("secrets", "ed25519-tls", "", &json!({ "metadata": { "labels": { "theirs": "x" }, "annotations": { "cert-manager.io/ip-sans": "10.9.9.9" } }, "data": { "extra": "eA==" } }));
    space.patch("certificates", "short", "", &json!({ "spec": { "renewBefore": "20m" } }));
    space.patch("certificates", "moved", "", &json!({ "spec": { "issuerRef": { "name": "self" } } }));
    space.patch("certificates", "stuck", "", &json!({ "spec": { "privateKey": { "size": 384 } } }));
    space.delete("secrets", "uris-tls");
    // Restored from somewhere: the pair alone, without a word of whose it is.
    let data = space.get("secrets", "addresses-tls").expect("it is there")["data"].clone();
    space.apply(&json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "restored" }, "type": "kubernetes.io/tls", "data": data }));
    space.apply(&json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "name": "restored" },
        "spec": { "secretName": "restored", "ipAddresses": ["10.0.0.2"], "privateKey": { "algorithm": "ECDSA" }, "issuerRef": { "name": "ca" } },
    }));
    renew(space, "blocked");
    renew(space, "subject");
    space.apply(&serde_saphyr::from_str(LATE).expect("YAML"));
}

/// Waits until these are ready and nothing changes any more, on either side.
fn await_end(ours: &Scene, theirs: &Scene, names: &[&str]) {
    for scene in [ours, theirs] {
        for name in names {
            eventually_within(PATIENCE, &format!("readiness of {name}"), || {
                let object = scene.space.get("certificates", name).ok_or("there is none")?;
                let ready =
                    crate::kit::conditions(&object).iter().any(|it| it["type"] == "Ready" && it["status"] == "True");
                if ready { Ok(()) } else { Err(object["status"].to_string()) }
            });
        }
    }
    pause(Duration::from_secs(5));
    for scene in [ours, theirs] {
        scene.await_rest(Duration::from_secs(10), PATIENCE);
    }
}

/// The differences that no row explains.
fn compare(when: &str, ours: &Scene, theirs: &Scene) -> Vec<String> {
    let found = told::differences(&told::objects(ours), &told::objects(theirs));
    let known = told::warnings(ours);
    let theirs = told::warnings(theirs).into_iter().filter(|(what, _)| !known.contains_key(what));
    let unheard = theirs.map(|(what, note)| format!("{what}: a warning of theirs alone: {note}"));
    found
        .into_iter()
        .chain(unheard)
        .filter(|it| !DELIBERATE.iter().any(|row| row.0.iter().all(|part| it.contains(part))))
        .map(|it| format!("{when}: {it}"))
        .collect()
}

/// What is in a difference, and why it is one.
const DELIBERATE: &[(&[&str], &str)] = &[
    (&["secrets/immutable-NEXTKEY"], "an immutable Secret is seen before anything is begun"),
    (&["certificaterequests/immutable-1"], "the same"),
    (&["certificates/immutable "], "the same, and told"),
    (&["secrets/temporary-NEXTKEY"], "a temporary certificate keeps the key"),
    (&["certificates/temporary ", ".message"], "a temporary certificate is called one"),
    (&["certificates/temporary ", ".reason"], "the same"),
    (&["certificates/temporary ", ".conditions .Ready .status"], "the same: nobody asked for it"),
    (&["secrets/temporary-tls", ".annotations .cert-manager.io/issuer-"], "the same: who will sign is told in advance"),
    (&["secrets/temporary-tls", ".managedFields"], "the same"),
    (&["mail", ".2.5.29.37"], "two words for one usage are one usage"),
    (
        &[".spec .request .extensions .2.5.29.19"],
        "a request for an authority says so, as their gate UseCertificateRequestBasicConstraints has it",
    ),
    (&["certificaterequests/no-cluster-issuer-1"], "theirs does not look for ClusterIssuers in one namespace"),
    (&["certificates/dup-b", ".status .not"], "nothing is told of another's certificate"),
    (&["certificates/dup-b", ".renewalTime"], "the same"),
    (&["issuers/", ".status .acme:"], "nothing is told of an account that is not there"),
    (&["issuers/acme-away", ".message"], "the words of their transport"),
    (&["issuers/acme-stranger", ".message"], "the words of their transport"),
    (&["issuers/vault-away", ".message"], "the words of their transport"),
    (&["longer-than-its-issuer", ".seconds"], "nothing outlives its authority"),
    (&["secrets/longer-tls", ".seconds"], "the same"),
    (&["signature", ".signature"], "a certificate that signs for itself does as its request is to be signed"),
    (&["secrets/temporary-tls", ".signature"], "an authority that is thrown away may have any key"),
    (&["challenges/wrong-key-1-ORDER", ".reason"], "our words for BADSIG"),
    (&["challenges/wrong-key-1-ORDER", ".presented"], "what is not is not written"),
    (&["secrets/late-password-NEXTKEY"], "a key that signed nothing but its own request waits in memory"),
    (&["certificates/late-password", ".nextPrivateKeySecretName"], "the same"),
    (&[".ErrInitIssuer"], "one Event says what the matter is, not a second one that there is one"),
    (&["blocked .RequestFailed"], "theirs asks before its own deletion of the last request is done"),
    (
        &[".RequestFailed: a warning of theirs alone", "already exists"],
        "theirs has not heard yet of the request that it made",
    ),
    (&[".OrderFailed"], "the Certificate says it"),
    (&[".InvalidOrder"], "the Certificate says it"),
    (&["secrets/restored", ".annotations .cert-manager.io/issuer-"], "whose it is, it says once it is somebody's"),
    (&["secrets/restored", "certificate-name"], "the same"),
    (&["secrets/restored", ".managedFields"], "the same"),
    (&["certificates/stuck ", ".Issuing"], "what waits for a person is not called under way"),
    (&["issuers/nothing", ".status .conditions"], "an Issuer of no kind hears so"),
    (&["orders/no-solver-1-ORDER", ".status .reason"], "an Order that waits for a solver says so, too"),
];

const MANIFESTS: &str = include_str!("same_end.yaml");
/// What was missing at first.
const LATE: &str = "{ apiVersion: v1, kind: Secret, metadata: { name: late-password }, stringData: { p: changeit } }";
const PATIENCE: Duration = Duration::from_secs(400);
