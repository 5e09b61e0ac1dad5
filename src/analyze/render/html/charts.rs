//! Charts: numbers in, SVG out. Colours are variables of the page; what a colour says, a text or a shape says too.

use super::writer::HtmlWriter;
use crate::size::grouped;

/// The land of the map; the first line says where it is from.
const COASTLINES: &str = include_str!("coastlines.txt");

/// The width of a chart in its own units.
const WIDTH: f64 = 720.0;

/// What a chart's part is called and how much it is.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) count: u64,
    /// The same in the time before.
    pub(super) before: Option<u64>,
}

/// A place with sign-ins.
pub(super) struct PlaceDot {
    pub(super) label: String,
    pub(super) north: f64,
    pub(super) east: f64,
    pub(super) succeeded: u64,
    pub(super) failed: u64,
}

/// A step of a timeline: when it begins, and the events of each lane.
pub(super) struct TimeStep {
    pub(super) label: String,
    pub(super) lanes: Vec<u64>,
}

fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn begin(svg: &mut HtmlWriter, height: f64, label: &str) {
    let view = format!("0 0 {} {}", number(WIDTH), number(height));
    svg.open("svg", &[("viewBox", &view), ("role", "img"), ("aria-label", label)]);
}

fn rect(svg: &mut HtmlWriter, class: &str, [x, y, width, height]: [f64; 4], title: &str) {
    let values = [x, y, width, height].map(number);
    let place = [
        ("class", class),
        ("x", &*values[0]),
        ("y", &values[1]),
        ("width", &values[2]),
        ("height", &values[3]),
    ];
    svg.open("rect", &place);
    if !title.is_empty() {
        svg.element("title", &[], title);
    }
    svg.close("rect");
}

fn label(svg: &mut HtmlWriter, class: &str, (x, y): (f64, f64), text: &str) {
    svg.element("text", &[("class", class), ("x", &number(x)), ("y", &number(y))], text);
}

/// The text as far as it fits.
fn fitted(text: &str, most: usize) -> String {
    match text.chars().count() > most {
        true => text.chars().take(most - 1).chain(['…']).collect(),
        false => text.to_owned(),
    }
}

/// A list of bars, each with its label and number; the time before is an outline.
pub(super) fn bars(title: &str, rows: &[Bar]) -> HtmlWriter {
    let mut svg = HtmlWriter::default();
    let most = rows.iter().map(|row| row.count.max(row.before.unwrap_or(0))).max().unwrap_or(0).max(1);
    begin(&mut svg, rows.len() as f64 * 22.0 + 4.0, title);
    for (index, row) in rows.iter().enumerate() {
        let top = index as f64 * 22.0 + 2.0;
        let width = |count: u64| (WIDTH - 350.0) * count as f64 / most as f64;
        label(&mut svg, "label", (270.0, top + 14.0), &fitted(&row.label, 40));
        let text = format!("{}: {}", row.label, grouped(row.count));
        rect(&mut svg, "bar", [280.0, top + 2.0, width(row.count).max(1.0), 16.0], &text);
        if let Some(before) = row.before {
            let text = format!("{}: {} before", row.label, grouped(before));
            rect(&mut svg, "before", [280.0, top + 2.0, width(before).max(1.0), 16.0], &text);
        }
        let end = width(row.count.max(row.before.unwrap_or(0)));
        label(&mut svg, "number", (286.0 + end, top + 14.0), &grouped(row.count));
    }
    svg.close("svg");
    svg
}

/// Stacked columns over time, with a legend.
pub(super) fn timeline(title: &str, names: &[String], steps: &[TimeStep]) -> HtmlWriter {
    let mut svg = HtmlWriter::default();
    let (height, bottom) = (200.0, 160.0);
    let most = steps.iter().map(|step| step.lanes.iter().sum()).max().unwrap_or(0).max(1_u64);
    begin(&mut svg, height, title);
    let width = WIDTH / steps.len().max(1) as f64;
    for (index, step) in steps.iter().enumerate() {
        let mut top = bottom;
        for (lane, count) in step.lanes.iter().enumerate().filter(|(_, count)| **count > 0) {
            let tall = 140.0 * *count as f64 / most as f64;
            top -= tall;
            let class = format!("lane{lane}");
            let text = format!("{}, {}: {}", step.label, names[lane], grouped(*count));
            rect(&mut svg, &class, [index as f64 * width, top, (width - 1.0).max(0.5), tall], &text);
        }
    }
    label(&mut svg, "start", (0.0, 14.0), &format!("at most {}", grouped(most)));
    if let (Some(first), Some(last)) = (steps.first(), steps.last()) {
        label(&mut svg, "start", (0.0, 176.0), &first.label);
        label(&mut svg, "label", (WIDTH, 176.0), &last.label);
    }
    for (lane, name) in names.iter().enumerate() {
        let left = lane as f64 * 170.0;
        rect(&mut svg, &format!("lane{lane}"), [left, 186.0, 10.0, 10.0], "");
        label(&mut svg, "start", (left + 16.0, 196.0), name);
    }
    svg.close("svg");
    svg
}

