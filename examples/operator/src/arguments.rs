//! The command line, in the syntax of Go's pflag, which cert-manager's manifests are written in.

use crate::flags::{FLAGS, Flag, Kind, Setting};
use crate::nearest::hint;
use crate::role::Role;
use crate::{Error, usage, values};

/// What the process is asked to do.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "the binary obeys every one")]
pub enum Command {
    /// Run, with these settings.
    Run(Vec<Setting>),
    /// Answer one challenge, in a Pod that was made for it.
    Solver(Solver),
    /// Print the definitions of the resources.
    Crds,
    /// Print the Roles that name the Secrets of what is read.
    Role(Role),
    /// Print the version.
    Version,
    /// Print what can be said.
    Help,
}

/// What a solver Pod is told: the arguments of cert-manager's own.
#[derive(Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Solver {
    /// Where it listens.
    pub port: u16,
    /// For which name.
    pub domain: String,
    /// The token of the challenge.
    pub token: String,
    /// The key authorization that answers it.
    pub key: String,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// `Malformed` for a flag or command that does not exist, naming the nearest one, and for a value that is missing.
pub fn read(arguments: impl IntoIterator<Item = String>) -> Result<Command, Error> {
    let mut arguments = arguments.into_iter();
    let mut settings: Vec<Setting> = Vec::new();
    let mut command = None;
    while let Some(argument) = arguments.next() {
        if argument == "--help" || argument == "-h" {
            return Ok(Command::Help);
        }
        match spelled(&argument)? {
            Spelled::Word("solver") if command.is_none() && settings.is_empty() => {
                return solver(arguments).map(Command::Solver);
            }
            Spelled::Word("role") if command.is_none() && settings.is_empty() => {
                return Role::read(arguments).map(Command::Role);
            }
            Spelled::Word(word) => match (word, &command) {
                ("crds", None) => command = Some(Command::Crds),
                ("version", None) => command = Some(Command::Version),
                ("help", None) => command = Some(Command::Help),
                (other, _) => {
                    return Err(usage(format!(
                        "{other:?} is no command: there are crds, role, solver and version{}",
                        hint(other, "", ["crds", "role", "solver", "version"])
                    )));
                }
            },
            Spelled::Flag(flag, value) => {
                let value = match (value, flag.kind) {
                    (Some(value), _) => value.to_owned(),
                    (None, Kind::Switch) => "true".to_owned(),
                    (None, Kind::Integer | Kind::Number | Kind::Text | Kind::Duration | Kind::List | Kind::Map) => {
                        arguments.next().ok_or_else(|| usage(format!("--{} needs a value", flag.name)))?
                    }
                };
                take_in(&mut settings, flag, &value);
            }
        }
    }
    Ok(command.unwrap_or(Command::Run(settings)))
}

fn solver(arguments: impl Iterator<Item = String>) -> Result<Solver, Error> {
    let mut solver = Solver { port: 8089, ..Solver::default() };
    for argument in arguments {
        match argument.split_once('=') {
            Some(("--listen-port", port)) => {
                solver.port = port.parse().map_err(|_| usage(format!("--listen-port: {port:?} is not a port")))?;
            }
            Some(("--domain", domain)) => domain.clone_into(&mut solver.domain),
            Some(("--token", token)) => token.clone_into(&mut solver.token),
            Some(("--key", key)) => key.clone_into(&mut solver.key),
            Some(_) | None => {
                return Err(usage("solver takes --listen-port=, --domain=, --token= and --key=, and nothing else"));
            }
        }
    }
    Ok(solver)
}

enum Spelled<'a> {
    Word(&'a str),
    Flag(&'static Flag, Option<&'a str>),
}

fn spelled(argument: &str) -> Result<Spelled<'_>, Error> {
    if let Some(rest) = argument.strip_prefix("--") {
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (rest, None),
        };
        let flag = Flag::named(name).ok_or_else(|| {
            let near = hint(name, "--", FLAGS.iter().map(|flag| flag.name));
            usage(format!("there is no flag --{name}{near}"))
        })?;
        return Ok(Spelled::Flag(flag, value));
    }
    match argument.strip_prefix('-') {
        // The one short flag: -v 2, -v2, -v=2.
        Some(rest) if rest.starts_with('v') => {
            let value = rest[1..].strip_prefix('=').unwrap_or(&rest[1..]);
            let flag = Flag::named("v").ok_or_else(|| usage("there is no flag -v"))?;
            Ok(Spelled::Flag(flag, (!value.is_empty()).then_some(value)))
        }
        Some(_) => Err(usage(format!("there is no flag {argument}; long ones begin with --"))),
        None => Ok(Spelled::Word(argument)),
    }
}

