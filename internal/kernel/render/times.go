package render

import (
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// times compiles dates, times, timestamps, durations and intervals; nil for
// other arrays.
func (s *Style) times(arr arrow.Array) Appender {
	switch a := arr.(type) {
	case *array.Date32:
		return s.quoted(func(dst []byte, i int) []byte { return s.date(dst, int64(a.Value(i))) })
	case *array.Date64:
		return s.quoted(func(dst []byte, i int) []byte {
			days, rest := floorDiv(int64(a.Value(i)), 86_400_000)
			if dst = s.date(dst, days); rest != 0 {
				dst = appendClock(append(dst, 'T'), rest, arrow.Millisecond)
			}
			return dst
		})
	case *array.Time32:
		unit := a.DataType().(*arrow.Time32Type).Unit
		return s.quoted(func(dst []byte, i int) []byte { return appendClock(dst, int64(a.Value(i)), unit) })
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return s.quoted(func(dst []byte, i int) []byte { return appendClock(dst, int64(a.Value(i)), unit) })
	case *array.Timestamp:
		return s.quoted(s.timestamps(a))
	case *array.Duration:
		unit := a.DataType().(*arrow.DurationType).Unit
		return s.quoted(func(dst []byte, i int) []byte { return appendDuration(dst, int64(a.Value(i)), unit) })
	case *array.MonthInterval:
		return s.quoted(func(dst []byte, i int) []byte { return appendInterval(dst, int64(a.Value(i)), 0, 0) })
	case *array.DayTimeInterval:
		return s.quoted(func(dst []byte, i int) []byte {
			v := a.Value(i)
			return appendInterval(dst, 0, int64(v.Days), int64(v.Milliseconds)*1e6)
		})
	case *array.MonthDayNanoInterval:
		return s.quoted(func(dst []byte, i int) []byte {
			v := a.Value(i)
			return appendInterval(dst, int64(v.Months), int64(v.Days), v.Nanoseconds)
		})
	}
	return nil
}

func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// perSecond is the units in a second.
func perSecond(u arrow.TimeUnit) int64 { return [...]int64{1, 1e3, 1e6, 1e9}[u] }

// civil is the date that many days after 1970-01-01 in the proleptic Gregorian
// calendar, of any year.
func civil(days int64) (year int64, month, day int) {
	era, doe := floorDiv(days+719_468, 146_097)
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = int(doy - (153*mp+2)/5 + 1)
	month = int(mp) + 3
	year = yoe + era*400
	if month > 12 {
		month, year = month-12, year+1
	}
	return year, month, day
}

func (s *Style) date(dst []byte, days int64) []byte {
	if s.Layout != "" {
		return time.Unix(days*86400, 0).UTC().AppendFormat(dst, s.Layout)
	}
	return appendDate(dst, days)
}

// appendDate writes ISO 8601, years beyond four digits with a sign.
func appendDate(dst []byte, days int64) []byte {
	y, m, d := civil(days)
	switch {
	case y < 0:
		dst, y = append(dst, '-'), -y
	case y > 9999:
		dst = append(dst, '+')
	}
	dst = appendPadded(dst, y, 4)
	dst = appendPadded(append(dst, '-'), int64(m), 2)
	return appendPadded(append(dst, '-'), int64(d), 2)
}

func appendPadded(dst []byte, v int64, width int) []byte {
	for p := int64(10); width > 1; width-- {
		if v < p {
			for k := 1; k < width; k++ {
				dst = append(dst, '0')
			}
			break
		}
		p *= 10
	}
	return strconv.AppendInt(dst, v, 10)
}

// appendClock writes a time of day with the digits of its unit.
func appendClock(dst []byte, v int64, unit arrow.TimeUnit) []byte {
	if v < 0 { // no time of day: shown as the count that it is
		return strconv.AppendInt(dst, v, 10)
	}
	sec, frac := floorDiv(v, perSecond(unit))
	dst = appendPadded(dst, sec/3600, 2)
	dst = appendPadded(append(dst, ':'), sec/60%60, 2)
	dst = appendPadded(append(dst, ':'), sec%60, 2)
	return appendFraction(dst, frac, unit)
}

func appendFraction(dst []byte, frac int64, unit arrow.TimeUnit) []byte {
	if unit == arrow.Second {
		return dst
	}
	return appendPadded(append(dst, '.'), frac, 3*int(unit))
}

// timestamps writes RFC 3339. A column without zone holds wall clocks, and
// shows none.
func (s *Style) timestamps(a *array.Timestamp) Appender {
	t := a.DataType().(*arrow.TimestampType)
	per := perSecond(t.Unit)
	zone := s.Zone
	if zone == nil && t.TimeZone != "" {
		var err error
		if zone, err = t.GetZone(); err != nil || zone == nil {
			zone = time.UTC
		}
	}
	return func(dst []byte, i int) []byte {
		sec, frac := floorDiv(int64(a.Value(i)), per)
		offset := 0
		if t.TimeZone != "" {
			_, offset = time.Unix(sec, 0).In(zone).Zone()
		}
		if s.Layout != "" {
			at := time.Unix(sec, frac*(1e9/per)).UTC()
			if t.TimeZone != "" {
				at = at.In(zone)
			}
			return at.AppendFormat(dst, s.Layout)
		}
		days, clock := floorDiv(sec+int64(offset), 86400)
		dst = appendClock(append(appendDate(dst, days), 'T'), clock, arrow.Second)
		dst = appendFraction(dst, frac, t.Unit)
		if t.TimeZone == "" {
			return dst
		}
		return appendOffset(dst, offset)
	}
}

func appendOffset(dst []byte, sec int) []byte {
	if sec == 0 {
		return append(dst, 'Z')
	}
	sign := byte('+')
	if sec < 0 {
		sign, sec = '-', -sec
	}
	dst = appendPadded(append(dst, sign), int64(sec/3600), 2)
	return appendPadded(append(dst, ':'), int64(sec/60%60), 2)
}

// appendDuration writes ISO 8601 in seconds.
func appendDuration(dst []byte, v int64, unit arrow.TimeUnit) []byte {
	dst = append(dst, "PT"...)
	per := perSecond(unit)
	sec, frac := v/per, v%per
	if v < 0 {
		dst, sec, frac = append(dst, '-'), -sec, -frac
	}
	dst = strconv.AppendInt(dst, sec, 10)
	return append(appendFraction(dst, frac, unit), 'S')
}

// appendInterval writes ISO 8601: months, days and seconds, which do not convert
// into one another.
func appendInterval(dst []byte, months, days, nanos int64) []byte {
	dst = append(strconv.AppendInt(append(dst, 'P'), months, 10), 'M')
	dst = append(strconv.AppendInt(dst, days, 10), 'D')
	if nanos == 0 {
		return dst
	}
	dst = append(dst, 'T')
	sec, frac := nanos/1e9, nanos%1e9
	if nanos < 0 {
		dst, sec, frac = append(dst, '-'), -sec, -frac
	}
	dst = strconv.AppendInt(dst, sec, 10)
	return append(appendFraction(dst, frac, arrow.Nanosecond), 'S')
}
