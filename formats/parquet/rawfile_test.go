package parquet

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/bdkit/bdkit/formats/parquet/internal/encoding"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// Files put together page by page, for what no writer of today writes.

// rawSchema is a schema without its root.
type rawSchema []meta.SchemaElement

func element(name string, rep meta.Repetition) meta.SchemaElement {
	return meta.SchemaElement{Name: name, Repetition: rep, HasRep: true, Converted: meta.NoConvertedType}
}

// leafOf is a column; its annotations are set by change.
func leafOf(name string, rep meta.Repetition, typ meta.Type, change ...func(e *meta.SchemaElement)) meta.SchemaElement {
	e := element(name, rep)
	e.Type, e.HasType = typ, true
	for _, f := range change {
		f(&e)
	}
	return e
}

func groupOf(name string, rep meta.Repetition, children int, change ...func(e *meta.SchemaElement)) meta.SchemaElement {
	e := element(name, rep)
	e.NumChildren = int32(children)
	for _, f := range change {
		f(&e)
	}
	return e
}

func legacy(c meta.ConvertedType) func(e *meta.SchemaElement) {
	return func(e *meta.SchemaElement) { e.Converted = c }
}

func annotated(l meta.LogicalType) func(e *meta.SchemaElement) {
	return func(e *meta.SchemaElement) { e.Logical = l }
}

func ofLength(n int) func(e *meta.SchemaElement) {
	return func(e *meta.SchemaElement) { e.TypeLength = int32(n) }
}

func decimalOf(precision, scale int32) func(e *meta.SchemaElement) {
	return func(e *meta.SchemaElement) {
		e.Converted, e.Precision, e.Scale = meta.ConvertedDecimal, precision, scale
		e.Logical = meta.LogicalType{Kind: meta.LogicalDecimal, Precision: precision, Scale: scale}
	}
}

// rawPage is one page. Its header's sizes are filled in.
type rawPage struct {
	h    meta.PageHeader
	body []byte
}

type rawChunk struct {
	pages     []rawPage
	levels    int64 // of all data pages
	stats     *meta.Statistics
	elsewhere string // the external file that holds the pages
	hideDict  bool   // no dictionary_page_offset, as old writers have it
}

type rawGroup struct {
	rows   int64
	chunks []rawChunk
}

type rawFile struct {
	roots  int
	schema rawSchema
	groups []rawGroup
	order  meta.ColumnOrder      // of every column; NoOrder writes none
	extra  func(w *thriftWriter) // more fields of the footer
}

// bytes is the file, and the external files that hold some of its pages.
func (f rawFile) bytes() (raw []byte, elsewhere map[string][]byte) {
	var b bytes.Buffer
	b.WriteString(magicPlain)
	elsewhere = map[string][]byte{}
	md := meta.FileMetaData{Version: 1, CreatedBy: "rawfile"}
	root := groupOf("schema", meta.Required, f.roots)
	root.HasRep = false
	md.Schema = append([]meta.SchemaElement{root}, f.schema...)
	var leaves []meta.SchemaElement
	var paths [][]string
	next := 0
	var walk func(n int, path []string)
	walk = func(n int, path []string) {
		for range n {
			e := f.schema[next]
			next++
			p := append(path[:len(path):len(path)], e.Name)
			if e.HasType {
				leaves, paths = append(leaves, e), append(paths, p)
				continue
			}
			walk(int(e.NumChildren), p)
		}
	}
	walk(f.roots, nil)
	for g, group := range f.groups {
		rg := meta.RowGroup{NumRows: group.rows, Ordinal: int32(g)}
		md.NumRows += group.rows
		for i, c := range group.chunks {
			out := &b
			if c.elsewhere != "" {
				out = bytes.NewBuffer(elsewhere[c.elsewhere])
			}
			m := &meta.ColumnMetaData{Type: leaves[i].Type, Path: paths[i], NumValues: c.levels, Encodings: []meta.Encoding{}, Statistics: c.stats}
			start := out.Len()
			for _, p := range c.pages {
				at := int64(out.Len())
				switch p.h.Type {
				case meta.DictionaryPage:
					if !c.hideDict {
						m.DictionaryPageOffset = at
					}
				case meta.IndexPage:
					m.IndexPageOffset = at
				default:
					if m.DataPageOffset == 0 {
						m.DataPageOffset = at
					}
				}
				m.Encodings = append(m.Encodings, p.h.Encoding)
				p.h.CompressedSize, p.h.UncompressedSize = int32(len(p.body)), int32(len(p.body))
				out.Write(appendPageHeader(nil, &p.h))
				out.Write(p.body)
			}
			if c.hideDict {
				m.DataPageOffset = int64(start)
			}
			m.CompressedSize = int64(out.Len() - start)
			m.UncompressedSize = m.CompressedSize
			rg.TotalByteSize += m.CompressedSize
			rg.Columns = append(rg.Columns, meta.ColumnChunk{Meta: m, FilePath: c.elsewhere})
			if c.elsewhere != "" {
				elsewhere[c.elsewhere] = bytes.Clone(out.Bytes())
			}
		}
		md.RowGroups = append(md.RowGroups, rg)
	}
	if f.order != meta.NoOrder {
		for range leaves {
			md.ColumnOrders = append(md.ColumnOrders, f.order)
		}
	}
	footer := appendFileMetaData(nil, &md)
	if f.extra != nil { // before the byte that ends the struct
		w := &thriftWriter{b: footer[:len(footer)-1], last: []int16{9}}
		f.extra(w)
		footer = append(w.b, 0)
	}
	b.Write(footer)
	_ = binary.Write(&b, binary.LittleEndian, uint32(len(footer)))
	b.WriteString(magicPlain)
	return b.Bytes(), elsewhere
}

// levelsOf encodes levels of a data page v1 in one of the two encodings.
func levelsOf(levels []int16, most int, enc meta.Encoding) []byte {
	if most == 0 {
		return nil
	}
	width := encoding.Width(most)
	if enc == meta.BitPacked {
		return encoding.AppendBitPackedLevels(nil, levels, width)
	}
	b := encoding.AppendHybridLevels(make([]byte, 4), levels, width)
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// dataPage is a data page v1.
func dataPage(rep, def []int16, maxRep, maxDef int, levels, values meta.Encoding, n int, body []byte) rawPage {
	all := append(levelsOf(rep, maxRep, levels), levelsOf(def, maxDef, levels)...)
	return rawPage{
		h:    meta.PageHeader{Type: meta.DataPage, NumValues: int32(n), Encoding: values, RepEncoding: levels, DefEncoding: levels},
		body: append(all, body...),
	}
}

// flatColumn is a chunk of one page of required values.
func flatColumn(n int, values []byte) rawChunk {
	return rawChunk{levels: int64(n), pages: []rawPage{dataPage(nil, nil, 0, 0, meta.RLE, meta.Plain, n, values)}}
}

// i32s and byteArrays are values in PLAIN.
func i32s(v ...int32) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, uint32(x))
	}
	return b
}

func i64s(v ...int64) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return b
}

func byteArrays(v ...string) (b []byte) {
	for _, x := range v {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(x))), x...)
	}
	return b
}

// words are the fields of a text.
func words(s string) []string { return strings.Fields(s) }