/// What is said later goes before what was said earlier, except for lists and maps, which grow.
fn take_in(settings: &mut Vec<Setting>, flag: &'static Flag, value: &str) {
    let (items, grows) = match flag.kind {
        Kind::List | Kind::Map => (values::list(value), true),
        Kind::Switch | Kind::Integer | Kind::Number | Kind::Text | Kind::Duration => (vec![value.to_owned()], false),
    };
    match settings.iter_mut().find(|setting| setting.flag.name == flag.name) {
        Some(setting) if grows => setting.items.extend(items),
        Some(setting) => setting.items = items,
        None => settings.push(Setting { flag, items, origin: format!("--{}", flag.name) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(arguments: &[&str]) -> Vec<(&'static str, Vec<String>)> {
        match read(arguments.iter().map(|it| (*it).to_owned())) {
            Ok(Command::Run(settings)) => settings.into_iter().map(|it| (it.flag.name, it.items)).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn error(arguments: &[&str]) -> String {
        read(arguments.iter().map(|it| (*it).to_owned())).unwrap_err().to_string()
    }

    #[test]
    fn the_arguments_of_cert_managers_manifest_are_read() {
        let read = settings(&[
            "--v=2",
            "--cluster-resource-namespace=$(POD_NAMESPACE)",
            "--leader-election-namespace=kube-system",
            "--acme-http01-solver-image=quay.io/jetstack/cert-manager-acmesolver:v1.21.1",
            "--max-concurrent-challenges=60",
            "--dns01-recursive-nameservers-only",
            "--dns01-recursive-nameservers=8.8.8.8:53,1.1.1.1:53",
            "--feature-gates=ServerSideApply=true,ListenerSets=true",
        ]);
        assert_eq!(read[0], ("v", vec!["2".to_owned()]));
        assert_eq!(read[5].1, ["true"]);
        assert_eq!(read[6].1, ["8.8.8.8:53", "1.1.1.1:53"]);
        assert_eq!(read[7].1, ["ServerSideApply=true", "ListenerSets=true"]);
    }

    #[test]
    fn values_may_follow_and_switches_take_none() {
        let read = settings(&[
            "--namespace",
            "shop",
            "--leader-elect",
            "--controllers",
            "*",
            "--controllers=-ingress-shim",
            "-v",
            "4",
        ]);
        assert_eq!(read[0], ("namespace", vec!["shop".to_owned()]));
        assert_eq!(read[1], ("leader-elect", vec!["true".to_owned()]));
        assert_eq!(read[2].1, ["*", "-ingress-shim"]);
        assert_eq!(read[3], ("v", vec!["4".to_owned()]));
        assert_eq!(settings(&["--v=1", "-v5"]), [("v", vec!["5".to_owned()])]);
    }

    #[test]
    fn a_solver_pod_is_told_by_its_arguments() {
        let arguments = ["solver", "--listen-port=8089", "--domain=a.example", "--token=t", "--key=t.k=="];
        let Ok(Command::Solver(solver)) = read(arguments.map(str::to_owned)) else { panic!("a solver") };
        let wanted = Solver { port: 8089, domain: "a.example".into(), token: "t".into(), key: "t.k==".into() };
        assert_eq!(solver, wanted);
        assert!(error(&["solver", "--namespace=x"]).contains("and nothing else"));
    }

    #[test]
    fn a_role_is_for_whom_it_is_said_to_be() {
        let arguments = ["role", "--service-account=certs/operator", "--cluster-resource-namespace=certs"];
        let Ok(Command::Role(role)) = read(arguments.map(str::to_owned)) else { panic!("a role") };
        assert_eq!(role.service_account, ("certs".to_owned(), "operator".to_owned()));
        assert_eq!(role.cluster_resource_namespace, "certs");
        assert_eq!(error(&["role", "--service-account=me"]), "--service-account: \"me\" is not NAMESPACE/NAME");
        assert!(error(&["role", "web"]).contains("from the standard input"));
    }

    #[test]
    fn an_unknown_flag_names_the_nearest() {
        assert_eq!(
            error(&["--leader-elect-namespace=x"]),
            "there is no flag --leader-elect-namespace; did you mean --leader-election-namespace?"
        );
        assert_eq!(error(&["--quux"]), "there is no flag --quux");
        assert_eq!(error(&["--namespace"]), "--namespace needs a value");
        assert_eq!(
            error(&["crd"]),
            "\"crd\" is no command: there are crds, role, solver and version; did you mean crds?"
        );
    }
}
