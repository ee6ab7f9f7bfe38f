package avro

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/conformance"
	"github.com/bdkit/bdkit/internal/oracle"
)

// pair makes a writer's schema and, by steps that real schemas take, a reader's.
type pair struct {
	r    *rand.Rand
	n    int
	seen map[string]int

	noEnums, inUnion bool // no enums in unions
}

type object = map[string]any

func (g *pair) name(kind string) string {
	g.n++
	return fmt.Sprint(kind, g.n)
}

func (g *pair) count(what string) { g.seen[what]++ }

// schema gives a writer's schema.
func (g *pair) schema(depth int) any {
	k := g.r.IntN(15)
	if depth == 0 {
		k = g.r.IntN(10)
	}
	if g.noEnums && g.inUnion && k == 7 {
		k = 1
	}
	switch k {
	case 0:
		return "boolean"
	case 1:
		return "int"
	case 2:
		return "long"
	case 3:
		return "float"
	case 4:
		return "double"
	case 5:
		return "string"
	case 6:
		return "bytes"
	case 7:
		return object{"type": "enum", "name": g.name("E"), "symbols": []any{"A", "B", "C", "D"}[:2+g.r.IntN(3)]}
	case 8:
		return object{"type": "fixed", "name": g.name("F"), "size": g.r.IntN(20)}
	case 9:
		l := [][2]string{{"int", "date"}, {"int", "time-millis"}, {"long", "time-micros"}, {"long", "timestamp-millis"}, {"long", "timestamp-micros"},
			{"long", "local-timestamp-millis"}, {"long", "timestamp-nanos"}, {"long", "local-timestamp-nanos"}}[g.r.IntN(8)]
		return object{"type": l[0], "logicalType": l[1]}
	case 10:
		return object{"type": "array", "items": g.schema(depth - 1)}
	case 11:
		return object{"type": "map", "values": g.schema(depth - 1)}
	case 12, 13:
		var fields []any
		for range g.r.IntN(5) {
			fields = append(fields, object{"name": g.name("f"), "type": g.schema(depth - 1)})
		}
		if fields == nil {
			fields = []any{}
		}
		return object{"type": "record", "name": g.name("R"), "fields": fields}
	}
	return g.union(depth)
}

// kind of a schema, for unions, which have each but once.
func kindOf(s any) string {
	switch s := s.(type) {
	case string:
		return s
	case []any:
		return "union"
	case object:
		if n, ok := s["name"].(string); ok {
			return n
		}
		return kindOf(s["type"])
	}
	return ""
}

func (g *pair) union(depth int) any {
	out := []any{}
	have := map[string]bool{"union": true}
	outer := g.inUnion
	g.inUnion = true
	defer func() { g.inUnion = outer }()
	for range 1 + g.r.IntN(4) {
		if s := g.schema(depth - 1); !have[kindOf(s)] {
			have[kindOf(s)] = true
			out = append(out, s)
		}
	}
	if g.r.IntN(2) == 0 || len(out) == 0 {
		at := g.r.IntN(len(out) + 1)
		out = append(out[:at:at], append([]any{"null"}, out[at:]...)...)
	}
	g.count(fmt.Sprintf("union of %d", len(out)))
	return out
}

func clone(v any) any {
	b, _ := json.Marshal(v) // made here
	var out any
	_ = json.Unmarshal(b, &out)
	return out
}

// evolve gives a reader's schema of a writer's.
func (g *pair) evolve(s any) any {
	if g.r.IntN(40) == 0 {
		g.count("mismatch")
		return "boolean"
	}
	if _, union := s.([]any); !union && g.r.IntN(8) == 0 {
		g.count("into union")
		if g.r.IntN(2) == 0 {
			return []any{"null", g.evolveOne(s)}
		}
		return g.others(s)
	}
	return g.evolveOne(s)
}

