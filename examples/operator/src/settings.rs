//! What was asked for, as the library's settings: the one place where the two meet.

use std::thread::available_parallelism;

use kube_adapter::{
    AcmeSettings, Ambient, AmbientCredentials, DurableKeys, EventSet, Http01Solver, PathType, SelfCheck, Settings,
    WatchedSecrets,
};

use crate::options::{self, Options};

/// The library's settings for these options.
pub fn of(options: &Options) -> Settings {
    let mut settings = Settings::default();
    settings.namespaces = (!options.namespaces.is_empty()).then(|| options.namespaces.iter().cloned().collect());
    settings.secrets = match options.secrets {
        options::Secrets::All => WatchedSecrets::All,
        options::Secrets::Named => WatchedSecrets::Named,
    };
    settings.cluster_resource_namespace.clone_from(&options.cluster_resource_namespace);
    // Keys and signatures take a core each. Where nobody can tell how many there are, the library's number is as good as another.
    settings.signers = available_parallelism().map_or(settings.signers, |cores| cores.get());
    settings.approver = !options.controllers_off.contains("certificaterequests-approver");

    if let Some(election) = &options.election {
        // Writes that must not come late are begun only where the Lease outlasts their time limit.
        settings.patience = settings.patience.min(election.timing.longest_act());
    }

    let issuance = &options.issuance;
    settings.durable_keys = match issuance.durable_keys {
        options::DurableKeys::Needed => DurableKeys::WhereNeeded,
        options::DurableKeys::Always => DurableKeys::Always,
    };
    settings.owner_reference = issuance.owner_reference;
    settings.copied_annotation_prefixes.clone_from(&issuance.copied_annotation_prefixes);
    settings.least_backoff = issuance.least_backoff;
    settings.longest_backoff = issuance.longest_backoff;
    settings.ambient_credentials = AmbientCredentials::default();
    settings.ambient_credentials.issuers = ambient(issuance.ambient_for_issuers);
    settings.ambient_credentials.cluster_issuers = ambient(issuance.ambient_for_cluster_issuers);

    settings.max_concurrent_challenges = options.acme.max_concurrent_challenges;
    settings.check_again_after = options.acme.check_retry_period;
    settings.acme = acme(&options.acme);
    settings.events = match options.telling.events {
        options::Events::Outcomes => EventSet::Outcomes,
        options::Events::All => EventSet::All,
    };
    settings
}

fn acme(acme: &options::Acme) -> AcmeSettings {
    let mut settings = AcmeSettings::default();
    settings.http01_solver = match acme.http01_solver {
        options::Http01Solver::Auto => Http01Solver::Auto,
        options::Http01Solver::Shared => Http01Solver::Shared,
        options::Http01Solver::Pod => Http01Solver::Pod,
    };
    settings.http01_self_check = match acme.http01_self_check {
        options::SelfCheck::Bounded => SelfCheck::Bounded,
        options::SelfCheck::Required => SelfCheck::Required,
        options::SelfCheck::Off => SelfCheck::Off,
    };
    settings.http01_path_type = if acme.exact_paths { PathType::Exact } else { PathType::ImplementationSpecific };
    settings.dns01_nameservers.clone_from(&acme.dns01_nameservers);
    settings.dns01_recursive_only = acme.dns01_recursive_only;
    settings.http01_nameservers.clone_from(&acme.http01_nameservers);
    settings.solver_labels.clone_from(&acme.solver_labels);
    settings.solver_pods.clone_from(&acme.solver_pods);
    settings.edge_service.clone_from(&acme.solver_service);
    settings.gateway_api = acme.gateway_api;
    settings
}

fn ambient(allowed: bool) -> Ambient {
    if allowed { Ambient::Allowed } else { Ambient::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_signer_for_every_core() {
        assert_eq!(of(&Options::default()).signers, available_parallelism().unwrap().get());
    }
}
