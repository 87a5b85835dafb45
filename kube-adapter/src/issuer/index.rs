//! Which issuers read which Secret.

use std::collections::{BTreeSet, HashMap};

use crate::crd::acme::AcmeIssuer;
use crate::crd::acme::dns01::Dns01Solver;
use crate::crd::issuer::IssuerSpec;
use crate::crd::reference::SecretKeySelector;
use crate::crd::vault::VaultIssuer;
use crate::crd::venafi::VenafiIssuer;
use crate::key::Name;

/// Which issuers read which Secret.
#[derive(Debug, Default)]
pub(crate) struct Index {
    readers: HashMap<Name, BTreeSet<Name>>,
    reads: HashMap<Name, Vec<Name>>,
}

impl Index {
    /// An issuer refers to these Secrets from now on; to none when it is gone.
    pub(super) fn refer(&mut self, issuer: &Name, secrets: Vec<Name>) {
        for secret in self.reads.remove(issuer).unwrap_or_default() {
            if let Some(readers) = self.readers.get_mut(&secret) {
                readers.remove(issuer);
                if readers.is_empty() {
                    self.readers.remove(&secret);
                }
            }
        }
        for secret in &secrets {
            self.readers.entry(secret.clone()).or_default().insert(issuer.clone());
        }
        if !secrets.is_empty() {
            self.reads.insert(issuer.clone(), secrets);
        }
    }

    /// The issuers that refer to a Secret.
    pub(super) fn readers(&self, secret: &Name) -> Vec<Name> {
        self.readers.get(secret).into_iter().flatten().cloned().collect()
    }
}

/// The Secrets that a spec names.
pub(super) fn secrets(spec: &IssuerSpec) -> BTreeSet<&str> {
    let IssuerSpec { acme, ca, vault, self_signed: _, venafi } = spec;
    let mut names = BTreeSet::new();
    names.extend(ca.iter().map(|ca| ca.secret_name.as_str()));
    acme.iter().for_each(|it| of_acme(it, &mut names));
    vault.iter().for_each(|it| of_vault(it, &mut names));
    venafi.iter().for_each(|it| of_venafi(it, &mut names));
    names.remove("");
    names
}

fn of_acme<'a>(acme: &'a AcmeIssuer, names: &mut BTreeSet<&'a str>) {
    names.insert(&acme.private_key_secret_ref.name);
    names.extend(acme.external_account_binding.iter().map(|it| it.key_secret_ref.name.as_str()));
    let dns01 = acme.solvers.iter().filter_map(|solver| solver.dns01.as_ref());
    names.extend(dns01.flat_map(credentials).map(|it| it.name.as_str()));
}

fn of_vault<'a>(vault: &'a VaultIssuer, names: &mut BTreeSet<&'a str>) {
    let auth = &vault.auth;
    let selectors: [Option<&SecretKeySelector>; 6] = [
        vault.ca_bundle_secret_ref.as_ref(),
        vault.client_cert_secret_ref.as_ref(),
        vault.client_key_secret_ref.as_ref(),
        auth.token_secret_ref.as_ref(),
        auth.app_role.as_ref().map(|it| &it.secret_ref),
        auth.kubernetes.as_ref().map(|it| &it.secret_ref),
    ];
    names.extend(selectors.into_iter().flatten().map(|it| it.name.as_str()));
    names.extend(auth.client_certificate.iter().map(|it| it.secret_name.as_str()));
}

fn of_venafi<'a>(venafi: &'a VenafiIssuer, names: &mut BTreeSet<&'a str>) {
    if let Some(tpp) = &venafi.tpp {
        names.insert(&tpp.credentials_ref.name);
        names.extend(tpp.ca_bundle_secret_ref.iter().map(|it| it.name.as_str()));
    }
    names.extend(venafi.cloud.iter().map(|it| it.api_token_secret_ref.name.as_str()));
    names.extend(venafi.ngts.iter().map(|it| it.credentials_ref.name.as_str()));
}

/// The credentials that a DNS provider reads from Secrets.
pub(crate) fn credentials(dns01: &Dns01Solver) -> Vec<&SecretKeySelector> {
    let mut found: Vec<&SecretKeySelector> = Vec::new();
    if let Some(it) = &dns01.akamai {
        found.extend([&it.client_token_secret_ref, &it.client_secret_secret_ref, &it.access_token_secret_ref]);
    }
    found.extend(dns01.cloud_dns.iter().filter_map(|it| it.service_account_secret_ref.as_ref()));
    if let Some(it) = &dns01.cloudflare {
        found.extend(it.api_key_secret_ref.iter().chain(&it.api_token_secret_ref));
    }
    if let Some(it) = &dns01.route53 {
        found.extend(it.access_key_id_secret_ref.iter().chain([&it.secret_access_key_secret_ref]));
    }
    found.extend(dns01.azure_dns.iter().filter_map(|it| it.client_secret_secret_ref.as_ref()));
    found.extend(dns01.digital_ocean.iter().map(|it| &it.token_secret_ref));
    found.extend(dns01.acme_dns.iter().map(|it| &it.account_secret_ref));
    found.extend(dns01.rfc2136.iter().map(|it| &it.tsig_secret_secret_ref));
    found.retain(|it| !it.name.is_empty());
    found
}
