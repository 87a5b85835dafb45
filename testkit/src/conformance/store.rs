//! The suite for [`Store`].

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use acme_core::{Entry, Error, ErrorKind, Expect, Key, Page, Prefix, Secret, Store, Version, limits};

use super::Breach;

/// Checks every clause of the contract of [`Store`] that can be seen from outside.
///
/// `open` opens the store anew: each handle stands for a process of its own, and all of them share one content, empty at first. Run it
/// where the store's calls really happen at the same time (tokio's multi-threaded runtime), if it can.
///
/// # Errors
/// The first breach that was found.
pub async fn store<F, Fut>(mut open: F) -> Result<(), Breach>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Arc<dyn Store>>,
{
    let (one, other) = (open().await, open().await);
    values_are_seen_by_everybody(&*one, &*other).await?;
    values_are_whole(&*one, &*other).await?;
    what_was_put_is_there_after_opening_again(&*one, &*open().await).await?;
    swaps_are_one_step(&*one, &*other).await?;
    a_lost_race_is_a_conflict(&*one).await?;
    versions_tell_values_apart(&*one).await?;
    values_have_a_bound(&*one).await?;
    what_is_not_there_can_be_deleted(&*one).await?;
    listings_are_ordered_and_whole(&*one).await?;
    many_may_call_at_once(&*one, &*other).await
}

async fn values_are_seen_by_everybody(one: &dyn Store, other: &dyn Store) -> Result<(), Breach> {
    let key = key("seen/by-everybody");
    for round in 0..8_u8 {
        let (writer, reader) = if round % 2 == 0 { (one, other) } else { (other, one) };
        put(writer, &key, &[round], Expect::Anything, 1).await?;
        for handle in [reader, writer] {
            let found = value(handle, &key, 1).await?;
            if found.as_deref() != Some(&[round]) {
                return Err(Breach::new(1, format!("after a put of [{round}] returned, a get saw {found:?}")));
            }
        }
    }
    let (mut a, mut b) =
        (get(one, &key, 1).await?.map(|it| it.version), get(other, &key, 1).await?.map(|it| it.version));
    if a.take() != b.take() {
        return Err(Breach::new(1, "two handles name different versions of one value"));
    }
    delete(one, &key, Expect::Anything, 1).await?;
    match value(other, &key, 1).await? {
        None => Ok(()),
        Some(_) => Err(Breach::new(1, "after a delete returned, a get still saw the value")),
    }
}

async fn values_are_whole(one: &dyn Store, other: &dyn Store) -> Result<(), Breach> {
    let key = key("whole");
    let write = async {
        for round in 0..32_u8 {
            put(one, &key, &[round; 20_000], Expect::Anything, 2).await?;
        }
        Ok(true)
    };
    let read = async {
        for _ in 0..64 {
            if let Some(found) = value(other, &key, 2).await? {
                let first = found.first().copied();
                if found.len() != 20_000 || found.iter().any(|it| Some(*it) != first) {
                    return Err(Breach::new(2, format!("a reader saw a part of a value: {} bytes", found.len())));
                }
            }
            yield_once().await;
        }
        Ok(true)
    };
    together::<Result<bool, Breach>>(vec![Box::pin(write), Box::pin(read)])
        .await
        .into_iter()
        .try_for_each(|it| it.map(drop))
}

async fn what_was_put_is_there_after_opening_again(one: &dyn Store, reopened: &dyn Store) -> Result<(), Breach> {
    let key = key("durable");
    let version = put(one, &key, b"kept", Expect::Anything, 2).await?;
    match get(reopened, &key, 2).await? {
        Some(entry) if entry.value.expose() == b"kept" && entry.version == version => Ok(()),
        found => Err(Breach::new(2, format!("after opening again, a value that was put is {found:?}"))),
    }
}

async fn swaps_are_one_step(one: &dyn Store, other: &dyn Store) -> Result<(), Breach> {
    let key = key("counter");
    let first = [one, other].map(|store| -> Boxed<'_, bool> {
        Box::pin(async { store.put(&key, Secret::new(vec![0]), Expect::Absent).await.is_ok() })
    });
    let winners = together(first.into()).await.into_iter().filter(|it| *it).count();
    if winners != 1 {
        return Err(Breach::new(3, format!("{winners} of two callers made a value that both expected to be absent")));
    }
    let callers = (0..8).map(|caller| -> Boxed<'_, Result<(), Breach>> {
        let store = if caller % 2 == 0 { one } else { other };
        Box::pin(async {
            for _ in 0..25 {
                increment(store, &key).await?;
            }
            Ok(())
        })
    });
    together(callers.collect()).await.into_iter().collect::<Result<(), _>>()?;
    match value(one, &key, 3).await? {
        Some(found) if found == [200] => Ok(()),
        found => {
            Err(Breach::new(3, format!("8 callers x 25 increments by compare-and-swap ended at {found:?}, not [200]")))
        }
    }
}

