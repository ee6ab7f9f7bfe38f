package meta

func (r *reader) schemaElement(e *SchemaElement) {
	e.Converted = NoConvertedType
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			e.Type, e.HasType = Type(r.i32(&f)), true
		case 2:
			e.TypeLength = r.i32(&f)
		case 3:
			e.Repetition, e.HasRep = Repetition(r.i32(&f)), true
		case 4:
			e.Name = r.string(&f)
		case 5:
			e.NumChildren = r.i32(&f)
		case 6:
			e.Converted = ConvertedType(r.i32(&f))
		case 7:
			e.Scale = r.i32(&f)
		case 8:
			e.Precision = r.i32(&f)
		case 9:
			e.FieldID, e.HasFieldID = r.i32(&f), true
		case 10:
			r.logicalType(&f, &e.Logical)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(4), "schema element")
}

func (r *reader) logicalType(f *field, l *LogicalType) {
	if !r.expect(f, wireStruct) {
		return
	}
	u := r.open()
	for r.next(&u) {
		*l = LogicalType{Kind: LogicalKind(u.id)}
		if l.Kind == LogicalGeography {
			l.Algorithm = -1
		}
		switch l.Kind {
		case LogicalDecimal, LogicalTime, LogicalTimestamp, LogicalInteger, LogicalVariant, LogicalGeometry, LogicalGeography:
			if r.expect(&u, wireStruct) {
				r.logicalMember(l)
			}
		default:
			r.skip(&u)
		}
	}
}

// logicalMember reads the parameters of a logical type.
func (r *reader) logicalMember(l *LogicalType) {
	m := r.open()
	for r.next(&m) {
		if m.id != 1 && m.id != 2 {
			r.skip(&m)
			continue
		}
		first := m.id == 1
		switch l.Kind {
		case LogicalDecimal:
			if first {
				l.Scale = r.i32(&m)
			} else {
				l.Precision = r.i32(&m)
			}
		case LogicalTime, LogicalTimestamp:
			if first {
				l.UTC = r.bool(&m)
			} else {
				l.Unit = TimeUnit(r.emptyUnion(&m))
			}
		case LogicalInteger:
			if first {
				l.BitWidth = r.i8(&m)
			} else {
				l.Signed = r.bool(&m)
			}
		case LogicalGeometry, LogicalGeography:
			switch {
			case first:
				l.CRS = r.string(&m)
			case l.Kind == LogicalGeography:
				l.Algorithm = r.i32(&m)
			default:
				r.skip(&m)
			}
		case LogicalVariant:
			if first {
				l.Version = r.i8(&m)
			} else {
				r.skip(&m)
			}
		}
	}
	switch l.Kind {
	case LogicalDecimal, LogicalTime, LogicalTimestamp, LogicalInteger:
		r.require(&m, need(1, 2), "logical type")
	}
}
