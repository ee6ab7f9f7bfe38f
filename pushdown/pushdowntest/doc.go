// Package pushdowntest holds the laws of filters, over generated schemas,
// batches and expressions, for package pushdown and for sources that evaluate
// filters themselves.
//
//	Eval(e) == a row-at-a-time reference     Prune(e) never drops a passing row
//	pushed AND residual == e                 Normalise, Bind and Parse∘String keep the meaning
//
// The generators count what they made (types, operators, nulls, extremes), and
// [RunLaws] fails below a stated floor: a law that was never tried proves nothing.
package pushdowntest
