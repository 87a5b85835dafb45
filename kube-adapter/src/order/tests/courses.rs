//! Orders through every course that chance makes of them.

use testkit::ca::Settings;

use super::model::{CHALLENGES, Crash, Model, ORDERS};

const ORDERED: [&[&str]; 4] = [
    &["www.example.com"],
    &["example.com", "*.example.com"],
    &["a.example.com", "b.example.com", "c.example.com"],
    &["192.0.2.1.nip.example.com", "example.com", "*.example.com", "x.example.com"],
];

async fn ends_well(seed: u64, crash: Crash) {
    let mut model = Model::new(seed).await;
    let names = ORDERED[usize::try_from(seed).unwrap() % ORDERED.len()];
    model.order("one", names);
    model.run(crash).await;
    let story = &model.story;
    assert_eq!(model.status("one")["state"], "valid", "seed {seed}: {story:#?}");
    assert_eq!(model.ca.issued().len(), 1, "one certificate, seed {seed}: {story:#?}");
    assert_eq!(model.ca.orders(), 1, "one order, seed {seed}: {story:#?}");
    assert_eq!(model.records.len(), 0, "no record is left, seed {seed}: {story:#?}");
    assert!(model.cluster.below(CHALLENGES).is_empty(), "no Challenge is left, seed {seed}: {story:#?}");
}

#[tokio::test]
async fn an_order_ends_in_one_certificate_whatever_comes_first() {
    for seed in 0..24 {
        ends_well(seed, Crash::Never).await;
    }
}

#[tokio::test]
async fn an_order_ends_in_one_certificate_wherever_the_process_dies() {
    for seed in 0..96 {
        ends_well(seed, Crash::Sometimes).await;
    }
}

#[tokio::test]
async fn the_writes_are_those_of_the_plan() {
    for (names, challenges) in [(ORDERED[0], 1), (ORDERED[2], 3)] {
        let quick = Settings { poll_after: None, ..Settings::default() };
        let mut model = Model::with(7, quick, None).await;
        model.order("one", names);
        model.run(Crash::Never).await;
        let log = model.cluster.log();
        let count = |what: &str| log.iter().filter(|it| *it == what).count();
        assert_eq!(count("POST challenges"), challenges, "C: {log:?}");
        assert_eq!(count("PATCH challenges"), challenges, "Z: {log:?}");
        assert_eq!(count("DELETE challenges"), challenges, "D: {log:?}");
        assert_eq!(count("PATCH orders/status"), 2, "U and F: {log:?}");
        assert_eq!(log.len(), 2 + 3 * challenges, "and nothing else: {log:?}");
    }
}

#[tokio::test]
async fn an_order_that_is_deleted_leaves_nothing_behind() {
    for seed in 0..20 {
        let mut model = Model::new(seed).await;
        model.order("one", ORDERED[1]);
        for _ in 0..(4 + seed % 12) {
            model.step(Crash::Sometimes).await;
        }
        model.cluster.delete(&format!("{ORDERS}/one"));
        model.watch();
        model.run(Crash::Sometimes).await;
        assert_eq!(model.records.len(), 0, "seed {seed}: {:#?}", model.story);
        assert!(model.cluster.below(CHALLENGES).is_empty(), "seed {seed}: {:#?}", model.story);
    }
}

#[tokio::test]
async fn a_challenge_that_is_deleted_by_hand_is_made_again() {
    for seed in 0..20 {
        let mut model = Model::new(seed).await;
        model.order("one", ORDERED[0]);
        while model.cluster.below(CHALLENGES).is_empty() {
            assert!(model.step(Crash::Never).await);
        }
        let name = model.cluster.below(CHALLENGES)[0]["metadata"]["name"].as_str().unwrap().to_owned();
        model.cluster.delete(&format!("{CHALLENGES}/{name}"));
        model.watch();
        model.run(Crash::Never).await;
        assert_eq!(model.status("one")["state"], "valid", "seed {seed}: {:#?}", model.story);
        assert_eq!(model.records.len(), 0, "seed {seed}: {:#?}", model.story);
    }
}
