//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bdkit/bdkit/internal/convert"
)

// phaseOfDeath is the phase that a killed job was in, by the last that it told.
func phaseOfDeath(p *process, first convert.Phase) convert.Phase {
	last := first
	for e := range p.events {
		last = e.Phase
	}
	return last
}

// killIn runs bdconvert and kills it in a phase, a moment after the phase began.
// It gives the phase that it really died in, "" if it came to its end.
func killIn(t *testing.T, when convert.Phase, after time.Duration, args ...string) convert.Phase {
	t.Helper()
	p := start(t, args...)
	last := convert.Phase("")
	for e := range p.events {
		if last = e.Phase; e.Phase == when {
			break
		}
	}
	time.Sleep(after)
	if err := p.Process.Kill(); err != nil && last == "" {
		t.Fatalf("%v\n%s", err, p.said)
	}
	last = phaseOfDeath(p, last)
	_ = p.Wait() // killed
	if p.ProcessState.ExitCode() >= 0 {
		if p.ProcessState.ExitCode() != 0 {
			t.Fatalf("bdconvert %s: exit code %d\n%s", strings.Join(args, " "), p.ProcessState.ExitCode(), p.said)
		}
		return ""
	}
	return last
}

// TestKill kills jobs with SIGKILL in every phase and resumes them, some several
// times over: the rows are those of the source then, each once, and nothing else
// is left. Until the very end the rows that the directory had before are there.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	const rows, old = 60_000, 900
	for i := range 6 {
		numbered(t, filepath.Join(dir, "in", fmt.Sprintf("%d.parquet", i)), i*rows/6, rows/6, 12, "500")
	}
	numbered(t, filepath.Join(dir, "old.parquet"), 10_000_000, old, 1, "500")

	layouts := []struct {
		name string
		args []string
		over bool // an old set is replaced
	}{
		{"files", nil, false},
		{"partitions", []string{"--partition-by", "p", "--checkpoint", "60K", "--max-open", "5"}, true},
		{"rows", []string{"--max-rows", "700", "--sort-within", "text", "--checkpoint", "30K"}, true},
	}
	phases := []convert.Phase{convert.PhaseScanning, convert.PhaseWriting, convert.PhaseBetween, convert.PhaseCommitting}
	died := map[convert.Phase]int{}
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	n := 0
	try := func(phase convert.Phase) {
		l := layouts[n%len(layouts)]
		if phase == convert.PhaseCommitting && !l.over {
			l = layouts[1+n%2]
		}
		n++
		out := filepath.Join(dir, fmt.Sprintf("out%d", n))
		args := append([]string{"--resume", "--progress", "json", "-j", "2"}, l.args...)
		if l.over {
			must(t, "--max-rows", "3", filepath.Join(dir, "old.parquet"), out+"/")
			args = append(args, "--if-exists", "overwrite")
		}
		args = append(args, filepath.Join(dir, "in")+"/", out+"/")
		kills, committing := 0, false
		for range 1 + r.IntN(3) {
			moment := time.Duration(r.IntN(3000)) * time.Microsecond
			if phase == convert.PhaseBetween {
				moment *= 20
			}
			at := killIn(t, phase, moment, args...)
			if at == "" {
				break
			}
			died[at]++
			kills++
			// A job that was committing goes on with that, however early it dies again.
			committing = committing || at == convert.PhaseCommitting
			check(t, l.over && !committing, at, out, old)
			phase = phases[r.IntN(3)]
		}
		p := must(t, args...)
		got, _ := counts(t, out)
		for i := range rows {
			if got[int64(i)] != 1 {
				t.Fatalf("%s, %d kills: row %d is there %d times\n%s", l.name, kills, i, got[int64(i)], p.said)
			}
		}
		if len(got) != rows {
			t.Fatalf("%s, %d kills: %d rows, want %d", l.name, kills, len(got), rows)
		}
		left := stray(t, out)
		if len(left) != 1 || filepath.Dir(left[0]) != filepath.Join(out, ".bdconvert") {
			// A writer that is killed leaves its temporary file, which no listing shows.
			for _, f := range left {
				if b := filepath.Base(f); !strings.HasPrefix(b, ".bdtmp-") && filepath.Base(filepath.Dir(f)) != ".bdconvert" {
					t.Errorf("%s: %s is left", l.name, f)
				}
			}
		}
		if err := os.RemoveAll(out); err != nil {
			t.Fatal(err)
		}
	}
	for _, phase := range phases {
		for i := 0; died[phase] == 0 || i < 2 && !testing.Short(); i++ {
			if i == 25 {
				t.Errorf("25 tries, and none died while %s", phase)
				break
			}
			try(phase)
		}
	}
	t.Logf("died: %v", died)
	for _, phase := range phases {
		if died[phase] == 0 {
			t.Errorf("no kill fell into the phase %s", phase)
		}
	}
}

// check looks at a directory after a kill: every visible file is whole, and the
// old rows are there until the job commits.
func check(t *testing.T, over bool, at convert.Phase, out string, old int) {
	t.Helper()
	got, _ := counts(t, out)
	if !over || at == convert.PhaseCommitting || at == convert.PhaseDone {
		return
	}
	for i := range old {
		if got[int64(10_000_000+i)] != 1 {
			t.Fatalf("killed while %s: old row %d is there %d times", at, i, got[int64(10_000_000+i)])
		}
	}
}

// TestInterrupt: the first signal stops the job, keeps its state and tells how to
// go on.
func TestInterrupt(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := t.TempDir()
		const rows = 60_000
		numbered(t, filepath.Join(dir, "in.parquet"), 0, rows, 8, "500")
		out := filepath.Join(dir, "out") + "/"
		args := []string{"--progress", "json", "--partition-by", "p", "--checkpoint", "50K", filepath.Join(dir, "in.parquet"), out}
		p := start(t, args...)
		for e := range p.events {
			if e.Phase == convert.PhaseBetween {
				break
			}
		}
		if err := p.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if code := p.end(); code != 130 {
			t.Fatalf("%s: exit code %d\n%s", sig, code, p.said)
		}
		if !strings.Contains(p.said.String(), "bdconvert --resume --checkpoint=50K --partition-by=p "+filepath.Join(dir, "in.parquet")+" "+out) {
			t.Errorf("%s: not told how to go on:\n%s", sig, p.said)
		}
		for _, f := range stray(t, out) {
			if filepath.Base(filepath.Dir(f)) != ".bdconvert" {
				t.Errorf("%s: %s is left", sig, f)
			}
		}
		var s struct {
			Phase string                     `json:"phase"`
			Tasks map[string]json.RawMessage `json:"tasks"`
		}
		states, err := filepath.Glob(filepath.Join(out, ".bdconvert", "*.json"))
		if err != nil || len(states) != 1 {
			t.Fatalf("%s: states %v, %v", sig, states, err)
		}
		b, err := os.ReadFile(states[0])
		if err != nil || json.Unmarshal(b, &s) != nil || s.Phase == string(convert.PhaseDone) {
			t.Fatalf("%s: state %s, %v", sig, b, err)
		}
		if n, _ := counts(t, out); len(n) >= rows || len(n) == 0 && len(s.Tasks) > 0 {
			t.Fatalf("%s: %d rows are there and %d tasks are done", sig, len(n), len(s.Tasks))
		}
		must(t, append([]string{"--resume"}, args...)...)
		got, _ := counts(t, out)
		if len(got) != rows {
			t.Errorf("%s: %d rows after the resumption", sig, len(got))
		}
	}
}
