package schema

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/internal/conformance"
)

// aux is a file of the corpus beside the tables.
func aux(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join(conformance.Root(), "avro-aux", name))
	if err != nil {
		t.Skipf("SKIPPED: no corpus: %v", err)
	}
	return b
}

// The project's own list of schemas with their canonical forms and fingerprints.
func TestCanonical(t *testing.T) {
	cases, prints := 0, 0
	for _, part := range strings.Split(string(aux(t, "schema-tests.txt")), "\n// ")[1:] {
		get := func(key string) string {
			_, rest, ok := strings.Cut(part, "<<"+key)
			if !ok {
				return ""
			}
			rest, _, _ = strings.Cut(rest, "\n<<canonical")
			rest, _, _ = strings.Cut(rest, "\n<<fingerprint")
			return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "INPUT"))
		}
		in, want, fp := get("INPUT"), get("canonical"), get("fingerprint")
		if in == "" || strings.Contains(in, "parser broken") { // a number that is no JSON
			continue
		}
		s, err := Parse([]byte(in))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		cases++
		if got := s.Canonical(); want != "" && got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
		if fp != "" {
			prints++
			if got := strconv.FormatInt(int64(s.Fingerprint()), 10); got != fp {
				t.Errorf("%s: fingerprint %s, want %s", in, got, fp)
			}
		}
	}
	if cases < 20 || prints < 10 {
		t.Errorf("%d cases and %d fingerprints are too few: the list is not read", cases, prints)
	}
}

func TestParseCorpus(t *testing.T) {
	for _, name := range []string{"FooBarSpecificRecord.avsc", "RecordWithRequiredFields.avsc", "fooBar.avsc", "interop.avsc", "reserved.avsc", "weather.avsc"} {
		if _, err := Parse(aux(t, "schemas/"+name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	s, err := Parse([]byte(`{"type":"record","name":"a.b.R","namespace":"ignored","aliases":["Old","x.Older"],"fields":[
		{"name":"f","type":{"type":"fixed","name":"F","size":2}},
		{"name":"g","type":"F"},
		{"name":"h","type":{"type":"enum","name":"E","namespace":"","symbols":["X"]}},
		{"name":"i","type":"E"},
		{"name":"j","type":["null","R"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != "a.b.R" || s.Aliases[0] != "a.b.Old" || s.Aliases[1] != "x.Older" {
		t.Errorf("%s, aliases %v", s.Name, s.Aliases)
	}
	if f := s.Fields; f[0].Type.Name != "a.b.F" || f[1].Type != f[0].Type || f[2].Type.Name != "E" || f[3].Type != f[2].Type || f[4].Type.Branches[1] != s {
		t.Error("references are not resolved")
	}
}

func TestLogical(t *testing.T) {
	for text, want := range map[string]Logical{
		`{"type":"bytes","logicalType":"decimal","precision":5,"scale":2}`:                     Decimal,
		`{"type":"bytes","logicalType":"decimal","precision":5}`:                               Decimal,
		`{"type":"bytes","logicalType":"decimal","precision":5,"scale":6}`:                     None,
		`{"type":"bytes","logicalType":"decimal","precision":0}`:                               None,
		`{"type":"bytes","logicalType":"decimal","precision":"5"}`:                             None,
		`{"type":"bytes","logicalType":"decimal"}`:                                             None,
		`{"type":"int","logicalType":"decimal","precision":5}`:                                 None,
		`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4}`:           Decimal,
		`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":5}`:           None,
		`{"type":"fixed","name":"F","size":16,"logicalType":"uuid"}`:                           UUID,
		`{"type":"fixed","name":"F","size":15,"logicalType":"uuid"}`:                           None,
		`{"type":"string","logicalType":"uuid"}`:                                               UUID,
		`{"type":"fixed","name":"F","size":12,"logicalType":"duration"}`:                       Duration,
		`{"type":"fixed","name":"F","size":11,"logicalType":"duration"}`:                       None,
		`{"type":"int","logicalType":"date"}`:                                                  Date,
		`{"type":"long","logicalType":"date"}`:                                                 None,
		`{"type":"int","logicalType":"time-millis"}`:                                           TimeMillis,
		`{"type":"long","logicalType":"time-micros"}`:                                          TimeMicros,
		`{"type":"long","logicalType":"local-timestamp-nanos"}`:                                LocalTimestampNanos,
		`{"type":"long","logicalType":"arrow.duration-nanos"}`:                                 None,
		`{"type":"bytes","logicalType":"big-decimal"}`:                                         BigDecimal,
		`{"type":{"type":"long","logicalType":"timestamp-micros"},"logicalType":"local-time"}`: TimestampMicros,
	} {
		s, err := Parse([]byte(text))
		if err != nil || s.Logical != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat(`{"type":"array","items":`, 300) + `"int"` + strings.Repeat("}", 300)
	if _, err := Parse([]byte(deep)); !errors.Is(err, ErrDeep) {
		t.Errorf("300 levels: %v", err)
	}
	for _, text := range []string{
		"", "{", `"nothing"`, `["int",["null"]]`, `{"type":"array"}`, `{"type":"map"}`, `{"type":"record","fields":[]}`, `{"type":"record","name":"R"}`,
		`{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"a","type":"int"}]}`, `{"type":"record","name":"R","fields":[{"name":"a"}]}`,
		`{"type":"fixed","name":"F"}`, `{"type":"fixed","name":"F","size":-1}`, `{"type":"fixed","name":"F","size":99999999999}`, `{"type":"enum","name":"E"}`,
		`{"type":"enum","name":"E","symbols":[1]}`, `{"name":"x"}`, `12`, `"int" "int"`, `[{"type":"fixed","name":"F","size":1},{"type":"fixed","name":"F","size":2}]`,
		`{"type":"record","name":"int","fields":[]}`,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrSchema) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"type":"record","name":"a.R","fields":[{"name":"x","type":["null","R"],"default":null}]}`))
	f.Add([]byte(`{"type":"enum","name":"E","symbols":["A"],"default":"A"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		// The canonical form is a schema again, of the same form.
		again, err := Parse([]byte(s.Canonical()))
		if err != nil || again.Canonical() != s.Canonical() {
			t.Errorf("%s: %s: %v", text, s.Canonical(), err)
		}
	})
}
