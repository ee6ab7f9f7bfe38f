package conformance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/bdkit/bdkit/arrowio"
)

// Open starts reading one file of the corpus. With keys false an encrypted
// file is opened without its keys.
type Open func(ctx context.Context, path string, e Entry, keys bool) (arrowio.RecordReader, error)

// Miss is a known shortfall: the section of the specification it rests on and
// why. A known miss that begins to pass fails the test, so that the list stays
// true.
type Miss struct{ Section, Why string }

// Limit is how long one file may take; the readers the corpus was judged by had
// 40 s a file.
const Limit = 40 * time.Second

// Run reads every entry of a format and reports what falls short.
func Run(t *testing.T, format string, open Open, known map[string]Miss) {
	root, entries := Load(t, format)
	passed, seen := map[string]int{}, map[string]int{}
	var failed []string
	for _, e := range entries {
		seen[e.Expect]++
		why := judgeFile(root, e, open)
		miss, isKnown := known[e.File]
		switch {
		case why == "" && isKnown:
			t.Errorf("%s: passes now, but is listed as a known miss (%s): take it off the list", e.File, miss.Section)
		case why == "":
			passed[e.Expect]++
		case isKnown:
			t.Logf("known miss: %s: %s [%s: %s]", e.File, why, miss.Section, miss.Why)
		default:
			failed = append(failed, fmt.Sprintf("%s (%s): %s", e.File, e.Expect, why))
		}
	}
	kinds := make([]string, 0, len(seen))
	for k := range seen {
		kinds = append(kinds, k)
	}
	sort.Strings(kinds)
	total := 0
	for _, k := range kinds {
		t.Logf("%-22s %d of %d pass", k, passed[k], seen[k])
		total += passed[k]
	}
	t.Logf("%-22s %d of %d pass, %d known misses", format, total, len(entries), len(known))
	for _, f := range failed {
		t.Error(f)
	}
	for file := range known {
		if !slices.ContainsFunc(entries, func(e Entry) bool { return e.File == file }) {
			t.Logf("the known miss %s is not in this corpus", file)
		}
	}
}

func judgeFile(root string, e Entry, open Open) (why string) {
	path := filepath.Join(root, e.File)
	if e.Expect == "ok-with-keys" {
		if _, err := read(path, e, open, false); !errors.Is(err, arrowio.ErrKey) {
			return fmt.Sprintf("without keys: want an error that a key is needed, got %v", err)
		}
	}
	d, err := read(path, e, open, true)
	if errors.Is(err, errPanic) || errors.Is(err, errSlow) {
		return err.Error()
	}
	return Judge(root, e, d, err)
}

var (
	errPanic = errors.New("panic")
	errSlow  = errors.New("too slow")
)

