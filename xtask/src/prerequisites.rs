//! What the host's own build needs from the system: make, perl and C and C++ compilers.
//!
//! librdkafka and OpenSSL are compiled from source. This deliberately checks programs, not
//! packages, so that any way of having them counts. Invariant: nothing is installed when all of
//! them are on PATH.

use anyhow::Result;

use crate::apt;
use crate::step;

/// Program and the Debian package that brings it.
const NEEDED: [(&str, &str); 4] = [
    ("make", "make"),
    ("perl", "perl"),
    ("cc", "gcc"),
    ("g++", "g++"),
];

/// Installs what is missing, after saying so.
pub(crate) fn ensure() -> Result<()> {
    let packages = missing(|program| step::find_program(program).is_some());
    if packages.is_empty() {
        return Ok(());
    }
    apt::install("to compile librdkafka and OpenSSL", &packages)
}

fn missing(present: impl Fn(&str) -> bool) -> Vec<&'static str> {
    NEEDED
        .iter()
        .filter(|(program, _)| !present(program))
        .map(|(_, package)| *package)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_programs_are_installed() {
        assert_eq!(missing(|_| true), Vec::<&str>::new());
        assert_eq!(missing(|program| program != "g++"), ["g++"]);
        assert_eq!(missing(|_| false).len(), NEEDED.len());
    }
}
