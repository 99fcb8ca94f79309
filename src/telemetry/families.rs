//! Metrics whose labels are resolved once: counting is an index and an atomic addition.

use std::{marker::PhantomData, sync::OnceLock, time::Duration};

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry, core::Collector,
};

use super::labels::{Label, Method, Route, Status};

const PREFIX: &str = "countersign_";

/// Counters by one label.
pub struct Counters<A>(Vec<IntCounter>, PhantomData<A>);

/// Counters by two labels.
pub struct Table<A, B>(Vec<IntCounter>, PhantomData<(A, B)>);

/// Gauges by one label.
pub struct Gauges<A>(Vec<Gauge>, PhantomData<A>);

/// Gauges by two labels.
pub struct GaugeTable<A, B>(Vec<Gauge>, PhantomData<(A, B)>);

/// Durations by one label.
pub struct Durations<A>(Vec<Histogram>, PhantomData<A>);

/// Requests by route, method and status: most of the combinations never come, and are made when they do.
pub(super) struct Requests {
    family: IntCounterVec,
    seen: Vec<OnceLock<IntCounter>>,
}

impl<A: Label> Counters<A> {
    pub fn count(&self, a: A) {
        self.0[a.index()].inc();
    }
}

impl<A: Label, B: Label> Table<A, B> {
    pub fn count(&self, a: A, b: B) {
        self.0[a.index() * B::ALL.len() + b.index()].inc();
    }
}

impl<A: Label> Gauges<A> {
    pub fn set(&self, a: A, value: f64) {
        self.0[a.index()].set(value);
    }

    pub fn set_all(&self, value: f64) {
        for gauge in &self.0 {
            gauge.set(value);
        }
    }
}

impl<A: Label, B: Label> GaugeTable<A, B> {
    pub fn set(&self, a: A, b: B, value: f64) {
        self.0[a.index() * B::ALL.len() + b.index()].set(value);
    }
}

impl<A: Label> Durations<A> {
    pub fn observe(&self, a: A, duration: Duration) {
        self.0[a.index()].observe(duration.as_secs_f64());
    }
}

impl Requests {
    pub(super) fn count(&self, route: Route, method: Method, status: Status) {
        let row = route.index() * Method::ALL.len() + method.index();
        let words = [route.word(), method.word(), status.word()];
        self.seen[row * Status::ALL.len() + status.index()]
            .get_or_init(|| self.family.with_label_values(&words))
            .inc();
    }
}

/// Makes metrics and enters them into a registry.
pub(super) struct Maker<'a>(pub(super) &'a Registry);

impl Maker<'_> {
    fn enter<C: Collector + Clone + 'static>(&self, made: prometheus::Result<C>) -> C {
        let made = made.expect("a valid name");
        let entered = self.0.register(Box::new(made.clone()));
        entered.expect("every name is entered once");
        made
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.enter(IntCounter::new(format!("{PREFIX}{name}"), help))
    }

    pub(super) fn int_gauge(&self, name: &str, help: &str) -> IntGauge {
        self.enter(IntGauge::new(format!("{PREFIX}{name}"), help))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.gauge_named(&format!("{PREFIX}{name}"), help)
    }

    /// For what has a name of its own everywhere.
    pub(super) fn gauge_named(&self, name: &str, help: &str) -> Gauge {
        self.enter(Gauge::new(name, help))
    }

    pub(super) fn counter_named(&self, name: &str, help: &str) -> prometheus::Counter {
        self.enter(prometheus::Counter::new(name, help))
    }

    pub(super) fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Histogram {
        let opts = HistogramOpts::new(format!("{PREFIX}{name}"), help).buckets(buckets.to_vec());
        self.enter(Histogram::with_opts(opts))
    }

    pub(super) fn counters<A: Label>(&self, name: &str, help: &str) -> Counters<A> {
        let family = self.counter_family(name, help, &[A::NAME]);
        let children = A::ALL
            .iter()
            .map(|a| family.with_label_values(&[a.word()]))
            .collect();
        Counters(children, PhantomData)
    }

    pub(super) fn table<A: Label, B: Label>(&self, name: &str, help: &str) -> Table<A, B> {
        let family = self.counter_family(name, help, &[A::NAME, B::NAME]);
        let children = pairs::<A, B>().map(|words| family.with_label_values(&words));
        Table(children.collect(), PhantomData)
    }

    pub(super) fn gauges<A: Label>(&self, name: &str, help: &str) -> Gauges<A> {
        let family = self.gauge_family(name, help, &[A::NAME]);
        let children = A::ALL
            .iter()
            .map(|a| family.with_label_values(&[a.word()]))
            .collect();
        Gauges(children, PhantomData)
    }

    pub(super) fn gauge_table<A: Label, B: Label>(
        &self,
        name: &str,
        help: &str,
    ) -> GaugeTable<A, B> {
        let family = self.gauge_family(name, help, &[A::NAME, B::NAME]);
        let children = pairs::<A, B>().map(|words| family.with_label_values(&words));
        GaugeTable(children.collect(), PhantomData)
    }

    pub(super) fn durations<A: Label>(
        &self,
        name: &str,
        help: &str,
        buckets: &[f64],
    ) -> Durations<A> {
        let opts = HistogramOpts::new(format!("{PREFIX}{name}"), help).buckets(buckets.to_vec());
        let family = self.enter(HistogramVec::new(opts, &[A::NAME]));
        let children = A::ALL
            .iter()
            .map(|a| family.with_label_values(&[a.word()]))
            .collect();
        Durations(children, PhantomData)
    }

    pub(super) fn requests(&self, name: &str, help: &str) -> Requests {
        let names = [Route::NAME, Method::NAME, Status::NAME];
        let family = self.counter_family(name, help, &names);
        for route in Route::ALL {
            let (method, statuses) = route.usual();
            for status in statuses {
                family.with_label_values(&[route.word(), method.word(), status.word()]);
            }
        }
        let all = Route::ALL.len() * Method::ALL.len() * Status::ALL.len();
        Requests {
            family,
            seen: (0..all).map(|_| OnceLock::new()).collect(),
        }
    }

    fn counter_family(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let opts = Opts::new(format!("{PREFIX}{name}"), help);
        self.enter(IntCounterVec::new(opts, labels))
    }

    fn gauge_family(&self, name: &str, help: &str, labels: &[&str]) -> GaugeVec {
        let opts = Opts::new(format!("{PREFIX}{name}"), help);
        self.enter(GaugeVec::new(opts, labels))
    }
}

/// Every pair of values, the second running faster.
fn pairs<A: Label, B: Label>() -> impl Iterator<Item = [&'static str; 2]> {
    A::ALL
        .iter()
        .flat_map(|a| B::ALL.iter().map(|b| [a.word(), b.word()]))
}