/// A square for every hour of every weekday; the more events, the stronger, and the number in it.
pub(super) fn heat(title: &str, days: &[&str], counts: &[u64]) -> HtmlWriter {
    let mut svg = HtmlWriter::default();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    begin(&mut svg, 20.0 + days.len() as f64 * 24.0, title);
    for hour in (0..24).step_by(3) {
        label(&mut svg, "start", (44.0 + f64::from(hour) * 28.0, 13.0), &format!("{hour}:00"));
    }
    for (day, (name, hours)) in days.iter().zip(counts.chunks(24)).enumerate() {
        let top = 20.0 + day as f64 * 24.0;
        label(&mut svg, "start", (0.0, top + 15.0), name);
        for (hour, count) in hours.iter().enumerate() {
            let class = format!("heat{}", (count * 8).div_ceil(most));
            let text = format!("{name} {hour}:00: {}", grouped(*count));
            rect(&mut svg, &class, [44.0 + hour as f64 * 28.0, top, 26.0, 22.0], &text);
        }
    }
    svg.close("svg");
    svg
}

/// The world, with a disc for the sign-ins of each place that worked and a broken ring for those that failed.
pub(super) fn map(title: &str, places: &[PlaceDot]) -> HtmlWriter {
    let mut svg = HtmlWriter::default();
    begin(&mut svg, 300.0, title);
    for path in COASTLINES.lines().skip(1) {
        svg.constant("<path class=\"land\" d=\"").constant(path).constant("\"/>");
    }
    let most = places.iter().map(|place| place.succeeded + place.failed).max().unwrap_or(0).max(1);
    for place in places {
        let (x, y) = ((place.east + 180.0) * 2.0, (90.0 - place.north) * 2.0);
        let radius = |count: u64| 2.0 + 14.0 * (count as f64 / most as f64).sqrt();
        let text =
            format!("{}: {} worked, {} failed", place.label, grouped(place.succeeded), grouped(place.failed));
        for (class, count) in [("worked", place.succeeded), ("failed", place.failed)] {
            if count > 0 {
                let (x, y, r) = (number(x), number(y), number(radius(count)));
                svg.open("circle", &[("class", class), ("cx", &x), ("cy", &y), ("r", &r)]);
                svg.element("title", &[], &text).close("circle");
            }
        }
    }
    svg.close("svg");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_of_nothing_and_of_hostile_names_are_whole() {
        let hostile = "</svg><script>alert(1)</script>".to_owned();
        let bar = |count| Bar { label: hostile.clone(), count, before: Some(0) };
        let dot = PlaceDot { label: hostile.clone(), north: 90.0, east: -180.0, succeeded: 1, failed: 2 };
        let step = TimeStep { label: hostile.clone(), lanes: vec![0, u64::MAX / 64] };
        let names = [hostile.clone(), hostile.clone()];
        for svg in [
            bars("", &[]),
            bars(&hostile, &[bar(0), bar(u64::MAX / 16)]),
            timeline("", &names, &[]),
            timeline(&hostile, &names, &[step]),
            heat("", &["Mon"], &[0; 24]),
            map("", &[]),
            map(&hostile, &[dot]),
        ] {
            let text = svg.finish();
            assert!(text.starts_with("<svg ") && text.ends_with("</svg>"), "{text}");
            assert_eq!(text.matches("</svg>").count(), 1);
            assert!(!text.contains("<script") && !text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }

    #[test]
    fn the_land_is_paths_within_the_map_and_names_its_source() {
        let mut lines = COASTLINES.lines();
        assert!(lines.next().unwrap().contains("Natural Earth"));
        let paths: Vec<&str> = lines.collect();
        assert!(paths.len() > 50 && COASTLINES.len() < 60_000, "{}", paths.len());
        for path in paths {
            assert!(path.starts_with('M') && path.ends_with('z'), "{path}");
            assert!(path.chars().all(|c| c.is_ascii_digit() || "Mlz -".contains(c)), "{path}");
        }
    }
}
