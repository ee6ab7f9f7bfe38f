package convert

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/fs"
)

// lossy is Parquet written by somebody who loses rows.
type lossy struct{ formats.Format }

func (lossy) Name() string         { return "lossy" }
func (lossy) Extensions() []string { return []string{"lossy"} }
func (lossy) Sniff(_, _ []byte) bool {
	return false
}

func (lossy) Options() []formats.OptionInfo {
	return []formats.OptionInfo{{Key: "lie", Write: true}}
}

func (l lossy) NewSink(w fs.Writer, s *arrow.Schema, o formats.Options) (arrowio.Sink, error) {
	_, lie := o.Set["lie"]
	inner, err := l.Format.NewSink(w, s, formats.Options{})
	return &lossySink{Sink: inner, lie: lie}, err
}

type lossySink struct {
	arrowio.Sink
	lie  bool // tell of rows that are not there
	lost int64
}

func (s *lossySink) Write(ctx context.Context, rec arrow.RecordBatch) error {
	if rec.NumRows() < 2 {
		return s.Sink.Write(ctx, rec)
	}
	s.lost++
	cut := rec.NewSlice(1, rec.NumRows())
	defer cut.Release()
	return s.Sink.Write(ctx, cut)
}

func (s *lossySink) Commit(ctx context.Context) (arrowio.Result, error) {
	r, err := s.Sink.Commit(ctx)
	if s.lie {
		r.Rows += s.lost
	}
	return r, err
}

func init() {
	p, err := formats.ByName("parquet")
	if err != nil {
		panic(err)
	}
	formats.Register(lossy{p})
}

func source(t *testing.T, rows int) (dir, src string) {
	t.Helper()
	dir = t.TempDir()
	src = filepath.Join(dir, "src.parquet")
	writeTable(t, src, map[string]string{"row-group-rows": "300"}, randomTable(rand.New(rand.NewPCG(1, 1)), 0, rows, 6, 20))
	return dir, src
}

// TestLostRows: a writer that loses a row is found out, by its own account or by
// --verify, and what it wrote is not left under its name.
func TestLostRows(t *testing.T) {
	for _, lie := range []bool{false, true} {
		for _, layout := range []Layout{{}, {MaxRows: 100}, {PartitionBy: []string{"i"}}, {SortWithin: []SortColumn{{Name: "id"}}}} {
			dir, src := source(t, 500)
			j := newJob(filepath.Join(dir, "out")+"/", src)
			j.Layout = layout
			j.Write.Format = "lossy"
			if lie {
				j.Verify = true
				j.Write.Formats.Set = map[string]string{"lie": ""}
			}
			_, err := j.Execute(context.Background())
			if !errors.Is(err, arrowio.ErrIncomplete) {
				t.Errorf("%+v: %v", layout, err)
			}
			if _, err := os.Stat(j.Dest); err == nil {
				t.Errorf("%+v: something is left: %v", layout, dataFiles(t, j.Dest))
			}
		}
	}
}

