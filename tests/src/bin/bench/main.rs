//! `cargo x bench e2e`: the released host beside the real Debezium, on the same MySQL and the same Kafka.
//!
//! The load is written once; then every contender runs every case in every round, in turns, the host twice so that noise
//! shows. It knows the outside of the workers only. Invariant: a run whose records are not exactly those of the load fails
//! the whole.

mod cases;
mod connector;
mod options;
mod plot;
mod report;
mod run;
mod stats;
mod topic;
mod usage;
mod workload;

use anyhow::{Context, Result};
use cases::{Case, Kind};
use options::Options;
use report::Titles;
use run::{Contender, Load};
use stats::{Sample, Samples};
use std::time::Instant;
use tests::kafka;
use tests::mysql::Session;
use tests::worker::Product;
use workload::Written;

const PEER: &str = "Debezium";
const OWN: &str = "Tidegate";
const AGAIN: &str = "Tidegate again";

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let options = Options::read(&words)?;
    let mut session = Session::open()?;
    clear(&mut session)?;
    println!("== Workers");
    let mut contenders = start(options.alone)?;
    println!("== Load");
    let load = prepare(&options, &mut contenders, &mut session)?;
    warm(&options, &mut contenders, &load)?;
    let samples = measure(&options, &mut contenders, &load)?;
    let surroundings = report::surroundings(&contenders, &load, &mut session)?;
    for contender in contenders {
        contender.worker.stop()?;
    }
    clear(&mut session)?;
    write(&options, &samples, &surroundings)
}

/// Removes what this or an earlier run has left.
fn clear(session: &mut Session) -> Result<()> {
    kafka::delete_topics(&|t| t.starts_with("bench-"))?;
    for database in [run::BACKLOG, run::SNAPSHOT, run::LATENCY] {
        session.run(&format!("DROP DATABASE IF EXISTS {database}"))?;
    }
    Ok(())
}

/// The contenders in the order of their turns.
fn start(alone: bool) -> Result<Vec<Contender>> {
    let mut all = vec![Contender::start(OWN, Product::Tidegate, "own", 1)?];
    if !alone {
        all.push(Contender::start(PEER, Product::Debezium, "peer", 2)?);
    }
    all.push(Contender::start(AGAIN, Product::Tidegate, "again", 3)?);
    Ok(all)
}

/// Writes what the chosen cases need.
fn prepare(options: &Options, contenders: &mut [Contender], session: &mut Session) -> Result<Load> {
    let has = |kind| options.cases.iter().find(|c| c.kind == kind);
    let mut load = Load {
        written: Written::default(),
        rows: 0,
    };
    if let Some(case) = has(Kind::Backlog) {
        workload::create(session, run::BACKLOG)?;
        let top = run::take_positions(contenders, case, session)?;
        println!(
            "  every contender has its position; writing {} changes",
            options.changes
        );
        let mut told = Instant::now();
        load.written = workload::changes(session, run::BACKLOG, top, options.changes, |done| {
            if told.elapsed().as_secs() >= 10 {
                told = Instant::now();
                println!("    … {done} of {} changes", options.changes);
            }
        })?;
        println!("  {:?}", load.written);
    }
    if has(Kind::Snapshot).is_some() {
        println!("  filling a table with {} rows", options.rows);
        workload::create(session, run::SNAPSHOT)?;
        workload::fill(session, run::SNAPSHOT, options.rows)?;
        load.rows = options.rows;
    }
    Ok(load)
}

/// Lets everybody run one case: a JVM compiles what it runs often, and a cold one is not what is compared.
fn warm(options: &Options, contenders: &mut [Contender], load: &Load) -> Result<()> {
    let has_records = |c: &&&Case| matches!(c.kind, Kind::Backlog | Kind::Snapshot);
    let Some(case) = options.cases.iter().find(has_records) else {
        return Ok(());
    };
    println!("== Once unmeasured");
    for contender in contenders {
        let figures = contender.run(case, load)?;
        println!(
            "  {} · {}: {}",
            case.name,
            contender.title,
            report::line(&figures)
        );
    }
    Ok(())
}

/// All rounds.
fn measure(options: &Options, contenders: &mut [Contender], load: &Load) -> Result<Samples> {
    let mut samples = Samples::default();
    for round in 1..=options.rounds {
        println!("== Round {round} of {}", options.rounds);
        for case in &options.cases {
            for contender in contenders.iter_mut() {
                let sample = match known(&samples, round, case, contender) {
                    Some(figures) => figures,
                    None => {
                        let load_average = usage::load()?;
                        let figures = contender.run(case, load).with_context(|| {
                            format!("measuring {} in {}", contender.title, case.name)
                        })?;
                        Sample {
                            round,
                            case,
                            contender: contender.title,
                            figures,
                            load: load_average,
                        }
                    }
                };
                println!(
                    "  {} · {}: {}",
                    case.name,
                    contender.title,
                    report::line(&sample.figures)
                );
                samples.0.push(sample);
            }
        }
    }
    Ok(samples)
}

/// A case that says nothing new of the peer, whose default settings it has already been measured with in this round.
fn known(
    samples: &Samples,
    round: u32,
    case: &'static Case,
    contender: &Contender,
) -> Option<Sample> {
    if contender.product != Product::Debezium {
        return None;
    }
    let measured = samples.of(round, case.own_defaults_of?, contender.title)?;
    Some(Sample {
        case,
        ..measured.clone()
    })
}

/// Writes the document and the plot.
fn write(options: &Options, samples: &Samples, surroundings: &str) -> Result<()> {
    let titles = Titles {
        peer: (!options.alone).then_some(PEER),
        own: OWN,
        again: AGAIN,
    };
    let who: Vec<&str> = titles.peer.into_iter().chain([OWN, AGAIN]).collect();
    let document = report::document(options, &titles, samples, surroundings)?;
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("creating {}", options.out.display()))?;
    let plot = plot::svg(&options.cases, &who, samples);
    for (name, text) in [("e2e.md", &document), ("e2e.svg", &plot)] {
        let path = options.out.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}
