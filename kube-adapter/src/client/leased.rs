//! Bodies of writes that go out under the Lease alone.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Frame, SizeHint};
use kube::client::Body;
use tower::BoxError;

use crate::leader::Leadership;

/// The body of a request, which may be a write that wants the Lease.
///
/// Before there is a connection for it, a process may stand still for longer than its Lease. Whether that is held is asked when the body is written: a
/// request without its body is none.
pub(super) struct Leased {
    body: Body,
    leadership: Option<Leadership>,
}

impl Leased {
    /// Takes from a request whose [`Leadership`] is among its extensions.
    pub(super) fn request(request: Request<Body>) -> Request<Self> {
        let (mut head, body) = request.into_parts();
        let leadership = head.extensions.remove();
        Request::from_parts(head, Self { body, leadership })
    }
}

impl http_body::Body for Leased {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.leadership.as_ref().is_some_and(|it| !it.leads()) {
            return Poll::Ready(Some(Err("the Lease is not held any more".into())));
        }
        Pin::new(&mut self.body).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use http_body::Body as _;
    use http_body_util::BodyExt as _;

    use super::*;
    use crate::leader::Standing;

    fn sent(leadership: Option<Leadership>) -> Option<Bytes> {
        let mut request = Request::new(Body::from(b"{}".to_vec()));
        if let Some(leadership) = leadership {
            request.extensions_mut().insert(leadership);
        }
        let body = Leased::request(request).into_body();
        assert_eq!(body.size_hint().exact(), Some(2), "its length is told before it");
        body.collect().now_or_never().expect("it is there").ok().map(http_body_util::Collected::to_bytes)
    }

    #[test]
    fn a_write_is_sent_under_the_lease_and_a_read_at_any_time() {
        assert!(sent(None).is_some());
        assert!(sent(Some(Leadership::undisputed())).is_some());
        let (_, waits) = tokio::sync::watch::channel(Standing::Waiting { holder: None });
        assert_eq!(sent(Some(Leadership::told_by(waits))), None);
    }
}
