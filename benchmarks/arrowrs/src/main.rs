//! A worker of the harness: one engine, one task, run again at each line on
//! stdin. See benchmarks/peers.py for the protocol.
use std::fs::File;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch, Scalar};
use arrow::compute::cast;
use arrow::compute::kernels::{boolean, cmp};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

const BATCH: usize = 65536;
type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

struct Job {
    path: String,
    threads: usize,
    columns: Vec<String>,
    filter: Vec<(String, String, i64)>,
}

/// Filters of the harness are "column op integer" joined by AND.
fn parse(filter: &str) -> Vec<(String, String, i64)> {
    filter
        .split(" AND ")
        .filter(|p| !p.is_empty())
        .map(|p| {
            let f: Vec<&str> = p.split(' ').collect();
            (f[0].to_string(), f[1].to_string(), f[2].parse().expect("an integer"))
        })
        .collect()
}

fn compare(column: &ArrayRef, op: &str, value: i64) -> std::result::Result<BooleanArray, ArrowError> {
    let v = cast(&Int64Array::from(vec![value]), column.data_type())?;
    let v = Scalar::new(v);
    match op {
        "=" => cmp::eq(column, &v),
        "<" => cmp::lt(column, &v),
        "<=" => cmp::lt_eq(column, &v),
        ">" => cmp::gt(column, &v),
        _ => cmp::gt_eq(column, &v),
    }
}

fn reader(job: &Job, meta: &ArrowReaderMetadata, row_groups: Option<Vec<usize>>) -> Result<ParquetRecordBatchReader> {
    let mut b = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(&job.path)?, meta.clone()).with_batch_size(BATCH);
    let schema = b.parquet_schema();
    let mask = |names: Vec<&str>| ProjectionMask::columns(schema, names);
    let projection = (!job.columns.is_empty()).then(|| mask(job.columns.iter().map(|c| c.as_str()).collect()));
    let filter = (!job.filter.is_empty()).then(|| {
        let of = mask(job.filter.iter().map(|f| f.0.as_str()).collect());
        let terms = job.filter.clone();
        ArrowPredicateFn::new(of, move |batch: RecordBatch| {
            let mut all: Option<BooleanArray> = None;
            for (name, op, value) in &terms {
                let one = compare(batch.column_by_name(name).expect("a column of the projection"), op, *value)?;
                all = Some(match all {
                    None => one,
                    Some(a) => boolean::and(&a, &one)?,
                });
            }
            Ok(all.expect("a term"))
        })
    });
    if let Some(p) = projection {
        b = b.with_projection(p);
    }
    if let Some(f) = filter {
        b = b.with_row_filter(RowFilter::new(vec![Box::new(f)]));
    }
    if let Some(g) = row_groups {
        b = b.with_row_groups(g);
    }
    Ok(b.build()?)
}

fn count(r: ParquetRecordBatchReader) -> Result<usize> {
    let mut n = 0;
    for batch in r {
        n += batch?.num_rows();
    }
    Ok(n)
}

/// The crate reads Avro on one thread.
fn scan_avro(job: &Job) -> Result<usize> {
    let file = std::io::BufReader::with_capacity(1 << 20, File::open(&job.path)?);
    let mut n = 0;
    for batch in arrow_avro::reader::ReaderBuilder::new().with_batch_size(BATCH).build(file)? {
        n += batch?.num_rows();
    }
    Ok(n)
}

/// orc-rust reads on one thread.
fn scan_orc(job: &Job) -> Result<usize> {
    let file = File::open(&job.path)?;
    let mut n = 0;
    for batch in orc_rust::arrow_reader::ArrowReaderBuilder::try_new(file)?.with_batch_size(BATCH).build() {
        n += batch?.num_rows();
    }
    Ok(n)
}

fn scan(job: &Job) -> Result<usize> {
    if job.path.ends_with(".avro") {
        return scan_avro(job);
    }
    if job.path.ends_with(".orc") {
        return scan_orc(job);
    }
    let options = ArrowReaderOptions::new();
    let meta = ArrowReaderMetadata::load(&File::open(&job.path)?, options)?;
    if job.threads == 1 {
        return count(reader(job, &meta, None)?);
    }
    // The crate reads on one thread; a thread a row group is what its users do.
    let next = AtomicUsize::new(0);
    let groups = meta.metadata().num_row_groups();
    std::thread::scope(|s| {
        let threads: Vec<_> = (0..job.threads)
            .map(|_| {
                s.spawn(|| -> Result<usize> {
                    let mut n = 0;
                    loop {
                        let g = next.fetch_add(1, Ordering::Relaxed);
                        if g >= groups {
                            return Ok(n);
                        }
                        n += count(reader(job, &meta, Some(vec![g]))?)?;
                    }
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).sum()
    })
}

fn write(path: &str, schema: &SchemaRef, batches: &[RecordBatch]) -> Result<usize> {
    let out = File::create(format!("{path}.arrow-rs.out"))?;
    let props = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let mut w = ArrowWriter::try_new(out, Arc::clone(schema), Some(props))?;
    let mut n = 0;
    for b in batches {
        w.write(b)?;
        n += b.num_rows();
    }
    w.close()?;
    Ok(n)
}

/// User and system seconds of this process.
fn cpu() -> (f64, f64) {
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) };
    let s = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    (s(u.ru_utime), s(u.ru_stime))
}

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [_, kind, path, threads, columns, filter] = <[String; 6]>::try_from(args).expect("ENGINE KIND FILE THREADS COLUMNS WHERE");
    let job = Job {
        path,
        threads: threads.parse()?,
        columns: columns.split(',').filter(|c| !c.is_empty()).map(String::from).collect(),
        filter: parse(&filter),
    };
    let mut batches = Vec::new();
    let mut schema = None;
    if kind == "write" {
        let meta = ArrowReaderMetadata::load(&File::open(&job.path)?, ArrowReaderOptions::new())?;
        schema = Some(Arc::clone(meta.schema()));
        for b in reader(&job, &meta, None)? {
            batches.push(b?);
        }
    }
    let mut out = std::io::stdout().lock();
    let version = if job.path.ends_with(".orc") { "orc-rust 0.9.0" } else { "60.1.0" };
    writeln!(out, "{{\"ready\": \"{version}\"}}")?;
    out.flush()?;
    for line in std::io::stdin().lock().lines() {
        line?;
        let (user, sys) = cpu();
        let start = Instant::now();
        let rows = match &schema {
            Some(s) => write(&job.path, s, &batches)?,
            None => scan(&job)?,
        };
        let seconds = start.elapsed().as_secs_f64();
        let (u, s) = cpu();
        writeln!(out, "{{\"seconds\": {seconds}, \"user\": {}, \"system\": {}, \"rows\": {rows}}}", u - user, s - sys)?;
        out.flush()?;
    }
    Ok(())
}
