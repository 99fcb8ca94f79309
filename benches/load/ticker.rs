//! A timer that ticks to the microsecond: that of the runtime knows milliseconds only.

use std::{io::Result, os::fd::OwnedFd, time::Duration};

use rustix::{
    io::{Errno, read},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};
use tokio::io::unix::AsyncFd;

pub(crate) struct Ticker(AsyncFd<OwnedFd>);

impl Ticker {
    /// Ticks every `interval`, for the first time when one has passed.
    #[expect(
        deprecated,
        reason = "the other way is unsafe; this one is sound, since the timer lives as long as its registration"
    )]
    pub(crate) fn start(interval: Duration) -> Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        let interval = Timespec::try_from(interval).map_err(std::io::Error::other)?;
        let often = Itimerspec {
            it_interval: interval,
            it_value: interval,
        };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &often)?;
        Ok(Self(AsyncFd::new(timer)?))
    }

    /// How often it has ticked since it was last asked; waits until it has.
    pub(crate) async fn ticks(&self) -> Result<u64> {
        loop {
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            match read(self.0.get_ref(), &mut count) {
                Ok(_) => return Ok(u64::from_ne_bytes(count)),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
