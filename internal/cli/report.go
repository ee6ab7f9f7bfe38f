package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// report prints an error for people, or as one JSON object.
func (a *App) report(err error) {
	kind, code := classify(err)
	if code == ExitOK || err == ErrDiffers { // an answer, and no words beside it
		return
	}
	var ae *arrowio.Error
	var fe *fs.Error
	found := errors.As(err, &ae)
	if found && kind == "corrupt" && ae.Hint == "" && ae.URL != "" && strings.HasSuffix(err.Error(), ae.Error()) {
		hinted := *ae // the words of an error that wraps it are not lost: they come first
		hinted.Hint = "bdcat check --deep " + ae.URL
		err = fmt.Errorf("%s%w", strings.TrimSuffix(err.Error(), ae.Error()), &hinted)
		ae = &hinted
	}
	msg := strings.TrimPrefix(err.Error(), ErrUsage.Error()+": ")
	if a.LogFormat != "json" {
		fmt.Fprintf(a.Stderr, "%s: %s\n", a.Prog, strings.ReplaceAll(msg, "\n", "\n\t"))
		return
	}
	o := logLine{Kind: kind, Code: code, Msg: msg}
	if found {
		o.URL, o.Unit, o.Column, o.Offset, o.Hint = ae.URL, ae.Unit, ae.Column, ae.Offset, ae.Hint
	} else if errors.As(err, &fe) {
		o.URL, o.Offset = fe.URL, fe.Off
	}
	a.logJSON(o)
}

// logLine is a line of --log-format json; all members are always there.
type logLine struct {
	Kind   string `json:"kind"` // notice, or the kind of an error: usage, corrupt, not found …
	Code   int    `json:"code"` // the exit code
	URL    string `json:"url"`
	Unit   string `json:"unit"`
	Column string `json:"column"`
	Offset int64  `json:"offset"` // 0: unknown
	Msg    string `json:"msg"`
	Hint   string `json:"hint"`
}

func (a *App) logJSON(l logLine) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(l) != nil { // strings and integers only
		b.WriteString("{\"kind\":\"error\"}\n")
	}
	fmt.Fprint(a.Stderr, b.String())
}
