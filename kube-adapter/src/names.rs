//! Names that are known before an object is made, so that a repeat meets what it made before.
//!
//! They are cert-manager's own: a CertificateRequest is named after its Certificate and revision, an Order and a Challenge after their
//! owner and a digest of their spec, the objects of an HTTP-01 solver are found by digests of name and token. The digests are of the
//! JSON that Go would write, which `go_json` makes.

pub(crate) mod go_json;

use acme_core::hash::sha256;
use serde::Serialize;

use crate::crd::acme::Solver;
use crate::crd::acme::pod::PodTemplate;
use crate::crd::duration::GoDuration;
use crate::crd::reference::IssuerRef;
use crate::crd::{ChallengeSpec, OrderSpec, Unknown};

/// Name of the CertificateRequest for revision `revision` of the Certificate named `certificate`.
pub fn request(certificate: &str, revision: i64) -> String {
    if certificate.len() <= LONGEST_CERTIFICATE {
        return format!("{certificate}-{revision}");
    }
    let digest: String = sha256(certificate.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    match shorten(certificate, LONGEST_CERTIFICATE - digest.len() - 1) {
        "" => format!("{digest}-{revision}"),
        prefix => format!("{prefix}-{digest}-{revision}"),
    }
}

/// Name of the Order with `spec` for the CertificateRequest named `request`.
pub fn order(request: &str, spec: &OrderSpec) -> String {
    let spec = NamedOrder::from(spec);
    if request.len() < LONGEST_PREFIX {
        computed(request, &spec)
    } else {
        // Of such names only a part stands in the Order's, so the whole of it goes into the digest.
        computed(request, &LongNamedOrder { request, spec })
    }
}

/// Name of the Challenge with `spec` for the Order named `order`. The key is no part of it.
pub fn challenge(order: &str, spec: &ChallengeSpec) -> String {
    let spec = ChallengeSpec { key: String::new(), solver: canonical(&spec.solver), ..spec.clone() };
    computed(order, &spec)
}

/// Value of the labels `acme.cert-manager.io/http-domain` and `http-token` for a name or token: its Adler-32 (RFC 1950), decimal.
pub fn label(text: &str) -> String {
    let (low, high) = text.bytes().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(byte)) % ADLER;
        (low, (high + low) % ADLER)
    });
    (high << 16 | low).to_string()
}

/// `prefix` and a digest of `object`, at most 63 characters long.
fn computed<T: Serialize>(prefix: &str, object: &T) -> String {
    let digest =
        go_json::text(object).bytes().fold(FNV_BASIS, |digest, byte| digest.wrapping_mul(FNV_PRIME) ^ u32::from(byte));
    format!("{}-{digest}", shorten(prefix, LONGEST_PREFIX))
}

/// `name` cut to `longest` bytes and then to its last letter or digit; a shorter one stays as it is.
fn shorten(name: &str, longest: usize) -> &str {
    if name.len() < longest {
        return name;
    }
    let kept = &name.as_bytes()[..longest];
    let end = kept.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
    &name[..end]
}

/// `solver` with spans and amounts as Go would write them.
fn canonical(solver: &Solver) -> Solver {
    let mut solver = solver.clone();
    solver.wait_instead_of_self_check = solver.wait_instead_of_self_check.as_ref().map(GoDuration::canonical);
    if let Some(http01) = &mut solver.http01 {
        let ingress = http01.ingress.as_mut().and_then(|ingress| ingress.pod_template.as_mut());
        let route = http01.gateway_http_route.as_mut().and_then(|route| route.pod_template.as_mut());
        for template in [ingress, route].into_iter().flatten() {
            canonical_amounts(template);
        }
    }
    solver
}

fn canonical_amounts(template: &mut PodTemplate) {
    if let Some(resources) = &mut template.spec.resources {
        for amount in resources.limits.values_mut().chain(resources.requests.values_mut()) {
            *amount = amount.canonical();
        }
    }
}

/// An [`OrderSpec`] as its name is computed of: with no signing request.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NamedOrder<'a> {
    request: Option<()>,
    issuer_ref: &'a IssuerRef,
    #[serde(skip_serializing_if = "str::is_empty")]
    common_name: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    dns_names: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ip_addresses: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<GoDuration>,
    #[serde(skip_serializing_if = "str::is_empty")]
    profile: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    replaces: &'a str,
    #[serde(flatten)]
    unknown: &'a Unknown,
}

impl<'a> From<&'a OrderSpec> for NamedOrder<'a> {
    fn from(spec: &'a OrderSpec) -> Self {
        Self {
            request: None,
            issuer_ref: &spec.issuer_ref,
            common_name: &spec.common_name,
            dns_names: &spec.dns_names,
            ip_addresses: &spec.ip_addresses,
            duration: spec.duration.as_ref().map(GoDuration::canonical),
            profile: &spec.profile,
            replaces: &spec.replaces,
            unknown: &spec.unknown,
        }
    }
}

#[derive(Serialize)]
struct LongNamedOrder<'a> {
    #[serde(rename = "certificateRequestName")]
    request: &'a str,
    spec: NamedOrder<'a>,
}

/// Longest name of a Certificate that stands whole in the names of its CertificateRequests.
const LONGEST_CERTIFICATE: usize = 233;
/// Longest part of an owner's name that stands in the name of an Order or Challenge.
const LONGEST_PREFIX: usize = 52;
const FNV_BASIS: u32 = 2_166_136_261;
const FNV_PRIME: u32 = 16_777_619;
const ADLER: u32 = 65_521;
