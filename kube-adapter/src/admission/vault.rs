//! Issuers that ask Vault.

use super::findings::{Findings, Path};
use super::issuer::{NO_CERTIFICATE, has_certificate};
use crate::crd::vault::{VaultAppRole, VaultAuth, VaultAwsAuth, VaultIssuer, VaultKubernetesAuth};

pub(super) fn judge(vault: &VaultIssuer, path: &Path, findings: &mut Findings) {
    need(&vault.server, "server", path, findings);
    need(&vault.path, "path", path, findings);
    judge_mount(&vault.path, &path.child("path"), findings);
    let bundle = path.child("caBundle");
    if !vault.ca_bundle.is_empty() {
        if !has_certificate(vault.ca_bundle.as_slice()) {
            findings.invalid(&bundle, SNIPPED, NO_CERTIFICATE);
        }
        if let Some(secret) = &vault.ca_bundle_secret_ref {
            findings.invalid(&bundle, SNIPPED, "specified caBundle and caBundleSecretRef cannot be used together");
            let detail = "specified caBundleSecretRef and caBundle cannot be used together";
            findings.invalid(&path.child("caBundleSecretRef"), &secret.name, detail);
        }
    }
    match (&vault.client_cert_secret_ref, &vault.client_key_secret_ref) {
        (Some(_), None) => {
            let detail = "clientKeySecretRef must be provided when defining the clientCertSecretRef";
            findings.invalid(&path.child("clientKeySecretRef"), SNIPPED, detail);
        }
        (None, Some(_)) => {
            let detail = "clientCertSecretRef must be provided when defining the clientKeySecretRef";
            findings.invalid(&path.child("clientCertSecretRef"), SNIPPED, detail);
        }
        (None, None) | (Some(_), Some(_)) => {}
    }
    judge_auth(&vault.auth, &path.child("auth"), findings);
}

/// Several methods pass: objects that have them are older than the rule that wants one.
fn judge_auth(auth: &VaultAuth, path: &Path, findings: &mut Findings) {
    if let Some(role) = &auth.app_role {
        judge_app_role(role, &path.child("appRole"), findings);
    }
    if let Some(certificate) = &auth.client_certificate {
        let path = path.child("clientCertificate").child("path");
        judge_mount(&certificate.mount_path, &path, findings);
    }
    if let Some(kubernetes) = &auth.kubernetes {
        judge_kubernetes(kubernetes, &path.child("kubernetes"), findings);
    }
    if let Some(aws) = &auth.aws {
        judge_aws(aws, &path.child("aws"), findings);
    }
    if *auth == VaultAuth::default() {
        let detail = "please supply one of: appRole, kubernetes, tokenSecretRef, clientCertificate, aws";
        findings.required(path, detail);
    }
}

fn judge_app_role(role: &VaultAppRole, path: &Path, findings: &mut Findings) {
    need(&role.role_id, "roleId", path, findings);
    need(&role.secret_ref.name, "name", &path.child("secretRef"), findings);
    judge_mount(&role.path, &path.child("path"), findings);
}

fn judge_kubernetes(kubernetes: &VaultKubernetesAuth, path: &Path, findings: &mut Findings) {
    need(&kubernetes.role, "role", path, findings);
    // The webhook calls the field so.
    judge_mount(&kubernetes.mount_path, &path.child("path"), findings);
    if let Some(account) = &kubernetes.service_account_ref {
        need(&account.name, "name", &path.child("serviceAccountRef"), findings);
    }
    let detail = "please supply one of: secretRef, serviceAccountRef";
    match (kubernetes.secret_ref.name.is_empty(), &kubernetes.service_account_ref) {
        (true, None) => findings.required(path, detail),
        (false, Some(_)) => findings.forbidden(path, detail),
        (true, Some(_)) | (false, None) => {}
    }
}

fn judge_aws(aws: &VaultAwsAuth, path: &Path, findings: &mut Findings) {
    need(&aws.role, "role", path, findings);
    judge_mount(&aws.mount_path, &path.child("mountPath"), findings);
    if let Some(account) = &aws.service_account_ref {
        need(&account.name, "name", &path.child("serviceAccountRef"), findings);
        if aws.iam_role_arn.is_empty() {
            let detail = "iamRoleArn is required when using serviceAccountRef for IRSA";
            findings.required(&path.child("iamRoleArn"), detail);
        }
    }
}

fn judge_mount(mount: &str, path: &Path, findings: &mut Findings) {
    if mount.split('/').any(|segment| segment == "..") {
        findings.invalid(path, mount, "must not contain '..' path segments");
    }
}

fn need(text: &str, name: &str, path: &Path, findings: &mut Findings) {
    if text.is_empty() {
        findings.required(&path.child(name), "");
    }
}

/// Stands for values that are too long to be shown.
const SNIPPED: &str = "<snip>";
