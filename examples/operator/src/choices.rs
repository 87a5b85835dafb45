//! Choices from lists of names: roles, cert-manager's controllers, its feature gates.

use std::collections::BTreeSet;

use crate::nearest::hint;
use crate::{Error, usage, values};

/// What this process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the binary starts every one")]
pub enum Role {
    /// Reconciles resources.
    Controller,
    /// Answers HTTP-01.
    Solver,
}

/// Reads the names of roles.
///
/// # Errors
/// `Malformed` for a name that is none, `Unsupported` for a role that is not there yet.
pub fn roles(names: &[String]) -> Result<BTreeSet<Role>, Error> {
    let mut roles = BTreeSet::new();
    for name in names {
        match name.as_str() {
            "controller" => roles.insert(Role::Controller),
            "solver" => roles.insert(Role::Solver),
            later if LATER_ROLES.contains(&later) => {
                return Err(Error::new(
                    acme_core::ErrorKind::Unsupported,
                    format!("the role {later} is not there yet; there are controller and solver"),
                ));
            }
            other => {
                let near = hint(other, "", ["controller", "solver"].into_iter().chain(LATER_ROLES));
                return Err(usage(format!("there is no role {other:?}{near}")));
            }
        };
    }
    if roles.is_empty() { Err(usage("no role is left to run")) } else { Ok(roles) }
}

/// Which of cert-manager's controllers run, and what has to be said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Controllers {
    /// Those that were switched off.
    pub off: BTreeSet<&'static str>,
    /// What the choice does not change here.
    pub remarks: Vec<String>,
}

/// Reads a list as `--controllers` has it: `*` for all that are on by default, `-name` without that one.
///
/// # Errors
/// `Malformed` for a name that is none, naming the nearest one.
pub fn controllers(list: &[String]) -> Result<Controllers, Error> {
    let mut on = BTreeSet::new();
    let mut off = BTreeSet::new();
    let mut star = list.iter().all(|name| name.starts_with('-'));
    for name in list {
        if name == "*" {
            star = true;
            continue;
        }
        let (wanted, set) = match name.strip_prefix('-') {
            Some(name) => (name, &mut off),
            None => (name.as_str(), &mut on),
        };
        let known = CONTROLLERS.iter().map(|row| row.name);
        let found = known
            .clone()
            .find(|it| *it == wanted)
            .ok_or_else(|| usage(format!("there is no controller {wanted:?}{}", hint(wanted, "", known))))?;
        set.insert(found);
    }
    let mut choice = Controllers::default();
    for row in CONTROLLERS {
        let runs = !off.contains(row.name) && (on.contains(row.name) || (star && row.effect != Effect::Later));
        match (runs, row.effect) {
            (true, Effect::Later) => choice.remarks.push(format!("the controller {} is not there yet", row.name)),
            (false, Effect::Part) => {
                choice.remarks.push(format!("the controller {} is part of one plan for all and runs anyway", row.name));
            }
            (false, Effect::Switch) => {
                choice.off.insert(row.name);
            }
            (true, Effect::Switch | Effect::Part) | (false, Effect::Later) => {}
        }
    }
    Ok(choice)
}

/// One of cert-manager's names for `--controllers`.
struct Row {
    name: &'static str,
    effect: Effect,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It can be switched off.
    Switch,
    /// It is a part of a plan that runs as a whole.
    Part,
    /// What it does is not there yet.
    Later,
}

/// What feature gates come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Gates {
    /// `ACMEHTTP01IngressPathTypeExact`, where it is named.
    pub exact_paths: Option<bool>,
    /// What has to be said.
    pub remarks: Vec<String>,
}

/// Reads feature gates.
///
/// # Errors
/// `Malformed` for a gate that does not exist, and for a value that is neither true nor false.
pub fn gates(pairs: &[String]) -> Result<Gates, Error> {
    let mut gates = Gates::default();
    let remarks = &mut gates.remarks;
    for text in pairs {
        let (name, value) = values::pair(text)?;
        let value = values::switch(&value)?;
        if name == "AllAlpha" || name == "AllBeta" {
            remarks.push(format!("the feature gates of {name} have no meaning here"));
            continue;
        }
        if name == EXACT_PATHS {
            gates.exact_paths = Some(value);
            continue;
        }
        let (_, built, note) = GATES.iter().find(|(gate, _, _)| *gate == name).ok_or_else(|| {
            let near = hint(&name, "", GATES.iter().map(|(gate, _, _)| *gate));
            usage(format!("there is no gate {name}{near}"))
        })?;
        if value != *built {
            remarks.push(format!("the feature gate {name}={value} changes nothing: {note}"));
        }
    }
    Ok(gates)
}

/// The feature gates as Markdown, for the README.
pub fn gates_as_markdown() -> String {
    let mut out = String::from("| Gate | As if | Why |\n|---|---|---|\n");
    for (name, built, note) in GATES {
        out.push_str(&format!("| `{name}` | {built} | {note} |\n"));
    }
    out
}

/// The names for `--controllers` as Markdown, for the README.
pub fn controllers_as_markdown() -> String {
    let mut out = String::from("| Name | Here |\n|---|---|\n");
    for row in CONTROLLERS {
        let effect = match row.effect {
            Effect::Switch => "can be switched off",
            Effect::Part => "part of one plan for all; runs anyway",
            Effect::Later => "not there yet",
        };
        out.push_str(&format!("| `{}` | {effect} |\n", row.name));
    }
    out
}

const LATER_ROLES: [&str; 3] = ["webhook", "ca-injector", "shim"];

