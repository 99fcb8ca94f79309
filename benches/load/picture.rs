//! A picture of latencies at fixed rates, as SVG: a panel for each database, both axes logarithmic.

use std::fmt::Write as _;

use crate::{
    latency::{Latency, SIDES},
    sides::Side,
    statistics::{decades, on_logarithmic_axis},
    table::thousands,
};

const PANEL: (f64, f64) = (300.0, 300.0);
const LEFT: f64 = 70.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = 84.0;
const GAP: f64 = 34.0;

/// The axes that all panels share.
struct Axes {
    rates: (f64, f64),
    milliseconds: (f64, f64),
}

/// Which line is drawn.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    Half,
    NinetyNine,
}

/// The picture; `below` says on what it was measured.
pub(crate) fn draw(latencies: &[Latency], below: &str) -> String {
    let mut databases: Vec<&str> = Vec::new();
    for latency in latencies {
        if !databases.contains(&latency.database) {
            databases.push(latency.database);
        }
    }
    let axes = Axes::around(latencies);
    #[expect(clippy::cast_precision_loss, reason = "at most three")]
    let panels = databases.len() as f64;
    let width = (LEFT + panels * (PANEL.0 + GAP)).max(680.0);
    let height = TOP + PANEL.1 + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"12\" fill=\"#1f2933\">\n\
         <title>Latency at fixed rates</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    text(
        &mut svg,
        (LEFT, 26.0),
        "font-size=\"17\" font-weight=\"600\"",
        "Latency at fixed rates",
    );
    legend(&mut svg);
    let mut left = LEFT;
    for database in databases {
        axes.draw(&mut svg, left, database);
        let of_database = latencies.iter().filter(|it| it.database == database);
        let of_database: Vec<&Latency> = of_database.collect();
        for side in SIDES {
            let of_side = of_database.iter().filter(|it| it.side == side);
            let of_side: Vec<&Latency> = of_side.copied().collect();
            for share in [Share::Half, Share::NinetyNine] {
                axes.line(&mut svg, left, &of_side, share);
            }
        }
        left += PANEL.0 + GAP;
    }
    let middle = TOP + PANEL.1 / 2.0;
    let turned = format!("text-anchor=\"middle\" transform=\"rotate(-90 20 {middle})\"");
    text(
        &mut svg,
        (20.0, middle),
        &turned,
        "milliseconds from when a request was due",
    );
    let centre = LEFT + (panels * (PANEL.0 + GAP) - GAP) / 2.0;
    let at = (centre, TOP + PANEL.1 + 42.0);
    text(
        &mut svg,
        at,
        "text-anchor=\"middle\"",
        "requests due a second",
    );
    let at = (LEFT, height - 14.0);
    text(&mut svg, at, "font-size=\"11\" fill=\"#616e7c\"", below);
    svg.push_str("</svg>\n");
    svg
}

impl Axes {
    fn around(latencies: &[Latency]) -> Self {
        let rates = latencies.iter().map(|it| f64::from(it.rate));
        let times = latencies
            .iter()
            .flat_map(|it| [it.p50_us.median, it.p99_us.median].map(|time| time / 1000.0));
        let (low, high) = (
            rates.clone().fold(f64::INFINITY, f64::min),
            rates.fold(1.0, f64::max),
        );
        Self {
            // Points do not stand on the frame.
            rates: (low / 1.4, high * 1.4),
            milliseconds: decades(times),
        }
    }

    fn x(&self, left: f64, rate: f64) -> f64 {
        left + PANEL.0 * on_logarithmic_axis(rate, self.rates.0, self.rates.1)
    }

    fn y(&self, milliseconds: f64) -> f64 {
        let (low, high) = self.milliseconds;
        TOP + PANEL.1 * (1.0 - on_logarithmic_axis(milliseconds, low, high))
    }

