//! `cargo x services`: MySQL, Kafka and MariaDB for tests and the demo.
//!
//! A list of providers, the first that works is used: an address in the environment, a running
//! Docker engine, then servers of our own started natively on Debian or Ubuntu. This deliberately
//! never touches a server it did not start, and never uses the default ports. Invariant: an
//! address is returned only after the server behind it has answered a request of its own protocol.

mod command;
mod debian;
mod docker;
pub(crate) mod fetch;
mod kafka;
mod mariadb;
mod mysql;
mod mysqld;
mod probe;
mod process;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::root::Root;
use crate::step;

pub(crate) use command::command;

/// Time for a server somebody else runs to answer.
const GIVEN_ADDRESS_LIMIT: Duration = Duration::from_secs(30);
/// Time for a killed server's port to become free.
const PORT_LIMIT: Duration = Duration::from_secs(5);
/// Time for a server of ours to start on a busy two-core machine.
const START_LIMIT: Duration = Duration::from_mins(3);

/// A server that tests and the demo need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Mysql,
    Kafka,
    Mariadb,
}

impl Service {
    pub(crate) const ALL: [Self; 3] = [Self::Mysql, Self::Kafka, Self::Mariadb];
    /// What `test` and `demo` start.
    pub(crate) const USUAL: [Self; 2] = [Self::Mysql, Self::Kafka];

    /// Name on the command line, in docker/compose.test.yaml and of the state folder.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Kafka => "kafka",
            Self::Mariadb => "mariadb",
        }
    }

    /// Environment variable that gives, and is given, `host:port`.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Mysql => "TIDEGATE_MYSQL",
            Self::Kafka => "TIDEGATE_KAFKA",
            Self::Mariadb => "TIDEGATE_MARIADB",
        }
    }

    /// Our own port: not the default one, so a user's server is never in the way.
    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Mysql => 13306,
            Self::Kafka => 19092,
            Self::Mariadb => 13307,
        }
    }

    fn own_address(self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    fn parse(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|service| service.name() == name)
            .with_context(|| {
                format!("reading the command line: no service `{name}`; there are mysql, kafka and mariadb")
            })
    }

    /// One request in the server's protocol; the answer's version, if it has one.
    fn ask(self, address: &str) -> Result<String> {
        match self {
            Self::Kafka => probe::kafka(address),
            Self::Mysql | Self::Mariadb => probe::mysql(address),
        }
    }
}

/// Where each service answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(Vec<(Service, String)>);

impl Addresses {
    /// Pairs to export, such as `TIDEGATE_MYSQL` and `127.0.0.1:13306`.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .iter()
            .map(|(service, address)| (service.variable(), address.as_str()))
    }
}

/// Who runs a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Provider {
    Docker,
    Native,
}

/// Starts what is not running and returns when everything answers.
pub(crate) fn up(root: &Root, services: &[Service]) -> Result<Addresses> {
    let _lock = lock(root)?;
    let mut addresses = Addresses::default();
    for &service in services {
        let address = match foreign(root, service)? {
            Some(address) => use_given(service, &address)?,
            None => start(root, service)?,
        };
        addresses.0.push((service, address));
    }
    Ok(addresses)
}

/// An address from the environment, checked for its form; empty counts as unset.
fn given(service: Service, value: Option<String>) -> Result<Option<String>> {
    let Some(address) = value.filter(|v| !v.trim().is_empty()) else {
        return Ok(None);
    };
    let address = address.trim().to_owned();
    let well_formed = address.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    if !well_formed {
        bail!(
            "reading {}: `{address}` is not host:port; correct it or unset it",
            service.variable()
        );
    }
    Ok(Some(address))
}

/// The address of a server that is not ours. Our own address in the environment (from `services
/// env`, or set for tests) does not make our server foreign; somebody else's server there is.
fn foreign(root: &Root, service: Service) -> Result<Option<String>> {
    let Some(address) = given(service, std::env::var(service.variable()).ok())? else {
        return Ok(None);
    };
    if address != service.own_address() {
        return Ok(Some(address));
    }
    let ours = process::Process::new(&state(root, service)?)
        .pid()
        .is_some()
        || !probe::listens(&address)
        || provider(root)? == Provider::Docker;
    Ok((!ours).then_some(address))
}

fn use_given(service: Service, address: &str) -> Result<String> {
    let what = format!(
        "{} at {address} (from {})",
        service.name(),
        service.variable()
    );
    let version = step::wait_until(&what, None, GIVEN_ADDRESS_LIMIT, || {
        Ok(service.ask(address).ok())
    })
    .map_err(|_| {
        let why = service
            .ask(address)
            .err()
            .map(|e| format!("{e:#}"))
            .unwrap_or_default();
        anyhow!(
            "asking {what}: {why}; start it, or unset {} to have one started here",
            service.variable()
        )
    })?;
    println!(
        "{}: {address} ({version}, from {})",
        service.name(),
        service.variable()
    );
    Ok(address.to_owned())
}

