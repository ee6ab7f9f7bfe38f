package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// openTerminal gives a pseudo-terminal of a size: its master and its slave.
func openTerminal(t *testing.T, cols uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("no pseudo-terminal: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: cols}); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// onTerminal runs bdcat with a terminal as its output and gives what it shows.
func onTerminal(t *testing.T, dir string, cols uint16, env []string, args ...string) string {
	t.Helper()
	master, slave := openTerminal(t, cols)
	cmd := exec.Command("bdcat", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, slave, slave
	cmd.Env = append(append(os.Environ(), "TERM=xterm", "PAGER=", "NO_COLOR=", "COLUMNS=", "XDG_CONFIG_HOME="+dir), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	var out bytes.Buffer
	if _, err := io.Copy(&out, master); err != nil && !errors.Is(err, syscall.EIO) { // EIO is the end
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("bdcat %v: %v\n%s", args, err, out.String())
	}
	return strings.ReplaceAll(out.String(), "\r\n", "\n")
}

// TestTerminal: a table with colours and a pager on a terminal, and what turns
// them off.
func TestTerminal(t *testing.T) {
	dir := t.TempDir()
	writeFixtures(t, dir)
	table := "┌────────┐\n│ symbol │\n│ utf8   │\n├────────┤\n│ H      │\n└────────┘\n1 row\n"
	head := []string{"head", "-n", "1", "-s", "symbol", "elements.parquet"}
	plain := append([]string{"--color", "never", "--pager", "never"}, head...)
	if got := onTerminal(t, dir, 80, nil, plain...); got != table {
		t.Errorf("%q, want %q", got, table)
	}
	for name, c := range map[string]struct {
		env   []string
		args  []string
		color bool
		paged bool
		row   string
	}{
		"by default":      {args: head, color: true, row: "│ H      │"},
		"NO_COLOR":        {env: []string{"NO_COLOR=1"}, args: head, row: "│ H      │"},
		"--color never":   {args: append([]string{"--color=never"}, head...), row: "│ H      │"},
		"--color always":  {env: []string{"NO_COLOR=1"}, args: append([]string{"--color=always"}, head...), color: true, row: "│ H      │"},
		"dumb terminal":   {env: []string{"TERM=dumb"}, args: head, row: "│ H      │"},
		"a pager":         {env: []string{"PAGER=sed s/^/paged:/"}, args: head, color: true, paged: true, row: "│ H      │"},
		"--pager never":   {env: []string{"PAGER=sed s/^/paged:/"}, args: append([]string{"--pager=never"}, head...), color: true, row: "│ H      │"},
		"a missing pager": {env: []string{"PAGER=no-such-pager"}, args: head, color: true, row: "│ H      │"},
		"another form":    {args: append([]string{"-o", "jsonl"}, head...), row: `{"symbol":"H"}`},
		"-o none":         {env: []string{"PAGER=sed s/^/paged:/"}, args: append([]string{"-o", "none"}, head...), row: "1 rows, "},
		"a listing":       {env: []string{"PAGER=sed s/^/paged:/"}, args: []string{"stats", "elements.parquet"}, color: true, paged: true, row: "symbol"},
	} {
		got := onTerminal(t, dir, 80, c.env, c.args...)
		if !strings.Contains(got, c.row) {
			t.Errorf("%s: %q in\n%s", name, c.row, got)
		}
		if has := strings.Contains(got, "\x1b[1m"); has != c.color {
			t.Errorf("%s: colour %v, want %v: %q", name, has, c.color, got)
		}
		if has := strings.Contains(got, "paged:"); has != c.paged {
			t.Errorf("%s: paged %v, want %v: %q", name, has, c.paged, got)
		}
	}

	// Of a table wider than the terminal the columns in the middle are left out.
	for _, width := range []uint16{20, 40, 80, 200} {
		got := onTerminal(t, dir, width, nil, "--pager=never", "--color=never", "head", "-n", "3", "types.parquet")
		for _, line := range strings.Split(got, "\n") {
			if n := len([]rune(line)); n > int(width) && strings.ContainsAny(line, "│┌├└") && width > 20 {
				t.Errorf("%d columns wide, a line of %d: %s", width, n, line)
			}
		}
		if want := "of 13 columns shown"; !strings.Contains(strings.ReplaceAll(got, "\n", " "), want) {
			t.Errorf("%d columns wide: no word of what is left out:\n%s", width, got)
		}
	}
	if got := onTerminal(t, dir, 500, nil, "--pager=never", "--color=never", "head", "types.parquet"); strings.Contains(got, "columns shown") {
		t.Errorf("left out for no reason:\n%s", got)
	}

	// Into a pipe go JSON lines; binary to a terminal is refused.
	cmd := exec.Command("bdcat", head...)
	cmd.Dir = dir
	if out, err := cmd.Output(); err != nil || string(out) != "{\"symbol\":\"H\"}\n" {
		t.Errorf("%v: %s", err, out)
	}
	_, slave := openTerminal(t, 80)
	cmd = exec.Command("bdcat", "cat", "-o", "arrow", "elements.parquet")
	cmd.Dir, cmd.Stdout = dir, slave
	if err := cmd.Run(); cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("an Arrow stream to a terminal: %v", err)
	}
}

// TestSecondInterrupt: the second one does not wait, here for a pager that does
// not end.
func TestSecondInterrupt(t *testing.T) {
	dir := t.TempDir()
	writeFixtures(t, dir)
	_, slave := openTerminal(t, 80)
	cmd := exec.Command("bdcat", "elements.parquet")
	cmd.Dir, cmd.Stdout = dir, slave
	cmd.Env = append(os.Environ(), "TERM=xterm", "PAGER=sleep 30", "XDG_CONFIG_HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	time.Sleep(300 * time.Millisecond) // it waits for the pager by now
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for range 2 {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	<-done
	if code := cmd.ProcessState.ExitCode(); code != 130 || time.Since(start) > 15*time.Second {
		t.Errorf("exit code %d after %s", code, time.Since(start))
	}
}

// TestSignals: the first interrupt ends the program in good order, and so does
// SIGTERM; nothing stays behind.
func TestSignals(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dir := t.TempDir()
		cmd := exec.Command("bdcat", "count", "--spool-dir", dir, "-")
		in, err := cmd.StdinPipe() // and nothing comes
		if err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for range 200 { // until it waits for input
			if names, err := os.ReadDir(dir); err == nil && len(names) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			t.Fatalf("%v: the program goes on", sig)
		}
		in.Close()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%v: exit code %d\n%s", sig, code, stderr.String())
		}
		if !strings.Contains(stderr.String(), "bdcat: interrupted") {
			t.Errorf("%v: %q", sig, stderr.String())
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) > 0 {
			t.Errorf("%v: left behind: %v %v", sig, names, err)
		}
	}
}
