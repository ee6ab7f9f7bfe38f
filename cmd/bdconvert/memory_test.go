//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peak runs bdconvert and gives the most memory that the process had, in MiB.
func peak(t *testing.T, args ...string) int {
	t.Helper()
	if raced {
		t.Skip("the race detector's memory would be measured too")
	}
	p := start(t, args...)
	status := "/proc/" + strconv.Itoa(p.Process.Pid) + "/status"
	hwm := regexp.MustCompile(`VmHWM:\s+(\d+) kB`)
	most := 0
	done := make(chan int)
	go func() { done <- p.end() }()
	for {
		if b, err := os.ReadFile(status); err == nil {
			if m := hwm.FindSubmatch(b); m != nil {
				kib, _ := strconv.Atoi(string(m[1])) // digits
				most = max(most, kib/1024)
			}
		}
		select {
		case code := <-done:
			if code != 0 {
				t.Fatalf("bdconvert %s: exit code %d\n%s", strings.Join(args, " "), code, p.said)
			}
			return most
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestManyPartitions: memory does not grow with the number of partitions, and
// each has one file.
func TestManyPartitions(t *testing.T) {
	parts, rows := 10_000, 1_000_000
	if testing.Short() {
		parts, rows = 500, 200_000
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "src.parquet")
	numbered(t, src, 0, rows, parts, "50000")
	out := filepath.Join(dir, "out")
	most := peak(t, "--memory", "128M", "--max-open", "64", "--partition-by", "p", src, out+"/")
	t.Logf("%d partitions: %d MiB", parts, most)
	if most > 200 {
		t.Errorf("%d partitions took %d MiB, --memory was 128M", parts, most)
	}
	got, files := counts(t, out)
	if len(got) != rows || files != parts {
		t.Errorf("%d rows in %d files, want %d in %d", len(got), files, rows, parts)
	}
}

// TestSortMemory: an order within a file that is larger than memory is made on
// disk.
func TestSortMemory(t *testing.T) {
	rows := 3_000_000
	if testing.Short() {
		rows = 1_000_000
	}
	dir := t.TempDir()
	src := filepath.Join(dir, "src.parquet")
	numbered(t, src, 0, rows, 1000, "200000")
	dst := filepath.Join(dir, "out", "sorted.parquet")
	most := peak(t, "--memory", "96M", "--spool-dir", dir, "--sort-within", "text desc", src, dst)
	t.Logf("%d rows: %d MiB", rows, most)
	if most > 170 {
		t.Errorf("%d rows took %d MiB, --memory was 96M", rows, most)
	}
	if got, _ := counts(t, filepath.Dir(dst)); len(got) != rows {
		t.Errorf("%d rows", len(got))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "bdkit-spill-*")); err != nil || len(left) > 0 {
		t.Errorf("spill files are left: %v %v", left, err)
	}
}
