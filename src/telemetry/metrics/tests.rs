use super::*;
use crate::telemetry::labels::Label;

fn has(text: &str, line: &str) -> bool {
    text.lines().any(|found| found == line)
}

#[test]
fn every_combination_that_is_usual_is_there_from_the_first_scrape() {
    let text = Metrics::default().text();
    for line in [
        r#"countersign_http_requests_total{method="POST",route="/otp/send",status="201"} 0"#,
        r#"countersign_sends_total{channel="sms",outcome="created"} 0"#,
        r#"countersign_checks_total{outcome="wrong"} 0"#,
        r#"countersign_hand_offs_total{channel="sms",outcome="unknown"} 0"#,
        r#"countersign_limits_hit_total{limit="per_number"} 0"#,
        concat!(
            r#"countersign_build_info{version=""#,
            env!("CARGO_PKG_VERSION"),
            r#""} 1"#
        ),
    ] {
        assert!(has(&text, line), "{line} is not in\n{text}");
    }
}

#[test]
fn each_label_value_has_a_counter_of_its_own() {
    let metrics = Metrics::default();
    for (times, outcome) in (1..).zip(HandedOff::ALL) {
        for channel in Channel::ALL {
            for _ in 0..times {
                metrics.handed_off(*channel, *outcome, Duration::ZERO);
            }
        }
    }
    let text = metrics.text();
    for (times, outcome) in (1..).zip(HandedOff::ALL) {
        for channel in Channel::ALL {
            let (channel, outcome) = (channel.word(), outcome.word());
            let line = format!(
                "countersign_hand_offs_total{{channel=\"{channel}\",outcome=\"{outcome}\"}} {times}"
            );
            assert!(has(&text, &line), "{line}");
        }
    }
}

#[test]
fn what_callers_choose_becomes_no_label() {
    let metrics = Metrics::default();
    let (method, route) = (Method::of("BREW-7f3a"), Route::of(Some("/forged-7f3a")));
    metrics
        .request()
        .done(route, method, Status::of(299), Duration::ZERO);
    let text = metrics.text();
    assert!(!text.contains("7f3a"));
    let line = r#"countersign_http_requests_total{method="other",route="none",status="other"} 1"#;
    assert!(has(&text, line), "{text}");
    assert_eq!(Route::of(None), Route::None);
    assert_eq!(Route::of(Some("/docs/{tail}*")), Route::Docs);
}

#[test]
fn who_hangs_up_is_counted_as_gone_and_not_as_answered() {
    let metrics = Metrics::default();
    let request = metrics.request();
    assert!(has(
        &metrics.text(),
        "countersign_http_requests_in_flight 1"
    ));
    drop(request);
    let text = metrics.text();
    assert!(has(&text, "countersign_http_requests_in_flight 0"));
    assert!(has(&text, "countersign_http_requests_abandoned_total 1"));
}

#[test]
fn the_process_tells_of_itself() {
    let text = Metrics::default().text();
    let value = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap().trim().parse().unwrap()
    };
    assert!(1e6 < value("process_resident_memory_bytes "));
    assert!(3.0 <= value("process_open_fds "));
    assert!(1.6e9 < value("process_start_time_seconds "));
    assert!(0.0 <= value("process_cpu_seconds_total "));
}

#[test]
fn services_in_one_process_count_by_themselves() {
    let (one, other) = (Metrics::default(), Metrics::default());
    one.checks.count(Check::Wrong);
    let line = r#"countersign_checks_total{outcome="wrong"} 1"#;
    assert!(has(&one.text(), line) && !has(&other.text(), line));
}