const fn row(name: &'static str, effect: Effect) -> Row {
    Row { name, effect }
}

const CONTROLLERS: &[Row] = &[
    row("issuers", Effect::Part),
    row("clusterissuers", Effect::Part),
    row("certificates-trigger", Effect::Part),
    row("certificates-key-manager", Effect::Part),
    row("certificates-request-manager", Effect::Part),
    row("certificates-issuing", Effect::Part),
    row("certificates-readiness", Effect::Part),
    row("certificates-revision-manager", Effect::Part),
    row("certificates-metrics", Effect::Part),
    row("certificaterequests-approver", Effect::Switch),
    row("certificaterequests-issuer-acme", Effect::Part),
    row("certificaterequests-issuer-ca", Effect::Part),
    row("certificaterequests-issuer-selfsigned", Effect::Part),
    row("certificaterequests-issuer-vault", Effect::Part),
    row("certificaterequests-issuer-venafi", Effect::Part),
    row("orders", Effect::Part),
    row("challenges", Effect::Part),
    row("ingress-shim", Effect::Later),
    row("gateway-shim", Effect::Later),
    row("certificatesigningrequests-issuer-acme", Effect::Later),
    row("certificatesigningrequests-issuer-ca", Effect::Later),
    row("certificatesigningrequests-issuer-selfsigned", Effect::Later),
    row("certificatesigningrequests-issuer-vault", Effect::Later),
    row("certificatesigningrequests-issuer-venafi", Effect::Later),
];

/// The one gate that changes something: paths of Ingresses are `Exact`, or as the controller understands them.
const EXACT_PATHS: &str = "ACMEHTTP01IngressPathTypeExact";

/// cert-manager's gates: what this program does as if they were set to, and why it does not change.
const GATES: &[(&str, bool, &str)] = &[
    ("DisallowInsecureCSRUsageDefinition", true, "a signing request is held to its resource always"),
    ("StableCertificateRequestName", true, "every object has a name known before it is made"),
    ("SecretsFilteredCaching", true, "of Secrets only metadata is kept"),
    ("ExperimentalCertificateSigningRequestControllers", false, "CertificateSigningRequests are not looked after yet"),
    ("ExperimentalGatewayAPISupport", true, "`--enable-gateway-api` alone decides"),
    ("ListenerSets", false, "the shims are not there yet"),
    ("AdditionalCertificateOutputFormats", true, "always there"),
    ("ServerSideApply", true, "Secrets are applied, everything else is patched; nothing is ever updated as a whole"),
    ("LiteralCertificateSubject", true, "always there"),
    ("UseCertificateRequestBasicConstraints", false, "signing requests carry basic constraints for authorities alone"),
    ("NameConstraints", true, "always there"),
    ("OtherNames", true, "always there"),
    ("UseDomainQualifiedFinalizer", true, "always"),
    ("DefaultPrivateKeyRotationPolicyAlways", true, "always"),
    (EXACT_PATHS, true, "`false` makes paths `ImplementationSpecific`, for controllers that know no `Exact`"),
    ("ACMEUseARI", true, "always; `spec.acme.renewalInformationSource: None` turns it off for an issuer"),
    ("ValidateCAA", false, "it has no effect in cert-manager either"),
    ("CAInjectorMerging", true, "the role ca-injector is not there yet"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|it| (*it).to_owned()).collect()
    }

    #[test]
    fn removals_alone_imply_the_rest() {
        let choice = controllers(&owned(&["-certificaterequests-approver"])).unwrap();
        assert_eq!(choice.off, BTreeSet::from(["certificaterequests-approver"]));
        assert_eq!(choice.remarks, Vec::<String>::new());
        assert_eq!(controllers(&owned(&["*"])).unwrap(), Controllers::default());
    }

    #[test]
    fn what_a_choice_cannot_change_is_said() {
        let choice = controllers(&owned(&["*", "-orders", "ingress-shim"])).unwrap();
        assert_eq!(
            choice.remarks,
            [
                "the controller orders is part of one plan for all and runs anyway",
                "the controller ingress-shim is not there yet"
            ]
        );
        let error = controllers(&owned(&["certificates-isuing"])).unwrap_err().to_string();
        assert_eq!(error, "there is no controller \"certificates-isuing\"; did you mean certificates-issuing?");
    }

    #[test]
    fn gates_are_known_by_name() {
        assert!(gates(&owned(&["ServerSideApply=true", "NameConstraints=true"])).unwrap().remarks.is_empty());
        assert_eq!(
            gates(&owned(&["ListenerSets=true"])).unwrap().remarks,
            ["the feature gate ListenerSets=true changes nothing: the shims are not there yet"]
        );
        assert!(
            gates(&owned(&["ServerSideAply=true"])).unwrap_err().to_string().ends_with("did you mean ServerSideApply?")
        );
        assert!(gates(&owned(&["OtherNames"])).is_err());
        assert_eq!(gates(&owned(&["ACMEHTTP01IngressPathTypeExact=false"])).unwrap().exact_paths, Some(false));
    }

    #[test]
    fn roles_that_come_later_are_refused_as_such() {
        assert_eq!(roles(&owned(&["controller", "solver"])).unwrap(), BTreeSet::from([Role::Controller, Role::Solver]));
        let error = roles(&owned(&["webhook"])).unwrap_err().to_string();
        assert_eq!(error, "the role webhook is not there yet; there are controller and solver");
        assert_eq!(
            roles(&owned(&["controler"])).unwrap_err().to_string(),
            "there is no role \"controler\"; did you mean controller?"
        );
    }
}