// read digests one file, turning a panic into an error of its own.
func read(path string, e Entry, open Open, keys bool) (d *Digest, err error) {
	defer func() {
		if r := recover(); r != nil {
			d, err = nil, fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	ctx, cancel := context.WithTimeoutCause(context.Background(), Limit, errSlow)
	defer cancel()
	rr, err := open(ctx, path, e, keys)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := rr.Close(); err == nil && cerr != nil {
			d, err = nil, cerr
		}
	}()
	d = NewDigest(rr.Schema())
	for rr.Next() {
		if err := d.Add(rr.RecordBatch()); err != nil {
			return nil, err
		}
	}
	if err := rr.Err(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, err
	}
	return d, nil
}

// badData is the class of errors that the programs report with exit code 3.
func badData(err error) bool {
	return errors.Is(err, arrowio.ErrCorrupt) || errors.Is(err, arrowio.ErrUnsupported) || errors.Is(err, arrowio.ErrCast)
}

// Judge says why a reading of an entry does not pass, or "" if it does.
func Judge(root string, e Entry, d *Digest, err error) string {
	switch e.Expect {
	case "error":
		return wantError(d, err)
	case "no-crash":
		if err != nil || len(e.Columns) == 0 {
			return wantError(d, err)
		}
		return compare(e, d)
	case "ok", "ok-json":
		if err != nil {
			return "error: " + err.Error()
		}
		return compare(e, d)
	case "ok-with-keys":
		if err != nil {
			return "error: " + err.Error()
		}
		if e.Decrypted != "" && len(e.Columns) == 0 {
			return compareFile(filepath.Join(root, e.Decrypted), d)
		}
		return compare(e, d)
	case "unsupported-by-oracle":
		if err != nil {
			if !badData(err) && !errors.Is(err, arrowio.ErrLimit) {
				return "error of the wrong class: " + err.Error()
			}
			return ""
		}
		if e.Partial != nil {
			return compareListed(e.Partial.Columns, d, e.Partial.Rows)
		}
		return compare(e, d)
	}
	return "the manifest expects an outcome unknown here: " + e.Expect
}

func wantError(d *Digest, err error) string {
	switch {
	case err == nil:
		return fmt.Sprintf("want an error, got %d rows", d.Rows)
	case !badData(err):
		return "error of the wrong class: " + err.Error()
	}
	return ""
}

func compare(e Entry, d *Digest) string {
	if e.Rows != nil && d.Rows != *e.Rows {
		return fmt.Sprintf("%d rows, want %d", d.Rows, *e.Rows)
	}
	if e.Listed == "some" {
		return compareListed(e.Columns, d, d.Rows)
	}
	if len(e.Columns) == 0 {
		return ""
	}
	if len(e.Columns) != len(d.Names()) {
		for _, n := range e.Counts { // readers differ: the columns they share must agree
			if n == [2]int64{d.Rows, int64(len(d.Names()))} {
				return compareListed(e.Columns, d, d.Rows)
			}
		}
		return fmt.Sprintf("%d columns, want %d", len(d.Names()), len(e.Columns))
	}
	var bad []string
	sums := d.Sums()
	for i, c := range e.Columns {
		if e.Compare == "" && c.Name != "" && d.Names()[i] != c.Name {
			bad = append(bad, fmt.Sprintf("column %d is named %q, want %q", i, d.Names()[i], c.Name))
		} else if !c.matches(sums[i]) {
			bad = append(bad, fmt.Sprintf("column %q (%s) differs", c.Name, c.Type))
		}
	}
	return summary(bad)
}

func compareListed(cols []Column, d *Digest, rows int64) string {
	if d.Rows != rows {
		return fmt.Sprintf("%d rows, want %d", d.Rows, rows)
	}
	var bad []string
	sums := d.Sums()
	for _, c := range cols {
		switch i := slices.Index(d.Names(), c.Name); {
		case i < 0:
			bad = append(bad, fmt.Sprintf("no column %q", c.Name))
		case !c.matches(sums[i]):
			bad = append(bad, fmt.Sprintf("column %q (%s) differs", c.Name, c.Type))
		}
	}
	return summary(bad)
}

// int96Exact is the digest of the encrypted samples' int96_field, which the
// reader that made the expected rows had wrapped (CANON.md).
const int96Exact = "627c4f490a0dd51b49baac23f74f6b85"

// compareFile compares with rows given as an Arrow IPC file.
func compareFile(path string, d *Digest) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	want := NewDigest(r.Schema())
	for i := range r.NumRecords() {
		rec, err := r.RecordBatch(i)
		if err != nil {
			return err.Error()
		}
		if err := want.Add(rec); err != nil {
			return err.Error()
		}
	}
	var cols []Column
	for i, sum := range want.Sums() {
		c := Column{Name: want.Names()[i], Digest: sum}
		if c.Name == "int96_field" {
			c.Digest = int96Exact
		}
		cols = append(cols, c)
	}
	return compareListed(cols, d, want.Rows)
}

func (c Column) matches(sum string) bool {
	if c.Digest == sum {
		return true
	}
	for _, a := range c.Alt {
		if a.Digest == sum {
			return true
		}
	}
	return false
}

func summary(bad []string) string {
	if len(bad) > 4 {
		bad = append(bad[:4], fmt.Sprintf("and %d more", len(bad)-4))
	}
	return strings.Join(bad, "; ")
}
