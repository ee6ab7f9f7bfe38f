package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/fs"
)

// report prints an error for people, or as one JSON object.
func report(w io.Writer, prog string, err error, asJSON bool) {
	kind, code := classify(err)
	if code == ExitOK || errors.Is(err, ErrDiffers) {
		return
	}
	if !asJSON {
		fmt.Fprintf(w, "%s: %s\n", prog, strings.ReplaceAll(err.Error(), "\n", "\n\t"))
		return
	}
	o := struct {
		Kind   string `json:"kind"`
		Code   int    `json:"code"`
		URL    string `json:"url,omitempty"`
		Unit   string `json:"unit,omitempty"`
		Column string `json:"column,omitempty"`
		Offset int64  `json:"offset,omitempty"`
		Msg    string `json:"msg"`
		Hint   string `json:"hint,omitempty"`
	}{Kind: kind, Code: code, Msg: err.Error()}
	var ae *arrowio.Error
	var fe *fs.Error
	if errors.As(err, &ae) {
		o.URL, o.Unit, o.Column, o.Offset, o.Hint = ae.URL, ae.Unit, ae.Column, ae.Offset, ae.Hint
	} else if errors.As(err, &fe) {
		o.URL, o.Offset = fe.URL, fe.Off
	}
	b, jerr := json.Marshal(o)
	if jerr != nil { // strings and integers only
		b = []byte(`{"kind":"error"}`)
	}
	fmt.Fprintf(w, "%s\n", b)
}
