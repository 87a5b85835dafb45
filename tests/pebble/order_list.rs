//! The list of an account's orders, which Pebble keeps.

use acme_core::client::{Answer, Call};
use acme_core::protocol::NewOrder;
use acme_core::{Client as _, Error};
use testkit::servers::Pebble;

use crate::authority::{directory, identifiers};
use crate::by_hand::{self, an_order};
use crate::under::{Under, under_both};

under_both! {
    every_page_of_the_list_is_read,
    an_unfinished_order_for_the_same_names_is_found_and_no_other,
}

async fn every_page_of_the_list_is_read(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().orders_per_page(2).start();
    let session = under.account(&directory(&pebble)).await?;
    let mut made = Vec::new();
    for number in 0..5 {
        let order = NewOrder::new(identifiers(&[&format!("{number}.example.test")]));
        made.push(an_order(session.call(&Call::NewOrder(order)).await.unwrap()).0);
    }

    let mut listed = Vec::new();
    let mut pages = 0;
    let mut page = session.orders(None).await.unwrap();
    while let Some(shown) = page {
        pages += 1;
        listed.extend(shown.orders);
        page = match shown.next {
            Some(next) => session.orders(Some(&next)).await.unwrap(),
            None => None,
        };
    }

    assert_eq!(pages, 3);
    let sorted = |mut urls: Vec<acme_core::protocol::Url>| {
        urls.sort();
        urls
    };
    assert_eq!(sorted(listed), sorted(made));
    Ok(())
}

async fn an_unfinished_order_for_the_same_names_is_found_and_no_other(under: Under) -> Result<(), Error> {
    let pebble = Pebble::builder().strict().always_valid().orders_per_page(2).start();
    let session = under.account(&directory(&pebble)).await?;
    let order = |names: &[&str]| NewOrder::new(identifiers(names));
    by_hand::finish(&session, order(&["a.test", "b.test"]), None).await.unwrap();
    assert!(matches!(find(&session, order(&["a.test", "b.test"])).await, Answer::Nothing), "a finished one is none");

    let (idle, _) = an_order(session.call(&Call::NewOrder(order(&["a.test", "b.test"]))).await.unwrap());
    for number in 0..4 {
        let other = order(&[&format!("{number}.test")]);
        session.call(&Call::NewOrder(other)).await.unwrap();
    }

    let Answer::Order { url, .. } = find(&session, order(&["b.test", "a.test"])).await else { panic!("it is there") };
    assert_eq!(url, idle);
    assert!(matches!(find(&session, order(&["a.test"])).await, Answer::Nothing), "not for a part of the names");
    Ok(())
}

async fn find(session: &acme_core::Session, order: NewOrder) -> Answer {
    session.call(&Call::FindOrder(order)).await.expect("an answer").answer
}
