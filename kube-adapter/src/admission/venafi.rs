//! Issuers that ask CyberArk Certificate Manager.

use super::findings::{Findings, Path};
use crate::crd::venafi::VenafiIssuer;

pub(super) fn judge(venafi: &VenafiIssuer, path: &Path, findings: &mut Findings) {
    need(&venafi.zone, "zone", path, findings);
    if let Some(tpp) = &venafi.tpp {
        let path = path.child("tpp");
        need(&tpp.url, "url", &path, findings);
        if !tpp.ca_bundle.is_empty() && tpp.ca_bundle_secret_ref.is_some() {
            let detail = "may not specify more than one of caBundle/caBundleSecretRef as TPP CA Bundle";
            findings.forbidden(&path, detail);
        }
    }
    if let Some(ngts) = &venafi.ngts {
        let path = path.child("ngts");
        need(&ngts.tsg_id, "tsgID", &path, findings);
        need(&ngts.credentials_ref.name, "name", &path.child("credentialsRef"), findings);
    }
    let forms = [venafi.tpp.is_some(), venafi.cloud.is_some(), venafi.ngts.is_some()];
    match forms.into_iter().filter(|given| *given).count() {
        0 => findings.required(path, FORMS),
        1 => {}
        _ => findings.forbidden(path, FORMS),
    }
}

fn need(text: &str, name: &str, path: &Path, findings: &mut Findings) {
    if text.is_empty() {
        findings.required(&path.child(name), "");
    }
}

const FORMS: &str = "please supply one of: tpp, cloud, ngts";
