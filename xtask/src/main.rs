//! `cargo x`: the one door to every command of the project, the same for people, CI and Docker.
//!
//! This file only reads the command line and hands over. It deliberately holds no logic: each
//! command is a module. Invariant: the exit code is 0 only if everything the command promises
//! was done; whatever failed is named on standard error with what to do about it.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")
)]

mod apt;
mod bench;
mod check;
mod demo;
mod maven;
mod peer;
mod plugins;
mod prerequisites;
mod root;
mod services;
mod step;
mod test;

use anyhow::{Result, bail};

const HELP: &str = "\
cargo x <command>

  plugins                     build every guest of plugins/ into target/plugins (cached by source hash)
  services up [NAME…]         get and start MySQL and Kafka (or those named: mysql kafka mariadb)
  services down [NAME…]       stop what `up` started
  services status [NAME…]     say what answers where; exit 0 only if all of it does
  services env                print `export TIDEGATE_MYSQL=…` lines for a shell
  services kafka-program      get Kafka's jars and say where they and java are
  services restart|kill NAME  stop and start cleanly · kill -9 (for fault tests)
  services pause|resume NAME  freeze and thaw with SIGSTOP and SIGCONT
  services reset [NAME…]      stop and throw the data away
  check                       formats, lints, docs, licences, dependency direction, file rules
  test [unit|it|long|faults|differential|takeover|FILTER]
                              build, start services, run the tests (default: all but long, differential, takeover)
  demo [--exit]               the whole product on this machine; --exit stops after the last step
  bench e2e [OPTION…]         measure the release build beside the real Debezium (if there is Java):
                              --rounds 3, --changes 1000000, --rows 2000000, --case NAME (repeatable),
                              --only tidegate, --out FOLDER (default docs/benchmarks from 3 rounds on)
  help                        this text

Environment
  TIDEGATE_MYSQL, TIDEGATE_KAFKA, TIDEGATE_MARIADB
                              host:port of a server of yours, used instead of starting one
  TIDEGATE_CACHE_DIR          where downloads live (default: $XDG_CACHE_HOME/tidegate, ~/.cache/tidegate)
  TIDEGATE_SERVICES           `docker` or `native`: use only that provider
  TIDEGATE_DIFFERENTIAL_SEEDS first..last of the workloads of `test differential`, instead of its own list
  TIDEGATE_GUEST_TOOLCHAIN    `installed`, `rustup` or `debian`: use only that step of the ladder
";

fn main() {
    if let Err(error) = run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("error: {error:#}");
        std::process::exit(1);
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = root::Root::find()?;
    match words.as_slice() {
        [] | ["help" | "--help" | "-h", ..] => {
            print!("{HELP}");
            Ok(())
        }
        ["plugins"] => plugins::build(&root).map(|_| ()),
        ["services", rest @ ..] => services::command(&root, rest),
        ["check"] => check::run(&root),
        ["test", rest @ ..] => test::run(&root, rest),
        ["bench", "e2e", rest @ ..] => bench::e2e(&root, rest),
        ["demo"] => demo::run(&root, false),
        ["demo", "--exit"] => demo::run(&root, true),
        other => bail!(
            "reading the command line: no command `{}`; see `cargo x help`",
            other.join(" ")
        ),
    }
}
