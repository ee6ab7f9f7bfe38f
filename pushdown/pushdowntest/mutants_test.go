package pushdowntest

import (
	"testing"

	"github.com/bdkit/bdkit/internal/mutation"
)

// TestPlantedBugs: each planted bug must turn the laws red.
func TestPlantedBugs(t *testing.T) {
	var bugs []mutation.Bug
	for _, b := range [][3]string{
		{"../prune.go", "never, always = lo(Ge), hi(Lt)", "never, always = lo(Ge), hi(Le)"},
		{"../prune.go", "never, always = hi(Le), lo(Gt)", "never, always = hi(Le), lo(Ge)"},
		{"../prune.go", "if exact && always(i)", "if always(i)"}, // NaN hides
		{"../prune.go", "(whole || !strings.HasPrefix(l, prefix))", "true"},
		{"../prune.go", "out[i] = o&^mayFalse | mayNull", "out[i] = o"},
		{"../prune.go", "o&mayNull | o&mayTrue<<1 | o&mayFalse>>1", "o&mayTrue<<1 | o&mayFalse>>1"},
		{"../eval.go", "out.f = kernel.NewBitmap(ev.n)", "_ = nulls"},
		{"../eval.go", "valid.And(kernel.Validity(col))", "valid = kernel.Validity(col)"},
		{"../eval.go", "out.f.Or(v.f)", "out.f.And(v.f)"},
		{"../bind.go", "op = Le\n\t\tif above", "op = Le\n\t\tif !above"},
		{"../bind.go", "n = new(big.Int).Add(n, big.NewInt(1))", "n = new(big.Int).Add(n, big.NewInt(0))"},
		{"../bind.go", "n.Cmp(d.Max) == 0 && !exact", "n.Cmp(d.Max) == 0"},
		{"../normalise.go", "if a != Exact {", "if a == Unsupported {"},
		{"../normalise.go", "if a != Unsupported {", "if a == Unsupported {"},
		{"../normalise.go", "zero, unit = True, False", "zero, unit = False, True"},
		{"../normalise.go", "if e.Op > Ne && !exact && (", "if false && ("},
		{"../text.go", "strings.ReplaceAll(s, `\"`, `\"\"`)", "s"},
		{"../../internal/kernel/bitmap.go", "min(runEnd(a.RunEndsArr(), k)-off, n)", "min(runEnd(a.RunEndsArr(), k), n)"},
		{"../../internal/kernel/compare.go", "return c <= 0", "return c < 0"},
	} {
		bugs = append(bugs, mutation.Bug{File: b[0], From: b[1], To: b[2], Laws: "^TestLaws$"})
	}
	mutation.Run(t, bugs, "-rapid.nofailfile", "-rapid.checks=1500")
}
