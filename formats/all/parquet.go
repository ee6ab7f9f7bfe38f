//go:build !bd_no_parquet

package all

import _ "github.com/bdkit/bdkit/formats/parquet" // registers itself
