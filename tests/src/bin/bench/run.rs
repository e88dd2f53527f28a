//! One measurement: one contender, one case.
//!
//! The clock runs from the order to the worker until the last record is in the topic; then every record is read and
//! counted. Deliberately measures one contender at a time. Invariant: figures are only of runs whose topic holds exactly
//! the records the load asks for.

use crate::cases::{Case, Kind, Measure};
use crate::connector::Connector;
use crate::topic::{self, Count, End};
use crate::usage;
use crate::workload::{self, Written};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::{Duration, Instant};
use tests::kafka;
use tests::mysql::Session;
use tests::watch::watch;
use tests::worker::{Product, Worker};

/// Database of the changes to catch up on.
pub(crate) const BACKLOG: &str = "bench_backlog";
/// Database of the table to copy.
pub(crate) const SNAPSHOT: &str = "bench_snapshot";
/// Database of the changes at an even pace.
pub(crate) const LATENCY: &str = "bench_latency";
const RATE: u64 = 500;
const PERIOD: Duration = Duration::from_secs(30);
/// The first seconds of the even pace are not counted.
const WARM: Duration = Duration::from_secs(5);
/// Limit for one measurement.
const RUN: Duration = Duration::from_mins(30);
const BEGIN: Duration = Duration::from_mins(2);

/// Figures of one run.
pub(crate) type Figures = Vec<(Measure, f64)>;

/// Somebody who is measured, with a worker that runs throughout.
pub(crate) struct Contender {
    /// Its name in the document.
    pub(crate) title: &'static str,
    /// What it is.
    pub(crate) product: Product,
    /// Its worker.
    pub(crate) worker: Worker,
    /// Name of its group and topics.
    name: String,
    server_id: u32,
    backlog: Option<(Connector, Value)>,
}

/// The loads and what is known of them.
pub(crate) struct Load {
    pub(crate) written: Written,
    pub(crate) rows: u64,
}

impl Contender {
    /// Starts its worker.
    pub(crate) fn start(
        title: &'static str,
        product: Product,
        name: &str,
        number: u32,
    ) -> Result<Self> {
        let name = format!("bench-{}-{name}", std::process::id());
        let (worker, took) = Worker::start(product, "bench", &name)?;
        println!("  {title}: ready after {took:.1?}");
        Ok(Self {
            title,
            product,
            worker,
            name,
            server_id: 7000 + 100 * number,
            backlog: None,
        })
    }

    fn connector(
        &mut self,
        what: &str,
        database: &'static str,
        snapshot: &'static str,
    ) -> Connector {
        self.server_id += 1;
        let name = format!("{}-{what}-{}", self.name, self.server_id);
        Connector::new(name, database, snapshot, self.server_id)
    }

    /// Creates a connector that streams from now on, and waits until a row it is sent has come through; its topic.
    fn follow(
        &mut self,
        case: &Case,
        session: &mut Session,
        what: &str,
        database: &'static str,
        mark: &mut u64,
    ) -> Result<Connector> {
        let connector = self.connector(what, database, "no_data");
        topic::renew(&connector.topic())?;
        connector.create(&self.worker, case)?;
        let end = End::of(&connector.topic())?;
        let mut marked = Instant::now();
        connector.watch(
            &self.worker,
            "a new connector's first record",
            BEGIN,
            || {
                if marked.elapsed() > Duration::from_millis(250) {
                    *mark += 1;
                    workload::mark(session, database, *mark)?;
                    marked = Instant::now();
                }
                Ok((end.now()? > 0).then_some(()))
            },
        )?;
        Ok(connector)
    }

    /// Runs a case; the figures of the run.
    pub(crate) fn run(&mut self, case: &Case, load: &Load) -> Result<Figures> {
        match case.kind {
            Kind::Backlog => self.catch_up(case, load.written),
            Kind::Snapshot => self.copy(case, load.rows),
            Kind::Latency => self.keep_pace(case),
            Kind::Start => self.start_again(),
        }
    }

    fn catch_up(&mut self, case: &Case, written: Written) -> Result<Figures> {
        let (connector, position) = self.backlog.as_ref().context("no stored position")?;
        let wanted = expected(case, written);
        topic::renew(&connector.topic())?;
        connector.configure(&self.worker, case)?;
        connector.put(&self.worker, position)?;
        let figures = measure(&self.worker, connector, wanted.records, || {
            connector.resume(&self.worker)
        })?;
        connector.stop(&self.worker)?;
        judge(connector, wanted)?;
        Ok(figures)
    }

    fn copy(&mut self, case: &Case, rows: u64) -> Result<Figures> {
        let connector = self.connector("snapshot", SNAPSHOT, "initial");
        topic::renew(&connector.topic())?;
        let figures = measure(&self.worker, &connector, rows, || {
            connector.create(&self.worker, case)
        })?;
        connector.delete(&self.worker)?;
        let wanted = Count {
            records: rows,
            reads: rows,
            ..Count::default()
        };
        judge(&connector, wanted)?;
        forget(&connector)?;
        Ok(figures)
    }

