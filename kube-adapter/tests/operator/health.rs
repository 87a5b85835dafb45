//! What deployment tools think meanwhile: a Certificate that is not ready is never told to be well for longer than a moment.

use serde_json::{Value, json};

use crate::kit::health::{Verdict, by_argo_cd, by_kstatus};
use crate::kit::history::Moment;
use crate::kit::{conditions, eventually};
use crate::paths::Path;
use crate::stage::{Body, Stage};

#[test]
fn no_path_tells_tools_that_all_is_well_before_it_is() {
    for path in [Path::Ca, Path::Approved, Path::Temporary, Path::External, Path::Vault, Path::SlowDns01(1)] {
        let stage = Stage::new(path, Body::Runtime);
        let before = Moment::now(&stage.space, "certificates");
        stage.ask("web", 1);
        stage.await_revision("web", 1);
        stage.ask("web", 2);
        stage.await_revision("web", 2);
        let other = json!({ "spec": { "dnsNames": ["web.example.test", "other.example.test"] } });
        stage.space.patch("certificates", "web", "", &other);
        stage.await_revision("web", 3);
        stage.space.await_quiet(&stage.proxy);
        let changes = before.changes(&stage.space);
        assert!(changes.len() >= 6, "{path:?}: {changes:?}");
        for change in &changes {
            let ready = is(&change.object, "Ready");
            let told = (by_argo_cd(&change.object), by_kstatus(&change.object));
            if told.0 == Verdict::Well {
                assert!(ready, "{path:?}: Argo CD calls {} healthy", change.object["status"]);
            }
            // Whoever has no conditions is current to kstatus, for a moment: see below.
            if told.1 == Verdict::Well && !conditions(&change.object).is_empty() {
                assert!(
                    ready || is(&change.object, "Issuing"),
                    "{path:?}: kstatus calls {} current",
                    change.object["status"]
                );
            }
        }
        let last = &changes.last().expect("a change").object;
        assert_eq!((by_argo_cd(last), by_kstatus(last)), (Verdict::Well, Verdict::Well), "{path:?}: {last}");
    }
}

#[test]
fn what_waits_is_not_well_after_two_seconds() {
    for path in [Path::Approved, Path::External, Path::Ca, Path::Vault, Path::Dns01(1)] {
        let stage = Stage::idle(path);
        let mut settings = stage.manner().settings();
        settings.visible_after = std::time::Duration::from_secs(2);
        if !matches!(path, Path::Approved | Path::External) {
            // Its issuer is not there.
            stage.space.delete("issuers", "ca");
        }
        let _operator = crate::kit::Operator::start(&stage.proxy, settings);
        stage.ask("web", 1);
        let told = eventually(&format!("{path:?}: a word"), || {
            let object = stage.space.get("certificates", "web").ok_or("there is none")?;
            match (by_argo_cd(&object), by_kstatus(&object)) {
                (Verdict::Progressing | Verdict::Unwell, Verdict::Progressing | Verdict::Unwell) => Ok(object),
                told => Err(format!("{told:?}")),
            }
        });
        let written = told["metadata"]["managedFields"]
            .as_array()
            .expect("fields")
            .iter()
            .find(|it| it["subresource"] == "status");
        let since =
            seconds(&written.expect("a write of the status")["time"]) - seconds(&told["metadata"]["creationTimestamp"]);
        // Two seconds, to whole seconds, on a machine that is busy.
        assert!(since <= 6, "{path:?} was told after {since} s");
    }
}

fn is(object: &Value, kind: &str) -> bool {
    conditions(object).iter().any(|it| it["type"] == kind && it["status"] == "True")
}

fn seconds(time: &Value) -> i64 {
    let time = acme_core::Timestamp::parse_rfc3339(time.as_str().expect("a time")).expect("a time");
    time.unix_seconds()
}
