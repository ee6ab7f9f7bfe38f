package parquet

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// Meta implements formats.FileReader.
func (r *Reader) Meta() *formats.Meta {
	m := &formats.Meta{
		Format: "parquet", Version: fmt.Sprint(r.md.Version), Writer: r.md.CreatedBy, Size: r.size,
		Footer: r.size - r.footer - trailer, Rows: r.rows, Encrypted: r.hidden, Schema: schemaText(r.md.Schema),
	}
	for _, kv := range r.md.KeyValues {
		m.KeyValues = append(m.KeyValues, formats.KeyValue{Key: kv.Key, Value: kv.Value})
	}
	for _, n := range r.tree.Leaves {
		m.Columns = append(m.Columns, formats.ColumnInfo{
			Path: n.Name(), Physical: physicalName(n.Element), Logical: logicalName(n.Element), Arrow: n.Want, MaxDef: n.Def, MaxRep: n.Rep,
		})
	}
	for i := range r.md.RowGroups {
		m.Units = append(m.Units, r.unitMeta(i))
	}
	return m
}

func physicalName(e *meta.SchemaElement) string {
	if e.Type == meta.FixedLenByteArray {
		return fmt.Sprintf("%s(%d)", e.Type, e.TypeLength)
	}
	return e.Type.String()
}

func logicalName(e *meta.SchemaElement) string {
	if e.Logical.Kind != meta.NoLogical {
		return e.Logical.String()
	}
	if e.Converted == meta.ConvertedDecimal {
		return fmt.Sprintf("DECIMAL(%d,%d)", e.Precision, e.Scale)
	}
	return e.Converted.String()
}

// schemaText is the schema in the notation of the format's own documents.
func schemaText(elems []meta.SchemaElement) string {
	var b strings.Builder
	next := 0
	var write func(depth int)
	write = func(depth int) {
		if next >= len(elems) {
			return
		}
		e := &elems[next]
		next++
		pad := strings.Repeat("  ", depth)
		rep := ""
		if depth > 0 {
			rep = strings.ToLower(e.Repetition.String()) + " "
		}
		id := ""
		if e.HasFieldID {
			id = fmt.Sprintf(" = %d", e.FieldID)
		}
		note := logicalName(e)
		if note != "" {
			note = " (" + note + ")"
		}
		if e.HasType && e.NumChildren == 0 && depth > 0 {
			fmt.Fprintf(&b, "%s%s%s %s%s%s;\n", pad, rep, strings.ToLower(physicalName(e)), e.Name, note, id)
			return
		}
		kind := "group"
		if depth == 0 {
			kind = "message"
		}
		fmt.Fprintf(&b, "%s%s%s %s%s%s {\n", pad, rep, kind, e.Name, note, id)
		for range e.NumChildren {
			write(depth + 1)
		}
		fmt.Fprintf(&b, "%s}\n", pad)
	}
	write(0)
	return b.String()
}

func (r *Reader) unitMeta(rg int) formats.UnitMeta {
	g := &r.md.RowGroups[rg]
	u := formats.UnitMeta{Kind: "row group", Offset: g.FileOffset, Bytes: g.CompressedSize, Raw: g.TotalByteSize, Rows: g.NumRows}
	var sorting []string
	for _, s := range g.Sorting {
		if s.Column < 0 || int(s.Column) >= len(r.tree.Leaves) {
			continue
		}
		t := r.tree.Leaves[s.Column].Name()
		if s.Descending {
			t += " desc"
		}
		if s.NullsFirst {
			t += " nulls first"
		}
		sorting = append(sorting, t)
	}
	u.Sorting = strings.Join(sorting, ", ")
	sum, first := int64(0), int64(-1)
	for i := range g.Columns {
		c := r.chunkMeta(rg, i)
		if c.Bytes > 0 {
			sum += c.Bytes
		}
		if c.File == "" && c.Offset > 0 && (first < 0 || c.Offset < first) {
			first = c.Offset
		}
		u.Columns = append(u.Columns, c)
	}
	if u.Bytes == 0 {
		u.Bytes = sum
	}
	if u.Offset == 0 {
		u.Offset = max(first, 0)
	}
	return u
}

func (r *Reader) chunkMeta(rg, column int) formats.ChunkMeta {
	raw := &r.md.RowGroups[rg].Columns[column]
	out := formats.ChunkMeta{Values: -1, Nulls: -1, Distinct: -1, Raw: -1, Encrypted: raw.Crypto != nil, File: raw.FilePath}
	c, _, err := r.chunk(rg, column)
	if err != nil {
		return out
	}
	m, n := c.Meta, r.tree.Leaves[column]
	out.Codec, out.Offset, out.Bytes, out.Raw, out.Values = m.Codec.String(), chunkStart(m), m.CompressedSize, m.UncompressedSize, m.NumValues
	for _, e := range m.Encodings {
		out.Encodings = append(out.Encodings, e.String())
		out.Dictionary = out.Dictionary || isDictionary(e)
	}
	out.ColumnIndex, out.OffsetIndex = c.ColumnIndexOffset > 0, c.OffsetIndexOffset > 0
	if m.BloomFilterOffset > 0 {
		if out.Bloom = int64(m.BloomFilterLength); out.Bloom == 0 {
			out.Bloom = -1
		}
	}
	for _, kv := range m.KeyValues {
		out.KeyValues = append(out.KeyValues, formats.KeyValue{Key: kv.Key, Value: kv.Value})
	}
	if s := m.Statistics; s != nil && m.Type == n.Element.Type {
		out.Nulls, out.Distinct = s.NullCount, s.DistinctCount
		if lo, hi, loExact, hiExact, err := boundArrays(n, []bound{r.chunkBound(n, s)}); err == nil {
			out.Min, out.Max = known(lo), known(hi)
			out.MinExact, out.MaxExact = loExact[0], hiExact[0]
		}
	}
	return out
}

// known is a one-element array, or nil if the element is null.
func known(a arrow.Array) arrow.Array {
	if a.IsNull(0) {
		a.Release()
		return nil
	}
	return a
}

var (
	_ formats.FileReader = (*Reader)(nil)
)
