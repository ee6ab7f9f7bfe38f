package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/dataset"
)

// Many are the flags of how many files become one table.
type Many struct {
	Union, UnionByID, Strict bool
	Hive, NoHive             bool
	PartitionTypes           string
	Filename, RowNumber      bool
	NoCase                   bool
	Schema                   string
	InferRows                int
}

// Flags adds those that both programs have.
func (m *Many) Flags(f *pflag.FlagSet) {
	f.BoolVar(&m.Union, "union-by-name", false, "unite the columns of all files")
	f.BoolVar(&m.UnionByID, "union-by-id", false, "the same, and columns are those of one field id")
	f.BoolVar(&m.Strict, "strict-schema", false, "all files must have the first one's schema")
	f.BoolVar(&m.Hive, "hive", false, "folders key=value are columns; files without are an error")
	f.BoolVar(&m.NoHive, "no-hive", false, "folders key=value are no columns")
	f.StringVar(&m.PartitionTypes, "partition-types", "", "types of the folders' columns: k=int,d=date")
	f.BoolVar(&m.NoCase, "case-insensitive", false, "names of columns in any case")
	f.IntVar(&m.InferRows, "infer-rows", 0, "how many rows tell the types of text files")
}

// ReadFlags adds those that shape what is read; bdconvert has its own.
func (m *Many) ReadFlags(f *pflag.FlagSet) {
	f.BoolVar(&m.Filename, "filename", false, "add the column _file, the file of each row")
	f.BoolVar(&m.RowNumber, "row-number", false, "add the column _row, the row's number in its file")
	f.StringVar(&m.Schema, "schema", "", "the columns: a data file, or JSON as schema -F json prints it")
}

// options are those of the dataset.
func (m *Many) options() (dataset.Options, error) {
	o := dataset.Options{UnionByName: m.Union, UnionByID: m.UnionByID, Strict: m.Strict, CaseInsensitive: m.NoCase, Filename: m.Filename, RowNumber: m.RowNumber}
	switch {
	case m.Hive && m.NoHive:
		return o, fmt.Errorf("%w: --hive and --no-hive", ErrUsage)
	case m.Strict && (m.Union || m.UnionByID):
		return o, fmt.Errorf("%w: --strict-schema and --union-by-name", ErrUsage)
	case m.Hive:
		o.Hive = dataset.HiveOn
	case m.NoHive:
		o.Hive = dataset.HiveOff
	}
	if m.PartitionTypes == "" {
		return o, nil
	}
	if m.NoHive {
		return o, fmt.Errorf("%w: --partition-types and --no-hive", ErrUsage)
	}
	o.PartitionTypes = map[string]arrow.DataType{}
	for _, item := range splitTop(m.PartitionTypes) {
		k, v, ok := strings.Cut(item, "=")
		if k = strings.TrimSpace(k); !ok || k == "" {
			return o, fmt.Errorf("%w: --partition-types %q: want name=type", ErrUsage, item)
		}
		dt, err := ParseType(v)
		if err != nil {
			return o, fmt.Errorf("--partition-types: %w", err)
		}
		o.PartitionTypes[k] = dt
	}
	return o, nil
}

// splitTop cuts at commas outside parentheses.
func splitTop(text string) (out []string) {
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, text[start:i])
				start = i + 1
			}
		}
	}
	return append(out, text[start:])
}

// inferRows is --infer-rows as the option of the formats that know it.
func (m *Many) inferRows(set map[string]string) (map[string]string, error) {
	if m.InferRows == 0 {
		return set, nil
	}
	if m.InferRows < 0 {
		return set, fmt.Errorf("%w: --infer-rows %d", ErrUsage, m.InferRows)
	}
	for _, f := range formats.All() {
		for _, o := range f.Options() {
			if o.Key == "infer-rows" && !o.Write {
				if set == nil {
					set = map[string]string{}
				}
				set[o.Key] = fmt.Sprint(m.InferRows)
				return set, nil
			}
		}
	}
	return set, fmt.Errorf("%w: --infer-rows: no format of this program infers types", ErrUsage)
}

// given is the schema that --schema names; nil if none.
func (a *App) given(ctx context.Context) (*arrow.Schema, error) {
	if a.Many.Schema == "" {
		return nil, nil
	}
	return a.ReadSchema(ctx, a.Many.Schema)
}
