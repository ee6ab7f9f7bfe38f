package dataset

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/internal/kernel"
	"github.com/bdkit/bdkit/pushdown"
)

// nullValue is how Hive writes a null in a folder's name.
const nullValue = "__HIVE_DEFAULT_PARTITION__"

// partition is one key of the folders.
type partition struct {
	key   string
	typ   arrow.DataType
	given bool
}

// folder is one key=value of a path.
type folder struct{ key, value string }

// folders gives those of a path, but the last element, which is the file.
func folders(path string) (out []folder) {
	elems := strings.Split(path, "/")
	for _, e := range elems[:max(0, len(elems)-1)] {
		if k, v, ok := strings.Cut(e, "="); ok && k != "" {
			out = append(out, folder{decoded(k), decoded(v)})
		}
	}
	return out
}

// decoded undoes percent-encoding; what is none stays as it is.
func decoded(s string) string {
	if d, err := url.PathUnescape(s); err == nil {
		return d
	}
	return s
}

// partitions finds the keys that all files have, and their types.
func partitions(files []File, o Options) ([]partition, error) {
	var out []partition
	if o.Hive != HiveOff {
		seen := []evidence{}
		for i, f := range files {
			fs := folders(f.Path)
			if i == 0 {
				for _, x := range fs {
					if slices.ContainsFunc(out, func(p partition) bool { return p.key == x.key }) {
						return nil, fmt.Errorf("%w: %s: the folder %s=… twice (try: --no-hive)", arrowio.ErrColumn, f.Name, x.key)
					}
					out = append(out, partition{key: x.key})
				}
				seen = make([]evidence, len(out))
			}
			if !sameKeys(out, fs) {
				if o.Hive == HiveAuto {
					out = nil
					break
				}
				return nil, fmt.Errorf("%w: %s is in folders of other keys than %s", arrowio.ErrColumn, f.Name, files[0].Name)
			}
			for k, x := range fs {
				seen[k].add(x.value)
			}
		}
		for k := range out {
			out[k].typ = seen[k].typ()
		}
	}
	for key, dt := range o.PartitionTypes {
		at := slices.IndexFunc(out, func(p partition) bool { return p.key == key || o.CaseInsensitive && strings.EqualFold(p.key, key) })
		if at < 0 {
			return nil, fmt.Errorf("%w: --partition-types: no folder %s=… that all files have", arrowio.ErrOption, key)
		}
		out[at].typ, out[at].given = dt, true
		if err := out[at].fits(files, dt); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sameKeys(parts []partition, fs []folder) bool {
	return slices.EqualFunc(parts, fs, func(p partition, f folder) bool { return p.key == f.key })
}

// evidence is what the values of a key are, all of them.
type evidence struct{ values, ints, dates int }

func (e *evidence) add(v string) {
	if v == nullValue {
		return
	}
	e.values++
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && strconv.FormatInt(n, 10) == v {
		e.ints++
	}
	if _, err := time.Parse(time.DateOnly, v); err == nil {
		e.dates++
	}
}

func (e *evidence) typ() arrow.DataType {
	switch {
	case e.values == 0:
	case e.ints == e.values:
		return arrow.PrimitiveTypes.Int64
	case e.dates == e.values:
		return arrow.FixedWidthTypes.Date32
	}
	return arrow.BinaryTypes.String
}

// value gives a folder's value as a literal of the type.
func (p partition) value(text string, dt arrow.DataType) (pushdown.Literal, error) {
	var arr arrow.Array
	var err error
	if text == nullValue {
		arr, err = kernel.MakeArray(heap, dt, kernel.Scalar{})
	} else if arr, err = kernel.MakeArray(heap, arrow.BinaryTypes.String, kernel.Scalar{Class: kernel.Text, Text: text}); err == nil {
		arr, err = kernel.Cast(heap, arr, dt, kernel.CastOptions{})
	}
	return pushdown.Literal{Value: arr}, err
}

// fits says whether all values of the key are of a type.
func (p partition) fits(files []File, dt arrow.DataType) error {
	tried := map[string]bool{}
	for _, f := range files {
		for _, x := range folders(f.Path) {
			if x.key != p.key || tried[x.value] {
				continue
			}
			tried[x.value] = true
			if _, err := p.value(x.value, dt); err != nil {
				return &arrowio.Error{Op: "open", URL: f.Name, Column: p.key, Hint: "--partition-types " + p.key + "=string, or --no-hive",
					Err: fmt.Errorf("the folder's value %q as %s: %w", x.value, dt, err)}
			}
		}
	}
	return nil
}

// constants are the values of the columns that a file's name decides, by
// column of the table.
func (t *Table) constants(file int) (map[int]pushdown.Literal, error) {
	var fs []folder
	if len(t.parts) > 0 {
		fs = folders(t.files[file].Path)
	}
	out := map[int]pushdown.Literal{}
	for i, o := range t.origin {
		switch o.kind {
		case fromFolder:
			p := t.parts[o.part]
			v, err := p.value(fs[o.part].value, p.typ)
			if err != nil {
				return nil, &arrowio.Error{Op: "plan", URL: t.files[file].Name, Column: p.key, Err: err}
			}
			out[i] = v
		case fromName:
			out[i] = pushdown.Text(t.files[file].Name)
		}
	}
	return out, nil
}
