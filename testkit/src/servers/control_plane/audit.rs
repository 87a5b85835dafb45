//! The API server's log of who asked what.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// A request that the API server answered, or a watch that began.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEvent {
    /// Who asked: the name that RBAC knows, such as `system:serviceaccount:NAMESPACE:NAME`; the impersonated one's where somebody was.
    pub user: String,
    /// Kubernetes' word for what is done: `get`, `list`, `watch`, `create`, `patch`, `delete`, …
    pub verb: String,
    /// The path and query as they were asked.
    pub uri: String,
    /// The API group; `None` for the core group, and for what is no resource.
    pub group: Option<String>,
    /// The resource, in the plural; `None` for paths like `/readyz`.
    pub resource: Option<String>,
    /// `status`, `token`, …; `None` for the resource itself.
    pub subresource: Option<String>,
    /// The namespace; `None` for what is in none.
    pub namespace: Option<String>,
    /// The object; `None` for a list, a watch, or a creation that was refused.
    pub name: Option<String>,
    /// The HTTP status of the answer.
    pub code: u16,
    /// How the client calls itself.
    pub user_agent: String,
}

impl AuditEvent {
    /// The resource with its subresource, as RBAC writes it: `certificates/status`; `None` for paths like `/readyz`.
    #[must_use]
    pub fn rbac_resource(&self) -> Option<String> {
        let resource = self.resource.as_ref()?;
        Some(match &self.subresource {
            Some(subresource) => format!("{resource}/{subresource}"),
            None => resource.clone(),
        })
    }

    fn from_line(line: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let word = |value: &Value| value.as_str().filter(|word| !word.is_empty()).map(str::to_owned);
        let verb = word(&entry["verb"])?;
        // A watch is news when it begins; everything else when it has ended.
        let stage = if verb == "watch" { "ResponseStarted" } else { "ResponseComplete" };
        let code = entry["responseStatus"]["code"].as_u64().and_then(|code| u16::try_from(code).ok())?;
        let refused = code >= 400 && entry["stage"] == "ResponseComplete";
        if entry["stage"] != stage && !(verb == "watch" && refused) {
            return None;
        }
        let object = &entry["objectRef"];
        Some(Self {
            user: word(&entry["impersonatedUser"]["username"]).or_else(|| word(&entry["user"]["username"]))?,
            verb,
            uri: word(&entry["requestURI"])?,
            group: word(&object["apiGroup"]),
            resource: word(&object["resource"]),
            subresource: word(&object["subresource"]),
            namespace: word(&object["namespace"]),
            name: word(&object["name"]),
            code,
            user_agent: word(&entry["userAgent"]).unwrap_or_default(),
        })
    }
}

/// A place in the audit log; by default its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct AuditPosition(u64);

/// What no other request of this process said of itself.
pub(super) fn next_mark() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}.", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Where the line ends that holds `mark`.
pub(super) fn position_after(log: &Path, mark: &str) -> io::Result<AuditPosition> {
    for _ in 0..MARK_TRIES {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        let start = length.saturating_sub(TAIL);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        if let Some(at) = find(&tail, mark.as_bytes())
            && let Some(end) = find(&tail[at..], b"\n")
        {
            return Ok(AuditPosition(start + (at + end + 1) as u64));
        }
        crate::servers::process::pause();
    }
    Err(io::Error::other(format!("{mark} was answered and not logged")))
}

pub(super) fn between(log: &Path, from: AuditPosition, to: AuditPosition) -> io::Result<Vec<AuditEvent>> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(from.0))?;
    let mut text = String::new();
    file.take(to.0.saturating_sub(from.0)).read_to_string(&mut text)?;
    Ok(text.lines().filter_map(AuditEvent::from_line).filter(|event| !event.uri.starts_with(MARK)).collect())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// What a mark's request asks for.
const MARK: &str = "/version?mark=";
/// A mark is among the last lines, also while a storm of others is logged.
const TAIL: u64 = 4 << 20;
/// The line follows the answer at once; ten seconds of looking is for a machine that stands still.
const MARK_TRIES: usize = 1000;