    fn draw(&self, svg: &mut String, left: f64, title: &str) {
        let right = left + PANEL.0;
        let bold = "font-weight=\"600\" text-anchor=\"middle\"";
        text(svg, (left + PANEL.0 / 2.0, TOP - 10.0), bold, title);
        let (low, high) = self.milliseconds;
        let mut decade = low;
        while decade < high * 1.01 {
            let y = self.y(decade);
            rule(svg, (left, y), (right, y), "#cbd2d9");
            if (left - LEFT).abs() < 1.0 {
                let label = format!("{decade:.3}");
                let label = label.trim_end_matches('0').trim_end_matches('.');
                text(svg, (left - 8.0, y + 4.0), "text-anchor=\"end\"", label);
            }
            for minor in 2..10 {
                let y = self.y(decade * f64::from(minor));
                if TOP < y {
                    rule(svg, (left, y), (right, y), "#f0f2f5");
                }
            }
            decade *= 10.0;
        }
        let mut rate = 1.0;
        while rate < self.rates.1 {
            if self.rates.0 < rate {
                let x = self.x(left, rate);
                rule(svg, (x, TOP), (x, TOP + PANEL.1), "#e4e7eb");
                let at = (x, TOP + PANEL.1 + 18.0);
                text(svg, at, "text-anchor=\"middle\"", &thousands(rate));
            }
            rate *= 10.0;
        }
        let (width, height) = PANEL;
        let _ = writeln!(
            svg,
            "<rect x=\"{left}\" y=\"{TOP}\" width=\"{width}\" height=\"{height}\" fill=\"none\" stroke=\"#9aa5b1\"/>"
        );
    }

    /// Points of one side, from the lowest rate to the highest, and what joins them.
    fn line(&self, svg: &mut String, left: f64, side: &[&Latency], share: Share) {
        let Some(first) = side.first() else {
            return;
        };
        let colour = colour(first.side);
        let place = |it: &Latency| {
            let time = match share {
                Share::Half => it.p50_us.median,
                Share::NinetyNine => it.p99_us.median,
            };
            (self.x(left, f64::from(it.rate)), self.y(time / 1000.0))
        };
        let points: Vec<String> = side
            .iter()
            .map(|it| place(it))
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" {}/>",
            points.join(" "),
            share.stroke()
        );
        for it in side {
            // A hollow point: the rate was not held.
            let fill = if it.is_held() { colour } else { "#ffffff" };
            let (x, y) = place(it);
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.4\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.6\"/>"
            );
        }
    }
}

impl Share {
    fn stroke(self) -> &'static str {
        match self {
            Self::Half => "stroke-width=\"2.2\"",
            Self::NinetyNine => "stroke-width=\"1.6\" stroke-dasharray=\"6 4\"",
        }
    }
}

fn legend(svg: &mut String) {
    let y = 50.0;
    let mut x = LEFT;
    for side in SIDES {
        let colour = colour(side);
        let _ = writeln!(
            svg,
            "<circle cx=\"{}\" cy=\"{y}\" r=\"5\" fill=\"{colour}\"/>",
            x + 5.0
        );
        text(svg, (x + 16.0, y + 4.0), "", side.name());
        x += 68.0;
    }
    for (share, label) in [
        (Share::Half, "half are faster"),
        (Share::NinetyNine, "99 of 100 are faster"),
    ] {
        let stroke = share.stroke();
        let end = x + 30.0;
        let _ = writeln!(
            svg,
            "<line x1=\"{x}\" y1=\"{y}\" x2=\"{end}\" y2=\"{y}\" stroke=\"#52606d\" {stroke}/>"
        );
        text(svg, (x + 38.0, y + 4.0), "", label);
        x += 138.0;
    }
    let _ = writeln!(
        svg,
        "<circle cx=\"{}\" cy=\"{y}\" r=\"3.4\" fill=\"#ffffff\" stroke=\"#52606d\" stroke-width=\"1.6\"/>",
        x + 30.0
    );
    text(svg, (x + 40.0, y + 4.0), "", "rate not held");
}

fn text(svg: &mut String, (x, y): (f64, f64), attributes: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>"
    );
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\"/>",
        from.0, from.1, to.0, to.1
    );
}

const fn colour(side: Side) -> &'static str {
    match side {
        Side::Echo => "#7b8794",
        Side::Check | Side::Wrong | Side::Status => "#0b69a3",
        Side::Relay | Side::Send | Side::RespondAsync | Side::Mixed => "#c65d07",
    }
}
