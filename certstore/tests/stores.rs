//! The stores of this crate keep the contract, also in the face of what happens to files.

use std::sync::Arc;

use acme_core::Store;
use certwright_certstore::MemoryStore;
use testkit::conformance;

#[test]
fn the_store_in_memory_keeps_the_contract() {
    let store = MemoryStore::new();
    testkit::run(&testkit::VirtualClock::new(), conformance::store(async || Arc::new(store.clone()) as Arc<dyn Store>))
        .unwrap();
}

#[cfg(all(feature = "file", unix))]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod files {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use acme_core::{ErrorKind, Expect, Key, Prefix, Secret, Store};
    use certwright_certstore::FileStore;
    use testkit::conformance;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_store_in_a_folder_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        conformance::store(async || Arc::new(FileStore::open(folder.path()).await.unwrap()) as Arc<dyn Store>)
            .await
            .unwrap();
    }

    #[test]
    fn it_works_without_a_runtime() {
        let folder = tempfile::tempdir().unwrap();
        testkit::run(
            &testkit::VirtualClock::new(),
            conformance::store(async || Arc::new(FileStore::open(folder.path()).await.unwrap()) as Arc<dyn Store>),
        )
        .unwrap();
    }

    #[tokio::test]
    async fn files_are_for_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("not/yet/there");
        let store = FileStore::open(&state).await.unwrap();
        put(&store, "certificates/example.com").await;
        for (path, mode) in
            [("", 0o700), ("@locks", 0o700), ("certificates", 0o700), ("certificates/example.com@value", 0o600)]
        {
            let found = fs::metadata(state.join(path)).unwrap().permissions().mode() & 0o777;
            assert_eq!(found, mode, "{path}");
        }
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_neither_read_nor_kept() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).await.unwrap();
        put(&store, "certificates/a").await;
        let torn = folder.path().join("certificates/a@torn");
        let other = folder.path().join("certificates/b@torn");
        fs::write(&torn, b"half of a val").unwrap();
        fs::write(&other, b"half of a val").unwrap();

        put(&store, "certificates/a").await;
        assert!(!torn.exists(), "the next writer of the key replaces it");
        let page = store.list(&Prefix::ALL, None).await.unwrap();
        assert_eq!(page.keys, [Key::new("certificates/a").unwrap()]);
        FileStore::open(folder.path()).await.unwrap();
        assert!(!other.exists(), "opening sweeps the rest");
    }

    #[tokio::test]
    async fn foreign_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("README"), b"by hand").unwrap();
        fs::create_dir(folder.path().join("lost+found")).unwrap();
        let store = FileStore::open(folder.path()).await.unwrap();
        put(&store, "a").await;
        let page = store.list(&Prefix::ALL, None).await.unwrap();
        assert_eq!(page.keys, [Key::new("a").unwrap()]);
        assert!(folder.path().join("README").exists());
    }

    #[tokio::test]
    async fn a_lock_file_that_was_removed_excludes_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path()).await.unwrap();
        put(&store, "a").await;
        fs::remove_dir_all(folder.path().join("@locks")).unwrap();
        let error = store.put(&Key::new("a").unwrap(), Secret::new(vec![1]), Expect::Anything).await.unwrap_err();
        assert!(error.to_string().contains("@locks"), "{error}");
        let reopened = FileStore::open(folder.path()).await.unwrap();
        put(&reopened, "a").await;
    }

    #[tokio::test]
    async fn a_file_in_place_of_the_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, b"").unwrap();
        let error = FileStore::open(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("state") && error.to_string().contains("folder"), "{error}");
        let error = FileStore::open(path.join("below")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_is_refused_when_opened() {
        // Kernel file systems refuse new files to everybody, the superuser included.
        let error = FileStore::open("/proc/self/certwright").await.unwrap_err();
        assert!(error.to_string().contains("/proc/self/certwright"), "{error}");
        let error = FileStore::open("/sys/kernel").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    }

    async fn put(store: &FileStore, key: &str) {
        store.put(&Key::new(key).unwrap(), Secret::new(b"value".to_vec()), Expect::Anything).await.unwrap();
    }
}
