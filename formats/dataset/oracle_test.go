package dataset_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats/dataset"
	"github.com/bdkit/bdkit/internal/oracle"
)

// others makes Hive-partitioned datasets and asks DuckDB and pyarrow for the
// rows of queries over them, as text.
const others = `
import sys, os, json
import pyarrow as pa, pyarrow.parquet as pq, pyarrow.dataset as ds, pyarrow.compute as pc, duckdb
root = sys.argv[1]
def put(path, **cols):
    path = os.path.join(root, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    pq.write_table(pa.table({k: pa.array(v[1], v[0]) for k, v in cols.items()}), path)
for y in (2022, 2023):
    for m in (1, 2, 11):
        put(f'plain/year={y}/month={m}/a.parquet', id=(pa.int64(), list(range(y * m, y * m + 30))), name=(pa.string(), [f'n{i % 7}' if i % 5 else None for i in range(30)]))
for h in ('00', '01', '23'):
    put(f'zeros/hour={h}/a.parquet', id=(pa.int64(), [int(h), 50]))
for d in ('2024-02-29', '2024-03-01', '__HIVE_DEFAULT_PARTITION__'):
    put(f'dates/d={d}/a.parquet', id=(pa.int64(), [1, 2, 3]))
for k in ('a%20b', 'c%2Fd', 'plain'):
    put(f'text/k={k}/a.parquet', id=(pa.int64(), [1]))
put('union/1.parquet', a=(pa.int32(), [1, 2]), b=(pa.string(), ['x', None]))
put('union/2.parquet', b=(pa.string(), ['y']), c=(pa.float64(), [1.5]))
put('union/3.parquet', c=(pa.float32(), [2.5]), a=(pa.int64(), [2**40]))
queries = json.load(open(os.path.join(root, 'queries.json')))
def text(v):
    if v is None: return '(null)'
    if isinstance(v, bytes): v = v.decode()
    if isinstance(v, float) and v == int(v): v = int(v)
    return str(v)
out = []
for q in queries:
    c = duckdb.connect()
    rows = c.execute(f"SELECT {q['columns']} FROM read_parquet('{root}/{q['dir']}/**/*.parquet', hive_partitioning=true, union_by_name={'true' if q['union'] else 'false'}) WHERE {q['duckdb']}").fetchall()
    got = {'duckdb': sorted(' '.join(text(v) for v in r) for r in rows)}
    if q['pyarrow']:
        d = ds.dataset(os.path.join(root, q['dir']), format='parquet', partitioning=ds.partitioning(flavor='hive', schema=pa.schema([(k, {'int': pa.int64(), 'str': pa.string(), 'date': pa.date32()}[t]) for k, t in q['keys'].items()])) if q['keys'] else None)
        t = d.to_table(columns=[x.strip() for x in q['columns'].split(',')], filter=eval(q['pyarrow'], {'pc': pc, 'pa': pa, 'f': pc.field, 'date': __import__('datetime').date}))
        got['pyarrow'] = sorted(' '.join(text(v) for v in r.values()) for r in t.to_pylist())
    out.append(got)
json.dump(out, open(os.path.join(root, 'answers.json'), 'w'))
`

type query struct {
	Dir     string            `json:"dir"`
	Columns string            `json:"columns"`
	Where   string            `json:"duckdb"`
	Pyarrow string            `json:"pyarrow"` // "" is not asked
	Keys    map[string]string `json:"keys"`
	Union   bool              `json:"union"`
}

// TestOthersAgree: DuckDB and pyarrow give the same rows of partitioned and of
// united datasets, filters over partitions included.
func TestOthersAgree(t *testing.T) {
	py := oracle.Python(t, "that DuckDB and pyarrow agree on datasets is")
	ym := map[string]string{"year": "int", "month": "int"}
	queries := []query{
		{"plain", "id, name, year, month", "year = 2022 AND month > 1", "(f('year') == 2022) & (f('month') > 1)", ym, false},
		{"plain", "month, id", "id BETWEEN 4050 AND 22300 AND name IS NOT NULL", "(f('id') >= 4050) & (f('id') <= 22300) & f('name').is_valid()", ym, false},
		{"plain", "year, name", "name = 'n3' OR month = 11", "(f('name') == 'n3') | (f('month') == 11)", ym, false},
		{"plain", "id", "year IN (2023, 1999) AND NOT (month = 2)", "f('year').isin([2023, 1999]) & (f('month') != 2)", ym, false},
		{"zeros", "id, hour", "hour >= '01'", "f('hour') >= '01'", map[string]string{"hour": "str"}, false},
		{"dates", "id, d", "d > DATE '2024-02-29'", "f('d') > date(2024, 2, 29)", map[string]string{"d": "date"}, false},
		{"dates", "id, d", "d IS NULL AND id < 3", "f('d').is_null() & (f('id') < 3)", map[string]string{"d": "date"}, false},
		{"text", "k, id", "k != 'plain'", "f('k') != 'plain'", map[string]string{"k": "str"}, false},
		{"union", "a, b, c", "a IS NULL OR a > 1", "", nil, true},
		{"union", "c, a", "c > 1 OR b = 'x'", "", nil, true},
	}
	root := t.TempDir()
	raw, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "queries.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	oracle.Run(t, py, others, root)
	var answers []map[string][]string
	if raw, err = os.ReadFile(filepath.Join(root, "answers.json")); err == nil {
		err = json.Unmarshal(raw, &answers)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, q := range queries {
		t.Run(fmt.Sprintf("%s where %s", q.Dir, q.Where), func(t *testing.T) {
			src, err := catalog.Open(t.Context(), filepath.Join(root, q.Dir), catalog.Options{Dataset: dataset.Options{UnionByName: q.Union}})
			if err != nil {
				t.Fatal(err)
			}
			defer src.Close()
			got, err := tryRows(src, strings.ReplaceAll(q.Columns, ",", " "), q.Where)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if len(got) == 0 {
				t.Error("a query of no row shows nothing")
			}
			for who, want := range answers[i] {
				if !slices.Equal(got, want) {
					t.Errorf("%q\n%s says %q", got, who, want)
				}
			}
		})
	}
}
