package proto

func columnStatistics(r *reader, m *ColumnStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Values = Some(r.uint())
		case 2:
			one(r, &m.Int, integerStatistics)
		case 3:
			one(r, &m.Double, doubleStatistics)
		case 4:
			one(r, &m.String, stringStatistics)
		case 5:
			one(r, &m.Bucket, bucketStatistics)
		case 6:
			one(r, &m.Decimal, decimalStatistics)
		case 7:
			one(r, &m.Date, dateStatistics)
		case 8:
			one(r, &m.Binary, binaryStatistics)
		case 9:
			one(r, &m.Timestamp, timestampStatistics)
		case 10:
			m.HasNull = Some(r.uint() != 0)
		case 11:
			m.BytesOnDisk = Some(r.uint())
		case 12:
			one(r, &m.Collection, collectionStatistics)
		case 13:
			one(r, &m.Geometry, geometryStatistics)
		default:
			r.skip()
		}
	}
}

func integerStatistics(r *reader, m *IntegerStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Min = Some(r.sint())
		case 2:
			m.Max = Some(r.sint())
		case 3:
			m.Sum = Some(r.sint())
		default:
			r.skip()
		}
	}
}

func doubleStatistics(r *reader, m *DoubleStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Min = Some(r.double())
		case 2:
			m.Max = Some(r.double())
		case 3:
			m.Sum = Some(r.double())
		default:
			r.skip()
		}
	}
}

func stringStatistics(r *reader, m *StringStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Min = Some(r.string())
		case 2:
			m.Max = Some(r.string())
		case 3:
			m.Sum = Some(r.sint())
		case 4:
			m.LowerBound = Some(r.string())
		case 5:
			m.UpperBound = Some(r.string())
		default:
			r.skip()
		}
	}
}

func bucketStatistics(r *reader, m *BucketStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			uints(r, &m.Count)
		default:
			r.skip()
		}
	}
}

func decimalStatistics(r *reader, m *DecimalStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Min = Some(r.string())
		case 2:
			m.Max = Some(r.string())
		case 3:
			m.Sum = Some(r.string())
		default:
			r.skip()
		}
	}
}

func dateStatistics(r *reader, m *DateStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Min = Some(int32(r.sint()))
		case 2:
			m.Max = Some(int32(r.sint()))
		default:
			r.skip()
		}
	}
}

func binaryStatistics(r *reader, m *BinaryStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Sum = Some(r.sint())
		default:
			r.skip()
		}
	}
}

func timestampStatistics(r *reader, m *TimestampStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.Min = Some(r.sint())
		case 2:
			m.Max = Some(r.sint())
		case 3:
			m.MinUTC = Some(r.sint())
		case 4:
			m.MaxUTC = Some(r.sint())
		case 5:
			m.MinNanos = Some(r.enum())
		case 6:
			m.MaxNanos = Some(r.enum())
		default:
			r.skip()
		}
	}
}

func collectionStatistics(r *reader, m *CollectionStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			m.MinChildren = Some(r.uint())
		case 2:
			m.MaxChildren = Some(r.uint())
		case 3:
			m.TotalChildren = Some(r.uint())
		default:
			r.skip()
		}
	}
}

func geometryStatistics(r *reader, m *GeometryStatistics) {
	for r.next() {
		switch r.num {
		case 1:
			one(r, &m.Box, boundingBox)
		case 2:
			each(r, &m.Coverings, covering)
		case 3:
			uints(r, &m.Types)
		default:
			r.skip()
		}
	}
}

func boundingBox(r *reader, m *BoundingBox) {
	for r.next() {
		switch r.num {
		case 1:
			m.XMin = r.double()
		case 2:
			m.XMax = r.double()
		case 3:
			m.YMin = r.double()
		case 4:
			m.YMax = r.double()
		case 5:
			m.ZMin = Some(r.double())
		case 6:
			m.ZMax = Some(r.double())
		case 7:
			m.MMin = Some(r.double())
		case 8:
			m.MMax = Some(r.double())
		default:
			r.skip()
		}
	}
}

func covering(r *reader, m *Covering) {
	for r.next() {
		switch r.num {
		case 1:
			m.Kind = r.string()
		case 2:
			m.Value = r.bytes()
		default:
			r.skip()
		}
	}
}
