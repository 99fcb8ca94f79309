//! Which request is being worked on. Every line that is told meanwhile tells of it, on whatever thread and however late
//! that is.
//!
//! A span of `tracing` would do the same, but is looked up, counted and locked at each step of a request. This is a few
//! bytes that are copied.

use std::{cell::Cell, fmt, future::poll_fn, pin::pin};

use super::{TraceParent, trace::Hex};

thread_local! {
    static CURRENT: Cell<Context> = const { Cell::new(Context::none()) };
}

/// The request that something is done for, if it is done for one.
#[derive(Clone, Copy)]
pub struct Context(Option<Request>);

#[derive(Clone, Copy)]
struct Request {
    id: RequestId,
    trace: TraceParent,
}

/// `req_` and 24 hexadecimal digits.
#[derive(Clone, Copy)]
pub struct RequestId([u8; 28]);

/// What was worked on before is worked on again when this is dropped.
struct Before(Context);

impl Context {
    pub const fn none() -> Self {
        Self(None)
    }

    pub const fn of_request(id: RequestId, trace: TraceParent) -> Self {
        Self(Some(Request { id, trace }))
    }

    /// What this thread works on.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Does `work` for it.
    pub fn in_scope<T>(self, work: impl FnOnce() -> T) -> T {
        let _before = Before(CURRENT.replace(self));
        work()
    }

    /// Does `work` for it, on whatever threads that goes on.
    pub async fn within<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|task| self.in_scope(|| work.as_mut().poll(task))).await
    }

    /// Gives the names and values of its fields to `field`.
    pub(super) fn tell(
        self,
        mut field: impl FnMut(&'static str, &str) -> fmt::Result,
    ) -> fmt::Result {
        let Some(Request { id, trace }) = self.0 else {
            return Ok(());
        };
        field("request.id", id.as_str())?;
        field("trace.id", &trace.trace_id())?;
        trace
            .span_id()
            .map_or(Ok(()), |span| field("span.id", &span))
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl RequestId {
    pub fn of(random: [u8; 12]) -> Self {
        let mut text = *b"req_000000000000000000000000";
        text[4..].copy_from_slice(Hex::<24>::of(&random).as_bytes());
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(number: u8) -> Context {
        let trace = TraceParent::beginning([number; 16]);
        Context::of_request(RequestId::of([number; 12]), trace)
    }

    fn told() -> Vec<String> {
        let mut told = Vec::new();
        let field = |name: &str, value: &str| {
            told.push(format!("{name}={value}"));
            Ok(())
        };
        Context::current().tell(field).unwrap();
        told
    }

    #[test]
    fn what_is_told_tells_of_the_innermost_request_and_of_none_outside() {
        let outer = [
            "request.id=req_010101010101010101010101",
            "trace.id=01010101010101010101010101010101",
        ];
        context(1).in_scope(|| {
            assert_eq!(told(), outer);
            let panicked =
                std::panic::catch_unwind(|| context(2).in_scope(|| panic!("{:?}", told())));
            let words = panicked.unwrap_err();
            let words = words.downcast_ref::<String>().unwrap();
            assert!(
                words.contains("req_0202") && !words.contains("req_0101"),
                "{words}"
            );
            assert_eq!(told(), outer);
        });
        assert_eq!(told(), [""; 0]);
    }

    #[tokio::test]
    async fn two_works_that_take_turns_are_told_apart() {
        let work = async |number: u8| {
            let mut seen = Vec::new();
            for _ in 0..3 {
                seen.push(told()[0].clone());
                tokio::task::yield_now().await;
            }
            let expected = format!("request.id={}", RequestId::of([number; 12]).as_str());
            seen.iter().all(|id| *id == expected)
        };
        let both = tokio::join!(context(1).within(work(1)), context(2).within(work(2)));
        assert_eq!(both, (true, true));
        assert_eq!(told(), [""; 0]);
    }
}
