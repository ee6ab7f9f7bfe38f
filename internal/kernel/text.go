package kernel

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Format gives the canonical text of s as a value of dt: what Parse reads back.
func Format(s Scalar, dt arrow.DataType) string {
	switch s.Class {
	case Bool:
		return strconv.FormatBool(s.Bool)
	case Text, Bytes:
		return s.Text
	case Float:
		bits := 64
		if dt.ID() != arrow.FLOAT64 {
			bits = 32
		}
		return strconv.FormatFloat(s.Float, 'g', -1, bits)
	case Clock:
		return clockText(s.Rat)
	case Instant:
		sec := floorRat(s.Rat)
		day := new(big.Int)
		rest := new(big.Int)
		day.DivMod(sec, big.NewInt(86400), rest)
		date := dateText(day.Int64())
		if dt.ID() == arrow.DATE32 {
			return date
		}
		of := new(big.Rat).Sub(s.Rat, new(big.Rat).SetInt(new(big.Int).Mul(day, big.NewInt(86400))))
		if dt.ID() == arrow.DATE64 && of.Sign() == 0 {
			return date
		}
		text := date + " " + clockText(of)
		if t, ok := dt.(*arrow.TimestampType); ok && t.TimeZone != "" {
			text += "Z"
		}
		return text
	case Span:
		u := dt.(*arrow.DurationType).Unit
		n := new(big.Rat).Mul(s.Rat, perSecond(u))
		return n.Num().String() + u.String()
	}
	if t, ok := dt.(arrow.DecimalType); ok && t.GetScale() > 0 {
		return s.Rat.FloatString(int(t.GetScale()))
	}
	return s.Rat.Num().String()
}

func floorRat(r *big.Rat) *big.Int { return new(big.Int).Div(r.Num(), r.Denom()) }

func clockText(r *big.Rat) string {
	sec := floorRat(r)
	s := sec.Int64()
	frac := new(big.Rat).Sub(r, new(big.Rat).SetInt(sec)).FloatString(9)
	text := fmt.Sprintf("%02d:%02d:%02d", s/3600, s/60%60, s%60)
	return text + strings.TrimRight(strings.TrimRight(frac[1:], "0"), ".")
}

// dateText works for all days that a 64-bit count of seconds reaches, in the
// proleptic Gregorian calendar, by days of 400-year eras.
func dateText(day int64) string {
	day += 719468
	era := day / 146097
	if day%146097 < 0 {
		era--
	}
	doe := day - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d, m, y := doy-(153*mp+2)/5+1, mp+3, yoe+era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	switch {
	case y < 0:
		return fmt.Sprintf("-%04d-%02d-%02d", -y, m, d)
	case y > 9999:
		return fmt.Sprintf("+%d-%02d-%02d", y, m, d)
	}
	return fmt.Sprintf("%04d-%02d-%02d", y, m, d)
}

// daysOf is the inverse of dateText.
func daysOf(y, m, d int64) int64 {
	if m <= 2 {
		y, m = y-1, m+12
	}
	era := y / 400
	if y%400 < 0 {
		era--
	}
	yoe := y - era*400
	return era*146097 + yoe*365 + yoe/4 - yoe/100 + (153*(m-3)+2)/5 + d - 1 - 719468
}

// ParseText reads text as a value of class c.
func ParseText(text string, c Class) (Scalar, error) {
	s := Scalar{Class: c, Text: text}
	var ok bool
	switch c {
	case Text, Bytes:
		return s, nil
	case Bool:
		s.Bool = strings.EqualFold(text, "true")
		ok = s.Bool || strings.EqualFold(text, "false")
	case Number, Months:
		s.Rat, ok = parseNumber(text)
	case Float:
		f, err := strconv.ParseFloat(text, 64)
		s.Float, ok = f, err == nil && !strings.ContainsAny(text, "xX_")
	case Clock:
		s.Rat, ok = parseClock(text)
	case Instant:
		s.Rat, _, ok = ParseInstant(text)
	case Span:
		n := strings.TrimRight(text, "munsµ")
		var unit int64
		for u := arrow.Second; u <= arrow.Nanosecond; u++ {
			if text[len(n):] == u.String() {
				unit, ok = int64(u)*3, true
			}
		}
		if ok {
			if s.Rat, ok = parseNumber(n); ok {
				s.Rat.Quo(s.Rat, tenTo(unit))
			}
		}
	}
	if !ok {
		return s, fmt.Errorf("%w: %q", ErrCast, text)
	}
	return s, nil
}

