package parquet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	pq "github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/internal/oracle"
)

type options = map[string]any

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// writtenFile is a table and one file of it by another writer.
type writtenFile struct {
	engine, file string
	s            *arrow.Schema
	batches      []arrow.RecordBatch
	o            options
}

func (w *writtenFile) column(i int) (out []string) {
	for _, b := range w.batches {
		out = append(out, arrowiotest.ColumnText(b.Column(i))...)
	}
	return out
}

// pyarrowOptions draws from all that its writer takes.
func pyarrowOptions(r *rand.Rand, s *arrow.Schema, seen map[string]int) options {
	o := options{
		"compression": oneOf(r, "NONE", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"), "version": oneOf(r, "1.0", "2.4", "2.6"),
		"data_page_version": oneOf(r, "1.0", "2.0"), "use_dictionary": r.IntN(2) == 0, "write_statistics": r.IntN(4) > 0,
		"write_page_index": r.IntN(2) == 0, "write_page_checksum": r.IntN(2) == 0, "store_schema": r.IntN(3) > 0,
		"store_decimal_as_integer": r.IntN(2) == 0, "use_deprecated_int96_timestamps": r.IntN(4) == 0,
		"use_compliant_nested_type": r.IntN(3) > 0, "write_time_adjusted_to_utc": r.IntN(2) == 0,
		"data_page_size": oneOf(r, 100, 1<<20), "write_batch_size": oneOf(r, 10, 1024), "row_group_size": oneOf(r, 50, 1<<20),
		"dictionary_pagesize_limit": oneOf(r, 200, 1<<20), "use_content_defined_chunking": r.IntN(5) == 0,
	}
	if strings.Contains(s.String(), "duration") {
		o["store_schema"] = true // without, it is a number
	}
	if o["use_dictionary"] == false {
		encodings := map[string]string{}
		for _, f := range s.Fields() {
			var e string
			switch f.Type.ID() {
			case arrow.BOOL:
				e = oneOf(r, "PLAIN", "RLE")
			case arrow.INT32, arrow.INT64, arrow.INT8, arrow.UINT16, arrow.UINT32, arrow.UINT64, arrow.DATE32, arrow.TIMESTAMP, arrow.TIME64:
				if o["use_deprecated_int96_timestamps"] == true {
					continue
				}
				e = oneOf(r, "PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT")
				if o["version"] == "1.0" && f.Type.ID() == arrow.UINT32 {
					e = "PLAIN"
				}
			case arrow.FLOAT32, arrow.FLOAT64, arrow.FLOAT16:
				e = oneOf(r, "PLAIN", "BYTE_STREAM_SPLIT")
			case arrow.STRING, arrow.BINARY, arrow.LARGE_STRING:
				e = oneOf(r, "PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY")
			case arrow.FIXED_SIZE_BINARY:
				e = oneOf(r, "PLAIN", "DELTA_BYTE_ARRAY", "BYTE_STREAM_SPLIT")
			default:
				continue
			}
			encodings[f.Name] = e
			seen["encoding "+e]++
		}
		if len(encodings) > 0 {
			o["column_encoding"] = encodings
		}
	}
	seen[fmt.Sprint("pyarrow codec ", o["compression"])]++
	seen[fmt.Sprint("pyarrow page ", o["data_page_version"])]++
	for _, k := range []string{"use_dictionary", "write_page_index", "store_schema", "use_deprecated_int96_timestamps", "store_decimal_as_integer", "use_content_defined_chunking"} {
		if o[k] == true {
			seen[k]++
		}
	}
	return o
}

func duckdbOptions(r *rand.Rand, seen map[string]int) options {
	o := options{"COMPRESSION": oneOf(r, "uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4_raw"), "PARQUET_VERSION": oneOf(r, "V1", "V2")}
	if r.IntN(2) == 0 {
		o["ROW_GROUP_SIZE"] = 100
	}
	if r.IntN(2) == 0 {
		o["DICTIONARY_SIZE_LIMIT"] = oneOf(r, 1, 20, 100000)
	}
	seen[fmt.Sprint("duckdb codec ", o["COMPRESSION"])]++
	seen[fmt.Sprint("duckdb ", o["PARQUET_VERSION"])]++
	return o
}

func polarsOptions(r *rand.Rand, seen map[string]int) options {
	o := options{"compression": oneOf(r, "uncompressed", "snappy", "gzip", "brotli", "zstd", "lz4"), "statistics": oneOf[any](r, true, false, "full")}
	if r.IntN(2) == 0 {
		o["row_group_size"] = 60
	}
	if r.IntN(2) == 0 {
		o["data_page_size"] = 200
	}
	seen[fmt.Sprint("polars codec ", o["compression"])]++
	return o
}

// writersLack are the messages of what the writers of others cannot write.
var writersLack = []string{
	"Unhandled type for Arrow to Parquet schema conversion", "NotImplementedException", "NotImplemented",
	"Casting from timestamp", // beyond what the unit holds
	"Lists with structs are not supported", "not supported", "not yet implemented",
}

func writeIPC(t *testing.T, path string, s *arrow.Schema, batches []arrow.RecordBatch) {
	var b bytes.Buffer
	w, err := ipc.NewFileWriter(&b, ipc.WithSchema(s))
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range batches {
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, path, b.Bytes())
}

// TestReadWrittenByOthers: what pyarrow writes, with any of its options and of
// any type that both have, is read equal; what DuckDB and Polars write too, of
// the types that all have.
func TestReadWrittenByOthers(t *testing.T) {
	n := campaign(40, 150, 1500)
	py := oracle.Python(t, fmt.Sprintf("that %d tables that others write are read is", n))
	script, err := os.ReadFile("testdata/write.py")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	seen := map[string]int{}
	var files []writtenFile
	var tasks []options
	add := func(in string, w writtenFile) {
		files = append(files, w)
		tasks = append(tasks, options{"engine": w.engine, "in": in, "file": w.file, "options": w.o})
	}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 41))
		g := &arrowiotest.Generator{R: r, Leaves: arrowiotest.FlatTypes, Nested: seed%3 > 0, Seen: seen}
		if seed%2 == 0 {
			g.Leaves = append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...)
		}
		s := g.Schema()
		w := writtenFile{s: s, batches: []arrow.RecordBatch{g.Batch(s, r.IntN(400)), g.Batch(s, r.IntN(100))}}
		in := fmt.Sprintf("in%03d", seed)
		writeIPC(t, filepath.Join(dir, in+".arrow"), s, w.batches)
		w.engine, w.file, w.o = "pyarrow", in+"-pyarrow", pyarrowOptions(r, s, seen)
		add(in, w)
		if seed%2 == 1 {
			w.engine, w.file, w.o = "duckdb", in+"-duckdb", duckdbOptions(r, seen)
			add(in, w)
			w.engine, w.file, w.o = "polars", in+"-polars", polarsOptions(r, seen)
			add(in, w)
		}
	}
	write(t, filepath.Join(dir, "tasks.json"), jsonOf(t, tasks))
	oracle.Run(t, py, string(script), dir)
	read := map[string]int{}
	for _, w := range files {
		t.Run(w.file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(dir, w.file+".parquet"))
			if err != nil {
				msg, err := os.ReadFile(filepath.Join(dir, w.file+".err"))
				if err != nil {
					t.Fatal(err)
				}
				for _, lack := range writersLack {
					if strings.Contains(string(msg), lack) {
						read[w.engine+" lacks: "+lack]++
						return
					}
				}
				t.Fatalf("%v: %s", w.s, msg)
			}
			for i, f := range w.s.Fields() {
				got, err := readColumn(t, raw, f.Name, Options{})
				if err != nil {
					t.Fatalf("%v %v: %v", f, w.o, err)
				}
				compareColumns(t, fmt.Sprintf("%v %v", f, w.o), w.column(i), got)
			}
			read[w.engine]++
		})
	}
	t.Log("coverage:", seen)
	t.Log("files read equal:", read)
	floor := map[string]int{"STRUCT": n / 10, "LIST": n / 10, "MAP": n / 20, "nulls some": n, "nulls none": n}
	for _, c := range []string{"NONE", "SNAPPY", "GZIP", "BROTLI", "ZSTD", "LZ4"} {
		floor["pyarrow codec "+c] = n / 20
	}
	for _, e := range []string{"PLAIN", "DELTA_BINARY_PACKED", "BYTE_STREAM_SPLIT", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"} {
		floor["encoding "+e] = n / 40
	}
	for _, k := range []string{"pyarrow page 1.0", "pyarrow page 2.0", "use_dictionary", "write_page_index", "store_schema", "use_deprecated_int96_timestamps", "store_decimal_as_integer", "duckdb V1", "duckdb V2"} {
		floor[k] = n / 10
	}
	for what, least := range floor {
		if testing.Short() {
			least /= 4
		}
		if seen[what] < least {
			t.Errorf("coverage of %s is %d, the floor is %d", what, seen[what], least)
		}
	}
	for engine, least := range map[string]int{"pyarrow": n * 7 / 10, "duckdb": n * 2 / 5, "polars": n * 2 / 5} {
		if read[engine] < least {
			t.Errorf("%s wrote %d files that were read, the floor is %d", engine, read[engine], least)
		}
	}
}

