"""A worker of the harness: one engine, one task, run again at each line on stdin.

Protocol: prints {"ready": version} once, then for every input line runs the task and prints
{"seconds": s, "user": u, "system": k, "rows": n}. Rows are Arrow record batches of at most 65536 rows, as in every other worker.
"""
import json
import resource
import sys
import time

engine, task, path, threads, columns, where = sys.argv[1:7]
threads = int(threads)
columns = [c for c in columns.split(",") if c]
BATCH = 65536


def pyarrow_run():
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)
    if task.startswith("write"):
        table = pq.read_table(path)
        how = task.split()

        def write():
            if how[1:2] == ["orc"]:
                import pyarrow.orc as orc

                orc.write_table(table, path + ".pyarrow.out", compression=how[2])
            else:
                pq.write_table(table, path + ".pyarrow.out", compression="snappy")
            return table.num_rows

        return pa.__version__, write

    def scan():
        n = 0
        if path.endswith(".orc"):
            import pyarrow.orc as orc

            f = orc.ORCFile(path)
            for i in range(f.nstripes):
                n += f.read_stripe(i).num_rows
        elif where:
            cond = pyarrow_filter(ds, where)
            data = ds.dataset(path, format="parquet")
            scanner = data.scanner(columns=columns or None, filter=cond, batch_size=BATCH, use_threads=threads > 1)
            for b in scanner.to_batches():
                n += b.num_rows
        else:
            f = pq.ParquetFile(path)
            for b in f.iter_batches(BATCH, columns=columns or None, use_threads=threads > 1):
                n += b.num_rows
        return n

    return pa.__version__, scan


def pyarrow_filter(ds, where):
    """Filters of the harness are 'column op integer' joined by AND."""
    import operator

    ops = {"=": operator.eq, "<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}
    cond = None
    for part in where.split(" AND "):
        name, op, value = part.split()
        c = ops[op](ds.field(name), int(value))
        cond = c if cond is None else cond & c
    return cond


def duckdb_run():
    import duckdb

    con = duckdb.connect(config={"threads": threads})
    what = ", ".join('"%s"' % c for c in columns) or "*"
    sql = f"SELECT {what} FROM read_parquet('{path}')" + (f" WHERE {where}" if where else "")
    if task == "write":
        con.execute(f"CREATE TABLE t AS SELECT * FROM read_parquet('{path}')")

        def write():
            con.execute(f"COPY t TO '{path}.duckdb.out' (FORMAT parquet, CODEC 'snappy')")
            return con.execute("SELECT count(*) FROM t").fetchone()[0]

        return duckdb.__version__, write

    def scan():
        return sum(b.num_rows for b in con.sql(sql).to_arrow_reader(BATCH))

    return duckdb.__version__, scan


def polars_run():
    import os

    os.environ["POLARS_MAX_THREADS"] = str(threads)
    import polars as pl

    if task == "write":
        frame = pl.read_parquet(path)

        def write():
            frame.write_parquet(path + ".polars.out", compression="snappy")
            return frame.height

        return pl.__version__, write

    def scan():
        if path.endswith(".avro"):
            return pl.read_avro(path).to_arrow(compat_level=pl.CompatLevel.oldest()).num_rows
        lf = pl.scan_parquet(path)
        if where:
            lf = lf.filter(pl.sql_expr(where))
        if columns:
            lf = lf.select(columns)
        # Text as utf8, as the others give it. "polars-views" is Polars with its own layout, without that copy.
        level = pl.CompatLevel.newest() if engine == "polars-views" else pl.CompatLevel.oldest()
        return lf.collect().to_arrow(compat_level=level).num_rows

    return pl.__version__, scan


def fastavro_run():
    import fastavro

    def scan():
        with open(path, "rb") as f:
            return sum(1 for _ in fastavro.reader(f))

    return fastavro.__version__, scan


version, run = {"fastavro": fastavro_run, "pyarrow": pyarrow_run, "duckdb": duckdb_run, "polars": polars_run, "polars-views": polars_run}[engine]()
print(json.dumps({"ready": version}), flush=True)
for _ in sys.stdin:
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.perf_counter()
    rows = run()
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "seconds": seconds, "rows": rows,
        "user": after.ru_utime - before.ru_utime, "system": after.ru_stime - before.ru_stime,
    }), flush=True)
