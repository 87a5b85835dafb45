//! Cron expressions beside the cron that cert-manager uses: `cron.tsv` is what robfig/cron v3.0.1 says of each, asked by `cron.go`.

use std::time::Duration;

use acme_core::Timestamp;
use certwright_certstore::policy::renew::RenewalWindow;

#[test]
fn expressions_are_read_and_refused_as_by_cert_managers_cron() {
    let mut compared = 0;
    for line in include_str!("cron.tsv").lines() {
        let [cron, zone, from, said] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?}") };
        let window = RenewalWindow::new(cron, Some(zone), Duration::from_secs(3600));
        let found = match (from, window) {
            ("-", Ok(_)) => "accepted".to_owned(),
            ("-", Err(error)) => error.what().to_owned(),
            (from, window) => {
                let from = Timestamp::parse_rfc3339(from).unwrap();
                window.unwrap().opens(from, Timestamp::MAX).map_or("never".to_owned(), |it| it.to_string())
            }
        };
        assert_eq!(found, said, "{line:?}");
        compared += 1;
    }
    assert!(compared > 1000, "{compared}");
}

#[test]
fn an_expression_longer_than_any_that_means_something_is_refused() {
    let minutes = vec!["0"; 600].join(",");
    let error = RenewalWindow::new(&format!("{minutes} * * * *"), None, Duration::from_secs(60)).unwrap_err();
    assert_eq!(error.what(), "a cron expression has 1024 octets at most");
}
