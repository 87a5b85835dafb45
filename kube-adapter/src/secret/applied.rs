//! A target Secret as it is applied: everything that it must hold, so that nothing of it is taken away.

use std::collections::BTreeMap;
use std::fmt;

use acme_core::client::Chain;
use acme_core::{Error, ErrorKind, PrivateKey, Secret, Timestamp};
use certstore::keystore::Seed;
use certstore::keystore::pkcs12::Profile;
use certstore::output::Output;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::proof::{CERTIFICATE_NAME, Dress, ISSUER_GROUP, ISSUER_KIND, ISSUER_NAME};
use super::{ATTENTION, details};
use crate::crd::base64::Base64;
use crate::crd::certificate::{CertificateSpec, Pkcs12Profile};
use crate::crd::reference::IssuerRef;
use crate::key::{Identity, Name};

/// What a target Secret is made of.
pub(crate) struct Applied<'a> {
    pub(crate) name: &'a Name,
    /// The name of its Certificate.
    pub(crate) certificate: &'a str,
    /// Who issued it.
    pub(crate) issuer: &'a IssuerRef,
    pub(crate) spec: &'a CertificateSpec,
    pub(crate) dress: &'a Dress,
    /// The owner reference, where one is wanted.
    pub(crate) owner: Option<Value>,
    /// The state of the Secret that is replaced; `None` where there is none, which is insisted on.
    pub(crate) state: Option<&'a Identity>,
    /// The type of the Secret, which never changes.
    pub(crate) kind: &'a str,
    pub(crate) key: &'a PrivateKey,
    /// The chain, as it was given.
    pub(crate) chain_pem: &'a [u8],
    /// The authority, as it was given; empty where it is not known.
    pub(crate) authority_pem: &'a [u8],
    pub(crate) passwords: &'a Passwords,
}

/// The passwords of key stores, where there are some.
#[derive(Default)]
pub(crate) struct Passwords {
    pub(crate) jks: Option<Secret<String>>,
    pub(crate) pkcs12: Option<Secret<String>>,
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(..)")
    }
}

impl Applied<'_> {
    /// The Secret as the API takes it.
    ///
    /// # Errors
    /// `Malformed` when the chain cannot be read; what key stores do not take.
    pub(crate) fn object(&self, now: Timestamp) -> Result<Value, Error> {
        let chain = Chain::from_pem(self.chain_pem)?;
        let first = chain.leaf().ok_or_else(|| Error::new(ErrorKind::Malformed, "the chain is empty"))?;
        let mut labels: BTreeMap<&str, &str> = pairs(&self.dress.labels);
        labels.insert(ATTENTION, "true");
        let mut annotations: BTreeMap<String, String> = details::of(first)?;
        annotations.extend(self.dress.annotations.iter().cloned());
        for (key, value) in [
            (CERTIFICATE_NAME, self.certificate),
            (ISSUER_NAME, self.issuer.name.as_str()),
            (ISSUER_KIND, self.issuer.kind.as_str()),
            (ISSUER_GROUP, self.issuer.group.as_str()),
        ] {
            annotations.insert(key.to_owned(), value.to_owned());
        }
        let mut metadata = json!({
            "name": self.name.object(), "namespace": self.name.namespace(), "labels": labels, "annotations": annotations,
        });
        match self.state {
            Some(state) => {
                metadata["uid"] = state.uid.to_string().into();
                metadata["resourceVersion"] = state.version.to_string().into();
            }
            // An apply makes what is not there whatever version it names, and what is there must have it: so it overwrites nothing.
            None => metadata["resourceVersion"] = NEVER.into(),
        }
        if let Some(owner) = &self.owner {
            metadata["ownerReferences"] = json!([owner]);
        }
        let data = self.data(&chain, now)?;
        Ok(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": self.kind, "data": data }))
    }

    fn data(&self, chain: &Chain, now: Timestamp) -> Result<BTreeMap<&'static str, Base64>, Error> {
        let root = CertificateDer::from_pem_slice(self.authority_pem).ok();
        let mut output = Output::new(self.key, chain).with_encoding(crate::certificate::encoding(self.spec));
        if let Some(root) = &root {
            output = output.with_root(root);
        }
        let key_pem = output.key_pem();
        let mut data: BTreeMap<&'static str, Base64> = BTreeMap::new();
        data.insert("tls.key", key_pem.expose().as_bytes().into());
        data.insert("tls.crt", self.chain_pem.into());
        if !self.authority_pem.is_empty() {
            data.insert("ca.crt", self.authority_pem.into());
        }
        for file in &self.dress.files {
            match *file {
                "key.der" => drop(data.insert("key.der", output.key_der().expose().as_slice().into())),
                "tls-combined.pem" => {
                    let parts = [key_pem.expose().as_bytes(), b"\n", self.chain_pem];
                    data.insert("tls-combined.pem", parts.concat().into());
                }
                "keystore.jks" => self.jks(&output, now, &mut data)?,
                "keystore.p12" => self.pkcs12(&output, &mut data)?,
                _ => {}
            }
        }
        Ok(data)
    }

    fn jks(&self, output: &Output<'_>, now: Timestamp, data: &mut BTreeMap<&'static str, Base64>) -> Result<(), Error> {
        let Some(password) = &self.passwords.jks else { return Ok(()) };
        let alias = self.spec.keystores.as_ref().and_then(|it| it.jks.as_ref()).and_then(|it| it.alias.as_deref());
        let keystore = output.keystore()?.with_alias(alias.filter(|it| !it.is_empty()).unwrap_or("certificate"));
        data.insert("keystore.jks", keystore.to_jks(password, now, &Seed::random()?)?.expose().as_slice().into());
        if let Some(truststore) = output.truststore()? {
            let file = truststore.to_jks(password, now, &Seed::random()?)?;
            data.insert("truststore.jks", file.expose().as_slice().into());
        }
        Ok(())
    }

    fn pkcs12(&self, output: &Output<'_>, data: &mut BTreeMap<&'static str, Base64>) -> Result<(), Error> {
        let Some(password) = &self.passwords.pkcs12 else { return Ok(()) };
        let keystore = self.spec.keystores.as_ref().and_then(|it| it.pkcs12.as_ref());
        let profile = match keystore.and_then(|it| it.profile.as_ref()) {
            Some(Pkcs12Profile::LegacyDes) => Profile::LegacyDes,
            Some(Pkcs12Profile::Modern2023) => Profile::Modern2023,
            Some(Pkcs12Profile::Modern2026) => Profile::Modern2026,
            Some(Pkcs12Profile::LegacyRc2 | Pkcs12Profile::Other(_)) | None => Profile::LegacyRc2,
        };
        let file = output.keystore()?.to_pkcs12(profile, password, &Seed::random()?)?;
        data.insert("keystore.p12", file.expose().as_slice().into());
        if let Some(truststore) = output.truststore()? {
            let file = truststore.to_pkcs12(profile, password, &Seed::random()?)?;
            data.insert("truststore.p12", file.expose().as_slice().into());
        }
        Ok(())
    }
}

fn pairs(pairs: &[(String, String)]) -> BTreeMap<&str, &str> {
    pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

/// The version of no object: that of a store in which nothing was written yet.
const NEVER: &str = "1";

/// The type of a target Secret that is new.
pub(crate) const TLS: &str = "kubernetes.io/tls";
