//! Which events `fetch` and `tail` want: flags, each with its values.

use std::sync::Arc;

use clap::Args;

use crate::select::{Filter, FilterField, FilterTerms, WantedUuids};

/// Flags that leave events out.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    /// Only events with this person, in any role
    ///
    /// Who signed in, who used an item, who acted, on whom, and who got, gave or lost something. By e-mail
    /// address, by uuid, or by name: whole words of it, in any case. Commas or the flag again mean or,
    /// different flags mean and, a leading ! means not (in quotes: '!ada@example.com'). * stands for any
    /// characters.
    #[arg(long, value_name = "PERSON")]
    pub user: Vec<String>,

    /// Only events that this person caused
    ///
    /// As --user, but only who acted; for a sign-in, who tried.
    #[arg(long, value_name = "PERSON")]
    pub actor: Vec<String>,

    /// Only events from this address or network
    ///
    /// 203.0.113.7, 198.51.100.0/24, 2001:db8::/32: the client's address or the session's. An IPv4 address
    /// that is written as IPv6 is the IPv4 address.
    #[arg(long, value_name = "ADDR|CIDR")]
    pub ip: Vec<String>,

    /// Only events from this country
    ///
    /// A code of two letters or the English name, whichever the event has.
    #[arg(long, value_name = "COUNTRY")]
    pub country: Vec<String>,

    /// Only events in which this was done
    ///
    /// An item or audit action, or a sign-in's category or type: a code (export, suspend, totp_bad), or words
    /// as tables show them ("gave access", "wrong password").
    #[arg(long, value_name = "ACTION")]
    pub action: Vec<String>,

    /// Only audit events about this type of object
    ///
    /// As events have it: user, group, vault, gva, ... * stands for any characters. A uuid is that object.
    #[arg(long, value_name = "TYPE")]
    pub object: Vec<String>,

    /// Only events that concern this item
    ///
    /// Its uuid, letter by letter; * stands for any characters.
    #[arg(long, value_name = "UUID")]
    pub item: Vec<String>,

    /// Only events that concern this vault
    ///
    /// Its uuid, letter by letter; * stands for any characters.
    #[arg(long, value_name = "UUID")]
    pub vault: Vec<String>,

    /// Only audit events that concern this group
    ///
    /// Its uuid, letter by letter; * stands for any characters.
    #[arg(long, value_name = "UUID")]
    pub group: Vec<String>,

    /// Only events that concern this device, or were made with it
    ///
    /// A uuid, letter by letter, or words of the name that the client gives: a host, a model, a browser. *
    /// stands for any characters.
    #[arg(long, value_name = "DEVICE")]
    pub device: Vec<String>,

    /// Only events that were made with this 1Password app
    ///
    /// Words of its name, in any case: cli, "1Password for Mac". * stands for any characters.
    #[arg(long, value_name = "NAME")]
    pub app: Vec<String>,

    /// Only events of this session
    ///
    /// The sign-in that began it and the audit events that followed.
    #[arg(long, value_name = "UUID")]
    pub session: Vec<String>,

    /// Leave out session traffic
    ///
    /// The audit actions dlgsess and ssotknv, which only say that a session goes on, and are most of a real
    /// audit stream.
    #[arg(long)]
    pub no_sessions: bool,

    /// Only sign-ins that failed
    ///
    /// Other events are left out.
    #[arg(long, conflicts_with = "succeeded")]
    pub failed: bool,

    /// Only sign-ins that worked
    ///
    /// Also those that a firewall rule reports. Other events are left out.
    #[arg(long)]
    pub succeeded: bool,

    /// Only events whose text matches this regular expression
    ///
    /// The text is the event's JSON with escapes resolved. (?i) at the start ignores case; a leading ! means
    /// not. Commas are part of it.
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    pub grep: Vec<String>,

    /// Only events for which this jq filter yields something, or what it yields
    ///
    /// Runs after the other filters, in jq's language, on the event as the service sent it; $stream is the name of
    /// its stream. With --mask and --hash it sees the event as it goes out. select(...) keeps or drops events, which come out byte for byte; any other value comes
    /// out instead of the event, a line each. For ndjson (also the default on a terminal then) and json. An event on
    /// which the filter fails is left out, and the run ends with 10. env, input, debug and halt are not
    /// offered.
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    pub jq: Option<String>,

    /// The events' own uuids; `opev show` sets them.
    #[arg(skip)]
    pub uuids: Option<Arc<WantedUuids>>,
}

impl FilterArgs {
    /// What was typed, by field.
    pub fn terms(&self) -> FilterTerms {
        let values = [
            (FilterField::User, &self.user),
            (FilterField::Actor, &self.actor),
            (FilterField::Ip, &self.ip),
            (FilterField::Country, &self.country),
            (FilterField::Action, &self.action),
            (FilterField::Object, &self.object),
            (FilterField::Item, &self.item),
            (FilterField::Vault, &self.vault),
            (FilterField::Group, &self.group),
            (FilterField::Device, &self.device),
            (FilterField::App, &self.app),
            (FilterField::Session, &self.session),
            (FilterField::Grep, &self.grep),
        ];
        FilterTerms {
            values: values.into_iter().map(|(field, typed)| (field, typed.clone())).collect(),
            no_sessions: self.no_sessions,
            failed: self.failed,
            succeeded: self.succeeded,
            jq: self.jq.clone(),
            uuids: self.uuids.clone(),
        }
    }

    /// Refuses values that cannot be read.
    pub(super) fn check(&self) -> Result<(), String> {
        Filter::compile(&self.terms()).map(drop).map_err(|error| {
            let hint = error.advice().map(|hint| format!("; {hint}"));
            format!("{}{}", error.message(), hint.unwrap_or_default())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::tests::refused;

    #[test]
    fn a_value_that_cannot_be_read_is_refused_with_flag_place_and_advice() {
        for (line, text) in [
            ("--ip 10.0.0.0/33", "--ip 10.0.0.0/33: a network's length is a number from 0 to 32; write"),
            ("--ip 10.0.0.1,10.*", "--ip, value 2, 10.*: not an address or a network; write an address"),
            ("--ip 10.0.0.1 --ip ,", "--ip, value 2: the value is empty; write a value"),
            ("--country Germny", "--country Germny: no such country; did you mean Germany?"),
            ("--user ada,!", "--user, value 2: the value is empty"),
            ("--grep (", "--grep (: not a regular expression"),
            ("--failed --succeeded", "cannot be used with"),
        ] {
            for command in ["fetch", "tail"] {
                let error = refused(&format!("opev {command} {line}"));
                assert!(error.contains(text), "{line}: {error}");
            }
        }
    }
}
