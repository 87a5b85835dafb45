//! Solvers by HTTP-01.

use super::findings::{Findings, Path};
use super::syntax;
use crate::crd::acme::http01::{GatewayHttpRouteSolver, Http01Solver, IngressSolver};

pub(super) fn judge(solver: &Http01Solver, path: &Path, findings: &mut Findings) {
    if let Some(ingress) = &solver.ingress {
        judge_ingress(ingress, &path.child("ingress"), findings);
    }
    if let Some(route) = &solver.gateway_http_route {
        // The webhook calls the field so.
        judge_route(route, &path.child("gateway"), findings);
    }
    match (&solver.ingress, &solver.gateway_http_route) {
        (None, None) => findings.required(path, "no HTTP01 solver type configured"),
        (Some(_), Some(_)) => findings.required(path, "only 1 HTTP01 solver type may be configured"),
        (Some(_), None) | (None, Some(_)) => {}
    }
}

fn judge_ingress(ingress: &IngressSolver, path: &Path, findings: &mut Findings) {
    let given = [ingress.class.is_some(), ingress.ingress_class_name.is_some(), !ingress.name.is_empty()];
    if given.into_iter().filter(|given| *given).count() > 1 {
        findings.forbidden(path, "only one of 'ingressClassName', 'name' or 'class' should be specified");
    }
    if let Some(class) = &ingress.ingress_class_name {
        let faults = syntax::subdomain(class);
        if !faults.is_empty() {
            let detail = format!("must be a valid IngressClass name: {}", faults.join(", "));
            findings.invalid(&path.child("ingressClassName"), class, &detail);
        }
    }
    judge_service_type(&ingress.service_type, path, findings);
}

fn judge_route(route: &GatewayHttpRouteSolver, path: &Path, findings: &mut Findings) {
    judge_service_type(&route.service_type, path, findings);
    for (index, parent) in route.parent_refs.iter().enumerate() {
        let path = path.child("parentRefs").index(index);
        match (&parent.kind, parent.name.as_str()) {
            (Some(_), "") => return findings.required(&path.child("name"), "name is required when kind is specified"),
            (Some(_), _) | (None, "") => {}
            (None, _) => return findings.required(&path.child("kind"), "kind is required when name is specified"),
        }
    }
}

fn judge_service_type(kind: &str, path: &Path, findings: &mut Findings) {
    if !matches!(kind, "" | "ClusterIP" | "NodePort") {
        findings.invalid_json(&path.child("serviceType"), &kind, r#"must be empty, "ClusterIP" or "NodePort""#);
    }
}
