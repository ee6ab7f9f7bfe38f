package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/convert"
)

// show tells how far the job is, on standard error: nothing, a line that is
// written over, lines, or JSON.
func (j *flags) show() (tell func(convert.Event), end func()) {
	terminal := cli.Terminal(j.app.Stderr)
	none := func() {}
	switch {
	case j.progress == "json":
		return func(e convert.Event) {
			b, err := json.Marshal(e)
			if err == nil { // numbers and words
				fmt.Fprintf(j.app.Stderr, "%s\n", b)
			}
		}, none
	case j.progress == "never", j.progress == "auto" && (!terminal || j.app.Quiet):
		return nil, none
	case terminal:
		shown := false
		return func(e convert.Event) {
				shown = true
				fmt.Fprintf(j.app.Stderr, "\r\x1b[K%s", line(e))
			}, func() {
				if shown {
					fmt.Fprint(j.app.Stderr, "\r\x1b[K")
				}
			}
	}
	var last time.Time
	var phase convert.Phase
	return func(e convert.Event) {
		if e.Phase == phase && time.Since(last) < 2*time.Second {
			return
		}
		last, phase = time.Now(), e.Phase
		fmt.Fprintf(j.app.Stderr, "%s: %s\n", j.app.Prog, line(e))
	}, none
}

func line(e convert.Event) string {
	text := string(e.Phase)
	if e.Total > 0 {
		text += fmt.Sprintf(" %3.0f%% %s of %s", 100*float64(min(e.Read, e.Total))/float64(e.Total), cli.HumanBytes(e.Read), cli.HumanBytes(e.Total))
	}
	text += fmt.Sprintf(", %d rows, %d files", e.Rows, e.Files)
	if e.ETA >= 0 && e.Phase != convert.PhaseDone {
		text += ", " + (time.Duration(e.ETA) * time.Second).String() + " left"
	}
	return text
}
