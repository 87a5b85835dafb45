//! What a person wants to know.

use std::error::Error;
use std::path::Path;

use certwright::Running;
use certwright::certstore::keeper::{Events, Happening};

/// Prints what happens until it is dropped.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is in the report at the end")]
pub(crate) async fn progress(mut events: Events) {
    while let Some(notice) = events.next().await {
        match notice.event.what {
            Happening::Began { why } => println!("  issuing, because {why}"),
            Happening::Waiting { waiting, .. } => println!("  {waiting}"),
            Happening::Failed { fault, again, .. } => println!("  failed: {fault}; again at {again}"),
            Happening::StoreFailed { fault } => println!("  the store failed: {fault}"),
            _ => {}
        }
    }
}

/// Prints the certificate called `name`.
pub(crate) async fn certificate(https: &Running, name: &str, state: &Path) -> Result<(), Box<dyn Error>> {
    let status = https.status(name).await?;
    let served = status.served.as_ref().ok_or("there is no certificate yet")?;
    let names: Vec<String> = served.names.iter().map(ToString::to_string).collect();
    println!("\n  names     {}", names.join(", "));
    println!("  issuer    {}", served.signed_by);
    println!("  serial    {}", served.serial);
    println!("  key       {}", served.key_type);
    println!("  valid     {} until {}", served.not_before, served.not_after);
    println!("  renewal   {} {}", served.renewal.at, served.renewal.reason);
    println!("  state     {}", state.display());
    Ok(())
}
