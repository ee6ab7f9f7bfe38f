package parquet

import (
	"os"
	"testing"
)

// campaign is how many cases a test draws: in the short run, in `make test`, and
// in `make nightly`, which sets BD_NIGHTLY.
func campaign(short, whole, nightly int) int {
	switch {
	case testing.Short():
		return short
	case os.Getenv("BD_NIGHTLY") != "":
		return nightly
	}
	return whole
}
