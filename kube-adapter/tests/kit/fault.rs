//! What can go wrong between the controller and the API server.

use std::time::Duration;

/// What happens to a request instead of being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The controller dies before the request arrives.
    KillBefore,
    /// The controller dies when the request was done, before it hears so.
    KillAfter,
    /// The connection breaks before the request arrives.
    LoseRequest,
    /// The request is done, and the connection breaks before the answer arrives.
    LoseAnswer,
    /// The request is done, and a proxy on the way says 504.
    TimeOut,
    /// The API server refuses with this status, and says when to come again, in seconds.
    Refuse(u16, Option<u32>),
    /// The history that a watch asks for is compacted: 410.
    Expire,
    /// The request arrives that much later.
    Delay(Duration),
    /// The controller freezes, and the request arrives when it is released.
    FreezeBefore,
    /// The request is done, the controller freezes, and the answer arrives when it is released.
    FreezeAfter,
}
