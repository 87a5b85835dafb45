//! The shared files, as people and tools write them.

use acme_core::ErrorKind;
use certwright_solvers::credentials::aws::{ProfileFile, Profiles};

use crate::assert_silent;

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

#[test]
fn nothing_secret_is_in_what_is_printed() {
    let mut profiles = Profiles::new();
    let text = "[default]\naws_access_key_id=A\naws_secret_access_key=TOP-SECRET\naws_session_token=TOP-SECRET\n";
    profiles.add(ProfileFile::Credentials, text, "credentials").unwrap();

    assert_eq!(format!("{profiles:?}"), "Profiles([\"default\"])");
}
