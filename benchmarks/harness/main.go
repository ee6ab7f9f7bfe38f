// Command harness times us beside the peers: the same task on the same file,
// in turn (A B C A B C …), each engine in a process of its own that stays warm,
// on one core and on all. It prints a table of medians and their ratios.
//
//	go run ./benchmarks/harness -data .cache/bench -python .cache/venv/bin/python
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// out takes the report; failures counts engines that disagree.
var (
	out      io.Writer = os.Stdout
	failures int
)

// task is one thing to time. Filters are of the simple form every engine reads.
// The kind of writing is "write", or "write FORMAT CODEC" for others than Parquet.
type task struct {
	name, kind, file, columns, where string
}

var tasks = []task{
	{"lineitem, full scan", "scan", "lineitem.parquet", "", ""},
	{"lineitem zstd, full scan", "scan", "lineitem-zstd.parquet", "", ""},
	{"lineitem, 2 of 16 columns", "scan", "lineitem.parquet", "l_orderkey,l_partkey", ""},
	{"lineitem, selective filter", "scan", "lineitem.parquet", "l_orderkey,l_comment", "l_partkey < 200"},
	{"lineitem, key range", "scan", "lineitem.parquet", "", "l_orderkey >= 3000000 AND l_orderkey < 3010000"},
	{"nested events, full scan", "scan", "events.parquet", "", ""},
	{"1000 columns, full scan", "scan", "wide.parquet", "", ""},
	{"flights, full scan", "scan", "flights.parquet", "", ""},
	{"lineitem, write snappy", "write", "lineitem.parquet", "", ""},
	{"1M lineitem of Avro, full scan", "scan", "lineitem.avro", "", ""},
	{"lineitem of ORC zlib, full scan", "scan", "lineitem-zlib.orc", "", ""},
	{"lineitem of ORC zstd, full scan", "scan", "lineitem-zstd.orc", "", ""},
	{"lineitem of ORC snappy, full scan", "scan", "lineitem-snappy.orc", "", ""},
	{"nested events of ORC zstd, full scan", "scan", "events-zstd.orc", "", ""},
	{"nested events of ORC zlib, full scan", "scan", "events-zlib.orc", "", ""},
	{"lineitem, write ORC zlib", "write orc zlib", "lineitem.parquet", "", ""},
	{"lineitem, write ORC zstd", "write orc zstd", "lineitem.parquet", "", ""},
	{"lineitem, write ORC snappy", "write orc snappy", "lineitem.parquet", "", ""},
	{"nested events, write ORC zstd", "write orc zstd", "events.parquet", "", ""},
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "worker" {
		err := runWorker(os.Args[2:])
		if errors.Is(err, errTask) {
			os.Exit(noTask)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	data := flag.String("data", ".cache/bench", "folder of data.py's files")
	python := flag.String("python", os.Getenv("BDKIT_PYTHON"), "python with the peers")
	rust := flag.String("rust", "", "arrow-rs worker binary, if built")
	rounds := flag.Int("n", 5, "timed rounds after one warm-up")
	only := flag.String("only", "", "only tasks whose name contains this")
	engines := flag.String("engines", "bdkit,pqarrow,parquet-go,arrow-go,pyarrow,duckdb,polars,polars-views,fastavro,arrow-rs", "engines to time")
	cores := flag.String("cores", "1,all", "numbers of cores")
	file := flag.String("o", "", "file to write the report to, in the place of the one that is there")
	flag.Parse()
	var report bytes.Buffer
	if *file != "" {
		out = io.MultiWriter(os.Stdout, &report)
	}
	fmt.Fprintf(out, "Machine: %s, %d cores, Linux, %s; %s. Medians of %d rounds in turn.\n\n", cpuModel(), runtime.NumCPU(), runtime.Version(), time.Now().UTC().Format(time.DateOnly), *rounds)
	for _, c := range strings.Split(*cores, ",") {
		threads := runtime.NumCPU()
		if c != "all" {
			threads, _ = strconv.Atoi(c)
		}
		fmt.Fprintf(out, "## %s\n\n", map[bool]string{true: "one core", false: fmt.Sprintf("%d cores", threads)}[threads == 1])
		for _, t := range tasks {
			if strings.Contains(t.name, *only) {
				measure(t, threads, *rounds, strings.Split(*engines, ","), *data, *python, *rust)
			}
		}
	}
	if *file != "" {
		if err := write(*file, report.Bytes()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if failures > 0 {
		os.Exit(1)
	}
}

// write puts the report behind the words of people at the head of the file.
func write(name string, report []byte) error {
	old, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	if i := bytes.Index(old, []byte("\nMachine:")); i >= 0 {
		old = old[:i+1]
	}
	return os.WriteFile(name, append(old, report...), 0o644)
}

// reads says whether an engine reads a file of that format; all read Parquet
// but those that read Avro alone.
func reads(engine, file string) bool {
	switch filepath.Ext(file) {
	case ".avro":
		return slices.Contains([]string{"bdkit", "arrow-go", "fastavro", "polars", "arrow-rs"}, engine)
	case ".orc":
		return slices.Contains([]string{"bdkit", "pyarrow", "arrow-rs"}, engine)
	}
	return engine != "arrow-go" && engine != "fastavro"
}

// measure times one task on every engine in turn and prints a line for each.
func measure(t task, threads, rounds int, engines []string, data, python, rust string) {
	file, err := filepath.Abs(filepath.Join(data, t.file))
	if err != nil {
		panic(err)
	}
	if _, err := os.Stat(file); err != nil {
		fmt.Fprintf(out, "**%s**: not run: %v\n\n", t.name, err)
		return
	}
	var workers []*worker
	for _, e := range engines {
		if !reads(e, file) || strings.HasPrefix(t.kind, "write orc") && e != "bdkit" && e != "pyarrow" {
			continue
		}
		args := []string{e, t.kind, file, strconv.Itoa(threads), t.columns, t.where}
		var cmd *exec.Cmd
		switch e {
		case "bdkit", "pqarrow", "parquet-go", "arrow-go":
			self, err := os.Executable()
			if err != nil {
				panic(err)
			}
			cmd = exec.Command(self, append([]string{"worker"}, args...)...)
		case "arrow-rs":
			if rust == "" {
				continue
			}
			cmd = exec.Command(rust, args...)
		default:
			if python == "" {
				continue
			}
			cmd = exec.Command(python, append([]string{"benchmarks/peers.py"}, args...)...)
		}
		w, err := start(e, cmd, threads)
		if err != nil {
			fmt.Fprintf(out, "%s: %s: not run: %v\n", t.name, e, err)
			continue
		}
		if w != nil {
			workers = append(workers, w)
		}
	}
	for round := range rounds + 1 {
		for _, w := range workers {
			if err := w.round(round > 0); err != nil {
				w.failed = err
			}
		}
	}
	fmt.Fprintf(out, "| %s | version | wall s | CPU s | of it user | rows | wall, times ours | CPU, times ours | peak MiB |\n|---|---|---|---|---|---|---|---|---|\n", t.name)
	for _, w := range workers {
		peak := w.peakMiB()
		w.close()
		if w.failed != nil {
			fmt.Fprintf(out, "| %s | %s | failed: %v | | | | | | |\n", w.engine, w.version, w.failed)
			continue
		}
		ours := workers[0].done
		fmt.Fprintf(out, "| %s | %s | %.3f | %.3f | %.3f | %d | %.2f | %.2f | %d |\n", w.engine, w.version,
			median(w.done, wall), median(w.done, cpu), median(w.done, user), w.rows,
			ratio(w.done, ours, wall), ratio(w.done, ours, cpu), peak)
	}
	for i, w := range workers {
		if w.failed == nil && workers[0].failed == nil && w.rows != workers[0].rows {
			failures++
			fmt.Fprintf(out, "\n%s gives %d rows where %s gives %d\n", workers[i].engine, w.rows, workers[0].engine, workers[0].rows)
		}
	}
	fmt.Fprintln(out)
}

func wall(r reply) float64 { return r.Seconds }
func cpu(r reply) float64  { return r.User + r.System }
func user(r reply) float64 { return r.User }

// worker is an engine's process: a line in, a round timed, a line out.
type worker struct {
	engine, version string
	cmd             *exec.Cmd
	in              io.WriteCloser
	out             *bufio.Reader
	done            []reply // the timed rounds
	rows            int64
	failed          error
}

type reply struct {
	Ready   string  `json:"ready"`
	Seconds float64 `json:"seconds"`
	User    float64 `json:"user"`
	System  float64 `json:"system"`
	Rows    int64   `json:"rows"`
}

// start gives a worker that is ready; nil if its engine has no such task.
func start(engine string, cmd *exec.Cmd, threads int) (*worker, error) {
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(threads), "POLARS_MAX_THREADS="+strconv.Itoa(threads))
	if threads == 1 {
		if taskset, err := exec.LookPath("taskset"); err == nil {
			cmd.Args = append([]string{"taskset", "-c", strconv.Itoa(runtime.NumCPU() - 1)}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
			cmd.Path = taskset
		}
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	w := &worker{engine: engine, cmd: cmd, in: in, out: bufio.NewReader(out)}
	r, err := w.read()
	if err != nil {
		_ = w.cmd.Wait() // the exit code tells
		if w.cmd.ProcessState.ExitCode() == noTask {
			return nil, nil
		}
		return nil, fmt.Errorf("ended at once: %w", err)
	}
	w.version = r.Ready
	return w, nil
}

// noTask is the exit code of a worker that cannot do what it is asked for.
const noTask = 3

func (w *worker) read() (reply, error) {
	var r reply
	line, err := w.out.ReadBytes('\n')
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(line, &r)
}

func (w *worker) round(counted bool) error {
	if w.failed != nil {
		return w.failed
	}
	if _, err := io.WriteString(w.in, "run\n"); err != nil {
		return err
	}
	r, err := w.read()
	if err != nil {
		return err
	}
	w.rows = r.Rows
	if counted {
		w.done = append(w.done, r)
	}
	return nil
}

// peakMiB is VmHWM of the worker, which lives until close.
func (w *worker) peakMiB() int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", w.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "VmHWM:" {
			kib, _ := strconv.Atoi(f[1])
			return kib >> 10
		}
	}
	return 0
}

func (w *worker) close() {
	w.in.Close()
	done := make(chan struct{})
	go func() { _ = w.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		_ = w.cmd.Process.Kill()
		<-done
	}
}

func median(rs []reply, of func(reply) float64) float64 {
	var v []float64
	for _, r := range rs {
		v = append(v, of(r))
	}
	return middle(v)
}

// ratio is the median of the quotients of rounds that ran one after the other,
// which what else the machine does disturbs less than a quotient of medians.
func ratio(theirs, ours []reply, of func(reply) float64) float64 {
	var v []float64
	for i := range min(len(theirs), len(ours)) {
		v = append(v, of(theirs[i])/of(ours[i]))
	}
	return middle(v)
}

func middle(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(name, "model name") {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}
