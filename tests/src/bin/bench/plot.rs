//! The plot: bars of CPU a record and of records a second, as SVG.
//!
//! Deliberately no library: rectangles and texts on white. Invariant: every bar has its figure beside it, so that nothing
//! must be read off a scale.

use crate::cases::{Case, Measure};
use crate::report::figure;
use crate::stats::Samples;
use std::fmt::Write;

const BAR: f64 = 16.0;
/// Height of a case's name and of the space after its bars.
const HEAD: f64 = 34.0;
const TOP: f64 = 62.0;
const LEFT: f64 = 20.0;
const PANEL: f64 = 440.0;
/// Room for the figure to the right of the longest bar.
const FIGURE: f64 = 90.0;
/// Colours of the contenders, told apart by those who see no red or no green.
const COLOURS: [&str; 3] = ["#d98a3d", "#2b6cb0", "#90bbe3"];

/// The plot of all cases with records: who is compared, in the order of the bars.
pub(crate) fn svg(cases: &[&'static Case], who: &[&'static str], samples: &Samples) -> String {
    let has = |c: &&&Case| {
        who.iter()
            .any(|w| samples.spread(c, w, Measure::Rate).is_some())
    };
    let cases: Vec<&Case> = cases.iter().filter(has).copied().collect();
    let group = HEAD + BAR * who.len() as f64;
    let (width, height) = (
        2.0 * (LEFT + PANEL),
        TOP + group * cases.len().max(1) as f64,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (i, (name, colour)) in who.iter().zip(COLOURS).enumerate() {
        let x = LEFT + 150.0 * i as f64;
        rectangle(&mut out, x, 8.0, 12.0, colour);
        text(&mut out, x + 18.0, 20.0, "normal", name);
    }
    for (i, measure) in [Measure::Cpu, Measure::Rate].into_iter().enumerate() {
        let left = LEFT + (LEFT + PANEL) * i as f64;
        text(&mut out, left, 48.0, "bold", measure.title());
        panel(&mut out, left, measure, &cases, who, samples);
    }
    out + "</svg>\n"
}

fn panel(
    out: &mut String,
    left: f64,
    measure: Measure,
    cases: &[&Case],
    who: &[&'static str],
    samples: &Samples,
) {
    let spread = |case: &Case, who: &str| samples.spread(case, who, measure);
    let all = cases
        .iter()
        .flat_map(|c| who.iter().filter_map(|w| spread(c, w)));
    let longest = all.map(|s| s.greatest).fold(0.0, f64::max);
    let scale = |value: f64| value / longest * (PANEL - FIGURE);
    let mut y = TOP;
    for case in cases {
        text(out, left, y + 12.0, "normal", case.name);
        y += 18.0;
        for (name, colour) in who.iter().zip(COLOURS) {
            if let Some(s) = spread(case, name) {
                rectangle(out, left, y, scale(s.median).max(1.0), colour);
                whisker(out, left + scale(s.least), left + scale(s.greatest), y);
                let after = left + scale(s.greatest) + 6.0;
                text(out, after, y + 11.0, "normal", &figure(measure, s.median));
            }
            y += BAR;
        }
        y += HEAD - 18.0;
    }
}

fn rectangle(out: &mut String, x: f64, y: f64, width: f64, colour: &str) {
    // Writing to a string cannot fail, here and below.
    let _infallible = writeln!(
        out,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{colour}\"/>",
        BAR - 3.0
    );
}

/// From the least to the greatest.
fn whisker(out: &mut String, from: f64, to: f64, y: f64) {
    let middle = y + (BAR - 3.0) / 2.0;
    let _infallible = writeln!(
        out,
        "<path d=\"M{from:.1} {middle:.1}H{to:.1}\" stroke=\"#222\" stroke-width=\"1.5\"/>"
    );
}

fn text(out: &mut String, x: f64, y: f64, weight: &str, text: &str) {
    let _infallible = writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" font-weight=\"{weight}\" fill=\"#222\">{text}</text>"
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::ALL;
    use crate::stats::Sample;

    #[test]
    fn the_longest_bar_fills_its_panel_and_bars_keep_their_proportion() {
        let sample = |contender, cpu| Sample {
            round: 1,
            case: &ALL[0],
            contender,
            figures: vec![(Measure::Cpu, cpu), (Measure::Rate, 1.0)],
            load: 0.0,
        };
        let samples = Samples(vec![sample("them", 70.0), sample("us", 7.0)]);
        let svg = svg(&[&ALL[0]], &["them", "us"], &samples);
        let longest = PANEL - FIGURE;
        for (width, colour) in [(longest, COLOURS[0]), (longest / 10.0, COLOURS[1])] {
            let bar = format!("width=\"{width:.1}\" height=\"13\" fill=\"{colour}\"");
            assert!(svg.contains(&bar), "no {bar} in {svg}");
        }
        assert!(svg.contains(">70.0</text>") && svg.ends_with("</svg>\n"));
    }
}
