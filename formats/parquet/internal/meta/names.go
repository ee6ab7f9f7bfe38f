package meta

import (
	"fmt"
	"strings"
)

func name[T ~int32 | ~int16](names []string, v T, what string) string {
	if int(v) >= 0 && int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return fmt.Sprintf("%s %d", what, v)
}

func (t Type) String() string {
	return name([]string{"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"}, t, "type")
}

func (r Repetition) String() string {
	return name([]string{"REQUIRED", "OPTIONAL", "REPEATED"}, r, "repetition")
}

func (e Encoding) String() string {
	return name([]string{"PLAIN", "", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED", "DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY",
		"DELTA_BYTE_ARRAY", "RLE_DICTIONARY", "BYTE_STREAM_SPLIT", "ALP"}, e, "encoding")
}

func (c Codec) String() string {
	return name([]string{"UNCOMPRESSED", "SNAPPY", "GZIP", "LZO", "BROTLI", "LZ4", "ZSTD", "LZ4_RAW"}, c, "codec")
}

func (t PageType) String() string {
	return name([]string{"DATA_PAGE", "INDEX_PAGE", "DICTIONARY_PAGE", "DATA_PAGE_V2"}, t, "page type")
}

func (t ConvertedType) String() string {
	if t == NoConvertedType {
		return ""
	}
	return name([]string{"UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS",
		"TIMESTAMP_MILLIS", "TIMESTAMP_MICROS", "UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32", "INT_64",
		"JSON", "BSON", "INTERVAL"}, t, "converted type")
}

func (u TimeUnit) String() string { return name([]string{"", "MILLIS", "MICROS", "NANOS"}, u, "unit") }

func (b BoundaryOrder) String() string {
	return name([]string{"UNORDERED", "ASCENDING", "DESCENDING"}, b, "order")
}

// String is the annotation as schemas show it: TIMESTAMP(MICROS,UTC).
func (l LogicalType) String() string {
	kind := name([]string{"", "STRING", "MAP", "LIST", "ENUM", "DECIMAL", "DATE", "TIME", "TIMESTAMP", "", "INTEGER", "UNKNOWN", "JSON", "BSON", "UUID",
		"FLOAT16", "VARIANT", "GEOMETRY", "GEOGRAPHY", "FILE"}, l.Kind, "logical type")
	switch l.Kind {
	case NoLogical:
		return ""
	case LogicalDecimal:
		return fmt.Sprintf("%s(%d,%d)", kind, l.Precision, l.Scale)
	case LogicalTime, LogicalTimestamp:
		zone := "LOCAL"
		if l.UTC {
			zone = "UTC"
		}
		return fmt.Sprintf("%s(%s,%s)", kind, l.Unit, zone)
	case LogicalInteger:
		return fmt.Sprintf("%s(%d,%t)", kind, l.BitWidth, l.Signed)
	case LogicalVariant:
		return fmt.Sprintf("%s(%d)", kind, l.Version)
	case LogicalGeometry, LogicalGeography:
		var args []string
		if l.CRS != "" {
			args = append(args, l.CRS)
		}
		if l.Kind == LogicalGeography && l.Algorithm >= 0 {
			args = append(args, name([]string{"SPHERICAL", "VINCENTY", "THOMAS", "ANDOYER", "KARNEY"}, l.Algorithm, "algorithm"))
		}
		if len(args) > 0 {
			return kind + "(" + strings.Join(args, ",") + ")"
		}
	}
	return kind
}
