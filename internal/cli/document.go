package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/pflag"
)

// Object is a JSON object whose members keep their order.
type Object []Member

// Member is one of an Object.
type Member struct {
	Name  string
	Value any
}

// MarshalJSON implements json.Marshaler.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, m := range o {
		b.WriteByte("{,"[min(i, 1)])
		for k, v := range []any{m.Name, m.Value} {
			if k > 0 {
				b.WriteByte(':')
			}
			e := json.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(v); err != nil {
				return nil, err
			}
		}
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Document are the flags of commands that answer with one document.
type Document struct {
	Form string
	JSON bool
}

// Flags adds the flags.
func (d *Document) Flags(f *pflag.FlagSet) {
	f.StringVarP(&d.Form, "output", "o", "text", "text or json")
	f.BoolVar(&d.JSON, "json", false, "one JSON document, the same as -o json")
}

// AsJSON says whether JSON is wanted.
func (d *Document) AsJSON() (bool, error) {
	switch {
	case d.JSON || d.Form == "json":
		return true, nil
	case d.Form == "text" || d.Form == "":
		return false, nil
	}
	return false, fmt.Errorf("%w: -o %q: want text or json", ErrUsage, d.Form)
}

// WriteJSON writes one document, indented.
func WriteJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
