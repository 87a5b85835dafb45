//! News and lists as JSON: a piece of news is a line.

use acme_core::text;
use memchr::memmem;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Watched;
use super::piece::{Kind, Page, Piece};
use crate::limits;

/// Reads a line; it is used up.
///
/// # Errors
/// Where it is not what was asked for. Its text, which may be secret, is not told.
pub(super) fn read<K: Watched>(line: &mut [u8]) -> Result<Piece<K>, String> {
    if let Some((kind, begin)) = head(line) {
        let end = line.len() - 1;
        return content(kind, &mut line[begin..end]);
    }
    // Another order of fields, or spaces between them.
    #[derive(Deserialize)]
    struct Envelope<'a> {
        r#type: String,
        #[serde(borrow)]
        object: &'a RawValue,
    }
    let Envelope { r#type, object } = serde_json::from_slice(line).map_err(|it| place(&it))?;
    content(Kind::of(r#type.as_bytes()), &mut object.get().as_bytes().to_vec())
}

/// Reads a page of a list; its text is used up.
///
/// # Errors
/// Where it is not what was asked for.
pub(super) fn page<K: Watched>(body: &mut Vec<u8>) -> Result<Page<K>, String> {
    #[derive(Deserialize)]
    struct List<T> {
        metadata: Metadata,
        #[serde(default = "none")]
        items: Option<Vec<T>>,
    }
    fn none<T>() -> Option<Vec<T>> {
        None
    }
    if !K::METADATA_ONLY {
        cut_managers(body);
    }
    // All of it is text, which is found out faster at once than of each piece by itself.
    let text = std::str::from_utf8(body).map_err(|_| "what is no text".to_owned())?;
    if let Ok(List { metadata, items }) = serde_json::from_str::<List<K::Listed<'_>>>(text)
        && let Some(objects) = items.unwrap_or_default().into_iter().map(K::listed).collect()
    {
        let Metadata { resource_version, r#continue } = metadata;
        return Ok(Page { objects, left_out: 0, version: resource_version, next: r#continue });
    }
    // Of one of them more has to be read, or it cannot be read at all: the others are.
    let List { metadata, items } = serde_json::from_str::<List<&RawValue>>(text).map_err(|it| place(&it))?;
    let items = items.unwrap_or_default();
    let read = |item: &&RawValue| {
        let listed = serde_json::from_str(item.get()).ok().and_then(K::listed);
        listed.or_else(|| serde_json::from_str(item.get()).ok())
    };
    let objects: Vec<K> = items.iter().filter_map(read).collect();
    let left_out = items.len() - objects.len();
    Ok(Page { objects, left_out, version: metadata.resource_version, next: metadata.r#continue })
}

/// The kind of a line as the API server writes it, and where its object begins.
fn head(line: &[u8]) -> Option<(Kind, usize)> {
    let rest = line.strip_prefix(b"{\"type\":\"")?.strip_suffix(b"}")?;
    let (word, rest) = rest.split_at(memchr::memchr(b'"', rest)?);
    let object = rest.strip_prefix(b"\",\"object\":")?;
    Some((Kind::of(word), line.len() - 1 - object.len()))
}

fn content<K: Watched>(kind: Kind, text: &mut [u8]) -> Result<Piece<K>, String> {
    match kind {
        Kind::Put => object(text).map(Piece::Put),
        Kind::Delete => object(text).map(Piece::Delete),
        Kind::Bookmark => {
            #[derive(Deserialize)]
            struct Bookmark {
                metadata: Metadata,
            }
            let Bookmark { metadata } = serde_json::from_slice(text).map_err(|it| place(&it))?;
            Ok(Piece::Bookmark { version: metadata.resource_version })
        }
        Kind::Error => {
            #[derive(Deserialize, Default)]
            #[serde(default)]
            struct Status {
                code: u16,
                message: String,
            }
            let Status { code, message } = serde_json::from_slice(text).unwrap_or_default();
            Ok(Piece::Error { code, message: text::printable(&message, limits::TEXT) })
        }
        Kind::Unknown => Err("a kind of news that is not known".to_owned()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
    #[serde(default)]
    r#continue: String,
}

fn object<K: Watched>(text: &mut [u8]) -> Result<K, String> {
    let text = if K::METADATA_ONLY { text } else { without_managers(text) };
    serde_json::from_slice(text).map_err(|it| place(&it))
}

/// Leaves out what the metadata say of managers, which is half of many an object.
fn without_managers(object: &mut [u8]) -> &mut [u8] {
    let Some((begin, next)) = managers(object) else { return object };
    object.copy_within(..begin, next - begin);
    &mut object[next - begin..]
}

/// The same of all objects of a list.
fn cut_managers(list: &mut Vec<u8>) {
    let (mut kept, mut read) = (0, 0);
    while let Some((begin, next)) = managers(&list[read..]) {
        list.copy_within(read..read + begin, kept);
        kept += begin;
        read += next;
    }
    list.copy_within(read.., kept);
    list.truncate(list.len() - (read - kept));
}

/// Where the first list of managers begins and what follows it, if that stands as the API server writes it: sorted by name, without spaces. Otherwise nothing
/// is found.
///
/// A quote within a text is escaped, so what is searched for here is found between texts only; and there is no list within this one.
fn managers(text: &[u8]) -> Option<(usize, usize)> {
    let begin = memmem::find(text, MANAGERS)?;
    let rest = text.get(begin..)?;
    let end = memmem::find(rest, b"}],\"")?;
    let is_whole = rest.get(end..)?.starts_with(b"}],\"name\":\"") && memmem::find(&rest[..end], b"}]}").is_none();
    let is_member = matches!(text.get(begin.checked_sub(1)?)?, b'{' | b',');
    (is_whole && is_member).then_some((begin, begin + end + 3))
}

/// Where something cannot be read; its text, which may be secret, is not told.
pub(super) fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

const MANAGERS: &[u8] = b"\"managedFields\":[{";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Piece, cut_managers, page, read, without_managers};
    use crate::crd::certificate::Certificate;
    use crate::watch::Watched as _;

    fn line(text: &str) -> Piece<Certificate> {
        read(&mut text.as_bytes().to_vec()).expect("it is a line")
    }

    fn cut(text: &str) -> String {
        String::from_utf8(without_managers(&mut text.as_bytes().to_vec()).to_vec()).expect("it is text")
    }

    #[test]
    fn managers_are_left_out_where_the_server_writes_them() {
        let told = r#"{"metadata":{"annotations":{"a":"b"},"managedFields":[{"fieldsV1":{"f:spec":{"v:\"x]\"":{}}},"manager":"m"}],"name":"n","uid":"u"},"spec":{"x":[{}],"name":"s"}}"#;
        let wanted = r#"{"metadata":{"annotations":{"a":"b"},"name":"n","uid":"u"},"spec":{"x":[{}],"name":"s"}}"#;
        assert_eq!(cut(told), wanted);
    }

    #[test]
    fn managers_of_every_object_of_a_list_are_left_out() {
        let managed = r#"{"metadata":{"managedFields":[{"manager":"m"}],"name":"n"}}"#;
        let mut list = format!(r#"{{"items":[{managed},{{"metadata":{{"name":"n"}}}},{managed}]}}"#).into_bytes();
        cut_managers(&mut list);
        let bare = r#"{"metadata":{"name":"n"}}"#;
        assert_eq!(String::from_utf8(list).expect("it is text"), format!(r#"{{"items":[{bare},{bare},{bare}]}}"#));
    }

    #[test]
    fn nothing_is_left_out_of_what_is_written_otherwise() {
        for text in [
            r#"{"metadata":{"name":"n","managedFields":[{"manager":"m"}]},"spec":{"x":[{}],"name":"s"}}"#,
            r#"{"metadata":{"managedFields":[{"manager":"m"}],"ownerReferences":[{}],"name":"n"}}"#,
            r#"{"metadata":{"annotations":{"a":"{\"managedFields\":[{\"a\":{}}],\"name\":\"x\"}"},"name":"n"}}"#,
            r#"{"metadata":{"managedFields":[{"fieldsV1":{"v:\"}],\"":{}}}],"name":"n"}}"#,
            r#"{"metadata":{"managedFields":[],"name":"n"},"spec":{"x":[{}],"name":"s"}}"#,
        ] {
            let kept = cut(text);
            let kept: serde_json::Value = serde_json::from_str(&kept).expect("it is JSON still");
            let whole: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
            assert!(kept == whole || kept["metadata"].get("managedFields").is_none(), "{text}");
            assert_eq!(kept["metadata"]["name"], whole["metadata"]["name"]);
            assert_eq!(kept["spec"], whole["spec"]);
            assert_eq!(kept["metadata"].get("ownerReferences"), whole["metadata"].get("ownerReferences"));
        }
    }

    #[test]
    fn what_a_line_says_does_not_depend_on_spaces() {
        for text in [
            r#"{"type":"MODIFIED","object":{"metadata":{"name":"n","resourceVersion":"7"},"spec":{}}}"#,
            r#"{ "object": {"metadata": {"name": "n", "resourceVersion": "7"}}, "type": "ADDED" }"#,
        ] {
            let Piece::Put(object) = line(text) else { panic!("{text}") };
            assert_eq!(object.version(), Some("7"));
        }
    }

    #[test]
    fn a_bookmark_is_a_state() {
        let bookmark = json!({ "type": "BOOKMARK", "object": { "metadata": { "resourceVersion": "9" } } });
        assert!(matches!(line(&bookmark.to_string()), Piece::Bookmark { version } if version == "9"));
    }

    #[test]
    fn a_history_that_is_gone_is_an_error_with_a_code() {
        let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}"#;
        assert!(matches!(line(gone), Piece::Error { code: 410, .. }));
    }

    #[test]
    fn a_page_holds_what_can_be_read() {
        let list = json!({ "metadata": { "resourceVersion": "5", "continue": "more" }, "items": [{ "metadata": { "name": "a" } }, 3] });
        let page = page::<Certificate>(&mut list.to_string().into_bytes()).expect("it is a page");
        assert_eq!((page.objects.len(), page.left_out, page.version.as_str(), page.next.as_str()), (1, 1, "5", "more"));
    }
}
