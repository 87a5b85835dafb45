//! The control plane as the operator's tests need it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certwright_testkit::servers::{ControlPlane, free_port, gateway_api_crds};
use serde_json::{Value, json};

use super::{feed, in_a_process_of_its_own, runs, three_pids};

#[test]
fn a_namespace_is_made_over_https_and_the_audit_log_knows() {
    let plane = ControlPlane::shared();
    let kubeconfig = plane.kubeconfig();
    assert_eq!(ask(&kubeconfig, "/readyz", None), "ok");

    let made = ask(&kubeconfig, "/api/v1/namespaces", Some(&namespace("over-https")));
    assert_eq!(serde_json::from_str::<Value>(&made).unwrap()["metadata"]["name"], "over-https", "{made}");

    let events = plane.audit();
    let made = events.iter().find(|it| it.verb == "create" && it.name.as_deref() == Some("over-https")).unwrap();
    assert_eq!((made.user.as_str(), made.code), ("administrator", 201));
    assert_eq!((made.group.as_deref(), made.resource.as_deref()), (None, Some("namespaces")));
    assert_eq!(made.user_agent, "test");
    assert!(events.iter().all(|it| !it.uri.contains("mark=")), "the kit's own look at the log is not in it");
}

#[test]
fn it_calls_itself_kubernetes_1_36() {
    let version = ControlPlane::shared().read("/version");
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("36")), "{version}");
}

