//! The words after `cargo x services`: start, stop, look at and hurt services.
//!
//! Deliberately acts only on servers this checkout started; one given by address is the user's.
//! Invariant: a verb that did nothing because there was nothing to do says so.

use anyhow::{Context, Result, bail};

use super::process::Process;
use super::{Provider, Service, docker, foreign, kafka, lock, provider, start, state, up};
use crate::root::Root;

/// Runs `up|down|status|env|kafka-program|restart|kill|pause|resume|reset` with service names.
pub(crate) fn command(root: &Root, words: &[&str]) -> Result<()> {
    let Some((verb, names)) = words.split_first() else {
        bail!("reading the command line: services needs a verb; see `cargo x help`");
    };
    let named = names
        .iter()
        .map(|name| Service::parse(name))
        .collect::<Result<Vec<_>>>()?;
    match *verb {
        "up" => {
            up(
                root,
                if named.is_empty() {
                    &Service::USUAL
                } else {
                    &named
                },
            )?;
            println!("accounts: root without a password (this machine only), debezium/dbz");
            Ok(())
        }
        "env" => {
            environment();
            Ok(())
        }
        "kafka-program" => {
            let (java, jars) = kafka::program()?;
            println!("java={}\njars={}", java.display(), jars.display());
            Ok(())
        }
        "status" => status(
            root,
            if named.is_empty() {
                &Service::USUAL
            } else {
                &named
            },
        ),
        "down" | "reset" => {
            let services = if named.is_empty() {
                &Service::ALL
            } else {
                &named[..]
            };
            let _lock = lock(root)?;
            services.iter().try_for_each(|service| {
                down(root, *service)?;
                if *verb == "reset" {
                    forget(root, *service)
                } else {
                    Ok(())
                }
            })
        }
        "restart" | "kill" | "pause" | "resume" if named.is_empty() => {
            bail!("reading the command line: services {verb} needs a name: mysql, kafka or mariadb")
        }
        "restart" | "kill" | "pause" | "resume" => {
            let _lock = lock(root)?;
            named
                .iter()
                .try_for_each(|service| hurt(root, verb, *service))
        }
        other => {
            bail!("reading the command line: services has no verb `{other}`; see `cargo x help`")
        }
    }
}

/// Lines for `eval "$(cargo x services env)"`; what the environment gives already is repeated.
fn environment() {
    for service in Service::ALL {
        let variable = service.variable();
        let set = std::env::var(variable)
            .ok()
            .filter(|value| !value.is_empty());
        let address = set.unwrap_or_else(|| service.own_address());
        if service != Service::Mariadb || service.ask(&address).is_ok() {
            println!("export {variable}={address}");
        }
    }
}

fn status(root: &Root, services: &[Service]) -> Result<()> {
    let mut silent = Vec::new();
    for &service in services {
        let from = foreign(root, service)?;
        let address = from.clone().unwrap_or_else(|| service.own_address());
        let pid = Process::new(&state(root, service)?).pid();
        let owner = match (&from, pid) {
            (Some(_), _) => format!(", from {}", service.variable()),
            (None, Some(pid)) => format!(", pid {pid}"),
            (None, None) => String::new(),
        };
        match service.ask(&address) {
            Ok(version) => println!(
                "{}: answers on {address} ({version}{owner})",
                service.name()
            ),
            Err(error) => {
                println!("{}: {error:#}{owner}", service.name());
                silent.push(service.name());
            }
        }
    }
    if silent.is_empty() {
        return Ok(());
    }
    let names = silent.join(" ");
    bail!("asking services: {names} not answering; run `cargo x services up {names}`")
}

fn down(root: &Root, service: Service) -> Result<()> {
    let name = service.name();
    let stopped = if Process::new(&state(root, service)?).stop()? {
        true
    } else if provider(root)? == Provider::Docker {
        docker::compose(root, service, &["stop"])?;
        true
    } else {
        false
    };
    println!(
        "{name}: {}",
        if stopped {
            "stopped"
        } else {
            "was not running"
        }
    );
    Ok(())
}

fn forget(root: &Root, service: Service) -> Result<()> {
    let folder = state(root, service)?;
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    if provider(root)? == Provider::Docker {
        docker::compose(root, service, &["rm", "--stop", "--force", "--volumes"])?;
    }
    println!("{}: data removed", service.name());
    Ok(())
}

/// The verbs of fault tests.
fn hurt(root: &Root, verb: &str, service: Service) -> Result<()> {
    let name = service.name();
    if foreign(root, service)?.is_some() {
        bail!(
            "services {verb} {name}: {} names a server that is not ours",
            service.variable()
        );
    }
    let process = Process::new(&state(root, service)?);
    if process.pid().is_none() && provider(root)? == Provider::Docker {
        docker::compose(
            root,
            service,
            &[if verb == "resume" { "unpause" } else { verb }],
        )?;
        return if verb == "restart" {
            start(root, service).map(|_| ())
        } else {
            Ok(())
        };
    }
    let was_running = match verb {
        "restart" => {
            process.stop()?;
            return start(root, service).map(|_| ());
        }
        "kill" => process.kill()?,
        "pause" => process.freeze(true)?,
        _ => process.freeze(false)?,
    };
    if !was_running {
        bail!("services {verb} {name}: it is not running; run `cargo x services up {name}`");
    }
    println!("{name}: {verb} done");
    Ok(())
}