// others puts a type among others that it could be taken for.
func (g *pair) others(s any) any {
	one := g.evolveOne(s)
	out := []any{"null"}
	have := map[string]bool{"null": true, "union": true, kindOf(one): true}
	for _, k := range []string{"double", "long", "boolean"} {
		if g.r.IntN(2) == 0 && !have[k] {
			out = append(out, k)
		}
	}
	if kindOf(one) == "union" {
		return one
	}
	return append(out, one)
}

func (g *pair) evolveOne(s any) any {
	switch s := s.(type) {
	case string:
		wider := map[string][]string{"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}, "string": {"bytes"}}[s]
		if len(wider) > 0 && g.r.IntN(3) == 0 {
			g.count("promotion")
			return wider[g.r.IntN(len(wider))]
		}
		return s
	case []any:
		return g.evolveUnion(s)
	case object:
		return g.evolveObject(s)
	}
	return s
}

func (g *pair) evolveUnion(s []any) any {
	out := []any{}
	have := map[string]bool{"union": true}
	for _, i := range g.r.Perm(len(s)) {
		if g.r.IntN(12) == 0 {
			g.count("branch dropped")
			continue
		}
		if b := g.evolveOne(s[i]); !have[kindOf(b)] {
			have[kindOf(b)] = true
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return s[0]
	}
	if g.r.IntN(4) == 0 {
		g.count("out of union")
		return out[g.r.IntN(len(out))]
	}
	g.count("union to union")
	return out
}

func (g *pair) evolveObject(s object) any {
	out := clone(s).(object)
	switch s["type"] {
	case "enum":
		syms := out["symbols"].([]any)
		if g.r.IntN(2) == 0 {
			g.count("symbol dropped")
			out["symbols"] = syms[:len(syms)-1]
			if g.r.IntN(3) > 0 {
				g.count("enum default")
				out["default"] = "A"
			}
		} else {
			out["symbols"] = append([]any{"Z"}, syms...)
		}
	case "fixed":
		if g.r.IntN(15) == 0 {
			g.count("other size")
			out["size"] = 21
		}
	case "array":
		out["items"] = g.evolve(s["items"])
	case "map":
		out["values"] = g.evolve(s["values"])
	case "record":
		out["fields"] = g.evolveFields(s)
		if g.r.IntN(8) == 0 { // the reader calls it otherwise
			g.count("alias of a record")
			out["name"], out["aliases"] = g.name("R"), []any{s["name"]}
		}
	}
	return out
}

func (g *pair) evolveFields(s object) []any {
	fields := []any{}
	old := s["fields"].([]any)
	for _, i := range g.r.Perm(len(old)) {
		f := old[i].(object)
		if g.r.IntN(5) == 0 {
			g.count("field dropped")
			continue
		}
		nf := object{"name": f["name"], "type": g.evolve(f["type"])}
		if g.r.IntN(6) == 0 {
			g.count("alias of a field")
			nf["aliases"] = []any{"other", f["name"]}
			nf["name"] = g.name("f")
		}
		fields = append(fields, nf)
	}
	if g.r.IntN(3) == 0 {
		g.count("default")
		d := []object{
			{"type": "int", "default": 12}, {"type": []any{"null", "string"}, "default": nil}, {"type": []any{"string", "null"}, "default": "é"},
			{"type": object{"type": "array", "items": "long"}, "default": []any{1, 2}}, {"type": object{"type": "map", "values": "double"}, "default": object{"k": 1.5}},
			{"type": "bytes", "default": "\u00ff\u0001"}, {"type": object{"type": "fixed", "name": g.name("F"), "size": 2}, "default": "ab"},
			{"type": object{"type": "enum", "name": g.name("E"), "symbols": []any{"P", "Q"}}, "default": "Q"},
			{"type": object{"type": "record", "name": g.name("R"), "fields": []any{object{"name": "x", "type": "long"}, object{"name": "y", "type": "string", "default": "d"}}}, "default": object{"x": 5}},
			{"type": "double", "default": 2}, {"type": "boolean", "default": true},
		}[g.r.IntN(11)]
		d["name"] = g.name("f")
		fields = append(fields, any(d))
	} else if g.r.IntN(20) == 0 {
		g.count("no default")
		fields = append(fields, any(object{"name": g.name("f"), "type": "int"}))
	}
	return fields
}

// Rows that Java wrote with one schema and read with another, ours are the same:
// values, rows and which pairs are refused. Half of the files have arrays and
// maps in blocks that state their bytes; all six codecs take part.
func TestResolution(t *testing.T) {
	jar := oracle.Jar(t, "avro-tools", "that schemas are resolved as Java resolves them")
	pairs, rows := 120, 40
	if !testing.Short() {
		pairs = 500
	}
	dir := t.TempDir()
	g := &pair{seen: map[string]int{}}
	for i := range pairs {
		g.r = rand.New(rand.NewPCG(uint64(i), 3))
		var w any = object{"type": "record", "name": "Root", "fields": []any{object{"name": "a", "type": g.schema(3)}, object{"name": "b", "type": g.schema(2)}}}
		if i%4 == 0 { // roots of every type
			w = g.schema(3)
		}
		r := w
		if i%5 > 0 {
			r = g.evolve(w)
		}
		for ext, s := range map[string]any{"w": w, "r": r} {
			b, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("p%04d.%s.avsc", i, ext)), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	compared, refused := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(oracle.Java(t, jar, "testdata/Resolve.java", dir, strconv.Itoa(rows))), "\n") {
		name, want, _ := strings.Cut(line, " ")
		ws, _ := os.ReadFile(filepath.Join(dir, name+".w.avsc"))
		rs, _ := os.ReadFile(filepath.Join(dir, name+".r.avsc"))
		got, err := digestAs(filepath.Join(dir, name+".avro"), string(rs))
		switch {
		case strings.HasPrefix(want, "error"):
			refused++
			// A reader's record of no fields is no column, and nothing is decoded.
			if err == nil && got != fmt.Sprint("ok ", rows) {
				t.Errorf("%s: Java: %s, ours: %s\nwriter %s\nreader %s", name, want, got, ws, rs)
			}
		case err != nil:
			t.Errorf("%s: Java: %s, ours: %v\nwriter %s\nreader %s", name, want, err, ws, rs)
		case got != want:
			t.Errorf("%s: Java: %s, ours: %s\nwriter %s\nreader %s", name, want, got, ws, rs)
		default:
			compared++
		}
	}
	t.Logf("%d pairs equal, %d refused by Java; %v", compared, refused, g.seen)
	if compared < pairs/2 || refused < pairs/30 {
		t.Errorf("%d equal and %d refused are too few", compared, refused)
	}
	for _, what := range []string{
		"promotion", "default", "alias of a field", "alias of a record", "enum default", "symbol dropped", "field dropped", "into union", "out of union", "union to union", "mismatch", "branch dropped",
	} {
		if g.seen[what] < 2 {
			t.Errorf("%s: %d are too few", what, g.seen[what])
		}
	}
}

// digestAs reads a file with a reader's schema: "ok ROWS DIGEST…".
func digestAs(path, schema string) (string, error) {
	ctx := context.Background()
	f, err := openLocal(ctx, path)
	if err != nil {
		return "", err
	}
	r, err := Open(ctx, f, Options{Schema: schema, SplitBytes: 2000})
	if err != nil {
		return "", err
	}
	rr, err := arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{}, r.Close)
	if err != nil {
		return "", err
	}
	d := conformance.NewDigest(rr.Schema())
	for rr.Next() {
		if err := d.Add(rr.RecordBatch()); err != nil {
			return "", err
		}
	}
	if err := rr.Close(); err != nil {
		return "", err
	}
	return strings.TrimSpace(fmt.Sprintf("ok %d %s", d.Rows, strings.Join(d.Sums(), " "))), nil
}
