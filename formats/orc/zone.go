package orc

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // writers' time zones must be known wherever this runs

	"github.com/bdkit/bdkit/arrowio"
)

// baseUTC is 2015-01-01 00:00:00 UTC, from which timestamps count
// (specification, "Timestamp Columns").
const baseUTC = 1420070400

// utc1900 is 1900-01-01 00:00:00 UTC, before which java.util.TimeZone, and with
// it the writers and readers of ORC, know no history: the zone's present
// standard time holds.
const utc1900 = -2208988800

// zone is the writer's time zone: timestamps are seconds since 2015 began
// there, and are read as the wall clock showed there.
type zone struct {
	loc        *time.Location
	base       int64 // 2015-01-01 00:00:00 in the zone
	fixed      bool  // the offset is the same at all times
	ancient    int64 // the offset before 1900
	offset     int64 // in seconds, from start to end
	start, end int64
}

// zoneOf finds a time zone by the name that Java gave it. Without a name it is
// UTC: old writers and readers shared one zone, so that the wall clock came out
// as it went in.
func zoneOf(name string) (*zone, error) {
	if name == "" || name == "UTC" || name == "GMT" || name == "Etc/UTC" {
		return &zone{loc: time.UTC, base: baseUTC, fixed: true}, nil
	}
	loc, err := location(name)
	if err != nil {
		return nil, fmt.Errorf("%w: the writer's time zone %q: %w", arrowio.ErrUnsupported, name, err)
	}
	z := &zone{loc: loc, base: time.Date(2015, 1, 1, 0, 0, 0, 0, loc).Unix()}
	z.look(z.base)
	_, january := time.Date(2037, 1, 1, 0, 0, 0, 0, loc).Zone()
	_, july := time.Date(2037, 7, 1, 0, 0, 0, 0, loc).Zone()
	z.ancient = int64(min(january, july))
	return z, nil
}

// javaZones are the short names that java.util.TimeZone knows and the IANA
// database does not, or knows by another meaning.
var javaZones = map[string]string{
	"ACT": "Australia/Darwin", "AET": "Australia/Sydney", "AGT": "America/Argentina/Buenos_Aires", "ART": "Africa/Cairo",
	"AST": "America/Anchorage", "BET": "America/Sao_Paulo", "BST": "Asia/Dhaka", "CAT": "Africa/Harare", "CNT": "America/St_Johns",
	"CST": "America/Chicago", "CTT": "Asia/Shanghai", "EAT": "Africa/Addis_Ababa", "ECT": "Europe/Paris", "IET": "America/Indiana/Indianapolis",
	"IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "MIT": "Pacific/Apia", "NET": "Asia/Yerevan", "NST": "Pacific/Auckland",
	"PLT": "Asia/Karachi", "PNT": "America/Phoenix", "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles", "SST": "Pacific/Guadalcanal",
	"VST": "Asia/Ho_Chi_Minh",
}

func location(name string) (*time.Location, error) {
	if long, ok := javaZones[name]; ok {
		name = long
	}
	for _, prefix := range []string{"GMT", "UTC", "UT"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" && (rest[0] == '+' || rest[0] == '-') {
			return fixedZone(name, rest)
		}
	}
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return fixedZone(name, name)
	}
	return time.LoadLocation(name)
}

// fixedZone reads an offset: +8, +08, +0800, +08:00, +08:00:00.
func fixedZone(name, text string) (*time.Location, error) {
	sign, digits := 1, strings.ReplaceAll(text[1:], ":", "")
	if text[0] == '-' {
		sign = -1
	}
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	secs, unit := 0, 3600
	for ; len(digits) >= 2 && unit > 0; digits, unit = digits[2:], unit/60 {
		if digits[0] < '0' || digits[0] > '9' || digits[1] < '0' || digits[1] > '9' {
			break
		}
		secs += unit * (int(digits[0]-'0')*10 + int(digits[1]-'0'))
	}
	if digits != "" || secs > 18*3600 {
		return nil, fmt.Errorf("no offset: %q", text)
	}
	return time.FixedZone(name, sign*secs), nil
}

// look makes the offset that of an instant.
func (z *zone) look(sec int64) {
	t := time.Unix(sec, 0).In(z.loc)
	_, off := t.Zone()
	from, to := t.ZoneBounds()
	z.offset, z.start, z.end = int64(off), utc1900, 1<<63-1
	if !from.IsZero() {
		z.start = max(from.Unix(), utc1900)
	}
	if !to.IsZero() {
		z.end = to.Unix()
	}
	z.fixed = from.IsZero() && to.IsZero() // then ancient times are no other
}

// wall is what the clock showed at an instant, in seconds as if it were UTC.
func (z *zone) wall(sec int64) int64 {
	if !z.fixed && (sec < z.start || sec >= z.end) {
		if sec < utc1900 {
			return sec + z.ancient
		}
		z.look(sec)
	}
	return sec + z.offset
}
