package meta

import (
	"errors"
)

var errIndexLengths = errors.New("lists of a column index differ in length")

// DecodeOffsetIndex reads a chunk's offset index and tells its length.
func DecodeOffsetIndex(b []byte) (*OffsetIndex, int, error) {
	r := reader{b: b}
	x := &OffsetIndex{}
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			x.Pages = structs(&r, &f, 7, (*reader).pageLocation)
		case 2:
			x.UnencodedByteArrayBytes = r.int64s(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1), "offset index")
	n, err := r.finish("offset index")
	if err != nil {
		return nil, 0, err
	}
	return x, n, nil
}

func (r *reader) pageLocation(p *PageLocation) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			p.Offset = r.i64(&f)
		case 2:
			p.CompressedSize = r.i32(&f)
		case 3:
			p.FirstRow = r.i64(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3), "page location")
}

// DecodeColumnIndex reads a chunk's column index and tells its length. The
// lists that hold one element a page are of one length. Min and Max are slices
// of b.
func DecodeColumnIndex(b []byte) (*ColumnIndex, int, error) {
	r := reader{b: b}
	x := &ColumnIndex{}
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			x.NullPages = r.bools(&f)
		case 2:
			x.Min = r.byteSlices(&f)
		case 3:
			x.Max = r.byteSlices(&f)
		case 4:
			x.Order = BoundaryOrder(r.i32(&f))
		case 5:
			x.NullCounts = r.int64s(&f)
		case 6:
			x.RepLevelHistogram = r.int64s(&f)
		case 7:
			x.DefLevelHistogram = r.int64s(&f)
		case 8:
			x.NaNCounts = r.int64s(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3, 4), "column index")
	pages := len(x.NullPages)
	if len(x.Min) != pages || len(x.Max) != pages ||
		x.NullCounts != nil && len(x.NullCounts) != pages || x.NaNCounts != nil && len(x.NaNCounts) != pages {
		r.fail(errIndexLengths)
	}
	n, err := r.finish("column index")
	if err != nil {
		return nil, 0, err
	}
	return x, n, nil
}
