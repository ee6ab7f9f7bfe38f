// Package cli is what bdcat and bdconvert share: flags, configuration, exit
// codes, errors for people, signals, terminals.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/keyfile"
	"github.com/bdkit/bdkit/fs"
)

// App is one run of a program.
type App struct {
	Prog           string
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	// The flags that all commands have.
	Jobs      int
	Memory    Size
	Timeout   time.Duration
	Color     string
	Quiet     bool
	Verbose   bool
	LogFormat string
	Driver    []string
	Keys      string
	Format    string
	SpoolDir  string
	MaxSpool  Size
	Many      Many
	Progress  string
	Pager     string
	Profile   string
	Once      bool // the command reads the rows of its sources once, from the first on

	// Refused are flags that people look for and that are not there on
	// purpose, with what to do in their place.
	Refused map[string]string

	// Writes says that the program writes too: options of the writers are then
	// nothing to tell a source.
	Writes bool

	warned  map[string]bool
	endPage func() // nil: no pager
	trace   *tracer
	files   []config
}

// New is an App on the process's own streams.
func New(prog string) *App {
	return &App{Prog: prog, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, warned: map[string]bool{}}
}

// Flags adds the flags that all commands have.
func (a *App) Flags(f *pflag.FlagSet) {
	f.IntVarP(&a.Jobs, "jobs", "j", 0, "how many units to read at once (0: one a processor)")
	f.Var(&a.Memory, "memory", "byte budget, and the limit of the Go runtime")
	f.DurationVar(&a.Timeout, "timeout", 0, "give up after that long")
	f.StringVar(&a.Color, "color", "auto", "auto, always, never")
	f.BoolVarP(&a.Quiet, "quiet", "q", false, "no notices")
	f.BoolVarP(&a.Verbose, "verbose", "v", false, "more notices")
	f.StringVar(&a.LogFormat, "log-format", "text", "errors as text or json")
	f.StringArrayVarP(&a.Driver, "option", "X", nil, "option of a driver or format, key=value")
	f.StringVar(&a.Keys, "keys", "", "file of keys for encrypted files")
	f.StringVar(&a.Format, "format", "", "format of the input (default: by content)")
	f.StringVar(&a.SpoolDir, "spool-dir", "", "folder for the copy of standard input")
	f.Var(&a.MaxSpool, "max-spool", "bytes of standard input to copy at most")
	a.Many.Flags(f)
	f.StringVar(&a.Profile, "profile", "", "take flags from that profile of the configuration file")
}

// ReadFlags adds those of a program that shows things to people.
func (a *App) ReadFlags(f *pflag.FlagSet) {
	a.Many.ReadFlags(f)
	f.StringVar(&a.Pager, "pager", "auto", "auto or never: page what goes to a terminal through $PAGER (less -FRSX)")
}

// Main runs a command to the end and gives the exit code.
func (a *App) Main(root *cobra.Command, args []string) int {
	ctx, stop := a.signals()
	defer stop()
	out := &checked{Writer: a.Stdout}
	a.Stdout = out
	root.SetArgs(args)
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(a.flagError)
	run := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		if err := a.configure(cmd.Flags()); err != nil {
			return err
		}
		if err := a.check(); err != nil {
			return err
		}
		// Batches are recycled, so that a tighter collector costs little.
		debug.SetGCPercent(50)
		if a.Verbose {
			a.Trace()
		}
		if a.Memory > 0 {
			// What the runtime keeps besides the budget's bytes is about a fifth.
			debug.SetMemoryLimit(int64(a.Memory))
		}
		if a.Timeout > 0 {
			ctx, cancel := context.WithTimeoutCause(cmd.Context(), a.Timeout, context.DeadlineExceeded)
			cmd.SetContext(ctx)
			cobra.OnFinalize(cancel)
		}
		if run != nil {
			return run(cmd, args)
		}
		return nil
	}
	start := time.Now()
	err := root.ExecuteContext(ctx)
	if a.Verbose && a.trace != nil {
		a.Detail("%s in %.3f s", a.IO(), time.Since(start).Seconds())
	}
	if a.endPage != nil {
		a.endPage()
	}
	if err == nil || errors.Is(err, ErrDiffers) {
		// An answer that did not arrive is none, whichever command gave it.
		if out.err != nil {
			err = fmt.Errorf("%w: standard output: %w", fs.ErrIO, out.err)
		}
	}
	if err != nil && ctx.Err() != nil {
		if cause := context.Cause(ctx); errors.Is(cause, errSignal) {
			err = cause
		}
	}
	if a.Timeout > 0 && errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("gave up after %s (--timeout): %w", a.Timeout, err)
	}
	if err != nil && strings.HasPrefix(err.Error(), "unknown command") {
		err = fmt.Errorf("%w: %w", ErrUsage, err)
	}
	a.report(err)
	return ExitCode(err)
}

// signals ends the context at the first interrupt, and the program at the second.
func (a *App) signals() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	ch := make(chan os.Signal, 2)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM)
	// Whoever asks for SIGPIPE gets EPIPE from the write, in place of death by
	// signal: a reader that has seen enough, as head has, is no failure.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done := make(chan struct{})
	go func() {
		select {
		case <-ch:
			cancel(errSignal)
		case <-done:
			return
		}
		select {
		case <-ch:
			os.Exit(ExitSignal)
		case <-done:
		}
	}()
	return ctx, func() {
		signal.Stop(ch)
		signal.Stop(pipe)
		close(done)
		cancel(nil)
	}
}

