//! The floor: the four writes of the ledger for each Certificate, from bodies that are ready, and nothing else.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;

use crate::bare::{Bare, Content, Write, text};
use crate::cluster::{Field, Made, base64, path};

/// The writes of one issuance, in their order, by the managers and under the conditions that the ledger names.
#[derive(Clone, Debug)]
pub(crate) struct Issuance {
    request: Write,
    /// Insists on the state that the first was answered with.
    issued: Write,
    secret: Write,
    ready: Write,
}

impl Issuance {
    /// Makes them, as large as the controller's.
    pub(crate) fn of(field: &Field, certificate: &Made, material: &Material) -> Self {
        let Material { chain, authority, key, csr } = material;
        let Field { namespace } = field;
        let Made { name, uid, version } = certificate;
        let request = format!("{name}-1");
        let now = "2026-11-25T22:00:00Z";
        let create = json!({
            "apiVersion": "cert-manager.io/v1", "kind": "CertificateRequest",
            "metadata": {
                "name": request, "namespace": namespace,
                "annotations": {
                    "cert-manager.io/certificate-name": name, "cert-manager.io/certificate-revision": "1",
                    "cert-manager.io/private-key-secret-name": format!("{name}-abcde"),
                },
                "ownerReferences": [{
                    "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": name, "uid": uid, "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "spec": {
                "request": base64(csr), "issuerRef": { "name": "ca", "kind": "Issuer" },
                "username": "administrator", "groups": ["system:masters", "system:authenticated"],
                "extra": { "authentication.kubernetes.io/credential-id": [format!("X509SHA256={:064x}", 7)] },
            },
        });
        let issued = json!({ "status": {
            "conditions": [
                { "type": "Approved", "status": "True", "lastTransitionTime": now, "reason": "cert-manager.io", "message": "Certificate request has been approved by cert-manager.io" },
                { "type": "Ready", "status": "True", "lastTransitionTime": now, "reason": "Issued", "message": "Certificate fetched from issuer successfully" },
            ],
            "certificate": base64(chain), "ca": base64(authority),
        } });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": {
                "name": name, "namespace": namespace, "resourceVersion": "1",
                "labels": { "controller.cert-manager.io/fao": "true" },
                "annotations": {
                    "cert-manager.io/alt-names": format!("{name}.example.test"), "cert-manager.io/certificate-name": name, "cert-manager.io/common-name": "",
                    "cert-manager.io/ip-sans": "", "cert-manager.io/issuer-group": "", "cert-manager.io/issuer-kind": "Issuer",
                    "cert-manager.io/issuer-name": "ca", "cert-manager.io/uri-sans": "",
                },
            },
            "data": { "ca.crt": base64(authority), "tls.crt": base64(chain), "tls.key": base64(key) },
        });
        let ready = json!({ "status": {
            "conditions": [{
                "type": "Ready", "status": "True", "lastTransitionTime": now, "observedGeneration": 1, "reason": "Ready",
                "message": "Certificate is up to date and has not expired",
            }],
            "notBefore": now, "notAfter": "2027-02-23T22:00:00Z", "renewalTime": "2027-01-24T22:00:00Z", "revision": 1,
        } });
        let write =
            |path: String, content, body: serde_json::Value| Write { path, content, body: body.to_string().into() };
        let (requester, signer, issuing) =
            ("certificates-request-manager", "certificaterequests-issuer-ca", "certificates-issuing");
        let by = |manager: &str| format!("?fieldManager=cert-manager-{manager}&fieldValidation=Ignore");
        let of_request = path(namespace, "certificaterequests", &format!("/{request}/status{}", by(signer)));
        let of_secret = format!("/api/v1/namespaces/{namespace}/secrets/{name}{}&force=true", by(issuing));
        let of_certificate = path(namespace, "certificates", &format!("/{name}/status{}", by(issuing)));
        Self {
            request: write(path(namespace, "certificaterequests", &by(requester)), Content::Json, create),
            issued: write(of_request, Content::MergePatch, issued),
            secret: write(of_secret, Content::Apply, secret),
            ready: write(of_certificate, Content::MergePatch, ready).insisting_on(version),
        }
    }

    async fn make(self, bare: &Bare) -> Result<(), String> {
        let Self { request, issued, secret, ready } = self;
        let made = bare.write(&request).await?;
        bare.write(&issued.insisting_on(&version(&made)?)).await?;
        bare.write(&secret).await?;
        bare.write(&ready).await?;
        Ok(())
    }
}

/// The version in an answer of metadata.
fn version(answer: &[u8]) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Answer {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Metadata {
        resource_version: String,
    }
    let Answer { metadata } = serde_json::from_slice(answer).map_err(text)?;
    Ok(metadata.resource_version)
}

/// Makes all writes, with so many issuances in flight.
pub(crate) async fn run(bare: &Bare, issuances: Vec<Issuance>, in_flight: usize) -> Result<(), String> {
    let tasks = issuances.into_iter().map(|issuance| {
        let bare = bare.clone();
        async move { tokio::spawn(async move { issuance.make(&bare).await }).await.map_err(text)? }
    });
    stream::iter(tasks).buffer_unordered(in_flight).try_collect().await
}

/// What every issuance of the floor is made of.
pub(crate) struct Material {
    chain: String,
    authority: String,
    key: String,
    csr: String,
}

impl Material {
    pub(crate) fn make() -> Result<Self, String> {
        let params = authority_params();
        let authority =
            rcgen::CertifiedIssuer::self_signed(params, rcgen::KeyPair::generate().map_err(text)?).map_err(text)?;
        let key = rcgen::KeyPair::generate().map_err(text)?;
        let mut params = rcgen::CertificateParams::new(vec!["name-10000.example.test".to_owned()]).map_err(text)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        let csr = params.serialize_request(&key).map_err(text)?.pem().map_err(text)?;
        params.use_authority_key_identifier_extension = true;
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature, rcgen::KeyUsagePurpose::KeyEncipherment];
        let chain = params.signed_by(&key, &authority).map_err(text)?.pem();
        Ok(Self { chain, authority: authority.pem(), key: key.serialize_pem(), csr })
    }
}

/// A root and its key, in PEM.
pub(crate) fn authority() -> Result<(String, String), String> {
    let key = rcgen::KeyPair::generate().map_err(text)?;
    Ok((authority_params().self_signed(&key).map_err(text)?.pem(), key.serialize_pem()))
}

fn authority_params() -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "root of a bench");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    params
}
