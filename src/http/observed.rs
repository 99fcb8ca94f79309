//! What a request leaves behind: a line in the log, counts, and the trace that it is part of.

use super::{Api, codes::ProblemCode};
use crate::{
    domain::{clock::Stopwatch, random::Random},
    telemetry::{
        Context, InFlight, RequestId, TraceParent,
        labels::{Label as _, Method, Route, Status},
    },
};
use actix_web::{
    dev::ServiceRequest,
    http::{StatusCode, header::HeaderMap},
};

/// A request that is being answered.
pub(super) struct Observed<'a> {
    /// Every line that the request causes tells of it, also those of its hand-off to Restcomm.
    pub(super) context: Context,
    in_flight: InFlight<'a>,
    method: Method,
    watch: Stopwatch,
}

impl<'a> Observed<'a> {
    pub(super) fn begin(api: &'a Api, request: &ServiceRequest, id: RequestId) -> Self {
        let trace = trace_of(request.headers(), &api.random);
        Self {
            context: Context::of_request(id, trace),
            in_flight: api.store.metrics().request(),
            // A caller may invent a method, but not what stands in the log.
            method: Method::of(request.method().as_str()),
            watch: api.clock.stopwatch(),
        }
    }

    /// `route` is the pattern, never the path: paths carry ids, and tokens.
    pub(super) fn done(
        self,
        route: Option<&str>,
        status: StatusCode,
        problem: Option<ProblemCode>,
    ) {
        let (route, took) = (Route::of(route), self.watch.elapsed());
        self.context.in_scope(|| {
            tracing::info!(
                http.method = self.method.word(),
                http.route = route.word(),
                http.status = status.as_u16(),
                problem.code = problem.map(ProblemCode::name),
                duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "request.done"
            );
        });
        let status = Status::of(status.as_u16());
        self.in_flight.done(route, self.method, status, took);
    }
}

/// The trace that the caller names, or one that begins here.
fn trace_of(headers: &HeaderMap, random: &Random) -> TraceParent {
    let mut named = headers.get_all("traceparent");
    let parent = named.next().and_then(|value| value.to_str().ok());
    let parent = parent.filter(|_| named.next().is_none());
    parent
        .and_then(TraceParent::parse)
        .unwrap_or_else(|| TraceParent::beginning(random.name()))
}