    fn keep_pace(&mut self, case: &Case) -> Result<Figures> {
        let mut session = Session::open()?;
        workload::create(&mut session, LATENCY)?;
        let connector = self.follow(case, &mut session, "latency", LATENCY, &mut 0)?;
        // Marks may still be on their way: their rows tell no time, so that they are not taken.
        let arrivals = topic::Arrivals::of(&connector.topic())?;
        usage::reset_peak(self.worker.pid())?;
        let cpu = usage::cpu_seconds(self.worker.pid())?;
        let counted_from = workload::now_us() + WARM.as_micros() as u64;
        let writer = std::thread::spawn(move || {
            workload::steady(&mut session, LATENCY, RATE, WARM + PERIOD)
        });
        let records = RATE * (WARM + PERIOD).as_secs();
        let all = arrivals
            .take(records)
            .with_context(|| self.worker.log_tail())?;
        let cpu = usage::cpu_seconds(self.worker.pid())? - cpu;
        writer.join().ok().context("the writer panicked")??;
        let mut late: Vec<u64> = all
            .into_iter()
            .filter_map(|(placed, late)| (placed >= counted_from).then_some(late))
            .collect();
        late.sort_unstable();
        let quantile = |q: usize| late.get(late.len() * q / 100).map(|us| *us as f64 / 1000.0);
        let figures = vec![
            (Measure::Median, quantile(50).context("no record")?),
            (Measure::Slowest, quantile(99).context("no record")?),
            (Measure::Cpu, cpu * 1e6 / records as f64),
            (Measure::Memory, usage::peak_mib(self.worker.pid())?),
        ];
        connector.delete(&self.worker)?;
        forget(&connector)?;
        Ok(figures)
    }

    /// Starts a second worker twice: the first start finds no topics, which happens once in a worker's life.
    fn start_again(&self) -> Result<Figures> {
        let name = format!("{}-start", self.name);
        let (first, _) = Worker::start(self.product, "bench", &name)?;
        first.stop()?;
        let (second, took) = Worker::start(self.product, "bench", &name)?;
        second.stop()?;
        Ok(vec![(Measure::Ready, took.as_secs_f64() * 1000.0)])
    }
}

/// Gives every contender a stopped connector at the same place of the binlog; the highest id written.
pub(crate) fn take_positions(
    contenders: &mut [Contender],
    case: &Case,
    session: &mut Session,
) -> Result<u64> {
    let mut mark = 0;
    let mut streaming = Vec::new();
    for contender in contenders.iter_mut() {
        streaming.push(contender.follow(case, session, "backlog", BACKLOG, &mut mark)?);
    }
    mark += 1;
    workload::mark(session, BACKLOG, mark)?;
    for (contender, connector) in contenders.iter_mut().zip(streaming) {
        let is_last = |record: &kafka::Record| {
            let value = record.json().unwrap_or_default();
            let row = value.get("payload").unwrap_or(&value);
            row["after"]["id"] == mark || row["id"] == mark
        };
        connector.watch(&contender.worker, "the last mark", BEGIN, || {
            let last = kafka::last(&connector.topic())?;
            Ok(last.as_ref().is_some_and(is_last).then_some(()))
        })?;
        connector.stop(&contender.worker)?;
        let position = connector.offsets(&contender.worker)?;
        contender.backlog = Some((connector, position));
    }
    Ok(mark)
}

/// What a backlog must yield.
fn expected(case: &Case, written: Written) -> Count {
    let Written {
        inserts,
        updates,
        deletes,
        ..
    } = written;
    if case.transforms {
        // A delete becomes a tombstone, and tombstones are filtered.
        Count {
            records: inserts + updates,
            plain: inserts + updates,
            ..Count::default()
        }
    } else {
        Count {
            records: inserts + updates + 2 * deletes,
            inserts,
            updates,
            deletes,
            tombstones: deletes,
            ..Count::default()
        }
    }
}

/// Gives the order and takes the time until so many records are in the topic.
fn measure(
    worker: &Worker,
    connector: &Connector,
    records: u64,
    order: impl FnOnce() -> Result<Instant>,
) -> Result<Figures> {
    let end = End::of(&connector.topic())?;
    ensure!(end.now()? == 0, "{} is not empty", connector.topic());
    usage::reset_peak(worker.pid())?;
    let cpu = usage::cpu_seconds(worker.pid())?;
    let begun = order()?;
    let (mut first, mut told) = (None, Instant::now());
    let done = connector.watch(worker, "all records to arrive", RUN, || {
        let have = end.now()?;
        if have > 0 && first.is_none() {
            first = Some(begun.elapsed());
        }
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            println!("    … {have} of {records} records");
        }
        Ok((have >= records).then(|| begun.elapsed()))
    })?;
    let cpu = usage::cpu_seconds(worker.pid())? - cpu;
    let first = first.context("no first record")?;
    Ok(vec![
        (Measure::Rate, records as f64 / done.as_secs_f64()),
        (Measure::Cpu, cpu * 1e6 / records as f64),
        (Measure::Memory, usage::peak_mib(worker.pid())?),
        (Measure::First, first.as_secs_f64() * 1000.0),
    ])
}

/// Reads the topic of a run, which must hold exactly what was asked for.
fn judge(connector: &Connector, wanted: Count) -> Result<()> {
    let found = topic::count(&connector.topic())?;
    ensure!(
        found == wanted,
        "{} holds {found:?} instead of {wanted:?}",
        connector.topic()
    );
    topic::renew(&connector.topic())
}

/// Removes the topics of a connector that is no more.
fn forget(connector: &Connector) -> Result<()> {
    let names = [connector.topic(), connector.history()];
    // A task that was still ending may have held its history for a moment.
    watch(
        "topics to be gone",
        Duration::from_millis(500),
        BEGIN,
        || Ok(kafka::delete_topics(&|t| names.iter().any(|n| n == t)).ok()),
    )
}
