//! What only the server can tell before a connector starts, as findings on keys.
//!
//! Reads settings and grants; changes nothing. Texts begin as Debezium's do where it has one ("Unable to connect: ").
//! Invariant: every finding names the setting, its value and the remedy.

use super::{Server, variable};
use crate::config::MysqlConfig;
use host_core::access::Access;
use host_core::config::Finding;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Error};

const NEEDED: [&str; 2] = ["REPLICATION SLAVE", "REPLICATION CLIENT"];

/// Checks the server of a configuration.
pub async fn preflight(config: &MysqlConfig, access: &Access) -> Vec<Finding> {
    let server = Server {
        config: config.server.clone(),
    };
    let mut conn = match server.connect(access).await {
        Ok(conn) => conn,
        Err(e) => {
            return vec![Finding::new(
                "database.hostname",
                format!("Unable to connect: {}", e.message),
            )];
        }
    };
    let mut findings = Vec::new();
    if let Err(e) = check(&mut conn, config, &mut findings).await {
        findings.push(Finding::new(
            "database.hostname",
            format!("Unable to read the server's settings: {e}"),
        ));
    }
    drop(conn.disconnect().await);
    findings
}

async fn check(
    conn: &mut Conn,
    config: &MysqlConfig,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    for (name, want, remedy) in [
        ("log_bin", "ON", "start the server with --log-bin"),
        ("binlog_format", "ROW", "set binlog_format=ROW"),
        ("binlog_row_image", "FULL", "set binlog_row_image=FULL"),
    ] {
        match variable(conn, name).await? {
            Some(value) if !value.eq_ignore_ascii_case(want) => findings.push(Finding::new(
                "database.hostname",
                format!("the server has {name}={value}, but {want} is needed: {remedy}"),
            )),
            _ => {}
        }
    }
    if variable(conn, "server_id")
        .await?
        .and_then(|v| v.parse().ok())
        == Some(config.server_id)
    {
        findings.push(Finding::new(
            "database.server.id",
            format!("the server itself has the id {}: choose one that no server, replica or connector uses", config.server_id),
        ));
    }
    let grants: Vec<String> = conn.query("SHOW GRANTS").await?;
    let missing = missing(&grants);
    if !missing.is_empty() {
        findings.push(Finding::new(
            "database.user",
            format!(
                "{} lacks {}: GRANT {} ON *.* TO {}",
                config.server.user,
                missing.join(" and "),
                missing.join(", "),
                config.server.user
            ),
        ));
    }
    Ok(())
}

/// Needed privileges that no grant on `*.*` names. Roles may hold them, so with a role nothing is missing.
fn missing(grants: &[String]) -> Vec<&'static str> {
    let upper: Vec<String> = grants.iter().map(|g| g.to_ascii_uppercase()).collect();
    let global: Vec<&str> = upper
        .iter()
        .filter_map(|g| g.split_once(" ON *.* TO ").map(|(names, _)| names))
        .collect();
    let role = upper
        .iter()
        .any(|g| g.starts_with("GRANT `") || g.starts_with("GRANT '"));
    let all = global.iter().any(|names| names.contains("ALL PRIVILEGES"));
    if role || all {
        return Vec::new();
    }
    NEEDED
        .into_iter()
        .filter(|need| {
            let newer = need.replace("SLAVE", "REPLICA");
            !global
                .iter()
                .any(|names| names.contains(need) || names.contains(&newer))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_privileges_are_found() {
        let case =
            |grants: &[&str]| missing(&grants.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>());
        assert_eq!(case(&["GRANT USAGE ON *.* TO `u`@`%`"]), NEEDED);
        assert!(case(&["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"]).is_empty());
        assert_eq!(
            case(&["GRANT SELECT, REPLICATION SLAVE ON *.* TO `u`@`%`"]),
            ["REPLICATION CLIENT"]
        );
        assert!(
            case(&["GRANT REPLICATION REPLICA, REPLICATION CLIENT ON *.* TO `u`@`%`"]).is_empty()
        );
        assert_eq!(case(&["GRANT ALL PRIVILEGES ON `db`.* TO `u`@`%`"]), NEEDED);
    }
}
