//! Pictures of tables at several widths.

use super::*;
use crate::encode::TimeStyle;

const ITEMS: [(Stream, &str); 5] = [
    (
        Stream::SignInAttempts,
        r#"{"timestamp":"2026-11-20T14:05:06Z","category":"success","type":"credentials_ok","country":"NO",
        "target_user":{"name":"Ada Berg","email":"ada.berg@fjord.test"},"client":{"app_name":"1Password for Mac",
        "os_name":"macOS","os_version":"15.1","ip_address":"192.0.2.17"},"location":{"country":"NO","city":"Oslo"}}"#,
    ),
    (
        Stream::SignInAttempts,
        r#"{"timestamp":"2026-11-20T14:05:09.120Z","category":"credentials_failed","type":"password_secret_bad",
        "country":"BR","target_user":{"name":"王小明","email":"xiaoming.wang@fjord.test"},
        "client":{"app_name":"1Password for Web","os_name":"Windows","ip":"203.0.113.200"}}"#,
    ),
    (
        Stream::ItemUsages,
        r#"{"timestamp":"2026-11-20T14:06:00-03:00","action":"export","item_uuid":"bvwmq6isuca7wbehrbyqhag54x",
        "vault_uuid":"jaqxqf5qylslqiitnduawrndc5","user":{"name":"Eve \u001b[2J\u202eevil","email":"eve@fjord.test"},
        "client":{"app_name":"1Password CLI","os_name":"Linux","ip_address":"2001:db8::42"}}"#,
    ),
    (
        Stream::AuditEvents,
        r#"{"timestamp":"2026-11-20T17:10:00.719710457Z","action":"suspend","object_type":"user","object_uuid":"OBJ",
        "object_details":{"name":"Eve Lund"},"actor_uuid":"ACT","actor_details":{"name":"Ada Berg",
        "email":"ada.berg@fjord.test"},"session":{"ip":"192.0.2.17","device_uuid":"rqtd557fn2husnstp5nc66w2xa"},
        "location":{"country":"NO","city":"Oslo"}}"#,
    ),
    (Stream::AuditEvents, r#"{"timestamp":"not a time","action":"brandnew","actor_uuid":"ACT"}"#),
];

fn picture(fields: Option<&str>, streams: &[Stream], options: RenderOptions) -> String {
    let fields = fields.map(|text| Fields::parse(text).unwrap());
    let mut table = Table::new(fields.as_ref(), streams, Shape::Raw, options);
    let mut out = Vec::new();
    table.begin(&mut out);
    for (stream, raw) in ITEMS.iter().filter(|(stream, _)| streams.contains(stream)) {
        let event = Event { stream: *stream, raw: raw.as_bytes(), uuid: None, time: None };
        table.event(&event, &EventContext::default(), DateTime::UNIX_EPOCH, &mut out);
    }
    format!("\n{}", String::from_utf8(out).unwrap())
}

fn terminal(width: u16) -> RenderOptions {
    RenderOptions { width: Some(width), escape: true, ..RenderOptions::plain() }
}

