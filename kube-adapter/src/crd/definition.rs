//! The definitions of the six kinds, as they are installed in a cluster.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use crate::crd::certificate::{CertificateSpec, CertificateStatus};
use crate::crd::certificate_request::{CertificateRequestSpec, CertificateRequestStatus};
use crate::crd::challenge::{ChallengeSpec, ChallengeStatus};
use crate::crd::issuer::{IssuerSpec, IssuerStatus};
use crate::crd::order::{OrderSpec, OrderStatus};
use crate::crd::schema::structural;

/// The definitions of all six kinds.
///
/// They serve and store what cert-manager's definitions of 1.21 do, so either can take the place of the other.
///
/// # Errors
/// The definition cannot be read as the API's own type, which no release of this crate shows.
pub fn all() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    KINDS.iter().map(|kind| serde_json::from_value(kind.definition())).collect()
}

/// The definitions of all six kinds as one YAML text, a document for each, as `kubectl apply -f` takes it.
///
/// # Errors
/// The definition cannot be written, which no release of this crate shows.
pub fn all_yaml() -> Result<String, serde_saphyr::ser::Error> {
    let mut text = String::new();
    for kind in &KINDS {
        text.push_str("---\n");
        text.push_str(&serde_saphyr::to_string(&kind.definition())?);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

/// What sets one kind apart from the others.
struct Kind {
    kind: &'static str,
    singular: &'static str,
    plural: &'static str,
    short_names: &'static [&'static str],
    group: &'static str,
    scope: &'static str,
    description: &'static str,
    spec: fn() -> Value,
    status: fn() -> Value,
    required: &'static [&'static str],
    columns: &'static [Column],
    selectable: &'static [&'static str],
}

/// A column that `kubectl get` prints.
struct Column {
    name: &'static str,
    path: &'static str,
    priority: i32,
}

impl Kind {
    fn definition(&self) -> Value {
        let mut names = json!({
            "kind": self.kind,
            "listKind": format!("{}List", self.kind),
            "plural": self.plural,
            "singular": self.singular,
            "categories": self.categories(),
        });
        if !self.short_names.is_empty() {
            names["shortNames"] = json!(self.short_names);
        }
        let mut version = json!({
            "name": "v1",
            "served": true,
            "storage": true,
            "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": self.schema()},
            "additionalPrinterColumns": self.printed(),
        });
        if !self.selectable.is_empty() {
            let fields: Vec<Value> = self.selectable.iter().map(|path| json!({"jsonPath": path})).collect();
            version["selectableFields"] = json!(fields);
        }
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": format!("{}.{}", self.plural, self.group)},
            "spec": {"group": self.group, "scope": self.scope, "names": names, "versions": [version]},
        })
    }

    fn categories(&self) -> &'static [&'static str] {
        if self.group == ACME { &["cert-manager", "cert-manager-acme"] } else { &["cert-manager"] }
    }

    fn schema(&self) -> Value {
        let mut schema = json!({
            "type": "object",
            "description": self.description,
            "properties": {
                "apiVersion": {"type": "string", "description": "Group and version of this object."},
                "kind": {"type": "string", "description": "Kind of this object."},
                "metadata": {"type": "object"},
                "spec": (self.spec)(),
                "status": (self.status)(),
            },
        });
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        schema
    }

    fn printed(&self) -> Vec<Value> {
        let columns = self.columns.iter().map(|column| {
            let mut printed = json!({"name": column.name, "type": "string", "jsonPath": column.path});
            if column.priority > 0 {
                printed["priority"] = json!(column.priority);
            }
            printed
        });
        let age = json!({
            "name": "Age",
            "type": "date",
            "jsonPath": ".metadata.creationTimestamp",
            "description": "Time since the server made this object.",
        });
        columns.chain([age]).collect()
    }
}

const fn column(name: &'static str, path: &'static str) -> Column {
    Column { name, path, priority: 0 }
}

/// A column that is printed with `-o wide` alone.
const fn wide(name: &'static str, path: &'static str) -> Column {
    Column { name, path, priority: 1 }
}