func (a *App) check() error {
	for _, c := range []struct {
		flag, value string
		known       []string
	}{
		{"color", a.Color, []string{"auto", "always", "never"}},
		{"log-format", a.LogFormat, []string{"text", "json"}},
		{"pager", a.Pager, []string{"", "auto", "never"}},
	} {
		ok := false
		for _, k := range c.known {
			ok = ok || k == c.value
		}
		if !ok {
			return fmt.Errorf("%w: --%s %q: want %s", ErrUsage, c.flag, c.value, strings.TrimPrefix(strings.Join(c.known, ", "), ", "))
		}
	}
	if a.Jobs < 0 {
		return fmt.Errorf("%w: --jobs %d", ErrUsage, a.Jobs)
	}
	return nil
}

// Notice tells people something, unless they asked for quiet.
func (a *App) Notice(format string, args ...any) {
	if a.Quiet {
		return
	}
	if a.LogFormat == "json" {
		a.logJSON(logLine{Kind: "notice", Msg: fmt.Sprintf(format, args...)})
		return
	}
	fmt.Fprintf(a.Stderr, a.Prog+": "+format+"\n", args...)
}

// Detail tells people who asked for more.
func (a *App) Detail(format string, args ...any) {
	if a.Verbose {
		a.Notice(format, args...)
	}
}

// Warn tells people something once.
func (a *App) Warn(text string) {
	if !a.warned[text] {
		a.warned[text] = true
		a.Notice("%s", text)
	}
}

// Terminal says whether a stream is one.
func Terminal(w any) bool {
	if p, ok := w.(*paged); ok {
		w = p.terminal
	}
	if c, ok := w.(*checked); ok {
		w = c.Writer
	}
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// UseColor decides by flag, NO_COLOR and terminal.
func (a *App) UseColor() bool {
	switch a.Color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && Terminal(a.Stdout)
}

// budgetShare is the part of --memory that bytes in flight may take; the rest
// is the runtime's.
const budgetShare = 2

// batchBytes is smaller than the library's default: a program shares the
// machine with others.
const batchBytes = 8 << 20

// RunOptions are those of one command. The pool is safe here: nothing keeps a
// value beyond its batch.
func (a *App) RunOptions() arrowio.RunOptions {
	o := arrowio.RunOptions{Jobs: a.Jobs, ReadOptions: arrowio.ReadOptions{Alloc: arrowio.NewPool(), BatchBytes: batchBytes}}
	if a.Memory > 0 {
		o.Budget = arrowio.NewBudget(int64(a.Memory) / budgetShare)
		o.BatchBytes = max(1<<20, min(batchBytes, int64(a.Memory)/32))
	}
	return o
}

// Catalog gives the options with which sources are opened.
func (a *App) Catalog(sources ...string) (catalog.Options, error) {
	o := catalog.Options{
		Format: a.Format, Once: a.Once, Stdin: a.Stdin, SpoolDir: a.SpoolDir, MaxSpool: int64(a.MaxSpool),
		Named: a.Named(), Notice: func(s string) { a.Notice("%s", s) },
	}
	if a.trace != nil {
		o.Wrap = a.trace.wrap
	}
	set, driver, err := a.driverOptions(false)
	if err != nil {
		return o, err
	}
	if set, err = a.Many.inferRows(set); err != nil {
		return o, err
	}
	if o.Dataset, err = a.Many.options(); err != nil {
		return o, err
	}
	o.Formats.Set, o.FS = set, driver
	if o.Formats.Keys, err = a.KeyRetriever(); err != nil {
		return o, err
	}
	for _, s := range sources {
		if fs.Redact(s) != s {
			a.Warn("a password in a URL is visible to others on this machine")
		}
	}
	return o, nil
}

// KeyRetriever gives the keys of --keys; nil without.
func (a *App) KeyRetriever() (formats.KeyRetriever, error) {
	if a.Keys == "" {
		return nil, nil
	}
	k, err := keyfile.Load(a.Keys)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// WriterOptions are the options (-X) of the format that is written, and of the
// filesystem that it is written to.
func (a *App) WriterOptions() (set map[string]string, driver fs.Options, err error) {
	return a.driverOptions(true)
}

// driverOptions splits -X key=value between formats, which know their keys, and
// filesystems, which refuse what they do not know.
func (a *App) driverOptions(write bool) (set map[string]string, driver fs.Options, err error) {
	known, other := map[string]bool{}, map[string]bool{}
	for _, f := range formats.All() {
		for _, o := range f.Options() {
			if o.Write == write {
				known[o.Key] = true
			} else if a.Writes {
				other[o.Key] = true
			}
		}
	}
	for _, kv := range a.Driver {
		k, v, ok := strings.Cut(kv, "=")
		if !ok || k == "" {
			return nil, nil, fmt.Errorf("%w: -X %q: want key=value", ErrUsage, kv)
		}
		if known[k] {
			if set == nil {
				set = map[string]string{}
			}
			set[k] = v
			continue
		}
		if other[k] {
			continue
		}
		if driver == nil {
			driver = fs.Options{}
		}
		driver[k] = v
	}
	return set, driver, nil
}