fn start(root: &Root, service: Service) -> Result<String> {
    let provider = provider(root)?;
    let state = state(root, service)?;
    match provider {
        Provider::Docker => docker::up(root, service)?,
        Provider::Native => match service {
            Service::Mysql => mysqld::up(&mysql::FAMILY, &state)?,
            Service::Kafka => kafka::up(&state)?,
            Service::Mariadb => mysqld::up(&mariadb::FAMILY, &state)?,
        },
    }
    let address = service.own_address();
    let log = state.join("server.log");
    let log = (provider == Provider::Native).then_some(log.as_path());
    let process = process::Process::new(&state);
    let what = format!("{} starting on {address}", service.name());
    let version = step::wait_until(&what, log, START_LIMIT, || match service.ask(&address) {
        Ok(version) => Ok(Some(version)),
        Err(_) if provider == Provider::Docker || process.pid().is_some() => Ok(None),
        Err(_) => bail!("the server ended before it answered"),
    })?;
    println!("{}: {address} ({version})", service.name());
    Ok(address)
}

/// Docker if its engine answers, else this machine; `TIDEGATE_SERVICES` forces one.
fn provider(root: &Root) -> Result<Provider> {
    let forced = std::env::var("TIDEGATE_SERVICES").unwrap_or_default();
    match forced.as_str() {
        "docker" => Ok(Provider::Docker),
        "native" => Ok(Provider::Native),
        "" if docker::engine_answers(root) => Ok(Provider::Docker),
        "" => {
            if !cfg!(target_os = "linux") || step::find_program("dpkg-deb").is_none() {
                bail!(
                    "starting services: no Docker engine answers, and native servers need Debian \
                     or Ubuntu; start Docker, or set TIDEGATE_MYSQL and TIDEGATE_KAFKA"
                );
            }
            Ok(Provider::Native)
        }
        other => bail!("reading TIDEGATE_SERVICES: `{other}` is neither docker nor native"),
    }
}

/// A server of another checkout, or anything else, on our port would be mistaken for ours. One
/// that was just killed may hold its port for a moment.
fn refuse_taken_port(service: Service) -> Result<()> {
    let (address, name, variable) = (service.own_address(), service.name(), service.variable());
    let what = format!("the port of {name} becoming free");
    step::wait_until(&what, None, PORT_LIMIT, || {
        Ok((!probe::listens(&address)).then_some(()))
    })
    .map_err(|_| {
        anyhow!(
            "starting {name}: something else answers on {address} (another checkout's {name}?); \
             stop it, or set {variable}={address} to use it"
        )
    })
}

/// Data, pid file and log of a service started natively.
fn state(root: &Root, service: Service) -> Result<PathBuf> {
    let folder = root.services().join(service.name());
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}

/// One `services` command at a time in a checkout: two would start a server twice.
fn lock(root: &Root) -> Result<File> {
    let folder = root.services();
    std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    hold(&folder.join("lock"))
}

/// Waits for a lock file; held until the returned file is dropped or the process dies.
fn hold(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("opening {}", path.display()))?;
    if file.try_lock().is_err() {
        println!(
            "waiting for another `cargo x` that holds {}",
            path.display()
        );
        file.lock()
            .with_context(|| format!("locking {}", path.display()))?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_from_the_environment_must_be_host_and_port() {
        let check = |value: &str, expected: Option<&str>| {
            let result = given(Service::Kafka, Some(value.into())).unwrap();
            assert_eq!(result.as_deref(), expected, "{value}");
        };
        check("127.0.0.1:9092", Some("127.0.0.1:9092"));
        check(" broker.example:1 ", Some("broker.example:1"));
        check("[::1]:9092", Some("[::1]:9092"));
        check("", None);
        assert_eq!(given(Service::Mysql, None).unwrap(), None);
        for wrong in ["localhost", ":9092", "host:", "host:0", "host:70000"] {
            let error = given(Service::Kafka, Some(wrong.into()))
                .unwrap_err()
                .to_string();
            assert!(error.starts_with("reading TIDEGATE_KAFKA: "), "{error}");
        }
    }

    #[test]
    fn ports_names_and_variables_are_distinct_and_not_the_defaults() {
        for service in Service::ALL {
            assert_eq!(Service::parse(service.name()).unwrap(), service);
            assert!(![3306, 33060, 9092, 9093].contains(&service.port()));
        }
        assert!(Service::parse("postgres").is_err());
    }
}
