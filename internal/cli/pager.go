package cli

import (
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// paged is a pager's input that is still known as the terminal it ends on.
type paged struct {
	io.Writer
	terminal io.Writer
}

// Page sends what follows through the user's pager, if it goes to a terminal.
// Main ends it.
func (a *App) Page() {
	if a.Pager != "auto" || !Terminal(a.Stdout) || a.endPage != nil || os.Getenv("TERM") == "dumb" {
		return
	}
	name := os.Getenv("PAGER")
	if name == "" {
		name = "less -FRSX"
	}
	args := strings.Fields(name)
	if len(args) == 0 {
		return
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return
	}
	cmd := exec.Command(path, args[1:]...)
	cmd.Stdout, cmd.Stderr = bare(a.Stdout), a.Stderr // a pager needs the terminal itself
	in, err := cmd.StdinPipe()
	if err != nil || cmd.Start() != nil {
		return
	}
	old := a.Stdout
	a.Stdout = &paged{in, old}
	a.endPage = func() {
		_ = in.Close() // the pager may have gone before
		_ = cmd.Wait()
		a.Stdout, a.endPage = old, nil
	}
}

// width is that of the terminal; 0 where there is none, or a pager that scrolls
// sideways.
func (a *App) width() int {
	if _, ok := a.Stdout.(*paged); ok || !Terminal(a.Stdout) {
		return 0
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	f, ok := bare(a.Stdout).(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
