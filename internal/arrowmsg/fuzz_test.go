package arrowmsg

import (
	"bytes"
	"errors"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/bdkit/bdkit/arrowio"
)

// samples are the messages of a stream, and a footer made of its schema.
func samples(t testing.TB) (out [][]byte, footer []byte) {
	s := arrow.NewSchema([]arrow.Field{
		{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true},
		{Name: "u", Type: arrow.DenseUnionOf([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int32}}, []arrow.UnionTypeCode{7}), Metadata: arrow.NewMetadata([]string{"k"}, []string{"v"})},
		{Name: "v", Type: arrow.BinaryTypes.StringView}, {Name: "t", Type: &arrow.TimestampType{Unit: arrow.Nanosecond, TimeZone: "UTC"}},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, f := range b.Fields() {
		f.AppendEmptyValue()
	}
	var buf bytes.Buffer
	w := ipc.NewWriter(&buf, ipc.WithSchema(s), ipc.WithLZ4())
	if err := w.Write(b.NewRecordBatch()); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for raw := buf.Bytes(); len(raw) > 8; {
		n := int(uint32(raw[4]) | uint32(raw[5])<<8 | uint32(raw[6])<<16)
		out = append(out, raw[8:8+n])
		m, err := Decode(raw[8 : 8+n])
		if err != nil {
			t.Fatal(err)
		}
		raw = raw[8+n+int(m.Body):]
	}
	footer, err := EncodeFooter(out[0], []Block{{8, 16, 24}}, []Block{{32, 40, 48}, {1 << 40, 8, 0}})
	if err != nil {
		t.Fatal(err)
	}
	return out, footer
}

// TestFooter: what is encoded is decoded again.
func TestFooter(t *testing.T) {
	messages, raw := samples(t)
	f, err := DecodeFooter(raw)
	if err != nil {
		t.Fatal(err)
	}
	want, err := DecodeSchema(messages[0])
	if err != nil {
		t.Fatal(err)
	}
	if !f.Schema.Arrow.Equal(want.Arrow) || len(f.Dictionaries) != 1 || len(f.Batches) != 2 || f.Batches[1] != (Block{1 << 40, 8, 0}) || f.Dictionaries[0] != (Block{8, 16, 24}) {
		t.Errorf("%+v", f)
	}
	for n := range raw {
		if _, err := DecodeFooter(raw[:n]); err != nil && !errors.Is(err, arrowio.ErrCorrupt) && !errors.Is(err, arrowio.ErrUnsupported) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	messages, footer := samples(f)
	for _, m := range append(messages, footer) {
		f.Add(m)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := Decode(b); err == nil && m.Batch != nil && 16*len(m.Batch.Buffers) > len(b) {
			t.Fatal("more buffers than bytes")
		}
		if m, err := DecodeFooter(b); err == nil && 24*len(m.Batches) > len(b) {
			t.Fatal("more blocks than bytes")
		}
	})
}
