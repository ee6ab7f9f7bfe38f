package variant

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends a variant as JSON text: decimals as numbers with their
// digits, dates and times in ISO 8601, timestamps in RFC 3339 (without an
// offset for those without a zone), binary as base64, UUIDs in their usual
// form, NaN and infinities as null. Object fields keep the order of the
// encoding, which is that of their names.
func AppendJSON(dst, metadata, value []byte) ([]byte, error) {
	m, err := ParseMetadata(metadata)
	if err != nil {
		return dst, err
	}
	n, err := valueSize(value)
	if err != nil {
		return dst, err
	}
	return appendJSON(dst, m, value[:n], 0)
}

func appendJSON(dst []byte, m Metadata, v []byte, depth int) ([]byte, error) {
	switch v[0] & 3 {
	case basicPrimitive:
		return appendPrimitiveJSON(dst, int(v[0]>>2), v[1:])
	case basicShortString:
		return appendQuoted(dst, v[1:]), nil
	}
	c, err := parseContainer(v)
	if err != nil {
		return dst, err
	}
	isObject := v[0]&3 == basicObject
	open, end := byte('['), byte(']')
	if isObject {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i := range c.n {
		if i > 0 {
			dst = append(dst, ',')
		}
		if isObject {
			name, err := m.Name(c.id(i))
			if err != nil {
				return dst, err
			}
			dst = append(appendQuoted(dst, name), ':')
		}
		e, err := c.element(i, depth+1)
		if err != nil {
			return dst, err
		}
		if dst, err = appendJSON(dst, m, e, depth+1); err != nil {
			return dst, err
		}
	}
	return append(dst, end), nil
}

// appendPrimitiveJSON appends a primitive whose size valueSize has checked.
func appendPrimitiveJSON(dst []byte, typ int, b []byte) ([]byte, error) {
	le := binary.LittleEndian
	quoted := func(t time.Time, layout string) []byte {
		dst = append(dst, '"')
		dst = t.AppendFormat(dst, layout)
		return append(dst, '"')
	}
	const day, micros, nanos = "2006-01-02", "2006-01-02T15:04:05.000000", "2006-01-02T15:04:05.000000000"
	switch typ {
	case typeNull:
		return append(dst, "null"...), nil
	case typeTrue:
		return append(dst, "true"...), nil
	case typeFalse:
		return append(dst, "false"...), nil
	case typeInt8:
		return strconv.AppendInt(dst, int64(int8(b[0])), 10), nil
	case typeInt16:
		return strconv.AppendInt(dst, int64(int16(le.Uint16(b))), 10), nil
	case typeInt32:
		return strconv.AppendInt(dst, int64(int32(le.Uint32(b))), 10), nil
	case typeInt64:
		return strconv.AppendInt(dst, int64(le.Uint64(b)), 10), nil
	case typeFloat:
		return appendFloat(dst, float64(math.Float32frombits(le.Uint32(b))), 32), nil
	case typeDouble:
		return appendFloat(dst, math.Float64frombits(le.Uint64(b)), 64), nil
	case typeDecimal4:
		return appendDecimal(dst, big.NewInt(int64(int32(le.Uint32(b[1:])))), int(b[0])), nil
	case typeDecimal8:
		return appendDecimal(dst, big.NewInt(int64(le.Uint64(b[1:]))), int(b[0])), nil
	case typeDecimal16:
		v := new(big.Int).Lsh(big.NewInt(int64(le.Uint64(b[9:]))), 64)
		return appendDecimal(dst, v.Or(v, new(big.Int).SetUint64(le.Uint64(b[1:]))), int(b[0])), nil
	case typeDate:
		return quoted(time.Unix(int64(int32(le.Uint32(b)))*86400, 0).UTC(), day), nil
	case typeTime:
		us := int64(le.Uint64(b))
		return quoted(time.UnixMicro(us).UTC(), "15:04:05.000000"), nil
	case typeTimestamp:
		return quoted(time.UnixMicro(int64(le.Uint64(b))).UTC(), micros+"Z"), nil
	case typeTimestampNTZ:
		return quoted(time.UnixMicro(int64(le.Uint64(b))).UTC(), micros), nil
	case typeTimestampNanos:
		return quoted(time.Unix(0, int64(le.Uint64(b))).UTC(), nanos+"Z"), nil
	case typeTimestampNTZNanos:
		return quoted(time.Unix(0, int64(le.Uint64(b))).UTC(), nanos), nil
	case typeBinary:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, b[4:])
		return append(dst, '"'), nil
	case typeString:
		return appendQuoted(dst, b[4:]), nil
	case typeUUID:
		h := hex.EncodeToString(b[:16])
		return fmt.Appendf(dst, `"%s-%s-%s-%s-%s"`, h[:8], h[8:12], h[12:16], h[16:20], h[20:]), nil
	}
	return dst, fmt.Errorf("%w: primitive type %d", ErrInvalid, typ)
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(dst, "null"...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}

func appendDecimal(dst []byte, v *big.Int, scale int) []byte {
	digits := new(big.Int).Abs(v).String()
	if v.Sign() < 0 {
		dst = append(dst, '-')
	}
	for len(digits) <= scale {
		digits = "0" + digits
	}
	dst = append(dst, digits[:len(digits)-scale]...)
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	return append(dst, digits[len(digits)-scale:]...)
}

// appendQuoted appends a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendQuoted(dst, s []byte) []byte {
	const hexDigits = "0123456789abcdef"
	dst = append(dst, '"')
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
		s = s[n:]
	}
	return append(dst, '"')
}