async fn increment(store: &dyn Store, key: &Key) -> Result<(), Breach> {
    for _ in 0..10_000 {
        let Some(entry) = get(store, key, 3).await? else {
            return Err(Breach::new(3, "a value disappeared during compare-and-swap"));
        };
        let next = entry.value.expose()[0].wrapping_add(1);
        yield_once().await;
        match store.put(key, Secret::new(vec![next]), Expect::Version(entry.version)).await {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::Conflict => yield_once().await,
            Err(error) => return Err(failed(3, "a put with an expected version", &error)),
        }
    }
    Err(Breach::new(3, "10,000 tries of one compare-and-swap all lost"))
}

async fn a_lost_race_is_a_conflict(store: &dyn Store) -> Result<(), Breach> {
    let key = key("race");
    let old = put(store, &key, b"first", Expect::Anything, 4).await?;
    let new = put(store, &key, b"second and different", Expect::Version(old.clone()), 4).await?;
    for expect in [Expect::Absent, Expect::Version(old.clone())] {
        let lost = store.put(&key, Secret::new(b"third".to_vec()), expect.clone()).await;
        expect_conflict(&format!("a put with {expect:?}"), lost.map(drop))?;
        let lost = store.delete(&key, expect.clone()).await;
        expect_conflict(&format!("a delete with {expect:?}"), lost)?;
    }
    match get(store, &key, 4).await? {
        Some(entry) if entry.version == new && entry.value.expose() == b"second and different" => {}
        found => {
            return Err(Breach::new(4, format!("lost races left {found:?} instead of the winner's value")));
        }
    }
    delete(store, &key, Expect::Version(new.clone()), 4).await?;
    let lost = store.put(&key, Secret::new(b"fourth".to_vec()), Expect::Version(new.clone())).await;
    expect_conflict("a put that expects what was deleted", lost.map(drop))?;
    match value(store, &key, 4).await? {
        None => Ok(()),
        Some(_) => Err(Breach::new(4, "a lost race wrote its value all the same")),
    }
}

fn expect_conflict(what: &str, outcome: Result<(), Error>) -> Result<(), Breach> {
    match outcome {
        Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
        Err(error) => Err(Breach::new(4, format!("{what} lost with {:?}, not Conflict", error.kind()))),
        Ok(()) => Err(Breach::new(4, format!("{what} succeeded, though something else was there"))),
    }
}

async fn versions_tell_values_apart(store: &dyn Store) -> Result<(), Breach> {
    let key = key("versions");
    let mut seen = Vec::new();
    for round in 0..4_u8 {
        let put = put(store, &key, &[round], Expect::Anything, 6).await?;
        let read = get(store, &key, 6).await?.map(|it| it.version);
        if read.as_ref() != Some(&put) {
            return Err(Breach::new(6, format!("a put answered {put:?}, a get right after it {read:?}")));
        }
        if seen.contains(&put) {
            return Err(Breach::new(6, "two different values have the same version"));
        }
        seen.push(put);
    }
    Ok(())
}

async fn values_have_a_bound(store: &dyn Store) -> Result<(), Breach> {
    let key = key("bound");
    let longest: Vec<u8> = (0..limits::STORE_VALUE).map(|at| u8::try_from(at % 251).unwrap_or(0)).collect();
    put(store, &key, &longest, Expect::Anything, 7).await?;
    if value(store, &key, 7).await?.as_deref() != Some(longest.as_slice()) {
        return Err(Breach::new(7, "the longest value came back as something else"));
    }
    let longer = Secret::new(vec![0; limits::STORE_VALUE + 1]);
    match store.put(&key, longer, Expect::Anything).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {}
        Err(error) => {
            return Err(Breach::new(7, format!("a longer value was refused with {:?}, not Unsupported", error.kind())));
        }
        Ok(_) => return Err(Breach::new(7, "a longer value was taken")),
    }
    if value(store, &key, 7).await?.as_deref() == Some(longest.as_slice()) {
        Ok(())
    } else {
        Err(Breach::new(7, "refusing a value changed what was there"))
    }
}

async fn what_is_not_there_can_be_deleted(store: &dyn Store) -> Result<(), Breach> {
    let key = key("never/put");
    for expect in [Expect::Anything, Expect::Absent] {
        delete(store, &key, expect, 8).await?;
    }
    if value(store, &key, 8).await?.is_some() {
        return Err(Breach::new(8, "deleting what is not there made something be there"));
    }
    Ok(())
}

