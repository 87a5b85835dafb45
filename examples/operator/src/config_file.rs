//! cert-manager's configuration file, read into the same settings as the command line.

use serde_json::Value;

use crate::flags::{FLAGS, Flag, Kind, Setting};
use crate::nearest::hint;
use crate::{Error, usage};

/// Reads a `ControllerConfiguration` of `controller.config.cert-manager.io/v1alpha1`, in YAML or JSON.
///
/// # Errors
/// `Malformed` for text that is neither, for another kind, for a field that does not exist, naming the nearest one, and for a value of the wrong form.
pub fn read(text: &str) -> Result<Vec<Setting>, Error> {
    let root: Value = serde_saphyr::from_str(text)
        .map_err(|source| usage(format!("the configuration file is neither YAML nor JSON: {source}")))?;
    let Value::Object(root) = root else {
        return Err(usage("the configuration file holds no object"));
    };
    let says = |field: &str| root.get(field).and_then(Value::as_str).unwrap_or_default();
    if says("apiVersion") != VERSION || says("kind") != KIND {
        return Err(usage(format!(
            "the configuration file is of kind {:?} in {:?}; {KIND} of {VERSION} is wanted",
            says("kind"),
            says("apiVersion")
        )));
    }
    let mut settings = Vec::new();
    for (name, value) in &root {
        if name != "apiVersion" && name != "kind" && name != "metadata" {
            take_in(&mut settings, name, value)?;
        }
    }
    Ok(settings)
}

fn take_in(settings: &mut Vec<Setting>, path: &str, value: &Value) -> Result<(), Error> {
    if value.is_null() {
        return Ok(());
    }
    if let Some(flag) = Flag::of_field(path) {
        let items = items(flag, value)
            .ok_or_else(|| usage(format!("{path} in the configuration file: {value} is not what belongs there")))?;
        settings.push(Setting { flag, items, origin: format!("{path} in the configuration file") });
        return Ok(());
    }
    let inside = format!("{path}.");
    match value {
        Value::Object(fields) if fields_of_table().any(|field| field.starts_with(&inside)) => {
            for (name, value) in fields {
                take_in(settings, &format!("{inside}{name}"), value)?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            let near = hint(path, "", fields_of_table());
            Err(usage(format!("the configuration file has no field {path}{near}")))
        }
    }
}

fn fields_of_table() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().filter_map(|flag| flag.field)
}

/// The value as the command line would have said it; `None` when it has the wrong form.
fn items(flag: &Flag, value: &Value) -> Option<Vec<String>> {
    match (flag.kind, value) {
        (Kind::List, Value::Array(items)) => items.iter().map(item).collect(),
        (Kind::Map, Value::Object(entries)) => {
            entries.iter().map(|(key, value)| scalar(value).map(|value| format!("{key}={value}"))).collect()
        }
        // Older files have labels as the flag's text.
        (Kind::Map, Value::String(text)) => Some(crate::values::list(text)),
        // A time span without a unit is Go's: nanoseconds.
        (Kind::Duration, Value::Number(nanoseconds)) => Some(vec![format!("{nanoseconds}ns")]),
        (Kind::Switch, Value::Bool(_))
        | (Kind::Integer | Kind::Number, Value::Number(_))
        | (Kind::Text, Value::String(_) | Value::Number(_))
        | (Kind::Duration, Value::String(_)) => Some(vec![scalar(value)?]),
        (
            Kind::Switch | Kind::Integer | Kind::Number | Kind::Text | Kind::Duration | Kind::List | Kind::Map,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_),
        ) => None,
    }
}

/// An item of a list: a text, or the pattern and the level of `logging.vmodule` as its flag has them.
fn item(value: &Value) -> Option<String> {
    match (value.get("filePattern"), value.get("verbosity")) {
        (Some(pattern), Some(level)) => Some(format!("{}={}", pattern.as_str()?, level.as_u64()?)),
        (Some(_) | None, Some(_) | None) => value.as_str().map(str::to_owned),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(it) => Some(it.to_string()),
        Value::Number(it) => Some(it.to_string()),
        Value::String(it) => Some(it.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

const VERSION: &str = "controller.config.cert-manager.io/v1alpha1";
const KIND: &str = "ControllerConfiguration";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_the_flags_say() {
        let text = "
apiVersion: controller.config.cert-manager.io/v1alpha1
kind: ControllerConfiguration
namespace: shop
logging:
  verbosity: 2
  format: json
  vmodule: [{filePattern: sync, verbosity: 5}]
leaderElectionConfig:
  leaseDuration: 60s
  retryPeriod: 15000000000
acmeDNS01Config:
  recursiveNameservers: ['8.8.8.8:53', '1.1.1.1:53']
  recursiveNameserversOnly: true
featureGates:
  ServerSideApply: true
enableGatewayAPI: true
";
        let mut said: Vec<_> =
            read(text).unwrap().into_iter().map(|it| format!("{}={}", it.flag.name, it.items.join(","))).collect();
        said.sort();
        assert_eq!(
            said,
            [
                "dns01-recursive-nameservers-only=true",
                "dns01-recursive-nameservers=8.8.8.8:53,1.1.1.1:53",
                "enable-gateway-api=true",
                "feature-gates=ServerSideApply=true",
                "leader-election-lease-duration=60s",
                "leader-election-retry-period=15000000000ns",
                "logging-format=json",
                "namespace=shop",
                "v=2",
                "vmodule=sync=5",
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let file = |rest: &str| read(&format!("apiVersion: {VERSION}\nkind: {KIND}\n{rest}")).unwrap_err().to_string();
        assert_eq!(
            file("leaderElectionConfig: {leaseDurations: 60s}"),
            "the configuration file has no field leaderElectionConfig.leaseDurations; did you mean leaderElectionConfig.leaseDuration?"
        );
        assert_eq!(
            file("maxConcurrentChallenges: many"),
            "maxConcurrentChallenges in the configuration file: \"many\" is not what belongs there"
        );
        assert!(
            read("kind: WebhookConfiguration\napiVersion: webhook.config.cert-manager.io/v1alpha1")
                .unwrap_err()
                .to_string()
                .contains("is wanted")
        );
        assert!(read("{").is_err());
    }
}
