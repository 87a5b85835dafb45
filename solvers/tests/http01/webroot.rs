//! The folder of another web server.

use std::fs;

use certwright_solvers::http01::webroot::Webroot;

use super::*;

#[tokio::test]
async fn a_file_comes_whole_and_goes_alone() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(".well-known/acme-challenge");
    let solver = Webroot::new(root.path());
    let one = challenge("example.com", "one");
    let two = challenge("example.com", "two");
    solver.clean_up(&one).await.unwrap();
    assert!(matches!(solver.check(&one).await.unwrap(), Readiness::NotYet { .. }));
    for each in [&one, &two, &one] {
        solver.present(each).await.unwrap();
        assert_eq!(solver.check(each).await.unwrap(), Readiness::Ready);
    }
    assert_eq!(fs::read_to_string(folder.join("one")).unwrap(), "one.thumbprint");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);

    // Another process, which knows nothing but the challenge.
    Webroot::new(root.path()).clean_up(&one).await.unwrap();
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["two"]);
}

#[tokio::test]
async fn a_file_of_somebody_else_stays() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join(".well-known/acme-challenge");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("one"), "another account's").unwrap();
    let solver = Webroot::new(root.path());
    solver.clean_up(&challenge("example.com", "one")).await.unwrap();
    assert!(folder.join("one").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_web_server_may_read_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = tempfile::tempdir().unwrap();
    Webroot::new(root.path()).present(&challenge("example.com", "one")).await.unwrap();
    let mode = |path: &str| fs::metadata(root.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(".well-known"), 0o755);
    assert_eq!(mode(".well-known/acme-challenge"), 0o755);
    assert_eq!(mode(".well-known/acme-challenge/one"), 0o644);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_says_so_and_nothing_stays() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join(".well-known"), "a file").unwrap();
    let error = Webroot::new(root.path()).present(&challenge("example.com", "one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(error.to_string().contains("a file where a folder is needed"), "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_folder_that_may_not_be_written_says_so() {
    // Nobody makes folders there, root included.
    let error = Webroot::new("/sys").present(&challenge("example.com", "one")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("may not write in /sys/.well-known/acme-challenge"), "{error}");
}
