package parquet

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/arrowio/arrowiotest"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/fs/local"
	"github.com/bdkit/bdkit/internal/conformance"
)

// openCorpus reads one file of the corpus whole, through splits as a program does.
func openCorpus(t testing.TB) conformance.Open {
	return func(ctx context.Context, path string, e conformance.Entry, keys bool) (arrowio.RecordReader, error) {
		o := Options{}
		if keys {
			o.Keys = corpusKeys(t, e)
		}
		for _, up := range e.Upstream {
			if _, name, ok := strings.Cut(up, "._KEY_MATERIAL_FOR_"); ok && name != "" {
				o.Sibling = func(ctx context.Context, name string) (fs.File, error) {
					if !strings.HasPrefix(name, "_KEY_MATERIAL_FOR_") {
						return nil, fs.ErrNotExist
					}
					return openLocal(ctx, filepath.Join(conformance.Root(), up))
				}
			}
		}
		return openWhole(ctx, path, o)
	}
}

func openLocal(ctx context.Context, path string) (fs.File, error) {
	fsys, err := local.New("/")
	if err != nil {
		return nil, err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return fsys.Open(ctx, strings.TrimPrefix(path, "/"), fs.OpenOptions{})
}

// openWhole reads all splits of a file one after the other.
func openWhole(ctx context.Context, path string, o Options) (arrowio.RecordReader, error) {
	if o.Sibling == nil {
		o.Sibling = func(ctx context.Context, name string) (fs.File, error) {
			return openLocal(ctx, filepath.Join(filepath.Dir(path), name))
		}
	}
	f, err := openLocal(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := Open(ctx, f, o)
	if err != nil {
		return nil, err
	}
	return arrowiotest.ReadSplits(ctx, r, arrowio.ScanRequest{}, arrowio.ReadOptions{Budget: arrowio.NewBudget(512 << 20), Alloc: arrowiotest.Poison{}}, r.Close)
}

// knownMisses are files on which we differ from all digests of the manifest.
var knownMisses = map[string]conformance.Miss{
	"parquet/apache-drill/a1f21e88-repeated_types.parquet": {
		Section: "CANON.md, settled readings: INT96 is the stored count, exact, never a wrap",
		Why:     "twelve zero bytes are Julian day 0, which the readers with a digest wrapped into 64-bit nanoseconds; here it is exact in microseconds",
	},
}

func TestConformance(t *testing.T) {
	conformance.Run(t, "parquet", openCorpus(t), knownMisses)
}