async fn listings_are_ordered_and_whole(store: &dyn Store) -> Result<(), Breach> {
    // A value beside a folder of the same name, and names around the slash in byte order.
    let mut expected: BTreeSet<String> = ["a", "a-b", "a-b/c", "a.b", "a/x", "a/x/y", "a/x.y", "a0", "b", "_a"]
        .iter()
        .map(|name| format!("list/{name}"))
        .collect();
    expected.extend((0..40).map(|at| format!("list/many/{at:03}")));
    for name in &expected {
        put(store, &key(name), b"x", Expect::Anything, 9).await?;
    }
    put(store, &key("list"), b"x", Expect::Anything, 9).await?;
    put(store, &key("listing"), b"x", Expect::Anything, 9).await?;
    for (folder, within) in [("list", "list/"), ("list/a", "list/a/"), ("list/many", "list/many/")] {
        let prefix = Prefix::below(folder).map_err(|error| failed(9, "a prefix", &error))?;
        let wanted: Vec<&str> = expected.iter().map(String::as_str).filter(|name| name.starts_with(within)).collect();
        compare(folder, &walk(store, &prefix, None).await?, &wanted)?;
        for from in [wanted[0], wanted[wanted.len() / 2]] {
            let rest: Vec<&str> = wanted.iter().copied().filter(|name| *name > from).collect();
            compare(folder, &walk(store, &prefix, Some(key(from))).await?, &rest)?;
        }
    }
    let all = walk(store, &Prefix::ALL, None).await?;
    if !expected.iter().all(|name| all.contains(name)) || !all.iter().any(|name| name == "listing") || !all.is_sorted()
    {
        return Err(Breach::new(9, "the listing of everything lacks keys or is out of order"));
    }
    let nothing = Prefix::below("list/nothing").map_err(|error| failed(9, "a prefix", &error))?;
    compare("list/nothing", &walk(store, &nothing, None).await?, &[])
}

fn compare(folder: &str, found: &[String], wanted: &[&str]) -> Result<(), Breach> {
    if found.iter().map(String::as_str).eq(wanted.iter().copied()) {
        return Ok(());
    }
    Err(Breach::new(9, format!("the keys below {folder} are listed as {found:?}, not {wanted:?}")))
}

async fn walk(store: &dyn Store, prefix: &Prefix, mut after: Option<Key>) -> Result<Vec<String>, Breach> {
    let mut found = Vec::new();
    for _ in 0..10_000 {
        let page: Page = store.list(prefix, after.as_ref()).await.map_err(|error| failed(9, "a listing", &error))?;
        found.extend(page.keys.iter().map(Key::to_string));
        after = page.keys.into_iter().next_back().or(after);
        if !page.more {
            return Ok(found);
        }
    }
    Err(Breach::new(9, "a listing of 10,000 pages did not end"))
}

async fn many_may_call_at_once(one: &dyn Store, other: &dyn Store) -> Result<(), Breach> {
    let callers = (0..32_u8).map(|caller| -> Boxed<'_, Result<(), Breach>> {
        let store = if caller % 2 == 0 { one } else { other };
        Box::pin(async move {
            let key = key(&format!("at-once/{caller}"));
            put(store, &key, &[caller], Expect::Absent, 10).await?;
            yield_once().await;
            match value(store, &key, 10).await? {
                Some(found) if found == [caller] => delete(store, &key, Expect::Anything, 10).await,
                found => Err(Breach::new(10, format!("caller {caller} of 32 put its number and found {found:?}"))),
            }
        })
    });
    together(callers.collect()).await.into_iter().collect()
}

async fn put(store: &dyn Store, key: &Key, value: &[u8], expect: Expect, clause: u8) -> Result<Version, Breach> {
    store.put(key, Secret::new(value.to_vec()), expect).await.map_err(|error| failed(clause, "a put", &error))
}

async fn get(store: &dyn Store, key: &Key, clause: u8) -> Result<Option<Entry>, Breach> {
    store.get(key).await.map_err(|error| failed(clause, "a get", &error))
}

async fn value(store: &dyn Store, key: &Key, clause: u8) -> Result<Option<Vec<u8>>, Breach> {
    Ok(get(store, key, clause).await?.map(|entry| entry.value.expose().clone()))
}

async fn delete(store: &dyn Store, key: &Key, expect: Expect, clause: u8) -> Result<(), Breach> {
    store.delete(key, expect).await.map_err(|error| failed(clause, "a delete", &error))
}

fn failed(clause: u8, what: &str, error: &Error) -> Breach {
    Breach::new(clause, format!("{what} failed: {error}"))
}

fn key(text: &str) -> Key {
    match Key::new(text) {
        Ok(key) => key,
        Err(error) => unreachable!("the suite's own keys follow the grammar: {error}"),
    }
}

/// Lets others go on once.
async fn yield_once() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs all of `futures` at the same time; answers in their order.
async fn together<T>(futures: Vec<Boxed<'_, T>>) -> Vec<T> {
    let mut running: Vec<Result<T, Boxed<'_, T>>> = futures.into_iter().map(Err).collect();
    std::future::poll_fn(|context: &mut Context<'_>| {
        let mut waiting = false;
        for slot in &mut running {
            if let Err(future) = slot {
                match future.as_mut().poll(context) {
                    Poll::Ready(answer) => *slot = Ok(answer),
                    Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(Result::ok).collect()
}
