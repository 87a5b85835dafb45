//! lego's DNS providers: somebody else's view of a DNS service.

use serde_json::{Value, json};

use super::judges::Speaker;
use super::programs::Program;

/// One provider of lego 5.3.1, opened for one zone. lego finds that zone through a DNS of its own, in which nothing else is.
#[derive(Debug)]
pub struct Lego(Speaker);

impl Lego {
    /// Opens `provider` for a service at `url`, with the settings that `testkit/servers/lego/providers.go` reads.
    ///
    /// # Panics
    /// When it is not built (the message says how to), or the provider refuses its settings.
    #[must_use]
    #[track_caller]
    pub fn open(provider: &str, url: &str, zone: &str, settings: &[(&str, &str)]) -> Self {
        let lego = Self(Speaker::start(Program::Lego, &[]));
        let settings: Value = settings.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let question = json!({ "ask": "open", "provider": provider, "url": url, "zone": zone, "settings": settings });
        lego.0.ask(&question).unwrap_or_else(|error| panic!("lego's {provider}: {error}"));
        lego
    }

    /// Presents what `key_authorization` proves for `domain`, and answers the TXT value that was written.
    ///
    /// # Errors
    /// What lego says.
    pub fn present(&self, domain: &str, token: &str, key_authorization: &str) -> Result<String, String> {
        let answer = self.0.ask(&question("present", domain, token, key_authorization))?;
        Ok(answer["value"].as_str().unwrap_or_default().to_owned())
    }

    /// Takes it away again.
    ///
    /// # Errors
    /// What lego says.
    pub fn clean_up(&self, domain: &str, token: &str, key_authorization: &str) -> Result<(), String> {
        self.0.ask(&question("clean up", domain, token, key_authorization)).map(drop)
    }
}

fn question(ask: &str, domain: &str, token: &str, key_authorization: &str) -> Value {
    json!({ "ask": ask, "domain": domain, "token": token, "key_auth": key_authorization })
}
