//! Work that occupies a thread: files, and keys of RSA.

use acme_core::Error;

/// Runs `work` where it may block: on a thread made for that inside tokio's runtime, otherwise here.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Error> + Send + 'static,
{
    #[cfg(feature = "tokio")]
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        return runtime.spawn_blocking(work).await.unwrap_or_else(|source| {
            Err(Error::new(acme_core::ErrorKind::Internal, "a thread for blocking work died").with_source(source))
        });
    }
    work()
}
