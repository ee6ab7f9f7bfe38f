package parquet

import (
	"testing"

	"github.com/bdkit/bdkit/internal/mutation"
)

// TestPlantedBugs: each planted bug must turn red the laws that it breaks.
func TestPlantedBugs(t *testing.T) {
	const (
		laws     = "^(TestFormat|TestEncryptedTableLaws)$"
		trips    = "^(TestRoundTrip|TestGenerated)$"
		bounds   = "^(TestOldStatistics|TestFloatOrders)$"
		written  = "^(TestWritePageIndex|TestTruncatedBounds|TestFloatBounds)$"
		secrecy  = "^TestEncrypt(RoundTrip|FlippedBit|Swapped|Hides)$"
		plain    = "^TestGenerated$"
		encoding = "internal/encoding/"
		crypt    = "internal/crypt/crypt.go"
	)
	var bugs []mutation.Bug
	for _, b := range [][4]string{
		// Pruning: pages off by one, rows lost, the wrong null, a lost residual.
		{"index.go", "c.oi.Pages[k].FirstRow > start }", "c.oi.Pages[k].FirstRow >= start }", laws},
		{"index.go", "sel = sel.Add(st.starts[i], st.end(i))", "sel = sel.Add(st.starts[i], st.end(i)-1)", laws},
		{"index.go", "s.wanted[i] = sel.Overlaps(p.FirstRow, end)", "s.wanted[i] = sel.Overlaps(p.FirstRow, end) || true", "^TestIOLogs$"},
		{"index.go", "if t != pushdown.Never {", "if t == pushdown.Always {", laws},
		{"index.go", "c.ci.NullCounts[pages[i]] == 0", "c.ci.NullCounts[pages[i]] != 0", laws},
		{"index.go", "nulls[i] = rows[i]", "nulls[i] = 0", laws},
		{"plan.go", "p.Filter = filter.String()", "_ = filter", laws},
		{"plan.go", "if t == pushdown.Never {", "if t != pushdown.Maybe {", laws},
		{"stats.go", "nulls[i] = c.NullCount", "nulls[i] = 0", laws},
		{"stats.go", "if f.MayContain(h) {", "if !f.MayContain(h) {", laws},
		{"leafskip.go", "x.Pages[i].FirstRow > row })", "x.Pages[i].FirstRow > row+1 })", laws},
		{"leafskip.go", "n, err := l.hdef.SkipCount(k, 1)", "n, err := l.hdef.SkipCount(k, 0)", laws},

		// What bounds may be believed.
		{"stats.go", "case arrow.BOOL, arrow.INT8,", "case arrow.BOOL, arrow.UINT32, arrow.INT8,", bounds},
		{"stats.go", " || isNaN(n.Field.Type, b)", "", bounds},
		{"stats.go", "r.md.ColumnOrders[n.Column] != meta.TypeDefinedOrder && ", "false && ", bounds},
		{"stats.go", "if oldOrdered(n) {", "if true {", bounds},
		{"stats.go", "exact := func(flag *bool) bool { return ", "exact := func(flag *bool) bool { return true || ", laws + "|" + bounds},

		// Levels and nesting.
		{"assemble.go", "k += below(r, rep) & below(slot-1, d)", "k += below(r, rep) & below(slot, d)", trips},
		{"assemble.go", "elems += below(def, d) & below(r, rep+1)", "elems += below(def, d) & below(r, rep)", trips},
		{"leaf.go", "if err := l.pdef.DecodeLevels(levels, l.maxDef); err != nil {\n\t\t\treturn ones, err", "if err := l.hdef.DecodeLevels(levels, l.maxDef); err != nil {\n\t\t\treturn ones, err", trips},
		{"shred.go", "default:\n\t\t\te, err = s.validity(d, e, level-1)", "default:\n\t\t\te, err = s.validity(d, e, level)", trips},
		{"shred.go", "level := int16(s.node.Def)\n", "level := int16(s.node.Def) + 1\n", trips},
		{encoding + "bitpacked.go", "7-d.bit&7)&1)", "d.bit&7)&1)", plain},
		{encoding + "alp.go", "F(x+least) * up * down", "F(x+least) * (up * down)", "^TestALP|" + trips},
		{"internal/schema/fromparquet.go", `case r.Name == "array", `, "case ", plain},
		{"internal/schema/fromparquet.go", "case r.HasType && r.NumChildren == 0, r.NumChildren != 1:", "case r.HasType && r.NumChildren == 0:", plain},

		// What the writer tells of the values.
		{"writecolumn.go", "asc = asc && !w.order.less(p.min, q.min)", "asc = asc && true || !w.order.less(p.min, q.min)", written},
		{"writecolumn.go", "ch.nulls += int64(nulls)", "ch.nulls += int64(c.live)", laws + "|" + written},
		{"writebounds.go", "loExact, hiExact = len(lo) <= truncateBytes, len(hi) <= truncateBytes", "loExact, hiExact = len(lo) <= truncateBytes, true", written},
		{"writebounds.go", "if up := successor(prefix(hi, text), text); up != nil {", "if up := prefix(hi, text); up != nil {", written},
		{"writebounds.go", "if less(hi, b) {", "if less(b, hi) {", laws + "|" + written},
		{"writebounds.go", "s.min, s.max = signZero(s.min, s.max)\n\t\t\t}", "_ = signZero\n\t\t\t}", written},
		{"writebloom.go", "b.filter.Insert(h)\n\t\treturn", "return", laws},

		// Encryption: places and files that modules are not bound to, what is told in plaintext.
		{crypt, "aad = binary.LittleEndian.AppendUint16(aad, uint16(rowGroup))", "_ = rowGroup", secrecy},
		{crypt, "aad = binary.LittleEndian.AppendUint16(aad, uint16(column))", "_ = column", secrecy},
		{crypt, "aad = binary.LittleEndian.AppendUint16(aad, uint16(page))", "_ = page", secrecy},
		{crypt, "aad := append(f.aad[:len(f.aad):len(f.aad)], byte(kind))", "aad := []byte{byte(kind)}", secrecy},
		{"writecrypt.go", "m.Statistics, m.SizeStatistics, m.EncodingStats, m.Geospatial, m.KeyValues = nil, nil, nil, nil, nil", "m.SizeStatistics, m.EncodingStats, m.Geospatial, m.KeyValues = nil, nil, nil, nil", secrecy},
		{"writecrypt.go", "case byName[name] != plaintext:", "case false:", secrecy},
		{"writecrypt.go", "return c.file.AppendSignature(dst, dst[at:])", "_ = at\n\t\treturn append(dst, make([]byte, 28)...), nil", secrecy},
		{"file.go", "if err := r.crypt.VerifyFooter(raw[:n], raw[n:]); err != nil {", "if err := r.crypt.VerifyFooter(raw[:n], raw[n:]); err != nil && n == 0 {", secrecy},
	} {
		bugs = append(bugs, mutation.Bug{File: b[0], From: b[1], To: b[2], Laws: b[3]})
	}
	mutation.Run(t, bugs, "-short")
}
