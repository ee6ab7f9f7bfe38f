package schema

import (
	"encoding/json"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/bdkit/bdkit/arrowio"
	"github.com/bdkit/bdkit/formats/parquet/internal/meta"
)

// MaxDecimal is the most digits that an Arrow decimal holds.
const MaxDecimal = 76

// leafType is the Arrow type of a column and its extension metadata, if any.
// An annotation that its physical type cannot have is left out, as the
// specification asks of unknown ones: the column is read as it is stored.
func leafType(e *meta.SchemaElement, int96 Int96) (arrow.DataType, map[string]string, error) {
	l := Annotation(e)
	if l.Kind == meta.LogicalUnknown {
		return arrow.Null, nil, nil
	}
	if want := physicalOf(l); want >= 0 && e.Type != want {
		return nil, nil, fmt.Errorf("%w: %s annotates %s", arrowio.ErrCorrupt, l, want)
	}
	switch e.Type {
	case meta.Boolean:
		return arrow.FixedWidthTypes.Boolean, nil, nil
	case meta.Int32:
		return int32Type(l), nil, nil
	case meta.Int64:
		return int64Type(l), nil, nil
	case meta.Int96:
		return int96Type(int96), nil, nil
	case meta.Float:
		return arrow.PrimitiveTypes.Float32, nil, nil
	case meta.Double:
		return arrow.PrimitiveTypes.Float64, nil, nil
	case meta.ByteArray:
		dt, md := bytesType(l)
		return dt, md, nil
	case meta.FixedLenByteArray:
		if e.TypeLength < 0 {
			return nil, nil, arrowio.ErrCorrupt
		}
		dt, md := fixedType(l, e.TypeLength)
		return dt, md, nil
	}
	return nil, nil, arrowio.ErrUnsupported
}

// physicalOf is the one physical type that an annotation can be on, -1 where
// there are several or the annotation is not known (LogicalTypes.md).
func physicalOf(l meta.LogicalType) meta.Type {
	switch {
	case l.Kind == meta.LogicalDate,
		l.Kind == meta.LogicalInteger && l.BitWidth <= 32,
		l.Kind == meta.LogicalTime && l.Unit == meta.Millis:
		return meta.Int32
	case l.Kind == meta.LogicalInteger, l.Kind == meta.LogicalTimestamp,
		l.Kind == meta.LogicalTime:
		return meta.Int64
	}
	return -1
}

// Annotation is the logical type, or what the converted type of old means.
func Annotation(e *meta.SchemaElement) meta.LogicalType {
	if e.Logical.Kind != meta.NoLogical {
		return e.Logical
	}
	integer := func(width int8, signed bool) meta.LogicalType {
		return meta.LogicalType{Kind: meta.LogicalInteger, BitWidth: width, Signed: signed}
	}
	instant := func(k meta.LogicalKind, u meta.TimeUnit) meta.LogicalType {
		return meta.LogicalType{Kind: k, Unit: u, UTC: true}
	}
	switch e.Converted {
	case meta.ConvertedUTF8:
		return meta.LogicalType{Kind: meta.LogicalString}
	case meta.ConvertedEnum:
		return meta.LogicalType{Kind: meta.LogicalEnum}
	case meta.ConvertedDecimal:
		return meta.LogicalType{Kind: meta.LogicalDecimal, Precision: e.Precision, Scale: e.Scale}
	case meta.ConvertedDate:
		return meta.LogicalType{Kind: meta.LogicalDate}
	case meta.ConvertedTimeMillis:
		return instant(meta.LogicalTime, meta.Millis)
	case meta.ConvertedTimeMicros:
		return instant(meta.LogicalTime, meta.Micros)
	case meta.ConvertedTimestampMs:
		return instant(meta.LogicalTimestamp, meta.Millis)
	case meta.ConvertedTimestampUs:
		return instant(meta.LogicalTimestamp, meta.Micros)
	case meta.ConvertedUint8:
		return integer(8, false)
	case meta.ConvertedUint16:
		return integer(16, false)
	case meta.ConvertedUint32:
		return integer(32, false)
	case meta.ConvertedUint64:
		return integer(64, false)
	case meta.ConvertedInt8:
		return integer(8, true)
	case meta.ConvertedInt16:
		return integer(16, true)
	case meta.ConvertedInt32:
		return integer(32, true)
	case meta.ConvertedInt64:
		return integer(64, true)
	case meta.ConvertedJSON:
		return meta.LogicalType{Kind: meta.LogicalJSON}
	case meta.ConvertedBSON:
		return meta.LogicalType{Kind: meta.LogicalBSON}
	}
	return meta.LogicalType{}
}

