//! The processes of a run: where they run, and that none of them outlives the bench, however it ends.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::{
    process::{Pid, Signal, getpid, getppid, kill_process, set_parent_process_death_signal},
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use crate::{Outcome, stopwatch::Stopwatch};

/// What a process must know to keep its place.
#[derive(clap::Args, Clone, Copy)]
pub(crate) struct Place {
    /// The only processor it runs on.
    #[arg(long)]
    cpu: Option<usize>,
    /// Whose death ends it.
    #[arg(long)]
    parent: i32,
}

/// Which processor runs what; `None`: whichever is free.
#[derive(Clone, Copy)]
pub(crate) struct Pins {
    pub(crate) server: Option<usize>,
    pub(crate) rest: Option<usize>,
}

/// A child. Dropped, it is ended, and waited for.
pub(crate) struct Process {
    child: Child,
    end_by: Signal,
}

impl Pins {
    /// The first two processors that this process may use.
    pub(crate) fn choose(wanted: bool) -> Outcome<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
        Ok(match (allowed.next(), allowed.next()) {
            (Some(server), Some(rest)) if wanted => Self {
                server: Some(server),
                rest: Some(rest),
            },
            _ => Self {
                server: None,
                rest: None,
            },
        })
    }

    pub(crate) fn are_used(self) -> bool {
        self.server.is_some()
    }
}

impl Place {
    /// Goes to its place, before any thread is started: those started later follow, and are as many as it has room for.
    pub(crate) fn take(self) -> Outcome {
        pin(self.cpu)?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before it could be watched.
        if getppid().map(Pid::as_raw_pid) == Some(self.parent) {
            Ok(())
        } else {
            Err("whoever started this is gone".into())
        }
    }

    /// Binds a free port and tells the parent which.
    pub(crate) fn announce() -> Outcome<TcpListener> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        println!("{}", listener.local_addr()?);
        Ok(listener)
    }
}

/// Keeps this process on one processor.
pub(crate) fn pin(cpu: Option<usize>) -> Outcome {
    if let Some(cpu) = cpu {
        let mut only = CpuSet::new();
        only.set(cpu);
        sched_setaffinity(None, &only)?;
    }
    Ok(())
}

/// The role of everything that is not part of the bench: take the place, then become the program.
pub(crate) fn become_program(place: &Place, program: &[OsString]) -> Outcome<bool> {
    place.take()?;
    let (program, arguments) = program.split_first().ok_or("no program")?;
    let error = Command::new(program).args(arguments).exec();
    Err(format!("{}: {error}", program.display()).into())
}

impl Process {
    /// Starts the bench in another role, and learns where it listens.
    pub(crate) fn role(
        role: &str,
        cpu: Option<usize>,
        arguments: &[&str],
    ) -> Outcome<(Self, SocketAddr)> {
        let mut command = place(role, cpu)?;
        command.args(arguments).stdout(Stdio::piped());
        let mut process = Self::start(&mut command, Signal::KILL)?;
        let output = process.child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse();
        let address = address.map_err(|_| format!("the {role} did not start"))?;
        Ok((process, address))
    }

    /// Starts a program, its output going to `log`. Only `PATH` is handed down: settings of whoever runs the bench must
    /// not leak into it.
    pub(crate) fn program<'a>(
        program: impl IntoIterator<Item = &'a str>,
        cpu: Option<usize>,
        log: File,
        end_by: Signal,
    ) -> Outcome<Self> {
        let mut command = place("exec", cpu)?;
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        command
            .arg("--")
            .args(program)
            .env_clear()
            .env("PATH", path)
            .stdout(log.try_clone()?)
            .stderr(log);
        Self::start(&mut command, end_by)
    }

    fn start(command: &mut Command, end_by: Signal) -> Outcome<Self> {
        let child = command.stdin(Stdio::null()).spawn()?;
        Ok(Self { child, end_by })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it by a signal, and waits until it has ended.
    pub(crate) fn end(&mut self, by: Signal) -> Outcome {
        kill_process(Pid::from_child(&self.child), by)?;
        let clock = Stopwatch::start();
        while !self.has_ended() && clock.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
        if self.has_ended() {
            Ok(())
        } else {
            Err("a process does not end".into())
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.has_ended() {
            let _ = self.end(self.end_by);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn place(role: &str, cpu: Option<usize>) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let parent = getpid().as_raw_pid().to_string();
    command.args([role, "--parent", &parent]);
    if let Some(cpu) = cpu {
        command.args(["--cpu", &cpu.to_string()]);
    }
    Ok(command)
}