#[test]
fn a_narrow_terminal_has_two_lines_a_row() {
    assert_eq!(
        picture(None, &Stream::ALL, terminal(60)),
        "
TIME (UTC)           WHO
  FROM                     WHAT
2026-11-20 14:05:06  Ada Berg
  192.0.2.17 NO Oslo       signed in
2026-11-20 14:05:09  王小明
  203.0.113.200 BR         failed to sign in: wrong passwor…
2026-11-20 17:06:00  Eve \\u{1b}[2J\\u{202e}evil
  2001:db8::42
    exported item bvwmq6isuca7wbehrbyqhag54x in vault
    jaqxqf5qylslqiitnduawrndc5
2026-11-20 17:10:00  Ada Berg
  192.0.2.17 NO Oslo       suspended Eve Lund
not a time           ACT
                           brandnew
"
    );
}

#[test]
fn eighty_columns_say_more_of_what_happened() {
    assert_eq!(
        picture(None, &Stream::ALL, terminal(80)),
        "
TIME (UTC)           WHO          FROM                  WHAT
2026-11-20 14:05:06  Ada Berg     192.0.2.17 NO Oslo    signed in
2026-11-20 14:05:09  王小明       203.0.113.200 BR      failed to sign in: wron…
2026-11-20 17:06:00  Eve \\u{1b}…  2001:db8::42
    exported item bvwmq6isuca7wbehrbyqhag54x in vault jaqxqf5qylslqiitnduawrndc5
2026-11-20 17:10:00  Ada Berg     192.0.2.17 NO Oslo    suspended Eve Lund
not a time           ACT                                brandnew
"
    );
}

#[test]
fn a_wide_terminal_adds_stream_and_address() {
    assert_eq!(
        picture(None, &Stream::ALL, terminal(140)),
        "
TIME (UTC)           STREAM   WHO             EMAIL                    FROM                       WHAT
2026-11-20 14:05:06  signin   Ada Berg        ada.berg@fjord.test      192.0.2.17 NO Oslo         signed in
2026-11-20 14:05:09  signin   王小明          xiaoming.wang@fjord.te…  203.0.113.200 BR           failed to sign in: wrong password or Secr…
2026-11-20 17:06:00  items    Eve \\u{1b}[2J…  eve@fjord.test           2001:db8::42
    exported item bvwmq6isuca7wbehrbyqhag54x in vault jaqxqf5qylslqiitnduawrndc5
2026-11-20 17:10:00  audit    Ada Berg        ada.berg@fjord.test      192.0.2.17 NO Oslo         suspended Eve Lund
not a time           audit    ACT                                                                 brandnew
"
    );
}

#[test]
fn a_pipe_gets_every_column_and_nothing_is_cut() {
    let table = picture(None, &Stream::ALL, RenderOptions::plain());
    assert!(table.contains("Eve \\u{1b}[2J\\u{202e}evil  "), "{table}");
    assert!(table.contains("exported item bvwmq6isuca7wbehrbyqhag54x in vault jaqxqf5qylslqiitnduawrndc5\n"));
    assert!(table.contains("  device rqtd557fn2husnstp5nc66w2xa  "));
}

#[test]
fn below_sixty_columns_a_row_has_two_lines_and_from_where_stays() {
    let table = picture(None, &Stream::ALL, terminal(45));
    assert!(table.starts_with("\nTIME (UTC)           WHO\n  FROM"), "{table}");
    assert!(table.contains("Ada Berg\n  192.0.2.17 NO Oslo"), "{table}");
    // Two uuids take two lines of their own.
    assert_eq!(table.lines().count(), 1 + 2 * (1 + ITEMS.len()) + 2);
}

#[test]
fn a_long_address_is_not_cut_before_prose_is() {
    let raw = r#"{"timestamp":"2026-11-20T14:05:06Z","action":"reveal","item_uuid":"i","user":{"name":"Eve"},
        "client":{"ip_address":"2001:db8:1111:2222:3333:4444:5555:6666"},"location":{"country":"NO","city":"Oslo"}}"#;
    let mut table = Table::new(None, &Stream::ALL, Shape::Raw, terminal(100));
    let mut out = Vec::new();
    let event = Event { stream: Stream::ItemUsages, raw: raw.as_bytes(), uuid: None, time: None };
    table.event(&event, &EventContext::default(), DateTime::UNIX_EPOCH, &mut out);
    let row = String::from_utf8(out).unwrap();
    let from = "Eve           2001:db8:1111:2222:3333:4444:5555:6666 NO Oslo\n";
    assert!(row.ends_with(&format!("{from}    revealed item i\n")), "{row}");
}

#[test]
fn usages_alone_have_items_and_vaults_in_columns() {
    assert_eq!(
        picture(None, &[Stream::ItemUsages], terminal(150)),
        "
TIME (UTC)           WHO           EMAIL                  FROM                    ACTION       ITEM                        VAULT
2026-11-20 17:06:00  Eve \\u{1b}[…  eve@fjord.test         2001:db8::42            exported     bvwmq6isuca7wbehrbyqhag54x  jaqxqf5qylslqiitnduawrndc5
"
    );
}

#[test]
fn columns_that_were_asked_for_come_in_their_order_with_the_zone_named() {
    let zone = TimeStyle::zone("America/Argentina/Buenos_Aires", |time| {
        time.with_timezone(&chrono_tz::America::Argentina::Buenos_Aires).naive_local()
    });
    assert_eq!(
        picture(
            Some("stream,client.ip_address,timestamp,location"),
            &Stream::ALL[..2],
            RenderOptions { zone, ..terminal(80) }
        ),
        r#"
STREAM   CLIENT.IP_ADDRESS  TIMESTAMP (Buenos_Aires)  LOCATION
signin   192.0.2.17         2026-11-20 11:05:06       {"country":"NO","city":"O…
signin   203.0.113.200      2026-11-20 11:05:09
items    2001:db8::42       2026-11-20 14:06:00
"#
    );
}

#[test]
fn what_happened_is_coloured_so_that_it_can_be_read_on_white_and_on_black() {
    let table = picture(None, &Stream::ALL, RenderOptions { colour: true, ..terminal(80) });
    let lines: Vec<&str> = table.lines().skip(1).collect();
    assert!(lines[0].starts_with("\x1b[1mTIME") && lines[0].ends_with("WHAT\x1b[0m"));
    assert!(lines[2].starts_with("2026") && lines[2].contains("  \x1b[31mfailed to sign in"), "{table}");
    assert!(lines[4].starts_with("    \x1b[35mexported item") && lines[4].ends_with("\x1b[0m"), "{table}");
    assert!(lines[5].contains("  \x1b[35msuspended Eve Lund\x1b[0m"), "{table}");
    assert!([1, 3, 6].into_iter().all(|plain| !lines[plain].contains('\x1b')));
    assert!(!table.contains("\x1b[33m"), "yellow cannot be read on white");
}
