package schema

import (
	"encoding/json"
	"strings"
)

// Canonical is the Parsing Canonical Form: what two schemas that decode the
// same bytes alike have in common.
func (s *Schema) Canonical() string {
	var b strings.Builder
	c := canon{w: &b, seen: map[string]bool{}}
	c.write(s)
	return b.String()
}

type canon struct {
	w    *strings.Builder
	seen map[string]bool
}

func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

func (c canon) write(s *Schema) {
	w := c.w
	if s.IsNamed() {
		if c.seen[s.Name] {
			w.WriteString(quote(s.Name))
			return
		}
		c.seen[s.Name] = true
		w.WriteString(`{"name":` + quote(s.Name) + `,"type":"` + s.Kind.String() + `"`)
	}
	switch s.Kind {
	case Record:
		w.WriteString(`,"fields":[`)
		for i, f := range s.Fields {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteString(`{"name":` + quote(f.Name) + `,"type":`)
			c.write(f.Type)
			w.WriteByte('}')
		}
		w.WriteString("]}")
	case Enum:
		w.WriteString(`,"symbols":[`)
		for i, sym := range s.Symbols {
			if i > 0 {
				w.WriteByte(',')
			}
			w.WriteString(quote(sym))
		}
		w.WriteString("]}")
	case Fixed:
		w.WriteString(`,"size":` + itoa(s.Size) + "}")
	case Array:
		w.WriteString(`{"type":"array","items":`)
		c.write(s.Items)
		w.WriteByte('}')
	case Map:
		w.WriteString(`{"type":"map","values":`)
		c.write(s.Items)
		w.WriteByte('}')
	case Union:
		w.WriteByte('[')
		for i, b := range s.Branches {
			if i > 0 {
				w.WriteByte(',')
			}
			c.write(b)
		}
		w.WriteByte(']')
	default:
		w.WriteString(`"` + s.Kind.String() + `"`)
	}
}

const emptyCRC = 0xc15d213aa4d7a795

var crcTable = func() (t [256]uint64) {
	for i := range t {
		fp := uint64(i)
		for range 8 {
			fp = fp>>1 ^ emptyCRC&-(fp&1)
		}
		t[i] = fp
	}
	return t
}()

// Fingerprint is the 64-bit Rabin fingerprint of the canonical form
// (CRC-64-AVRO), by which single-object encoding names a schema.
func (s *Schema) Fingerprint() uint64 {
	fp := uint64(emptyCRC)
	text := s.Canonical()
	for i := range len(text) {
		fp = fp>>8 ^ crcTable[byte(fp)^text[i]]
	}
	return fp
}
