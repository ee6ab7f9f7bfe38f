package orc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/formats/orc/internal/proto"
)

// writers are the codes of Footer.writer.
var writers = []string{"ORC Java", "ORC C++", "Presto", "Scritchley Go", "Trino", "cuDF"}

// writerName says who wrote the file.
func (r *Reader) writerName() string {
	code := r.footer.Writer.Or(writerJava)
	name := fmt.Sprintf("writer %d", code)
	if int(code) < len(writers) {
		name = writers[code]
	}
	if v := r.footer.SoftwareVersion.Or(""); v != "" {
		name += " " + v
	}
	name += fmt.Sprintf(" (writer version %d)", r.ps.WriterVersion.Or(0))
	switch r.footer.Calendar.V {
	case proto.JulianGregorian:
		name += ", Julian/Gregorian calendar"
	case proto.ProlepticGregorian:
		name += ", proleptic Gregorian calendar"
	}
	return name
}

// versionName is the version of the format: files of Hive 0.11 may not say.
func (r *Reader) versionName() string {
	if len(r.ps.Version) == 0 {
		return "0.11"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(r.ps.Version), "[]"), " ", ".")
}

// acidFields are the columns of a file of a Hive ACID table.
var acidFields = []string{"operation", "originalTransaction", "bucket", "rowId", "currentTransaction", "row"}

// IsACID says whether the file is a delta or base of a Hive ACID table: rows are
// changes, of which the column row is the table's and operation is 0 for an
// insert, 1 for an update, 2 for a delete.
func (r *Reader) IsACID() bool {
	return r.root.typ.Kind == proto.Struct && slices.Equal(r.root.typ.FieldNames, acidFields) && len(r.roots) == len(acidFields) && r.roots[5].typ.Kind == proto.Struct
}

// Meta implements formats.FileReader. A column is any of the type tree but the
// root. The statistics of stripes, and their footers, are read if that was not
// done yet; where they cannot be, what they tell is missing.
func (r *Reader) Meta() *formats.Meta {
	m := &formats.Meta{
		Format: "orc", Version: r.versionName(), Writer: r.writerName(), Size: r.size, Footer: r.place.footLen, Rows: r.rows,
		Encrypted: r.crypt.describe(), Schema: typeText(r.root),
	}
	if r.IsACID() {
		m.Kind = "Hive ACID changes: operation 0 inserts, 1 updates, 2 deletes row"
	}
	for _, kv := range r.footer.Metadata {
		m.KeyValues = append(m.KeyValues, formats.KeyValue{Key: kv.Name, Value: string(kv.Value)})
	}
	nodes := r.columns()
	for _, n := range nodes {
		m.Columns = append(m.Columns, formats.ColumnInfo{Path: n.path, Physical: typeName(n.typ), Arrow: n.want, MaxDef: -1, MaxRep: -1})
	}
	stats, err := r.loadStripeStats(context.Background())
	if err != nil {
		stats = &stripeStats{&proto.Metadata{}}
	}
	for i := range r.footer.Stripes {
		m.Units = append(m.Units, r.unitMeta(i, nodes, stats))
	}
	return m
}

// columns are the columns that Meta lists, in the order of their ids.
func (r *Reader) columns() (out []*node) {
	var walk func(n *node)
	walk = func(n *node) {
		if n.id > 0 || n.typ.Kind != proto.Struct {
			out = append(out, n)
		}
		for _, c := range n.children {
			walk(c)
		}
	}
	walk(r.root)
	return out
}

// typeName is a type in Hive's notation, without its children.
func typeName(t *proto.Type) string {
	switch t.Kind {
	case proto.Decimal:
		p, s := decimalOf(t)
		return fmt.Sprintf("decimal(%d,%d)", p, s)
	case proto.Char, proto.Varchar:
		return fmt.Sprintf("%s(%d)", t.Kind, t.MaximumLength.Or(0))
	}
	return t.Kind.String()
}

// typeText is a type in Hive's notation.
func typeText(n *node) string {
	if len(n.children) == 0 {
		return typeName(n.typ)
	}
	parts := make([]string, len(n.children))
	for i, c := range n.children {
		parts[i] = typeText(c)
		if n.typ.Kind == proto.Struct {
			parts[i] = n.typ.FieldNames[i] + ":" + parts[i]
		}
	}
	return n.typ.Kind.String() + "<" + strings.Join(parts, ",") + ">"
}

func (r *Reader) unitMeta(i int, nodes []*node, stats *stripeStats) formats.UnitMeta {
	info := &r.footer.Stripes[i]
	u := formats.UnitMeta{
		Kind: "stripe", Offset: int64(info.Offset), Bytes: int64(info.IndexLength + info.DataLength + info.FooterLength), Raw: -1, Rows: int64(info.Rows),
	}
	st, err := r.openStripe(context.Background(), i, arrowio.ReadOptions{})
	if err != nil {
		st = nil
	}
	for _, n := range nodes {
		u.Columns = append(u.Columns, r.chunkMeta(st, i, n, stats))
	}
	return u
}

func (r *Reader) chunkMeta(st *stripe, stripe int, n *node, stats *stripeStats) formats.ChunkMeta {
	out := formats.ChunkMeta{Codec: r.ps.Compression.String(), Values: -1, Nulls: -1, Distinct: -1, Raw: -1, Encrypted: r.crypt.covers(n.id)}
	if s := stats.of(r, stripe, n); s != nil {
		if out.Nulls = nullsOf(s, int64(r.footer.Stripes[stripe].Rows)); out.Nulls >= 0 {
			out.Values = int64(r.footer.Stripes[stripe].Rows)
		}
		if len(n.children) == 0 {
			lo, hi, loExact, hiExact := boundArrays(n, []bound{r.boundOf(n, s)})
			out.Min, out.Max, out.MinExact, out.MaxExact = known(lo), known(hi), loExact[0], hiExact[0]
		}
	}
	if st == nil {
		return out
	}
	if e, err := st.encoding(n.id); err == nil {
		out.Encodings = []string{e.Kind.String()}
		out.Dictionary = e.Kind == proto.Dictionary || e.Kind == proto.DictionaryV2
	}
	first := true
	for k, ext := range st.streams {
		if k.column != n.id {
			continue
		}
		switch k.kind {
		case proto.RowIndexStream:
			out.ColumnIndex, out.OffsetIndex = true, true
		case proto.BloomFilter, proto.BloomFilterUTF8:
			out.Bloom += ext.size
		default:
			if out.Bytes += ext.size; first || ext.off < out.Offset {
				out.Offset, first = ext.off, false
			}
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

var _ formats.FileReader = (*Reader)(nil)
