//! The shared files, as people and tools write them.

use std::fs;

use acme_core::ErrorKind;
use certwright_solvers::credentials::aws::{ProfileFile, Profiles};
use serde_json::{Value, json};
use testkit::ScriptedTransport;
use testkit::servers::Moto;

use crate::{assert_silent, chain, fetch};

#[test]
fn each_file_has_its_own_way_of_naming_profiles() {
    let mut profiles = Profiles::new();
    let config = "[default]\nregion=eu-west-1\n[profile two]\nregion = eu-west-2 # London\n[profile 'three']\nREGION=eu-west-3\n\
                  [four]\nregion=eu-west-4\n[sso-session five]\nsso_start_url=x\n[services six]\ns3 =\n  endpoint_url = x\n";
    profiles.add(ProfileFile::Config, config, "config").unwrap();
    profiles.add(ProfileFile::Credentials, "[seven]\naws_access_key_id = A\n[two]\n", "credentials").unwrap();

    assert_eq!(profiles.names().collect::<Vec<_>>(), ["default", "seven", "three", "two"]);
    for (profile, region) in [("default", "eu-west-1"), ("two", "eu-west-2"), ("three", "eu-west-3")] {
        assert_eq!(profiles.region(profile).unwrap().unwrap().as_str(), region);
    }
    assert!(profiles.region("four").unwrap().is_none());
}

#[test]
fn settings_of_a_service_are_no_properties_of_the_profile() {
    let mut profiles = Profiles::new();
    let config = "\u{feff}; first\r\n[default]\r\n# then\r\ns3 =\r\n    region = us-east-2\r\n\tmax_queue_size = 1\r\nregion = eu-west-1\r\n";
    profiles.add(ProfileFile::Config, config, "config").unwrap();

    assert_eq!(profiles.region("default").unwrap().unwrap().as_str(), "eu-west-1");
}

#[test]
fn the_later_file_goes_before_the_earlier() {
    let mut profiles = Profiles::new();
    profiles.add(ProfileFile::Config, "[default]\nregion=eu-west-1\n", "config").unwrap();
    profiles.add(ProfileFile::Credentials, "[default]\nregion=eu-west-2\n", "credentials").unwrap();

    assert_eq!(profiles.region("default").unwrap().unwrap().as_str(), "eu-west-2");
}

#[test]
fn what_is_wrong_is_named_by_file_and_line_and_never_shown() {
    for (text, expected) in [
        ("[default\n", "config, line 1: a section without `]`"),
        ("\n[default]\nTOP-SECRET\n", "config, line 3: neither a section nor a property (key = value)"),
        ("aws_secret_access_key=TOP-SECRET\n", "config, line 1: a property before the first section"),
    ] {
        let error = Profiles::new().add(ProfileFile::Config, text, "config").unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Malformed, expected));
        assert_silent(&format!("{error:?}"));
    }
    let mut profiles = Profiles::new();
    profiles.add(ProfileFile::Config, "[profile a]\nregion = not a region\n", "/home/x/.aws/config").unwrap();
    let error = profiles.region("a").unwrap_err();
    assert!(error.to_string().starts_with("region of profile \"a\" in /home/x/.aws/config: "), "{error}");
}

#[test]
fn a_file_beyond_any_bound_is_refused() {
    let error = Profiles::new().add(ProfileFile::Config, &"#".repeat(1024 * 1024 + 1), "config").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

/// Merged files, quotes, nested settings, capital letters, Windows' line ends: the same key and the same region for each profile.
#[test]
fn botocore_reads_the_same_from_the_same_files() {
    let home = tempfile::tempdir().unwrap();
    let (config, credentials) = (home.path().join("config"), home.path().join("credentials"));
    let text = "; first\n[default]\nregion = eu-west-1\ns3 =\n    region = us-east-2\n    max_queue_size = 10\noutput = json\n\
                [profile two]\nREGION=eu-west-2\naws_access_key_id = CONFIG\naws_secret_access_key = TOP-SECRET\n\
                [profile \"with space\"]\nregion= eu-west-3\n\
                # another kind\n[sso-session corp]\nsso_region = us-east-1\n";
    fs::write(&config, text).unwrap();
    let text = "[two]\r\naws_access_key_id = FILE\r\naws_secret_access_key = TOP-SECRET\r\n[default]\r\naws_access_key_id=DEFAULT\r\n\
                aws_secret_access_key=TOP/SECRET+x==\r\n[four]\r\naws_access_key_id = FOUR\r\naws_secret_access_key = x = y\r\nregion=eu-north-1\r\n";
    fs::write(&credentials, text).unwrap();
    let files =
        [("AWS_CONFIG_FILE", config.to_str().unwrap()), ("AWS_SHARED_CREDENTIALS_FILE", credentials.to_str().unwrap())];
    let disabled = [("AWS_EC2_METADATA_DISABLED", "true")];
    let names = ["default", "two", "with space", "four"];
    let ours: Vec<_> = names
        .iter()
        .map(|name| {
            let chain = chain(&[&files[..], &disabled].concat(), &ScriptedTransport::new()).with_profile(*name);
            let keys = fetch(&chain).ok().map(|it| it.credential);
            let keys = keys.map(|it| [it.access_key_id().to_owned(), it.secret_access_key().expose().clone()]);
            json!([name, chain.region().unwrap().map(|it| it.to_string()), keys])
        })
        .collect();

    let question = json!({"files": files, "names": names});
    let theirs: Value = serde_json::from_str(&Moto::python(BOTOCORE, &question.to_string())).unwrap();

    assert_eq!(Value::from(ours), theirs);
}

#[test]
fn nothing_secret_is_in_what_is_printed() {
    let mut profiles = Profiles::new();
    let text = "[default]\naws_access_key_id=A\naws_secret_access_key=TOP-SECRET\naws_session_token=TOP-SECRET\n";
    profiles.add(ProfileFile::Credentials, text, "credentials").unwrap();

    assert_eq!(format!("{profiles:?}"), "Profiles([\"default\"])");
}

const BOTOCORE: &str = r#"
import json, os, sys
asked = json.load(sys.stdin)
os.environ.update(dict(asked["files"]))
import botocore.session

read = []
for name in asked["names"]:
    session = botocore.session.Session(profile=name)
    keys = session.get_credentials()
    read.append([name, session.get_config_variable("region"), keys and [keys.access_key, keys.secret_key]])
print(json.dumps(read))
"#;
