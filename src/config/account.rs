//! The last decision: which server gets which token. Nothing was sent before, and nothing may be sent to
//! a host that was not chosen (P10).

use super::settings::Settings;
use crate::api::claims::{Claims, InvalidToken};
use crate::api::endpoint::BaseUrl;
use crate::cancel::Cancel;
use crate::error::{Error, ErrorKind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// A server, its token, and the token's claims.
#[derive(Clone, Debug)]
pub struct Account {
    /// The server; one of 1Password's, this machine, or an allowed host.
    pub server: BaseUrl,
    /// The token.
    pub token: Secret,
    /// The token's claims, or why it has none that can be read.
    pub claims: Result<Claims, InvalidToken>,
    /// Notices, shown on a terminal or with `-v`.
    pub notices: Vec<String>,
}

impl Account {
    /// An account whose server and token are known already: the demo's.
    pub fn new(server: BaseUrl, token: Secret) -> Account {
        Account { claims: Claims::read(&token), server, token, notices: Vec::new() }
    }
}

impl Settings {
    /// Reads the token and decides the server. Sends nothing.
    ///
    /// # Errors
    /// Fails when there is no token, when neither settings nor token name a server, and when the server
    /// may not have the token.
    pub fn account(&self, cancel: &Cancel) -> Result<Account> {
        // A configured server is judged before the token is even read.
        if let Some(server) = &self.server {
            self.allow(server)?;
        }
        self.account_of(self.token.load(cancel)?)
    }

    /// Decides the server for a token that was read already. Sends nothing.
    ///
    /// # Errors
    /// Fails when neither settings nor token name a server, and when the server may not have the token.
    pub fn account_of(&self, token: Secret) -> Result<Account> {
        if let Some(server) = &self.server {
            self.allow(server)?;
        }
        let claims = Claims::read(&token);
        if let Err(why @ (InvalidToken::ServiceAccount | InvalidToken::Connect)) = &claims {
            // It opens vaults and must not be sent anywhere.
            return Err(Error::new(ErrorKind::TokenRefused, why.to_string()).hint(why.advice()));
        }
        let server = match &self.server {
            Some(server) => server.clone(),
            None => self.named_server(&claims)?,
        };
        let mut notices = Vec::new();
        if let Err(why) = &claims {
            notices.push(format!("{why}; it is sent to {} all the same", server.host()));
        } else if let Some(other) = claims.as_ref().ok().and_then(|claims| disagreement(&server, claims)) {
            notices.push(format!(
                "the token was issued for {}, but {} is asked",
                other.host(),
                server.host()
            ));
        }
        Ok(Account { server, token, claims, notices })
    }

    /// The server that the token names, where it may have the token.
    fn named_server(&self, claims: &Result<Claims, InvalidToken>) -> Result<BaseUrl> {
        let claims = claims
            .as_ref()
            .map_err(|why| Error::new(ErrorKind::TokenRefused, why.to_string()).hint(why.advice()))?;
        let server = claims.base_url().ok_or_else(|| {
            let named = claims.audience.first().map_or("nothing".into(), |aud| sanitize::message(aud));
            Error::new(ErrorKind::Config, format!("the token names no server (its audience is {named})"))
                .hint("name it: --region us, ca, eu or ent, or region = \"...\" in the profile")
        })?;
        self.allow(&server)?;
        Ok(server)
    }

    /// Refuses a host that is neither 1Password's, nor this machine, nor allowed by name. An allowed host
    /// without a port allows each of its ports.
    fn allow(&self, server: &BaseUrl) -> Result<()> {
        if server.is_known() || server.is_loopback() {
            return Ok(());
        }
        for allowed in &self.allow_host {
            let host = allowed.parse::<BaseUrl>().map_err(|e| {
                let message = format!("{} cannot be allowed as a host", sanitize::message(allowed));
                Error::new(ErrorKind::Config, message)
                    .because(e)
                    .hint("write the host alone: --allow-host HOST")
            })?;
            if server.host() == host.host() || server.host_name() == host.host() {
                return Ok(());
            }
        }
        let host = server.host();
        Err(Error::new(
            ErrorKind::Config,
            format!("{host} is not one of 1Password's servers, so it does not get the token"),
        )
        .hint(format!("check the address; if it is meant, add --allow-host {host}")))
    }
}

/// The token's server, if that is another one of 1Password's than the configured one.
fn disagreement(server: &BaseUrl, claims: &Claims) -> Option<BaseUrl> {
    claims.base_url().filter(|other| server.is_known() && other.is_known() && other != server)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::config::{Config, ConfigFile, Environment, SettingFlags};

    /// A token for `audience`, of the right shape.
    fn token(audience: &str) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = format!(r#"{{"aud":["{audience}"],"1password.com/fts":["auditevents"]}}"#);
        format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(&claims), URL_SAFE_NO_PAD.encode([7; 64]))
    }

    fn account(token: &str, flags: &str) -> Result<Account> {
        let cli = Cli::read(format!("opev fetch {flags}").split_whitespace()).unwrap();
        let Command::Fetch(args) = cli.command else { panic!("{flags}") };
        let environment: Environment = [("EVENTS_API_TOKEN", token)].into_iter().collect();
        let config = Config { environment, file: ConfigFile::default() };
        let typed = SettingFlags { account: &args.collect.account, tz: None, page_size: None, jobs: None };
        config.settings(&typed)?.account(&Cancel::new())
    }

    fn refused(token: &str, flags: &str, kind: ErrorKind) -> String {
        let failure = account(token, flags).unwrap_err();
        assert_eq!(failure.kind(), kind, "{failure}");
        assert!(failure.advice().is_some(), "{failure}");
        assert!(!format!("{failure:?}").contains(token), "{failure:?}");
        failure.to_string()
    }

    #[test]
    fn the_token_names_its_server_where_nothing_else_does() {
        let account = account(&token("events.1password.eu"), "").unwrap();
        assert_eq!(account.server.to_string(), "https://events.1password.eu");
        assert!(account.notices.is_empty());
        assert!(account.claims.is_ok());
    }

    #[test]
    fn a_host_that_is_not_1passwords_gets_the_token_only_when_allowed() {
        let evil = token("events.example.net");
        for flags in ["", "--base-url https://events.example.net", "--allow-host example.net"] {
            assert_eq!(
                refused(&evil, flags, ErrorKind::Config),
                "events.example.net is not one of 1Password's servers, so it does not get the token"
            );
        }
        assert_eq!(
            account(&evil, "--allow-host EVENTS.example.net").unwrap().server.host(),
            "events.example.net"
        );
        let ported = "--base-url events.example.net:8443";
        assert!(account(&evil, &format!("{ported} --allow-host events.example.net")).is_ok());
        assert!(account(&evil, &format!("{ported} --allow-host events.example.net:8443")).is_ok());
        refused(&evil, &format!("{ported} --allow-host events.example.net:9"), ErrorKind::Config);
        refused(&evil, "--base-url https://events.1password.com:8443", ErrorKind::Config);
        assert!(
            refused(&evil, "--allow-host a/b", ErrorKind::Config)
                .starts_with("a/b cannot be allowed as a host")
        );
        assert!(account("opaque", "--base-url http://127.0.0.1:1").is_ok(), "this machine needs no leave");
    }

    #[test]
    fn a_configured_server_is_judged_before_the_token_is_read() {
        let message =
            refused("opaque-token", "--base-url evil.example --token-file /no/such", ErrorKind::Config);
        assert!(message.contains("does not get the token"), "{message}");
    }

    #[test]
    fn another_of_1passwords_servers_than_the_tokens_own_is_a_notice() {
        let account = account(&token("events.1password.eu"), "--region us").unwrap();
        assert_eq!(account.server.host(), "events.1password.com");
        assert_eq!(
            account.notices,
            ["the token was issued for events.1password.eu, but events.1password.com is asked"]
        );
    }

    #[test]
    fn a_token_that_names_no_server_needs_one() {
        let old = token("com.1password.streamingservice");
        let message = refused(&old, "", ErrorKind::Config);
        assert_eq!(message, "the token names no server (its audience is com.1password.streamingservice)");
        assert!(account(&old, "--region eu").unwrap().notices.is_empty());
        refused("opaque", "", ErrorKind::TokenRefused);
        assert_eq!(account("opaque", "--region eu").unwrap().notices.len(), 1);
    }

    #[test]
    fn a_token_for_something_else_is_never_sent() {
        let message = refused("ops_eyJsecret", "--region us", ErrorKind::TokenRefused);
        assert!(!message.contains("eyJsecret"), "{message}");
    }
}