func int32Type(l meta.LogicalType) arrow.DataType {
	switch l.Kind {
	case meta.LogicalInteger:
		switch {
		case l.BitWidth == 8 && l.Signed:
			return arrow.PrimitiveTypes.Int8
		case l.BitWidth == 16 && l.Signed:
			return arrow.PrimitiveTypes.Int16
		case l.BitWidth == 8:
			return arrow.PrimitiveTypes.Uint8
		case l.BitWidth == 16:
			return arrow.PrimitiveTypes.Uint16
		case l.BitWidth == 32 && !l.Signed:
			return arrow.PrimitiveTypes.Uint32
		}
	case meta.LogicalDate:
		return arrow.PrimitiveTypes.Date32
	case meta.LogicalTime:
		if l.Unit == meta.Millis {
			return arrow.FixedWidthTypes.Time32ms
		}
	case meta.LogicalDecimal:
		if dt := decimalType(l); dt != nil {
			return dt
		}
	}
	return arrow.PrimitiveTypes.Int32
}

func int64Type(l meta.LogicalType) arrow.DataType {
	switch l.Kind {
	case meta.LogicalInteger:
		if l.BitWidth == 64 && !l.Signed {
			return arrow.PrimitiveTypes.Uint64
		}
	case meta.LogicalTime:
		switch l.Unit {
		case meta.Micros:
			return arrow.FixedWidthTypes.Time64us
		case meta.Nanos:
			return arrow.FixedWidthTypes.Time64ns
		}
	case meta.LogicalTimestamp:
		if l.Unit < meta.Millis || l.Unit > meta.Nanos {
			break
		}
		zone := ""
		if l.UTC {
			zone = "UTC"
		}
		return &arrow.TimestampType{Unit: ArrowUnit(l.Unit), TimeZone: zone}
	case meta.LogicalDecimal:
		if dt := decimalType(l); dt != nil {
			return dt
		}
	}
	return arrow.PrimitiveTypes.Int64
}

// ArrowUnit is a time unit as Arrow calls it.
func ArrowUnit(u meta.TimeUnit) arrow.TimeUnit {
	switch u {
	case meta.Micros:
		return arrow.Microsecond
	case meta.Nanos:
		return arrow.Nanosecond
	}
	return arrow.Millisecond
}

func int96Type(o Int96) arrow.DataType {
	switch o {
	case Int96Micros:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case Int96Millis:
		return &arrow.TimestampType{Unit: arrow.Millisecond}
	case Int96Exact:
		return &arrow.Decimal128Type{Precision: 38}
	}
	return &arrow.TimestampType{Unit: arrow.Nanosecond}
}

// decimalType is nil for parameters that no decimal has.
func decimalType(l meta.LogicalType) arrow.DataType {
	switch {
	case l.Precision < 1 || l.Scale < 0 || l.Scale > min(l.Precision, MaxDecimal):
		return nil
	case l.Precision > MaxDecimal: // the values that have fewer digits are read
		return &arrow.Decimal256Type{Precision: MaxDecimal, Scale: l.Scale}
	case l.Precision > 38:
		return &arrow.Decimal256Type{Precision: l.Precision, Scale: l.Scale}
	}
	return &arrow.Decimal128Type{Precision: l.Precision, Scale: l.Scale}
}

func bytesType(l meta.LogicalType) (arrow.DataType, map[string]string) {
	switch l.Kind {
	case meta.LogicalString:
		return arrow.BinaryTypes.String, nil
	case meta.LogicalJSON:
		return arrow.BinaryTypes.String, extension("arrow.json", "")
	case meta.LogicalDecimal:
		if dt := decimalType(l); dt != nil {
			return dt, nil
		}
	case meta.LogicalGeometry, meta.LogicalGeography:
		return arrow.BinaryTypes.Binary, extension("geoarrow.wkb", geoMetadata(l))
	}
	return arrow.BinaryTypes.Binary, nil
}

func fixedType(l meta.LogicalType, width int32) (arrow.DataType, map[string]string) {
	switch l.Kind {
	case meta.LogicalDecimal:
		if dt := decimalType(l); dt != nil && width > 0 {
			return dt, nil
		}
	case meta.LogicalUUID:
		if width == 16 {
			return &arrow.FixedSizeBinaryType{ByteWidth: 16}, extension("arrow.uuid", "")
		}
	case meta.LogicalFloat16:
		if width == 2 {
			return arrow.FixedWidthTypes.Float16, nil
		}
	}
	return &arrow.FixedSizeBinaryType{ByteWidth: int(width)}, nil
}

// geoMetadata is the metadata of geoarrow.wkb for a GEOMETRY or GEOGRAPHY
// (Geospatial.md): the coordinate reference system and the form of edges.
func geoMetadata(l meta.LogicalType) string {
	m := map[string]any{}
	crs := l.CRS
	if crs == "" {
		crs = "OGC:CRS84"
	}
	m["crs"] = crs
	if crs[0] == '{' && json.Valid([]byte(crs)) {
		m["crs"] = json.RawMessage(crs)
	}
	if l.Kind == meta.LogicalGeography {
		m["edges"] = "spherical"
		for name, alg := range edgeAlgorithms {
			if alg == l.Algorithm {
				m["edges"] = name
			}
		}
	}
	b, _ := json.Marshal(m) // strings and valid JSON only
	return string(b)
}
