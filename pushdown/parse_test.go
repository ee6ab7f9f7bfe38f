package pushdown

import (
	"errors"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"a=5":                              "a = 5",
		"5 < a":                            "a > 5",
		"a <> -1.50":                       "a != -1.50",
		"a == 1e3":                         "a = 1e+03",
		"flag and not Other":               "flag = TRUE AND NOT Other = TRUE",
		"(a=1 or b=2) AND c is not null":   "(a = 1 OR b = 2) AND c IS NOT NULL",
		"a not in ('x','it''s', null)":     "NOT a IN ('x', 'it''s', NULL)",
		"a between 1 and 2 and b=3":        "(a >= 1 AND a <= 2) AND b = 3",
		"a not between 1 and 2":            "NOT (a >= 1 AND a <= 2)",
		"`odd name`.\"q\"\"\".z = X'00Ff'": `"odd name"."q""".z = X'00ff'`,
		"d = date '2024-02-29'":            "d = DATE '2024-02-29'",
		"t >= TIMESTAMP '2024-01-01T02:00:00.5+02:00'":           "t >= TIMESTAMP '2024-01-01 00:00:00.5Z'",
		"t = TIME '23:59:59.123456'":                             "t = TIME '23:59:59.123456'",
		"date > 5 and time like '%x\\%_'":                        `date > 5 AND time LIKE '%x\%_'`,
		"true or FALSE or null":                                  "TRUE OR FALSE OR NULL",
		"a = 12345678901234567890123456789012345678901234567890": "a = 12345678901234567890123456789012345678901234567890",
		"a = '7'::int8 and b = NULL::utf8":                       "a = '7'::int8 AND b = NULL::utf8",
		"a in ()":                                                "a IN ()",
	} {
		e, err := Parse(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if e.String() != want {
			t.Errorf("%s: %s, want %s", in, e, want)
		}
		if back, err := Parse(e.String()); err != nil || !Equal(e, back) {
			t.Errorf("%s: comes back as %v, %v", e, back, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                           "expected a column or a value, found the end",
		"a = ":                       "expected a value, found the end",
		"a = b":                      "columns compare with values only",
		`a = "b"`:                    "found the column",
		"a > 5 b":                    "expected AND, OR or the end",
		"(a = 1":                     "expected ), found the end",
		"a = 'x":                     "no closing '",
		"1 = 2":                      "one side of a comparison is a column",
		"a in (1 2)":                 "expected ,",
		"a like 5":                   "a pattern in single quotes",
		"a = 1e999":                  "a number",
		"a = DATE '2024-02-30'":      "a date as",
		"a = X'0'":                   "hexadecimal",
		"a = 5x":                     "needs double quotes",
		"select = 1 and and":         "found the keyword",
		"a = '300'::int8":            "does not fit",
		"a ? b":                      "unexpected",
		strings.Repeat("(", 1000):    "nested deeper",
		strings.Repeat("not ", 1000): "nested deeper",
	} {
		_, err := Parse(in)
		if !errors.Is(err, ErrExpr) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.50q: %v, want %s", in, err, want)
		}
	}
	_, err := Parse("a = 1 AND\n  b ! 2")
	if want := "invalid filter: at 15: unexpected '!'\n    b ! 2\n      ^"; err == nil || err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a = 5", "a.b IN ('x', NULL) OR NOT (c BETWEEN 1 AND 2.50)", "t > TIMESTAMP '2024-01-01Z'", "a = '1'::decimal128(3,1)", "`x` LIKE '%\\_'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrExpr) {
				t.Fatal(err)
			}
			_ = err.Error()
			return
		}
		back, err := Parse(e.String())
		if err != nil || !Equal(e, back) {
			t.Fatalf("%q: %q: %v", s, e, err)
		}
	})
}

var schema = arrow.NewSchema([]arrow.Field{
	{Name: "i", Type: arrow.PrimitiveTypes.Int8}, {Name: "u", Type: arrow.PrimitiveTypes.Uint16}, {Name: "f", Type: arrow.PrimitiveTypes.Float32},
	{Name: "s", Type: arrow.BinaryTypes.LargeString}, {Name: "d", Type: arrow.FixedWidthTypes.Date32}, {Name: "ts", Type: arrow.FixedWidthTypes.Timestamp_ms},
	{Name: "m", Type: &arrow.Decimal128Type{Precision: 5, Scale: 2}}, {Name: "b", Type: arrow.FixedWidthTypes.Boolean},
	{Name: "st", Type: arrow.StructOf(arrow.Field{Name: "Inner", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}})},
	{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int8)}, {Name: "twice", Type: arrow.Null}, {Name: "twice", Type: arrow.Null},
}, nil)

func TestBind(t *testing.T) {
	for in, want := range map[string]string{
		"i < 5.5":                             "i <= '5'::int8",
		"i >= 5.5":                            "i >= '6'::int8",
		"i = 5.5":                             "i IS NULL AND NULL",
		"i != 5.5":                            "i IS NOT NULL OR NULL",
		"i < 1000":                            "i IS NOT NULL OR NULL",
		"u > -1":                              "u IS NOT NULL OR NULL",
		"u = -1":                              "u IS NULL AND NULL",
		"i < -127.5":                          "i <= '-128'::int8",
		"i > 127.5":                           "i IS NULL AND NULL",
		"i in (1, 2.5, 300, null)":            "i IN ('1'::int8, NULL::int8)",
		"f = 0.1":                             "f = '0.1'::float32",
		"f < 16777217":                        "f <= '1.6777216e+07'::float32",
		"f = 16777217":                        "f IS NULL AND NULL",
		"not f < 1":                           "NOT f < '1'::float32",
		"not i < 1":                           "i >= '1'::int8",
		"s = 'x'":                             "s = 'x'::large_utf8",
		"d = '2024-01-02'":                    "d = DATE '2024-01-02'",
		"d < TIMESTAMP '2024-01-02 00:00:01'": "d <= DATE '2024-01-02'",
		"ts > TIMESTAMP '2024-01-01 00:00:00.0005'": "ts >= TIMESTAMP '2024-01-01 00:00:00.001Z'",
		"m = 1.5":        "m = '1.50'::decimal128(5,2)",
		"m > 1.555":      "m >= '1.56'::decimal128(5,2)",
		"m > 1000":       "m IS NULL AND NULL",
		"b":              "b = TRUE",
		"ST.inner = 'x'": "st.Inner = 'x'",
		"l is null":      "l IS NULL",
	} {
		e, err := Parse(in)
		if err != nil {
			t.Fatal(in, err)
		}
		got, err := Bind(e, schema, BindOptions{CaseInsensitive: true})
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		if got.String() != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		if again, err := Bind(got, schema, BindOptions{}); err != nil || !Equal(got, again) {
			t.Errorf("%s: binding again gives %v, %v", got, again, err)
		}
	}
	for in, want := range map[string]string{
		"nope = 1": "unknown or ambiguous column: nope", "twice = 1": "2 columns match", "tss = 1": "did you mean ts?",
		"st.iner = 'x'": "did you mean st.Inner?", "i = 'x'": "without quotes", "s = 5": "single quotes", "l = 5": "cannot be compared",
		"l.element = 5": "no fields", "b = 1": "cannot be compared", "i LIKE 'x'": "LIKE needs text", "d = 'soon'": "does not read as one",
	} {
		e, err := Parse(in)
		if err != nil {
			t.Fatal(in, err)
		}
		if _, err := Bind(e, schema, BindOptions{}); !errors.Is(err, ErrExpr) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}
