package proto

// Append writes the statistics of a column.
func (m *ColumnStatistics) Append(b []byte) []byte {
	b = opt(b, 1, m.Values, appendUint)
	b = appendOne(b, 2, m.Int)
	b = appendOne(b, 3, m.Double)
	b = appendOne(b, 4, m.String)
	b = appendOne(b, 5, m.Bucket)
	b = appendOne(b, 6, m.Decimal)
	b = appendOne(b, 7, m.Date)
	b = appendOne(b, 8, m.Binary)
	b = appendOne(b, 9, m.Timestamp)
	b = opt(b, 10, m.HasNull, appendBool)
	b = opt(b, 11, m.BytesOnDisk, appendUint)
	b = appendOne(b, 12, m.Collection)
	return appendOne(b, 13, m.Geometry)
}

// Append writes integers' statistics.
func (m *IntegerStatistics) Append(b []byte) []byte {
	return opt(opt(opt(b, 1, m.Min, appendSint), 2, m.Max, appendSint), 3, m.Sum, appendSint)
}

// Append writes floats' statistics.
func (m *DoubleStatistics) Append(b []byte) []byte {
	return opt(opt(opt(b, 1, m.Min, appendDouble), 2, m.Max, appendDouble), 3, m.Sum, appendDouble)
}

// Append writes strings' statistics.
func (m *StringStatistics) Append(b []byte) []byte {
	b = opt(b, 1, m.Min, appendBytes[string])
	b = opt(b, 2, m.Max, appendBytes[string])
	b = opt(b, 3, m.Sum, appendSint)
	b = opt(b, 4, m.LowerBound, appendBytes[string])
	return opt(b, 5, m.UpperBound, appendBytes[string])
}

// Append writes booleans' statistics.
func (m *BucketStatistics) Append(b []byte) []byte { return appendPacked(b, 1, m.Count) }

// Append writes decimals' statistics.
func (m *DecimalStatistics) Append(b []byte) []byte {
	b = opt(b, 1, m.Min, appendBytes[string])
	b = opt(b, 2, m.Max, appendBytes[string])
	return opt(b, 3, m.Sum, appendBytes[string])
}

// Append writes dates' statistics.
func (m *DateStatistics) Append(b []byte) []byte {
	day := func(b []byte, num int, v int32) []byte { return appendSint(b, num, int64(v)) }
	return opt(opt(b, 1, m.Min, day), 2, m.Max, day)
}

// Append writes binaries' statistics.
func (m *BinaryStatistics) Append(b []byte) []byte { return opt(b, 1, m.Sum, appendSint) }

// Append writes timestamps' statistics.
func (m *TimestampStatistics) Append(b []byte) []byte {
	b = opt(b, 1, m.Min, appendSint)
	b = opt(b, 2, m.Max, appendSint)
	b = opt(b, 3, m.MinUTC, appendSint)
	b = opt(b, 4, m.MaxUTC, appendSint)
	b = opt(b, 5, m.MinNanos, appendInt32)
	return opt(b, 6, m.MaxNanos, appendInt32)
}

// Append writes collections' statistics.
func (m *CollectionStatistics) Append(b []byte) []byte {
	b = opt(b, 1, m.MinChildren, appendUint)
	b = opt(b, 2, m.MaxChildren, appendUint)
	return opt(b, 3, m.TotalChildren, appendUint)
}

// Append writes geometries' statistics.
func (m *GeometryStatistics) Append(b []byte) []byte {
	b = appendOne(b, 1, m.Box)
	b = appendEach(b, 2, m.Coverings)
	for _, t := range m.Types {
		b = appendInt32(b, 3, t)
	}
	return b
}

// Append writes the box.
func (m *BoundingBox) Append(b []byte) []byte {
	for i, v := range []float64{m.XMin, m.XMax, m.YMin, m.YMax} {
		b = appendDouble(b, i+1, v)
	}
	for i, v := range []Opt[float64]{m.ZMin, m.ZMax, m.MMin, m.MMax} {
		b = opt(b, i+5, v, appendDouble)
	}
	return b
}

// Append writes the covering.
func (m *Covering) Append(b []byte) []byte {
	return appendBytes(appendBytes(b, 1, m.Kind), 2, m.Value)
}
