//! The target Secret, written: what a request was issued, or what is there already with all that belongs beside it.

use std::sync::Arc;

use acme_core::client::Chain;
use acme_core::key::PublicKey;
use acme_core::{PrivateKey, Secret, Signer as _, Timestamp};
use certstore::policy::renew::Validity;
use issuers::Holder;
use issuers::chain::{self, Leaf};
use k8s_openapi::api::core::v1::Secret as SecretObject;

use super::answer::{Unwritten, Written};
use super::key::Owner;
use super::temporary;
use super::wanted::Wanted;
use crate::api::{Manager, RefusalKind, Resource};
use crate::context::Context;
use crate::crd::certificate::{Certificate, Password};
use crate::crd::certificate_request::CertificateRequest;
use crate::crd::reference::{IssuerRef, SecretKeySelector};
use crate::events::Severity;
use crate::key::{Identity, Name};
use crate::plan::certificate::{Contents, Failure, Holding, Place, Sound};
use crate::secret::applied::{Applied, Passwords, TLS};
use crate::secret::target::{self, TargetSecret, file, key_facts};
use crate::secret::{Dress, Proof};
use crate::status::Note;
use crate::workshop::Weight;

/// A target Secret to be written.
pub(super) struct Store {
    pub(super) owner: Owner,
    pub(super) object: Arc<Certificate>,
    pub(super) dress: Dress,
    pub(super) secret: Name,
    /// What is known of the Secret that is there.
    pub(super) before: Before,
}

/// What is known of the Secret that is there.
pub(super) enum Before {
    /// It is not there.
    Absent,
    /// It is a TLS Secret in this state.
    Tls(Identity),
    /// It must be looked at: its type is not known.
    Unknown,
}

impl Store {
    /// Writes what a request was issued, with its key (T).
    pub(super) async fn issued(
        self,
        context: &Context,
        request: &CertificateRequest,
        key: Arc<PrivateKey>,
    ) -> Result<Written, Unwritten> {
        let status = request.status.as_ref();
        let chain_pem = status.map(|it| it.certificate.as_slice()).unwrap_or_default().to_vec();
        let authority_pem = status.map(|it| it.ca.as_slice()).unwrap_or_default().to_vec();
        usable(&chain_pem, &key, context.now()).map_err(Unwritten::Unusable)?;
        let (state, kind) = self.state(context).await?;
        let material = Material { key, chain_pem, authority_pem, issuer: request.spec.issuer_ref.clone() };
        self.write(context, state, kind, material, true).await
    }

    /// Writes a temporary certificate for a key, and the key (T').
    pub(super) async fn temporary(
        self,
        context: &Context,
        wanted: Wanted,
        key: Arc<PrivateKey>,
    ) -> Result<Written, Unwritten> {
        let (object, signed, now) = (Arc::clone(&self.object), Arc::clone(&key), context.now());
        let weight = Weight::of(key.algorithm());
        let made = context.workshop.run(weight, move || temporary::certificate(&object, &wanted, &signed, now)).await;
        let chain_pem = made.and_then(|it| it).map_err(|error| Unwritten::Unusable(unusable(&error.to_string())))?;
        let (state, kind) = self.state(context).await?;
        let issuer = self.object.spec.issuer_ref.clone();
        let material = Material { key, chain_pem, authority_pem: Vec::new(), issuer };
        self.write(context, state, kind, material, false).await
    }

    /// The Secret that is there, and the type that it has or will have.
    async fn state(&self, context: &Context) -> Result<(Option<Identity>, String), Unwritten> {
        match &self.before {
            Before::Absent => Ok((None, TLS.to_owned())),
            Before::Tls(identity) => Ok((Some(identity.clone()), TLS.to_owned())),
            Before::Unknown => {
                let found: Option<SecretObject> =
                    context.api.read(Resource::SECRETS, &self.secret).await.map_err(Unwritten::ByServer)?;
                let state = found.as_ref().and_then(|it| Identity::of(&it.metadata));
                Ok((state, found.and_then(|it| it.type_).unwrap_or_else(|| TLS.to_owned())))
            }
        }
    }