// parseNumber reads a decimal number. The exponent is bounded, so that a short
// text never becomes a huge integer.
func parseNumber(text string) (*big.Rat, bool) {
	mant, exp := text, int64(0)
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		e, err := strconv.ParseInt(text[i+1:], 10, 16)
		if err != nil || e < -500 || e > 500 {
			return nil, false
		}
		mant, exp = text[:i], e
	}
	digits := strings.TrimLeft(mant, "+-")
	if len(mant)-len(digits) > 1 || len(digits) > 400 || strings.Trim(digits, "0123456789.") != "" || strings.Trim(digits, ".") == "" || strings.Count(digits, ".") > 1 {
		return nil, false
	}
	whole, frac, _ := strings.Cut(digits, ".")
	n, ok := new(big.Int).SetString(whole+frac, 10)
	if !ok {
		return nil, false
	}
	if strings.HasPrefix(mant, "-") {
		n.Neg(n)
	}
	r := new(big.Rat).SetInt(n)
	return r.Mul(r, tenTo(exp-int64(len(frac)))), true
}

// digits reads a number of just n digits.
func digits(s *string, n int) (int, bool) {
	if len(*s) < n {
		return 0, false
	}
	v := 0
	for _, c := range []byte((*s)[:n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	*s = (*s)[n:]
	return v, true
}

func eat(s *string, c string) bool {
	rest, ok := strings.CutPrefix(*s, c)
	*s = rest
	return ok
}

// parseClock reads hh:mm[:ss[.fraction]] up to 24:00:00.
func parseClock(t string) (*big.Rat, bool) {
	h, ok1 := digits(&t, 2)
	ok2 := eat(&t, ":")
	m, ok3 := digits(&t, 2)
	if !ok1 || !ok2 || !ok3 || h > 24 || m > 59 {
		return nil, false
	}
	sec := new(big.Rat)
	if eat(&t, ":") {
		s, ok := digits(&t, 2)
		if !ok || s > 59 || len(t) > 19 {
			return nil, false
		}
		sec.SetInt64(int64(s))
		if eat(&t, ".") {
			if t == "" || strings.ContainsAny(t, "eE+-.") {
				return nil, false
			}
			f, ok := parseNumber("0." + t)
			if !ok {
				return nil, false
			}
			sec.Add(sec, f)
			t = ""
		}
	}
	sec.Add(sec, new(big.Rat).SetInt64(int64(h*3600+m*60)))
	return sec, t == "" && sec.Cmp(big.NewRat(86400, 1)) <= 0
}

// ParseInstant reads a date, or a date and time with T or a space between, and
// with a zone (Z, ±hh:mm, ±hhmm, ±hh) or not. The result counts seconds since
// 1970 in UTC; without a zone the text itself is taken as UTC.
func ParseInstant(t string) (sec *big.Rat, zoned, ok bool) {
	sign := 1
	if eat(&t, "-") {
		sign = -1
	} else {
		eat(&t, "+")
	}
	n := strings.IndexByte(t, '-')
	if n < 4 || n > 12 {
		return nil, false, false
	}
	y, ok1 := digits(&t, n)
	eat(&t, "-")
	mo, ok2 := digits(&t, 2)
	ok3 := eat(&t, "-")
	d, ok4 := digits(&t, 2)
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return nil, false, false
	}
	days := daysOf(int64(sign*y), int64(mo), int64(d))
	if date := dateText(days); mo > 12 || d < 1 || date[len(date)-5:] != fmt.Sprintf("%02d-%02d", mo, d) {
		return nil, false, false
	}
	sec = new(big.Rat).SetInt64(days)
	sec.Mul(sec, big.NewRat(86400, 1))
	if t == "" {
		return sec, false, true
	}
	if !eat(&t, "T") && !eat(&t, " ") {
		return nil, false, false
	}
	offset := 0
	switch i := strings.IndexAny(t, "Zz+-"); {
	case i < 0:
	case t[i] == 'Z' || t[i] == 'z':
		if i != len(t)-1 {
			return nil, false, false
		}
		t, zoned = t[:i], true
	default:
		z := t[i+1:]
		h, ok := digits(&z, 2)
		m := 0
		if ok && z != "" {
			eat(&z, ":")
			m, ok = digits(&z, 2)
		}
		if !ok || z != "" || h > 18 || m > 59 {
			return nil, false, false
		}
		if offset = h*3600 + m*60; t[i] == '-' {
			offset = -offset
		}
		t, zoned = strings.TrimRight(t[:i], " "), true
	}
	c, ok := parseClock(t)
	if !ok {
		return nil, false, false
	}
	sec.Add(sec, c)
	return sec.Sub(sec, new(big.Rat).SetInt64(int64(offset))), zoned, true
}
