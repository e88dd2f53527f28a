//! Jars from Maven Central.
//!
//! Gets Maven itself from apt where there is none. Deliberately knows nothing of what the jars are for, nor of the cache
//! (`services::fetch`). Invariant: versions are named by the caller, never "the latest".

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{apt, step};

const PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1";

/// Group, artifact and version.
pub(crate) type Artifact = (&'static str, &'static str, &'static str);

/// Copies these jars and all they need into `folder`; the project file it takes is left in `part`. `what` is named to the
/// user, as in "Kafka's jars".
pub(crate) fn jars(
    what: &str,
    log: &Path,
    artifacts: &[Artifact],
    part: &Path,
    folder: &Path,
) -> Result<()> {
    let pom = part.join("pom.xml");
    std::fs::write(&pom, project(artifacts))
        .with_context(|| format!("writing {}", pom.display()))?;
    let arguments = [
        format!("{PLUGIN}:copy-dependencies"),
        format!("--file={}", pom.display()),
        "-DincludeScope=runtime".to_owned(),
    ];
    run(what, log, &arguments, folder)
}

/// Copies one file, `group:artifact:version:type:classifier`, into `folder`.
pub(crate) fn file(what: &str, log: &Path, artifact: &str, folder: &Path) -> Result<()> {
    let arguments = [format!("{PLUGIN}:copy"), format!("-Dartifact={artifact}")];
    run(what, log, &arguments, folder)
}

fn run(what: &str, log: &Path, arguments: &[String], folder: &Path) -> Result<()> {
    if step::find_program("mvn").is_none() {
        apt::install(&format!("to download {what}"), &["maven"])?;
    }
    step::logged(
        &format!("downloading {what}"),
        log,
        Command::new("mvn")
            .args(["-B", "-q"])
            .args(arguments)
            .arg(format!("-DoutputDirectory={}", folder.display())),
    )
}

/// A Maven project whose only purpose is its dependencies.
fn project(artifacts: &[Artifact]) -> String {
    let dependency = |(group, artifact, version): &Artifact| {
        format!(
            "<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>\
             <version>{version}</version></dependency>\n"
        )
    };
    let dependencies: String = artifacts.iter().map(dependency).collect();
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>\n\
         <groupId>tidegate</groupId><artifactId>jars</artifactId><version>1</version>\
         <packaging>pom</packaging>\n<dependencies>\n{dependencies}</dependencies></project>\n"
    )
}
