package arrowipc

import (
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
)

// swap turns a buffer from the other byte order, in place.
func swap(b []byte, r role, dt arrow.DataType) {
	switch r {
	case offsets32, sizes32:
		reverse(b, 4)
	case offsets64, sizes64:
		reverse(b, 8)
	case views:
		swapViews(b)
	case fixed:
		switch t := dt.(type) {
		case *arrow.FixedSizeBinaryType:
		case *arrow.DayTimeIntervalType:
			reverse(b, 4)
		case *arrow.MonthDayNanoIntervalType:
			for ; len(b) >= 16; b = b[16:] {
				reverse(b[:8], 4)
				reverse(b[8:16], 8)
			}
		case arrow.FixedWidthDataType:
			reverse(b, t.Bytes())
		}
	}
}

// reverse turns each value of width bytes around.
func reverse(b []byte, width int) {
	switch width {
	case 0, 1:
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			b[0], b[1] = b[1], b[0]
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
		}
	default:
		for ; len(b) >= width; b = b[width:] {
			slices.Reverse(b[:width])
		}
	}
}

// swapViews turns the length of each view around and, where the bytes are not
// in the view itself, the place of them.
func swapViews(b []byte) {
	for ; len(b) >= 16; b = b[16:] {
		reverse(b[:4], 4)
		if n := int32(uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24); n > 12 || n < 0 {
			reverse(b[8:16], 4)
		}
	}
}