// TestResumeSkipsWhatIsDone: a job of several files whose last fails is resumed
// without reading the first ones again; a file that was lost meanwhile is
// written again.
func TestResumeSkipsWhatIsDone(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		writeTable(t, filepath.Join(dir, "in", fmt.Sprintf("%d.parquet", i)), nil, randomTable(rand.New(rand.NewPCG(1, 1)), i*1000, 100, 6, 20))
	}
	out := filepath.Join(dir, "out")
	job := func() *Job {
		j := newJob(out+"/", filepath.Join(dir, "in")+"/")
		j.Run.Jobs, j.Resume = 1, true
		return j
	}
	ctx, cancel := context.WithCancel(context.Background())
	j := job()
	j.Progress = func(e Event) {
		if e.Phase == PhaseBetween {
			cancel()
		}
	}
	_, err := j.Execute(ctx)
	u := (*Unfinished)(nil)
	if !errors.As(err, &u) || !errors.Is(err, context.Canceled) || u.Done < 1 || u.Done > 3 || u.Total != 4 {
		t.Fatalf("%v %+v", err, u)
	}
	first, err := os.Stat(filepath.Join(out, "0.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		time.Sleep(10 * time.Millisecond)
		rep, err := job().Execute(context.Background())
		if err != nil || !rep.Resumed || rep.Rows != 400 || len(rep.Files) != 4 {
			t.Fatalf("%v %+v", err, rep)
		}
		if i == 0 {
			err = os.Remove(filepath.Join(out, "1.parquet"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if again, err := os.Stat(filepath.Join(out, "0.parquet")); err != nil || !again.ModTime().Equal(first.ModTime()) {
		t.Errorf("the first file was written again (%v)", err)
	}
	if rows, _ := readRows(t, out); len(rows) != 400 {
		t.Errorf("%d rows", len(rows))
	}
}

// TestResumeWithinASource: of a large source that is cut into parts, the splits
// that are done are not read again.
func TestResumeWithinASource(t *testing.T) {
	dir, src := source(t, 3000) // ten row groups
	out := filepath.Join(dir, "out") + "/"
	job := func() *Job {
		j := newJob(out, src)
		j.Layout = Layout{MaxRows: 70, Checkpoint: 1}
		j.Resume, j.Run.Jobs = true, 1
		return j
	}
	ctx, cancel := context.WithCancel(context.Background())
	j := job()
	var before, after int64
	j.Progress = func(e Event) {
		if before = e.Rows; e.Files >= 10 {
			cancel()
		}
	}
	if _, err := j.Execute(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	j = job()
	j.Progress = func(e Event) { after = e.Rows }
	rep, err := j.Execute(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if after >= 3000 || before+after < 3000 {
		t.Errorf("%d rows were read before, %d after; the source has 3000", before, after)
	}
	want, order := readRows(t, src)
	got, ids := readRows(t, out)
	if len(got) != len(want) || len(ids) != len(order) || rep.Rows != 3000 {
		t.Errorf("%d rows, %d reported", len(got), rep.Rows)
	}
}

// TestRewriteInPlace: a directory that is rewritten from itself can be taken up
// wherever it was stopped, its new files not being sources.
func TestRewriteInPlace(t *testing.T) {
	for _, when := range []Phase{PhaseWriting, PhaseBetween, PhaseCommitting} {
		dir, src := source(t, 600)
		out := filepath.Join(dir, "out") + "/"
		j := newJob(out, src)
		j.Layout.MaxRows = 10
		if _, err := j.Execute(context.Background()); err != nil {
			t.Fatal(err)
		}
		job := func() *Job {
			j := newJob(out, out)
			j.Layout = Layout{PartitionBy: []string{"i"}, Checkpoint: 6000, MaxOpen: 2}
			j.IfExists, j.Resume, j.Run.Jobs = ExistsOverwrite, true, 1
			return j
		}
		ctx, cancel := context.WithCancel(context.Background())
		j = job()
		j.Progress = func(e Event) {
			if e.Phase == when && (when != PhaseBetween || e.Files > 12) {
				cancel()
			}
		}
		if _, err := j.Execute(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("%s: %v", when, err)
		}
		cancel()
		if _, err := job().Execute(context.Background()); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		ids := map[int64]bool{}
		for _, name := range dataFiles(t, out) {
			if !strings.HasPrefix(name, "i=") {
				t.Fatalf("%s: %s is left", when, name)
			}
			for id := range rowsOf(t, filepath.Join(out, name)) {
				if ids[id] {
					t.Fatalf("%s: row %d twice", when, id)
				}
				ids[id] = true
			}
		}
		if len(ids) != 600 {
			t.Errorf("%s: %d rows", when, len(ids))
		}
	}
}

// TestNamesOnce: no name is given twice, whoever asks, and none that is taken.
func TestNamesOnce(t *testing.T) {
	n := newNames()
	n.occupy("d/x-00001.parquet")
	tmpl, err := parseTemplate(defaultName)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 400)
	for range 8 {
		go func() {
			for range 50 {
				name, err := n.fill(tmpl, "d", "x", "parquet")
				if err != nil {
					name = err.Error()
				}
				got <- name
			}
		}()
	}
	seen := map[string]bool{"d/x-00001.parquet": true}
	for range 400 {
		if name := <-got; seen[name] {
			t.Errorf("%s twice", name)
		} else {
			seen[name] = true
		}
	}
	if err := n.take("d/x-00000.parquet"); !errors.Is(err, arrowio.ErrOption) {
		t.Errorf("taking a name again: %v", err)
	}
}

// TestBackPressure: a destination that is slow does not make the reader run
// ahead of it by more than the budget.
func TestBackPressure(t *testing.T) {
	dir := t.TempDir()
	src := filepath.Join(dir, "src.parquet")
	writeTable(t, src, map[string]string{"row-group-rows": "2000", "codec": "none"}, randomTable(rand.New(rand.NewPCG(1, 1)), 0, 40_000, 6, 300))
	j := newJob(filepath.Join(dir, "out.slow"), src)
	j.Write.Format = "slow"
	j.Run.Jobs = 4
	j.Run.BatchBytes = 256 << 10
	j.Run.Budget = arrowio.NewBudget(3 << 20)
	if _, err := j.Execute(context.Background()); err != nil {
		t.Fatal(err)
	}
	// The lane that is being served may pass the budget by what it must hold.
	if peak := j.Run.Budget.Peak(); peak > 5<<20 {
		t.Errorf("%d bytes were in flight, the budget is %d", peak, j.Run.Budget.Size())
	}
	if used := j.Run.Budget.InUse(); used != 0 {
		t.Errorf("%d bytes were not given back", used)
	}
}

type slow struct{ lossy }

func (slow) Name() string         { return "slow" }
func (slow) Extensions() []string { return []string{"slow"} }

func (l slow) NewSink(w fs.Writer, s *arrow.Schema, _ formats.Options) (arrowio.Sink, error) {
	inner, err := l.Format.NewSink(w, s, formats.Options{})
	return slowSink{inner}, err
}

type slowSink struct{ arrowio.Sink }

func (s slowSink) Write(ctx context.Context, rec arrow.RecordBatch) error {
	time.Sleep(3 * time.Millisecond)
	return s.Sink.Write(ctx, rec)
}

func init() {
	p, err := formats.ByName("parquet")
	if err != nil {
		panic(err)
	}
	formats.Register(slow{lossy{p}})
}