// TestReadWrittenByArrowGo: what arrow-go writes, with any of its options, is
// read equal.
func TestReadWrittenByArrowGo(t *testing.T) {
	n := campaign(60, 200, 3000)
	seen := map[string]int{}
	codecs := []compress.Compression{compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Zstd, compress.Codecs.Lz4Raw}
	for seed := range n {
		r := rand.New(rand.NewPCG(uint64(seed), 43))
		leaves := slices.DeleteFunc(append(slices.Clone(arrowiotest.FlatTypes), arrowiotest.MoreTypes...), func(dt arrow.DataType) bool {
			switch dt.ID() { // it writes none of these
			case arrow.STRING_VIEW, arrow.BINARY_VIEW, arrow.DECIMAL32, arrow.DECIMAL64, arrow.DURATION:
				return true
			}
			return false
		})
		g := &arrowiotest.Generator{R: r, Leaves: leaves, Nested: seed%3 > 0, Seen: seen}
		s := g.Schema()
		w := writtenFile{s: s, batches: []arrow.RecordBatch{g.Batch(s, r.IntN(400)), g.Batch(s, r.IntN(100))}}
		codec, v2, dict := oneOf(r, codecs...), r.IntN(2) == 0, r.IntN(2) == 0
		opts := []pq.WriterProperty{
			pq.WithCompression(codec), pq.WithDictionaryDefault(dict), pq.WithStats(r.IntN(4) > 0), pq.WithMaxRowGroupLength(oneOf[int64](r, 50, 1<<20)),
			pq.WithDataPageSize(oneOf[int64](r, 100, 1<<20)), pq.WithBatchSize(oneOf[int64](r, 10, 1024)), pq.WithDictionaryPageSizeLimit(oneOf[int64](r, 200, 1<<20)),
			pq.WithVersion(oneOf(r, pq.V1_0, pq.V2_4, pq.V2_LATEST)), pq.WithDataPageVersion(pq.DataPageV1), pq.WithPageIndexEnabled(r.IntN(2) == 0),
			pq.WithBloomFilterEnabled(r.IntN(3) == 0),
		}
		if v2 {
			opts = append(opts, pq.WithDataPageVersion(pq.DataPageV2))
		}
		if !dict {
			for _, f := range s.Fields() {
				var e pq.Encoding
				switch f.Type.ID() {
				case arrow.INT32, arrow.INT64:
					e = oneOf(r, pq.Encodings.Plain, pq.Encodings.DeltaBinaryPacked, pq.Encodings.ByteStreamSplit)
				case arrow.FLOAT32, arrow.FLOAT64:
					e = oneOf(r, pq.Encodings.Plain, pq.Encodings.ByteStreamSplit)
				case arrow.STRING, arrow.BINARY:
					e = oneOf(r, pq.Encodings.Plain, pq.Encodings.DeltaLengthByteArray, pq.Encodings.DeltaByteArray)
				default:
					continue
				}
				opts = append(opts, pq.WithEncodingFor(f.Name, e))
				seen["encoding "+e.String()]++
			}
		}
		var aopts []pqarrow.WriterOption
		if r.IntN(2) == 0 {
			aopts = append(aopts, pqarrow.WithStoreSchema())
		}
		if r.IntN(4) == 0 {
			aopts = append(aopts, pqarrow.WithDeprecatedInt96Timestamps(true))
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			raw, err := encodeByArrowGo(s, w.batches, pq.NewWriterProperties(opts...), pqarrow.NewArrowWriterProperties(aopts...))
			if err != nil {
				seen["not written: "+strings.SplitN(err.Error(), ":", 2)[0]]++
				return
			}
			for i, f := range s.Fields() {
				got, err := readColumn(t, raw, f.Name, Options{})
				if err != nil {
					t.Fatalf("%v: %v", f, err)
				}
				if !slices.Equal(got, w.column(i)) {
					// Under null structs it takes values of fixed length from the wrong slots.
					if theirs, err := columnByArrowGo(raw, i); err == nil && slices.Equal(got, theirs) {
						seen["written wrong"]++
						continue
					}
				}
				compareColumns(t, fmt.Sprint(f), w.column(i), got)
			}
			seen["read"]++
			seen["codec "+codec.String()]++
			seen[fmt.Sprint("v2 ", v2)]++
		})
	}
	t.Log("coverage:", seen)
	for _, what := range []string{"encoding DELTA_BINARY_PACKED", "encoding DELTA_BYTE_ARRAY", "encoding BYTE_STREAM_SPLIT", "v2 true", "v2 false", "codec SNAPPY", "codec ZSTD", "STRUCT", "LIST", "MAP"} {
		if seen[what] == 0 {
			t.Errorf("nothing of %s", what)
		}
	}
	if seen["written wrong"] > n/20 {
		t.Errorf("arrow-go wrote %d columns wrong", seen["written wrong"])
	}
	if seen["read"] < n*6/10 {
		t.Errorf("%d of %d files were read", seen["read"], n)
	}
}

func encodeByArrowGo(s *arrow.Schema, batches []arrow.RecordBatch, props *pq.WriterProperties, aprops pqarrow.ArrowWriterProperties) (_ []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var out bytes.Buffer
	tab := array.NewTableFromRecords(s, batches)
	defer tab.Release()
	err = pqarrow.WriteTable(tab, &out, 100, props, aprops)
	return out.Bytes(), err
}
