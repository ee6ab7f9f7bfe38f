package convert

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/bdkit/bdkit/internal/oracle"
)

// TestPartitionsReadByOthers lets DuckDB and pyarrow read a partitioned
// directory: both find the source's rows, partition columns included.
func TestPartitionsReadByOthers(t *testing.T) {
	py := oracle.Python(t, "partitioned directories read by others are")
	for _, by := range [][]string{{"w", "b"}, {"ts", "k"}, {"f", "dec"}} {
		t.Run(by[0], func(t *testing.T) {
			dir := t.TempDir()
			src := filepath.Join(dir, "src.parquet")
			writeTable(t, src, nil, randomTable(rand.New(rand.NewPCG(4, 4)), 0, 400, len(words), 10))
			j := newJob(filepath.Join(dir, "out"), src)
			j.Layout = Layout{PartitionBy: by, MaxOpen: 3, MaxRows: 30}
			if _, err := j.Execute(context.Background()); err != nil {
				t.Fatal(err)
			}
			oracle.Run(t, py, `
import sys, duckdb, pyarrow as pa, pyarrow.parquet as pq, pyarrow.dataset as ds
src, out, by = sys.argv[1], sys.argv[2], sys.argv[3:]
want = pq.read_table(src).sort_by("id")
cols = want.column_names
plain = lambda t: t.set_column(t.schema.get_field_index("k"), "k", t["k"].cast(pa.string())) if pa.types.is_dictionary(t.schema.field("k").type) else t

# pyarrow has no decimal partitions.
if "dec" not in by:
  types = pa.schema([(c, pa.string() if c == "k" else want.schema.field(c).type) for c in by])
  got = ds.dataset(out, format="parquet", partitioning=ds.partitioning(types, flavor="hive")).to_table().select(cols).sort_by("id")
  assert plain(got).to_pylist() == plain(want).to_pylist(), "pyarrow"

sql = {"i": "INTEGER", "w": "VARCHAR", "d": "DATE", "b": "BOOLEAN", "ts": "TIMESTAMP", "dec": "DECIMAL(9,2)", "f": "DOUBLE", "k": "VARCHAR"}
shown = ", ".join(f"cast({c} as {sql[c]})" if c in by else c for c in cols)
got = duckdb.sql(f"select {shown} from read_parquet('{out}/**/*.parquet', hive_partitioning=true, hive_types_autocast=false) order by id")
rows = [tuple(r.values()) for r in plain(want).to_pylist()]
have = got.fetchall()
assert len(have) == len(rows), (len(have), len(rows))
for a, b in zip(have, rows):
    # DuckDB reads an empty value as null.
    a, b = ([None if v == "" and c in by else v for c, v in zip(cols, r)] for r in (a, b))
    assert a == b, (a, b)
`, append([]string{src, j.Dest}, by...)...)
		})
	}
}
