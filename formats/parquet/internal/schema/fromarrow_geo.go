package schema

import (
	"encoding/json"
	"strings"

	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// edgeAlgorithms are the interpolations of a GEOGRAPHY's edges, by the names
// that geoarrow gives them (Geospatial.md, "Edge interpolation algorithm").
var edgeAlgorithms = map[string]int32{"spherical": 0, "vincenty": 1, "thomas": 2, "andoyer": 3, "karney": 4}

// geo turns the metadata of a geoarrow.wkb extension into a logical type:
// curved edges make a GEOGRAPHY, straight ones a GEOMETRY.
func geo(extension string) meta.LogicalType {
	l := meta.LogicalType{Kind: meta.LogicalGeometry, Algorithm: -1}
	var m struct {
		CRS   json.RawMessage `json:"crs"`
		Edges string          `json:"edges"`
	}
	if json.Unmarshal([]byte(extension), &m) != nil {
		return l
	}
	if alg, ok := edgeAlgorithms[strings.ToLower(m.Edges)]; ok {
		l.Kind, l.Algorithm = meta.LogicalGeography, alg
	}
	var name string
	switch {
	case len(m.CRS) == 0 || string(m.CRS) == "null":
	case json.Unmarshal(m.CRS, &name) == nil:
		l.CRS = name
	default: // PROJJSON, stored inline
		l.CRS = string(m.CRS)
	}
	if l.CRS == "OGC:CRS84" { // the default of the format
		l.CRS = ""
	}
	return l
}
