//! The last decision: which server gets which token. Nothing was sent before, and nothing may be sent to
//! a host that was not chosen (P10).

use super::settings::Settings;
use crate::api::claims::{Claims, NotAToken};
use crate::api::endpoint::BaseUrl;
use crate::cancel::Cancel;
use crate::failure::{Failure, Kind, Result};
use crate::sanitize;
use crate::secret::Secret;

/// A server, the token it gets, and what the token says of itself.
#[derive(Clone, Debug)]
pub struct Account {
    /// The server; one of 1Password's, this machine, or an allowed host.
    pub server: BaseUrl,
    /// The token.
    pub token: Secret,
    /// The token's claims, or why it has none that can be read.
    pub claims: Result<Claims, NotAToken>,
    /// What a person should know before a failure, on a terminal or with `-v`.
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
        if let Err(why @ (NotAToken::ServiceAccount | NotAToken::Connect)) = &claims {
            // It opens vaults; it is never sent anywhere by mistake.
            return Err(Failure::new(Kind::TokenRefused, why.to_string()).hint(why.advice()));
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
    fn named_server(&self, claims: &Result<Claims, NotAToken>) -> Result<BaseUrl> {
        let claims = claims
            .as_ref()
            .map_err(|why| Failure::new(Kind::TokenRefused, why.to_string()).hint(why.advice()))?;
        let server = claims.base_url().ok_or_else(|| {
            let named = claims.audience.first().map_or("nothing".into(), |aud| sanitize::message(aud));
            Failure::new(Kind::Config, format!("the token names no server (its audience is {named})"))
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
                Failure::new(Kind::Config, message).because(e).hint("write the host alone: --allow-host HOST")
            })?;
            if server.host() == host.host() || server.host_name() == host.host() {
                return Ok(());
            }
        }
        let host = server.host();
        Err(Failure::new(
            Kind::Config,
            format!("{host} is no server of 1Password's, so it does not get the token"),
        )
        .hint(format!("check the address; if it is meant, add --allow-host {host}")))
    }
}

/// The server the token was issued for, where that is another one of 1Password's than the one asked.
fn disagreement(server: &BaseUrl, claims: &Claims) -> Option<BaseUrl> {
    claims.base_url().filter(|other| server.is_known() && other.is_known() && other != server)
}