#[test]
fn rights_are_those_of_who_asks() {
    let plane = ControlPlane::shared();
    plane.write("POST", "/api/v1/namespaces", &serde_json::from_str(&namespace("rights")).unwrap());
    let account = json!({ "metadata": { "name": "reader" } });
    plane.write("POST", "/api/v1/namespaces/rights/serviceaccounts", &account);
    let before = plane.audit_position();
    let secrets = "/api/v1/namespaces/rights/secrets";
    let refused = |kubeconfig: &str| {
        let answer: Value = serde_json::from_str(&ask(kubeconfig, secrets, None)).unwrap();
        assert_eq!(answer["code"], 403, "{answer}");
        answer["message"].as_str().unwrap().to_owned()
    };

    assert!(refused(&plane.kubeconfig_as("jane", &["team"])).contains(r#"User "jane" cannot list"#));
    let own = refused(&plane.kubeconfig_of("rights", "reader"));
    assert!(own.contains(r#"User "system:serviceaccount:rights:reader" cannot list"#), "{own}");

    let events = plane.audit_since(before);
    let refused: Vec<_> = events.iter().filter(|it| it.code == 403).map(|it| it.user.as_str()).collect();
    assert_eq!(refused, ["jane", "system:serviceaccount:rights:reader"]);
}

#[test]
fn manifests_of_any_kind_are_applied_and_applied_again() {
    let plane = ControlPlane::shared();
    let manifest = |value: &str| json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "applied" }, "data": { "key": value } });
    plane.apply(&serde_json::from_str(&namespace("applied")).unwrap());
    plane.apply_in("applied", &manifest("one"));
    let applied = plane.apply_in("applied", &manifest("two"));
    assert_eq!((&applied["metadata"]["namespace"], &applied["data"]["key"]), (&json!("applied"), &json!("two")));
    assert_eq!(plane.apply(&manifest("three"))["metadata"]["namespace"], "default");
}

#[test]
fn garbage_of_a_kind_of_ones_own_is_collected() {
    let plane = ControlPlane::builder().crds([toys()]).start();
    let toys = "/apis/example.test/v1/namespaces/default/toys";
    let toy = |name: &str, owners: Value| {
        let metadata = json!({ "name": name, "ownerReferences": owners });
        json!({ "apiVersion": "example.test/v1", "kind": "Toy", "metadata": metadata })
    };
    let owner = plane.write("POST", toys, &toy("owner", json!([])));
    let uid = &owner["metadata"]["uid"];
    let reference = json!([{ "apiVersion": "example.test/v1", "kind": "Toy", "name": "owner", "uid": uid }]);
    plane.write("POST", toys, &toy("owned", reference));

    plane.write("DELETE", &format!("{toys}/owner"), &Value::Null);
    plane.wait_for(toys, |list| list["items"] == json!([])).expect("no toy is left");
}

#[test]
fn the_gateway_api_is_served_where_it_is_asked_for() {
    let plane = ControlPlane::builder().crds(gateway_api_crds()).start();
    let served = plane.read("/apis/gateway.networking.k8s.io/v1");
    let kinds: Vec<_> = served["resources"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    for kind in ["Gateway", "GatewayClass", "HTTPRoute", "ListenerSet"] {
        assert!(kinds.contains(&&json!(kind)), "{kind} among {kinds:?}");
    }
}

#[test]
fn an_api_server_that_was_away_holds_what_it_held() {
    let mut plane = ControlPlane::start();
    plane.write("POST", "/api/v1/namespaces", &serde_json::from_str(&namespace("kept")).unwrap());
    plane.stop_api_server();
    assert!(std::net::TcpStream::connect(plane.address()).is_err());
    plane.start_api_server();
    assert_eq!(plane.read("/api/v1/namespaces/kept")["status"]["phase"], "Active");
}

#[test]
fn a_cluster_in_a_folder_goes_on_with_the_same_kubeconfig() {
    let folder = tempfile::tempdir().unwrap();
    let builder = ControlPlane::builder().folder(folder.path()).port(free_port());
    let plane = builder.start();
    let kubeconfig = plane.kubeconfig();
    plane.write("POST", "/api/v1/namespaces", &serde_json::from_str(&namespace("kept")).unwrap());
    drop(plane);

    let plane = builder.start();
    assert_eq!(plane.kubeconfig(), kubeconfig);
    assert_eq!(plane.read("/api/v1/namespaces/kept")["status"]["phase"], "Active");
    drop(plane);
    assert!(folder.path().join("audit.log").is_file(), "the folder stays");
}

#[test]
fn a_killed_test_process_leaves_no_control_plane_and_no_files() {
    let mut child = in_a_process_of_its_own("control_plane::a_control_plane_and_a_wait")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("spawned");
    let pids = three_pids(&mut child);
    let folder = folder_of(pids[0]);
    assert!(folder.is_dir(), "{folder:?}");

    child.kill().expect("killed");
    child.wait().expect("waited");

    let gone = || pids.iter().all(|&pid| !runs(pid)) && !folder.exists();
    assert!((0..5_000_000).any(|_| gone()), "{pids:?} or {folder:?} are still there");
}

#[test]
#[ignore = "waits to be killed; run by a_killed_test_process_leaves_no_control_plane_and_no_files"]
fn a_control_plane_and_a_wait() {
    let [etcd, api_server, controllers] = ControlPlane::shared().ids();
    println!("\npids {etcd} {api_server} {controllers}");
    let _ = std::io::stdin().read_line(&mut String::new());
}

/// One request as the user of the kubeconfig, through OpenSSL: a POST if there is a body. Answers the body.
fn ask(kubeconfig: &str, path: &str, body: Option<&str>) -> String {
    let kubeconfig: Value = serde_json::from_str(kubeconfig).expect("JSON");
    let cluster = &kubeconfig["clusters"][0]["cluster"];
    let user = &kubeconfig["users"][0]["user"];
    let host = cluster["server"].as_str().expect("a URL").trim_start_matches("https://");
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, data: &Value| {
        let path = folder.path().join(name);
        let data = STANDARD.decode(data.as_str().expect("text")).expect("base64");
        fs::write(&path, data).expect("written");
        path
    };

    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-quiet", "-verify_return_error", "-verify_ip", "127.0.0.1", "-connect", host]);
    openssl.arg("-CAfile").arg(file("root", &cluster["certificate-authority-data"]));
    if user["client-key-data"].is_string() {
        openssl.arg("-cert").arg(file("certificate", &user["client-certificate-data"]));
        openssl.arg("-key").arg(file("key", &user["client-key-data"]));
    }
    let method = if body.is_some() { "POST" } else { "GET" };
    let body = body.unwrap_or_default();
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: test\r\n");
    let mut header = |name: &str, value: &Value| {
        if let Some(value) = value.as_str() {
            request.push_str(&format!("{name}{value}\r\n"));
        }
    };
    header("Authorization: Bearer ", &user["token"]);
    header("Impersonate-User: ", &user["as"]);
    user["as-groups"].as_array().into_iter().flatten().for_each(|group| header("Impersonate-Group: ", group));
    request.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
    let output = feed(&mut openssl, &request);
    assert!(output.status.success(), "{output:?}");
    let answer = String::from_utf8(output.stdout).expect("text");
    answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}")).1.to_owned()
}

fn namespace(name: &str) -> String {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }).to_string()
}

fn toys() -> Value {
    let schema = json!({ "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": "toys.example.test" },
        "spec": {
            "group": "example.test",
            "names": { "kind": "Toy", "plural": "toys" },
            "scope": "Namespaced",
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }],
        },
    })
}

/// Where a server's log is, as the kernel has its output.
fn folder_of(pid: u32) -> PathBuf {
    let log = fs::read_link(format!("/proc/{pid}/fd/1")).expect("on Linux");
    log.parent().expect("in a folder").to_owned()
}
