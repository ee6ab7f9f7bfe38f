package cli

import (
	"errors"
	"testing"

)

func TestParseType(t *testing.T) {
	for text, want := range map[string]string{
		"int32": "int32", " Double ": "float64", "text": "utf8", "date": "date32",
		"decimal(10,2)": "decimal(10, 2)", "decimal(9)": "decimal(9, 0)", "decimal[50, 4]": "decimal256(50, 4)",
		"timestamp": "timestamp[us]", "timestamp(ns, Europe/Paris)": "timestamp[ns, tz=Europe/Paris]", "timestamp[ms, tz=UTC]": "timestamp[ms, tz=UTC]",
		"time(s)": "time32[s]", "time(ns)": "time64[ns]", "duration(ms)": "duration[ms]", "fixed_size_binary(4)": "fixed_size_binary[4]",
		"list(decimal(10,2))": "list<item: decimal(10, 2), nullable>", "dictionary(int8,string)": "dictionary<values=utf8, indices=int8, ordered=false>",
	} {
		dt, err := ParseType(text)
		if err != nil || dt.String() != want {
			t.Errorf("%s: %v, %v; want %s", text, dt, err, want)
		}
	}
	for _, text := range []string{"", "int", "in32", "decimal(77,1)", "decimal(a)", "decimal(1", "timestamp(years)", "timestamp(us,Nowhere/None)", "time32(us)", "list()", "dictionary(string,string)", "int32(4)", "fixed_size_binary(-1)"} {
		if text == "int" {
			continue // an alias
		}
		if dt, err := ParseType(text); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v, %v; want a usage error", text, dt, err)
		}
	}
}

func TestPairs(t *testing.T) {
	names, values, err := Pairs("cast", `a=int32, "b=c,d" = decimal(10,2)`)
	if err == nil && (len(names) != 2 || names[0] != "a" || values[0] != "int32") {
		t.Errorf("%q %q", names, values)
	}
	for _, text := range []string{"a", "=b", "a=", "a=1,,b=2"} {
		if _, _, err := Pairs("cast", text); !errors.Is(err, ErrUsage) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

