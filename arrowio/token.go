package arrowio

import (
	"encoding/json"
	"fmt"

	"github.com/bdkit/bdkit/pushdown"
)

// tokenVersion is that of EncodeSplit's form.
const tokenVersion = 1

type splitToken struct {
	Version  int      `json:"v"`
	ID       string   `json:"id"`
	Source   string   `json:"source"`
	Payload  []byte   `json:"payload"`
	Residual *string  `json:"residual"`
	Rows     int64    `json:"rows"`
	Exact    bool     `json:"exact"`
	Bytes    int64    `json:"bytes"`
	Hosts    []string `json:"hosts,omitempty"`
}

// EncodeSplit gives a split as bytes that another process can decode and open.
func EncodeSplit(s Split) ([]byte, error) {
	t := splitToken{Version: tokenVersion, ID: s.ID, Source: s.Source, Payload: s.Payload, Rows: s.Rows, Exact: s.Exact, Bytes: s.Bytes, Hosts: s.Hosts}
	if s.Residual != nil {
		text := s.Residual.String()
		t.Residual = &text
	}
	return json.Marshal(t)
}

// DecodeSplit is the inverse of EncodeSplit. Bytes of another version of the
// program are ErrUnsupported, other bytes ErrCorrupt.
func DecodeSplit(b []byte) (Split, error) {
	var t splitToken
	if err := json.Unmarshal(b, &t); err != nil {
		return Split{}, fmt.Errorf("%w: no split token", ErrCorrupt)
	}
	if t.Version != tokenVersion {
		return Split{}, fmt.Errorf("%w: a split token of version %d", ErrUnsupported, t.Version)
	}
	s := Split{ID: t.ID, Source: t.Source, Payload: t.Payload, Rows: t.Rows, Exact: t.Exact, Bytes: t.Bytes, Hosts: t.Hosts}
	if t.Residual != nil {
		e, err := pushdown.Parse(*t.Residual)
		if err != nil {
			return Split{}, fmt.Errorf("%w: split token: %w", ErrCorrupt, err)
		}
		s.Residual = e
	}
	return s, nil
}
