//! `--format html`: one file, whole and harmless whatever the events say.

use chrono::TimeDelta;
use opev::simulator::{EventData, SeededData, SimulatorOptions};

use crate::harness::{Account, now, seeded, typed};

/// An account with hostile names, and its page.
fn page(hostile: bool, args: &[&str]) -> (Account, String) {
    let at = now();
    let data = EventData::Seeded(SeededData { events: 3_000, hostile, ..SeededData::default() });
    let account = Account::new(SimulatorOptions { data, ..seeded(3_000, at) });
    let since = typed(at - TimeDelta::days(31));
    account.run([&["summary", "--since", &since, "-o", "week.html"], args].concat()).expect(0);
    let page = std::fs::read_to_string(account.sandbox.path("week.html")).unwrap();
    (account, page)
}

#[test]
fn a_page_runs_nothing_loads_nothing_and_closes_what_it_opens() {
    for (hostile, args) in
        [(false, &[][..]), (true, &["--top", "400", "--compare", "7d"]), (true, &["--by", "user,app"])]
    {
        let (_account, page) = page(hostile, args);
        assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
        let policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;\">";
        assert!(page.contains(policy));
        assert!(page.len() < 1 << 20, "{} bytes", page.len());
        for foreign in
            ["<script", "<img", "<a ", "<iframe", "<link", "url(", "@import", " onload", " onerror=", "src="]
        {
            assert!(!page.contains(foreign) || foreign == " onerror=" && hostile, "{foreign} in the page");
        }
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "a control character is in the page");
        for tag in [
            "table", "tr", "td", "th", "svg", "section", "figure", "details", "text", "rect", "circle",
            "title",
        ] {
            let opened =
                page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        // Every chart has its table.
        for section in page.split("<section>").skip(1) {
            assert!(!section.contains("<svg") || section.contains("<table"), "{}", &section[..200]);
        }
    }
}

#[test]
fn the_page_has_every_chart_in_light_and_dark() {
    let (account, page) = page(false, &[]);
    for part in [
        "prefers-color-scheme:dark",
        "@media print",
        "class=\"land\"",
        "class=\"worked\"",
        "class=\"failed\"",
        "class=\"lane0\"",
        "class=\"heat8\"",
        "class=\"bar\"",
        "Events over time",
        "What rules found",
        "Hits of rules, the worst first",
        "<td class=\"\">A vault was exported</td>",
    ] {
        assert!(page.contains(part), "{part}");
    }
    // The worst hits are shown, with how many there are.
    let hits =
        page.split("Hits of rules, the worst first").nth(1).unwrap().split("</section>").next().unwrap();
    let rows = hits.split("<tbody>").nth(1).unwrap().matches("<tr>").count();
    assert!(rows == 20 && hits.contains("20 of "), "{rows}");
    let levels: Vec<&str> =
        hits.split("<tr><td class=\"\">").skip(1).map(|row| row.split('<').next().unwrap()).collect();
    assert!(levels.iter().all(|level| ["critical", "high"].contains(level)), "{levels:?}");
    // Its hits are those of detect.
    let since = typed(now() - TimeDelta::days(31));
    let found =
        account.run(["detect", "--since", &since, "--only", "!stream-silent"]).expect(0).lines().len();
    let told: usize =
        hits.split("20 of ").nth(1).unwrap().split(' ').next().unwrap().replace(',', "").parse().unwrap();
    assert_eq!(told, found);
    // It is not replaced by itself.
    let again = account.run(["summary", "-o", "week.html"]);
    assert_eq!(again.code, Some(2), "{}", again.stderr);
    account.run(["summary", "-o", "week.html", "--overwrite"]).expect(0);
    let unknown = account.run(["summary", "-o", "week.pdf"]);
    assert_eq!(unknown.code, Some(2), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("the name tells no format"), "{}", unknown.stderr);
}