    /// Writes what is there once more, with all that belongs beside it (T).
    pub(super) async fn refreshed(self, context: &Context) -> Result<Written, Unwritten> {
        let found: Option<SecretObject> =
            context.api.read(Resource::SECRETS, &self.secret).await.map_err(Unwritten::ByServer)?;
        let gone = || Unwritten::Lacking("SecretGone", "the Secret went while it was looked at".to_owned());
        let found = found.ok_or_else(gone)?;
        let read = TargetSecret::read(&found);
        let (Some(key), Contents::Sound(_)) = (read.key, &read.holding.contents) else { return Err(gone()) };
        let issuer = read.holding.issuer.unwrap_or_else(|| self.object.spec.issuer_ref.clone());
        let material = Material {
            key: Arc::new(key),
            chain_pem: file(&found, "tls.crt").to_vec(),
            authority_pem: file(&found, "ca.crt").to_vec(),
            issuer,
        };
        let state = Identity::of(&found.metadata);
        let kind = found.type_.unwrap_or_else(|| TLS.to_owned());
        self.write(context, state, kind, material, false).await
    }

    async fn write(
        self,
        context: &Context,
        state: Option<Identity>,
        kind: String,
        material: Material,
        is_issued: bool,
    ) -> Result<Written, Unwritten> {
        let passwords = self.passwords(context).await?;
        let (now, owner) = (context.now(), self.owner.clone());
        let owned = self.dress.owner.is_some();
        let Self { object, dress, secret, .. } = self;
        let is_tls = kind == TLS;
        let (name, issuer, key) = (secret.clone(), material.issuer.clone(), Arc::clone(&material.key));
        let proof = Proof::applied(&owner.name, &issuer, &dress);
        let weight = if object.spec.keystores.is_some() { Weight::Heavy } else { Weight::Light };
        let body = context.workshop.run(weight, move || {
            let applied = Applied {
                name: &name,
                certificate: owner.name.object(),
                issuer: &material.issuer,
                spec: &object.spec,
                dress: &dress,
                owner: owned.then(|| owner.reference()),
                state: state.as_ref(),
                kind: &kind,
                key: &material.key,
                chain_pem: &material.chain_pem,
                authority_pem: &material.authority_pem,
                passwords: &passwords,
            };
            Ok((applied.object(now)?, holding(&applied, &material.chain_pem)?))
        });
        let built = body.await.and_then(|it| it).map_err(|error| unusable(&error.to_string()));
        let (body, mut holding) = built.map_err(Unwritten::Unusable)?;
        holding.proof = proof.clone();
        if !context.leadership.good_for(context.settings.patience) {
            return Err(Unwritten::Lacking("NotLeading", "the Lease is not held long enough for a write".to_owned()));
        }
        let sent = context.now();
        let written = context.api.apply(Resource::SECRETS, &secret, &body, Manager::ISSUING, "target").await;
        let identity = written.map_err(|refusal| match refusal.kind() {
            RefusalKind::Invalid => Unwritten::Unusable(Failure {
                reason: "SecretRefused".to_owned(),
                message: format!("Secret {secret} cannot be written: {refusal}{}", refusal.hint()),
            }),
            RefusalKind::Exists
            | RefusalKind::Conflict
            | RefusalKind::Gone
            | RefusalKind::Forbidden
            | RefusalKind::Busy
            | RefusalKind::Lost => Unwritten::ByServer(refusal),
        })?;
        Ok(Written { secret, identity, sent, proof, holding, key: Some(key), is_tls, is_issued })
    }

    /// The passwords of the key stores that are wanted.
    async fn passwords(&self, context: &Context) -> Result<Passwords, Unwritten> {
        let keystores = self.object.spec.keystores.as_ref();
        let mut passwords = Passwords::default();
        if let Some(jks) = keystores.and_then(|it| it.jks.as_ref()).filter(|it| it.create) {
            let password = self.password(context, "JKS", jks.password.as_ref(), &jks.password_secret_ref).await?;
            passwords.jks = Some(password);
        }
        if let Some(pkcs12) = keystores.and_then(|it| it.pkcs12.as_ref()).filter(|it| it.create) {
            let password =
                self.password(context, "PKCS12", pkcs12.password.as_ref(), &pkcs12.password_secret_ref).await?;
            passwords.pkcs12 = Some(password);
        }
        Ok(passwords)
    }

