//! This end of the compile process: starts it, feeds it, reads its answer, ends it.
//!
//! The child limits itself ([`super::child`]); this end does not rely on that, nor on the child's good will: hostile
//! bytes are parsed there. It does not look into the code it gets. Invariant: when [`run`] returns the child is gone,
//! at the latest when its wall time is over or it has written more than it may.

use super::{CompileError, Settings, child};
use crate::plugin::World;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Bytes of reasons that are read.
const REASON_BYTES_MAX: u64 = 64 * 1024;
/// Pause between looks at a child that has closed its pipes and is about to end.
const EXIT_POLL_MS: u64 = 1;

/// What one of the child's pipes held.
enum Heard {
    Code(Vec<u8>),
    Reason(Vec<u8>),
}

/// What the child said until it ended.
struct Answer {
    status: ExitStatus,
    code: Vec<u8>,
    reason: Vec<u8>,
    timed_out: bool,
}

/// Compiles bytes in a process of its own. Blocks for at most [`Settings::wall_seconds_max`].
pub(super) fn run(settings: &Settings, bytes: &[u8]) -> Result<(World, Vec<u8>), CompileError> {
    let mut child = start(settings)?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    // The world's byte, and one more that tells a child that wrote too much.
    let code_bytes_max = settings.compiled_bytes_max as u64 + 2;
    let deadline = Instant::now() + Duration::from_secs(settings.wall_seconds_max);
    let answer = std::thread::scope(|scope| {
        if let Some(mut stdin) = stdin {
            // A child that refuses early closes its end; its answer says why.
            scope.spawn(move || drop(stdin.write_all(bytes)));
        }
        // One message of each pipe.
        let (tell, heard) = sync_channel(2);
        let tell_reason = tell.clone();
        scope.spawn(move || tell_reason.send(Heard::Reason(read_all(stderr, REASON_BYTES_MAX))));
        scope.spawn(move || tell.send(Heard::Code(read_all(stdout, code_bytes_max))));
        // Its pipes close with the child, which ends the threads.
        listen(&mut child, &heard, code_bytes_max, deadline)
    });
    let answer = answer.map_err(|e| host("waiting for the compile process", &e))?;
    judge(settings, answer)
}

fn host(what: &str, e: &std::io::Error) -> CompileError {
    CompileError::Host(format!("{what}: {e}"))
}

fn start(settings: &Settings) -> Result<Child, CompileError> {
    let (program, args) = match &settings.command {
        Some((program, args)) => (program.clone(), args.clone()),
        None => {
            let own = std::env::current_exe().map_err(|e| host("finding this program", &e))?;
            (own, vec!["compile".into()])
        }
    };
    Command::new(program)
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| host("starting the compile process", &e))
}

/// Takes what the child says until it has ended, and ends it when it takes too long or says too much.
fn listen(
    child: &mut Child,
    heard: &Receiver<Heard>,
    code_bytes_max: u64,
    deadline: Instant,
) -> std::io::Result<Answer> {
    let (mut code, mut reason, mut timed_out) = (Vec::new(), Vec::new(), false);
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match heard.recv_timeout(left) {
            Ok(Heard::Reason(bytes)) => reason = bytes,
            Ok(Heard::Code(bytes)) => {
                code = bytes;
                if code.len() as u64 >= code_bytes_max {
                    child.kill()?;
                }
            }
            // Both pipes are closed.
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                timed_out = true;
                child.kill()?;
                break;
            }
        }
    }
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            timed_out = true;
            child.kill()?;
            break child.wait()?;
        }
        std::thread::sleep(Duration::from_millis(EXIT_POLL_MS));
    };
    Ok(Answer {
        status,
        code,
        reason,
        timed_out,
    })
}

fn judge(settings: &Settings, answer: Answer) -> Result<(World, Vec<u8>), CompileError> {
    let Answer {
        status,
        mut code,
        reason,
        timed_out,
    } = answer;
    if timed_out {
        let most = settings.wall_seconds_max;
        return Err(CompileError::Limit(format!("it took more than {most} s")));
    }
    // One byte is the world.
    if code.len() > settings.compiled_bytes_max + 1 {
        let most = settings.compiled_bytes_max;
        return Err(CompileError::Limit(format!(
            "its compiled form is larger than {most} bytes; make the plugin smaller"
        )));
    }
    let text = crate::text::clean(String::from_utf8_lossy(&reason).trim(), 4096);
    match status.code() {
        Some(0) => {}
        Some(child::EXIT_REJECTED) => return Err(CompileError::Rejected(text)),
        // Ended by a signal: CPU time (SIGXCPU, SIGKILL) or memory (abort after a failed allocation).
        None => {
            return Err(CompileError::Limit(format!(
                "it took more than {} s of CPU time or {} MiB of memory ({status})",
                child::CPU_SECONDS_MAX,
                child::MEMORY_BYTES_MAX / (1024 * 1024)
            )));
        }
        Some(other) => {
            return Err(CompileError::Host(format!(
                "the compile process ended with {other}: {text}"
            )));
        }
    }
    let world = code.first().and_then(|b| child::world_from_byte(*b));
    let Some(world) = world else {
        return Err(CompileError::Host(
            "the compile process gave no answer".into(),
        ));
    };
    code.drain(..1);
    Ok((world, code))
}

fn read_all(from: Option<impl Read>, bytes_max: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(from) = from {
        // What was read before an error is all there is; the exit status tells the rest.
        drop(from.take(bytes_max).read_to_end(&mut out));
    }
    out
}
