//! An event in DNIF's field names; what has none stands in `unmapped`.

use super::object_writer::object;
use super::shaped_event::ShapedEvent;
use crate::event::Stream;

/// Appends the event.
pub(super) fn write(event: &ShapedEvent<'_, '_>, out: &mut Vec<u8>) {
    let members = &event.members;
    let is_sign_in = event.stream() == Stream::SignInAttempts;
    object(out, |w| {
        w.text("$EventID", &members.text("uuid"));
        w.text("$SystemTstamp", &members.text("timestamp"));
        w.text("$Stream", event.stream().name());
        w.text("$User", &members.text((event.actor_object(), "email")));
        w.text("$SrcIP", &event.address());
        let succeeded = event.succeeded();
        if is_sign_in {
            w.text("$Action", "LOGIN");
            w.text("$SubSystem", "AUTHENTICATION");
            let said = [members.text("category"), members.text("type")];
            let said: Vec<&str> = said.iter().map(|text| &**text).filter(|text| !text.is_empty()).collect();
            w.text("$Message", &said.join("/"));
        } else {
            w.text("$Action", &event.action());
        }
        if event.stream() == Stream::AuditEvents {
            w.text("$SubSystem", "ADMINISTRATION");
        }
        if let Some(succeeded) = succeeded {
            w.text("$Status", if succeeded { "PASSED" } else { "FAILED" });
        }
        w.text("$App", &members.text("client.app_name"));
        w.object("unmapped", |w| w.unused(members));
    });
}
