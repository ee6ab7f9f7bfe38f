package proto

// ColumnStatistics is what is known of a column's values in a file, a stripe
// or a row group.
type ColumnStatistics struct {
	Values      Opt[uint64] // not null
	HasNull     Opt[bool]
	BytesOnDisk Opt[uint64]
	Int         *IntegerStatistics
	Double      *DoubleStatistics
	String      *StringStatistics
	Bucket      *BucketStatistics
	Decimal     *DecimalStatistics
	Date        *DateStatistics
	Binary      *BinaryStatistics
	Timestamp   *TimestampStatistics
	Collection  *CollectionStatistics
	Geometry    *GeometryStatistics
}

// IntegerStatistics is of byte, short, int and long columns. The sum is absent
// where it overflowed.
type IntegerStatistics struct{ Min, Max, Sum Opt[int64] }

// DoubleStatistics is of float and double columns.
type DoubleStatistics struct{ Min, Max, Sum Opt[float64] }

// StringStatistics is of string, char and varchar columns. Bounds stand where
// the minimum or maximum was too long; Sum is the length of all values.
type StringStatistics struct {
	Min, Max               Opt[string]
	Sum                    Opt[int64]
	LowerBound, UpperBound Opt[string]
}

// BucketStatistics is of boolean columns: the number of true values.
type BucketStatistics struct{ Count []uint64 }

// DecimalStatistics is of decimal columns, as decimal text.
type DecimalStatistics struct{ Min, Max, Sum Opt[string] }

// DateStatistics is in days since the epoch.
type DateStatistics struct{ Min, Max Opt[int32] }

// BinaryStatistics is the length of all values.
type BinaryStatistics struct{ Sum Opt[int64] }

// TimestampStatistics is in milliseconds since the epoch: Min and Max in the
// writer's time zone, MinUTC and MaxUTC in UTC. The nanoseconds are those
// within the millisecond, plus one.
type TimestampStatistics struct {
	Min, Max, MinUTC, MaxUTC Opt[int64]
	MinNanos, MaxNanos       Opt[int32]
}

// CollectionStatistics is of lists and maps.
type CollectionStatistics struct{ MinChildren, MaxChildren, TotalChildren Opt[uint64] }

// GeometryStatistics is of geometry columns.
type GeometryStatistics struct {
	Box       *BoundingBox
	Coverings []Covering
	Types     []int32
}

// BoundingBox is the extent of geometries.
type BoundingBox struct {
	XMin, XMax, YMin, YMax float64
	ZMin, ZMax, MMin, MMax Opt[float64]
}

// Covering is a shape that covers all geometries.
type Covering struct {
	Kind  string
	Value []byte
}