const CERT_MANAGER: &str = "cert-manager.io";
const ACME: &str = "acme.cert-manager.io";
const READY: &str = r#".status.conditions[?(@.type == "Ready")].status"#;
const MESSAGE: &str = r#".status.conditions[?(@.type == "Ready")].message"#;
const APPROVED: &str = r#".status.conditions[?(@.type == "Approved")].status"#;
const DENIED: &str = r#".status.conditions[?(@.type == "Denied")].status"#;
const ISSUER: [&str; 3] = [".spec.issuerRef.group", ".spec.issuerRef.kind", ".spec.issuerRef.name"];

const KINDS: [Kind; 6] = [
    Kind {
        kind: "Certificate",
        singular: "certificate",
        plural: "certificates",
        short_names: &["cert", "certs"],
        group: CERT_MANAGER,
        scope: "Namespaced",
        description: "A certificate that shall exist in a Secret and stay valid there.",
        spec: structural::<CertificateSpec>,
        status: structural::<CertificateStatus>,
        required: &[],
        columns: &[
            column("Ready", READY),
            column("Secret", ".spec.secretName"),
            wide("Issuer", ISSUER[2]),
            wide("Status", MESSAGE),
            wide("Expiration", ".status.notAfter"),
        ],
        selectable: &ISSUER,
    },
    Kind {
        kind: "CertificateRequest",
        singular: "certificaterequest",
        plural: "certificaterequests",
        short_names: &["cr", "crs"],
        group: CERT_MANAGER,
        scope: "Namespaced",
        description: "One signing request to one issuer. It is never tried again after it failed or was denied; a new one is made.",
        spec: structural::<CertificateRequestSpec>,
        status: structural::<CertificateRequestStatus>,
        required: &[],
        columns: &[
            column("Approved", APPROVED),
            column("Denied", DENIED),
            column("Ready", READY),
            column("Issuer", ISSUER[2]),
            column("Requester", ".spec.username"),
            wide("Status", MESSAGE),
        ],
        selectable: &ISSUER,
    },
    Kind {
        kind: "Issuer",
        singular: "issuer",
        plural: "issuers",
        short_names: &["iss"],
        group: CERT_MANAGER,
        scope: "Namespaced",
        description: "An issuer for the Certificates of its own namespace.",
        spec: structural::<IssuerSpec>,
        status: structural::<IssuerStatus>,
        required: &["spec"],
        columns: &[column("Ready", READY), wide("Status", MESSAGE)],
        selectable: &[],
    },
    Kind {
        kind: "ClusterIssuer",
        singular: "clusterissuer",
        plural: "clusterissuers",
        short_names: &["ciss"],
        group: CERT_MANAGER,
        scope: "Cluster",
        description: "An issuer for the Certificates of every namespace. Its Secrets are looked up in the cluster resource namespace.",
        spec: structural::<IssuerSpec>,
        status: structural::<IssuerStatus>,
        required: &["spec"],
        columns: &[column("Ready", READY), wide("Status", MESSAGE)],
        selectable: &[],
    },
    Kind {
        kind: "Order",
        singular: "order",
        plural: "orders",
        short_names: &[],
        group: ACME,
        scope: "Namespaced",
        description: "One order at an ACME server, for one CertificateRequest.",
        spec: structural::<OrderSpec>,
        status: structural::<OrderStatus>,
        required: &["metadata", "spec"],
        columns: &[column("State", ".status.state"), wide("Issuer", ISSUER[2]), wide("Reason", ".status.reason")],
        selectable: &ISSUER,
    },
    Kind {
        kind: "Challenge",
        singular: "challenge",
        plural: "challenges",
        short_names: &[],
        group: ACME,
        scope: "Namespaced",
        description: "One proof that one name of an Order is under control.",
        spec: structural::<ChallengeSpec>,
        status: structural::<ChallengeStatus>,
        required: &["metadata", "spec"],
        columns: &[
            column("State", ".status.state"),
            column("Domain", ".spec.dnsName"),
            wide("Reason", ".status.reason"),
        ],
        selectable: &ISSUER,
    },
];