    async fn password(
        &self,
        context: &Context,
        kind: &str,
        literal: Option<&Password>,
        reference: &SecretKeySelector,
    ) -> Result<Secret<String>, Unwritten> {
        if let Some(literal) = literal {
            return Ok(Secret::new(literal.expose().to_owned()));
        }
        let lacking = |what: String| {
            let severity = Severity::Warning;
            let note = Note { severity, reason: "KeystorePasswordSecretNotFound".to_owned(), text: what.clone() };
            context.events.publish(self.owner.event(&note, "certificates-issuing"));
            Unwritten::Lacking("KeystorePasswordSecretNotFound", what)
        };
        let name = self.owner.name.beside(reference.name.as_str());
        let found: Option<SecretObject> =
            context.api.read(Resource::SECRETS, &name).await.map_err(Unwritten::ByServer)?;
        let Some(found) = found else {
            return Err(lacking(format!("{kind} keystore password Secret \"{}\" not found", reference.name)));
        };
        let octets = file(&found, &reference.key);
        match str::from_utf8(octets) {
            Ok(text) if !text.is_empty() => Ok(Secret::new(text.to_owned())),
            Ok(_) | Err(_) => Err(lacking(format!(
                "{kind} keystore password Secret \"{}\" has no text below key \"{}\"",
                reference.name, reference.key
            ))),
        }
    }
}

/// What goes into the Secret.
struct Material {
    key: Arc<PrivateKey>,
    chain_pem: Vec<u8>,
    authority_pem: Vec<u8>,
    issuer: IssuerRef,
}

/// What a Secret holds that is written like this.
fn holding(applied: &Applied<'_>, chain_pem: &[u8]) -> Result<Holding, acme_core::Error> {
    let chain = Chain::from_pem(chain_pem)?;
    let first = chain.leaf();
    let contents = match first {
        Some(leaf) => {
            let read = Leaf::read(leaf)?;
            Sound {
                holder: Holder::of_certificate(leaf)?,
                leaf: target::digest(leaf),
                is_temporary: read.issuer == target::TEMPORARY_ISSUER,
                id: read.id,
            }
        }
        None => return Err(acme_core::Error::new(acme_core::ErrorKind::Malformed, "the chain is empty")),
    };
    Ok(Holding {
        certificate: Some(applied.certificate.to_owned()),
        issuer: Some(applied.issuer.clone()),
        is_immutable: false,
        writer: None,
        proof: Proof::default(),
        validity: first.and_then(|it| Leaf::read(it).ok()).map(|it| Validity::of(&it)),
        key: key_facts(applied.key, Place::Target),
        contents: Contents::Sound(contents),
    })
}

/// What an issuer gave must be for this key, and not be expired; else it never gets into the Secret.
fn usable(chain_pem: &[u8], key: &PrivateKey, now: Timestamp) -> Result<(), Failure> {
    let undecodable =
        |error: &str| unusable(&format!("Issuer returned an invalid certificate: failed to decode: {error}"));
    let chain = Chain::from_pem(chain_pem).map_err(|error| undecodable(&error.to_string()))?;
    let first = chain.leaf().ok_or_else(|| undecodable("there is no certificate in it"))?;
    let leaf = Leaf::read(first).map_err(|error| undecodable(&error.to_string()))?;
    let public_key = chain::public_key(first).map_err(|error| undecodable(&error.to_string()))?;
    if !PublicKey::same(key.public_key(), &public_key) {
        return Err(unusable(
            "Issuer returned a certificate with a public key that does not match the CSR. This usually indicates a misconfigured issuer.",
        ));
    }
    if leaf.not_after < now {
        return Err(unusable(&format!(
            "Issuer returned an already expired certificate (notAfter: {}). This usually indicates an expired CA certificate in the issuer.",
            leaf.not_after
        )));
    }
    Ok(())
}

fn unusable(message: &str) -> Failure {
    Failure { reason: "InvalidCertificate".to_owned(), message: message.to_owned() }
}
