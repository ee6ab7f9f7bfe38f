package meta

import "errors"

var errNoPageHeader = errors.New("the header of the page's type is missing")

// DecodePageHeader reads a page header from the start of b and tells its
// length. h is overwritten, and its Statistics is reused by the next call on
// it. Slices are those of b. When b ends before the header does, the error is
// io.ErrUnexpectedEOF (and arrowio.ErrCorrupt), and h is undefined.
func DecodePageHeader(b []byte, h *PageHeader) (n int, err error) {
	spare := h.Statistics
	if spare == nil {
		spare = h.spare
	}
	*h = PageHeader{Compressed: true, spare: spare}
	r := reader{b: b}
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			h.Type = PageType(r.i32(&f))
		case 2:
			h.UncompressedSize = r.i32(&f)
		case 3:
			h.CompressedSize = r.i32(&f)
		case 4:
			h.CRC, h.HasCRC = uint32(r.i32(&f)), true
		case 5:
			if r.expect(&f, wireStruct) {
				r.dataPage(h)
			}
		case 7:
			if r.expect(&f, wireStruct) {
				r.dictionaryPage(h)
			}
		case 8:
			if r.expect(&f, wireStruct) {
				r.dataPageV2(h)
			}
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3), "page header")
	if r.err == nil {
		own := uint32(0)
		switch h.Type {
		case DataPage:
			own = need(5)
		case DictionaryPage:
			own = need(7)
		case DataPageV2:
			own = need(8)
		}
		if f.seen&own != own {
			r.fail(errNoPageHeader)
		}
	}
	if r.err != nil { // no wrapping: a header cut short is an everyday thing
		return 0, r.err
	}
	return r.off, nil
}

func (r *reader) dataPage(h *PageHeader) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			h.NumValues = r.i32(&f)
		case 2:
			h.Encoding = Encoding(r.i32(&f))
		case 3:
			h.DefEncoding = Encoding(r.i32(&f))
		case 4:
			h.RepEncoding = Encoding(r.i32(&f))
		case 5:
			r.pageStatistics(&f, h)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3, 4), "data page header")
}

func (r *reader) dataPageV2(h *PageHeader) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			h.NumValues = r.i32(&f)
		case 2:
			h.NumNulls = r.i32(&f)
		case 3:
			h.NumRows = r.i32(&f)
		case 4:
			h.Encoding = Encoding(r.i32(&f))
		case 5:
			h.DefLevelsLen = r.i32(&f)
		case 6:
			h.RepLevelsLen = r.i32(&f)
		case 7:
			h.Compressed = r.bool(&f)
		case 8:
			r.pageStatistics(&f, h)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3, 4, 5, 6), "data page v2 header")
}

func (r *reader) dictionaryPage(h *PageHeader) {
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			h.NumValues = r.i32(&f)
		case 2:
			h.Encoding = Encoding(r.i32(&f))
		case 3:
			h.Sorted = r.bool(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2), "dictionary page header")
}

func (r *reader) pageStatistics(f *field, h *PageHeader) {
	if !r.expect(f, wireStruct) {
		return
	}
	if h.spare == nil {
		h.spare = new(Statistics)
	}
	h.Statistics, h.spare = h.spare, nil
	r.statistics(h.Statistics)
}

// The values that IsMaxExact and IsMinExact of decoded statistics point to.
// Nobody writes through them.
var yes, no = true, false

func (r *reader) statistics(s *Statistics) {
	*s = Statistics{NullCount: -1, DistinctCount: -1, NaNCount: -1}
	exact := func(f *field) *bool {
		if r.bool(f) {
			return &yes
		}
		return &no
	}
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			s.Max = r.bytes(&f)
		case 2:
			s.Min = r.bytes(&f)
		case 3:
			s.NullCount = r.i64(&f)
		case 4:
			s.DistinctCount = r.i64(&f)
		case 5:
			s.MaxValue = r.bytes(&f)
		case 6:
			s.MinValue = r.bytes(&f)
		case 7:
			s.IsMaxExact = exact(&f)
		case 8:
			s.IsMinExact = exact(&f)
		case 9:
			s.NaNCount = r.i64(&f)
		default:
			r.skip(&f)
		}
	}
}

// DecodeBloomFilterHeader reads the header before a bloom filter's bits and
// tells its length.
func DecodeBloomFilterHeader(b []byte) (*BloomFilterHeader, int, error) {
	r := reader{b: b}
	h := &BloomFilterHeader{}
	var algorithm, hash, compression int16
	f := r.open()
	for r.next(&f) {
		switch f.id {
		case 1:
			h.NumBytes = r.i32(&f)
		case 2:
			algorithm = r.emptyUnion(&f)
		case 3:
			hash = r.emptyUnion(&f)
		case 4:
			compression = r.emptyUnion(&f)
		default:
			r.skip(&f)
		}
	}
	r.require(&f, need(1, 2, 3, 4), "bloom filter header")
	h.Known = algorithm == 1 && hash == 1 && compression == 1
	n, err := r.finish("bloom filter header")
	if err != nil {
		return nil, 0, err
	}
	return h, n, nil
}

// emptyUnion is the id of the member of a union whose members' content does
// not matter.
func (r *reader) emptyUnion(f *field) (id int16) {
	if !r.expect(f, wireStruct) {
		return 0
	}
	u := r.open()
	for r.next(&u) {
		id = u.id
		r.skip(&u)
	}
	return id
}
