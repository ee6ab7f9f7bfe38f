"""Files written by pyarrow, DuckDB and Polars: python write.py DIR.

DIR/tasks.json lists what to write: DIR/IN.arrow, as DIR/FILE.parquet, by an
engine with options. What an engine cannot write leaves DIR/FILE.err.
"""
import json, os, sys
import duckdb, polars
import pyarrow as pa, pyarrow.ipc as ipc, pyarrow.parquet as pq


def main(folder):
    path = lambda name: os.path.join(folder, name)
    with open(path("tasks.json")) as f:
        tasks = json.load(f)
    for t in tasks:
        out, o = path(t["file"] + ".parquet"), t["options"]
        with pa.OSFile(path(t["in"] + ".arrow"), "rb") as f:
            table = ipc.open_file(f).read_all()
        try:
            if t["engine"] == "pyarrow":
                pq.write_table(table, out, **o)
            elif t["engine"] == "polars":
                polars.from_arrow(table).write_parquet(out, **o)
            else:
                c = duckdb.connect()
                c.execute("SET TimeZone='UTC'")
                c.register("t", table)
                words = ", ".join(f"{k} {v}" for k, v in o.items())
                c.execute(f"COPY t TO '{out}' (FORMAT parquet{', ' + words if words else ''})")
        except BaseException as e:
            if os.path.exists(out):
                os.remove(out)
            with open(path(t["file"] + ".err"), "w") as f:
                f.write(type(e).__name__ + ": " + str(e))


main(sys.argv[1])
