//! What processes have used so far, as /proc tells it.

use std::{
    fs,
    iter::Sum,
    ops::{Add, Sub},
    time::Duration,
};

/// The unit of /proc/PID/stat (`USER_HZ`), the same wherever Linux runs today.
const TICKS_PER_SECOND: u64 = 100;

/// Of one process, or of a process and its children.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// In user and kernel mode.
    pub(crate) cpu: Duration,
    /// How often a thread went to sleep of its own accord.
    pub(crate) switches: u64,
    /// Bytes given to the disk.
    pub(crate) written: u64,
}

/// What stands in /proc/PID/stat.
struct Stat {
    parent: u32,
    own: u64,
    /// Of children that have ended.
    children: u64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Self {
        let own = Stat::of(process).map_or(0, |stat| stat.own);
        Self::with_ticks(process, own)
    }

    /// Of a server that has a process for each connection.
    pub(crate) fn of_family(parent: u32) -> Self {
        let stat = Stat::of(parent);
        let mut sum = Self::with_ticks(parent, stat.map_or(0, |stat| stat.own + stat.children));
        for process in children(parent) {
            let own = Stat::of(process).map_or(0, |stat| stat.own);
            sum = sum + Self::with_ticks(process, own);
        }
        sum
    }

    fn with_ticks(process: u32, ticks: u64) -> Self {
        let threads = numbered(&format!("/proc/{process}/task"));
        let switches = threads.map(|thread| {
            let status = format!("/proc/{process}/task/{thread}/status");
            field(&status, "voluntary_ctxt_switches:")
        });
        Self {
            cpu: Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND),
            switches: switches.sum(),
            written: field(&format!("/proc/{process}/io"), "write_bytes:"),
        }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            cpu: self.cpu + other.cpu,
            switches: self.switches + other.switches,
            written: self.written + other.written,
        }
    }
}

impl Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(usages: I) -> Self {
        usages.fold(Self::default(), Add::add)
    }
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            switches: self.switches.saturating_sub(before.switches),
            written: self.written.saturating_sub(before.written),
        }
    }
}

impl Stat {
    fn of(process: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // The name, in parentheses, may hold anything.
        let mut fields = text.rsplit_once(')')?.1.split_whitespace();
        let parent = fields.nth(1)?.parse().ok()?;
        let mut times = fields.skip(9).map_while(|field| field.parse::<u64>().ok());
        Some(Self {
            parent,
            own: times.next()? + times.next()?,
            children: times.next()? + times.next()?,
        })
    }
}

/// The processes that one has started, and that still run.
pub(crate) fn children(parent: u32) -> impl Iterator<Item = u32> {
    let all = numbered("/proc");
    all.filter(move |process| Stat::of(*process).is_some_and(|stat| stat.parent == parent))
}

/// Kilobytes of memory that a process has now, and the most it ever had.
pub(crate) fn resident_kib(process: u32) -> (u64, u64) {
    let status = format!("/proc/{process}/status");
    (field(&status, "VmRSS:"), field(&status, "VmHWM:"))
}

/// The entries of a directory that are numbers.
fn numbered(directory: &str) -> impl Iterator<Item = u32> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// The number behind a name, such as `write_bytes: 4096`; 0 where it cannot be read.
fn field(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|line| line.strip_prefix(name));
    found
        .and_then(|number| number.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
