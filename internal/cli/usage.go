package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError is an error about flags that says what to do.
func (a *App) flagError(cmd *cobra.Command, err error) error {
	name, ok := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !ok {
		return fmt.Errorf("%w: %w (try: %s --help)", ErrUsage, err, cmd.CommandPath())
	}
	if advice := a.Refused[name]; advice != "" {
		return fmt.Errorf("%w: there is no --%s: %s", ErrUsage, name, advice)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	if best := Closest(name, names); best != "" {
		return fmt.Errorf("%w: %w (did you mean --%s?)", ErrUsage, err, best)
	}
	return fmt.Errorf("%w: %w (try: %s --help)", ErrUsage, err, cmd.CommandPath())
}

// Closest is the name that was probably meant, "" if none is near.
func Closest(name string, names []string) string {
	limit := 3
	if len(name) < 5 {
		limit = 2
	}
	at := ""
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n)); d < limit {
			limit, at = d, n
		}
	}
	return at
}

// distance is the number of edits between two names; two neighbours that
// changed places are one edit.
func distance(a, b string) int {
	prev, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := row[j]
			if a[i] != b[j] {
				cost++
			}
			next[j+1] = min(cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], prev[j-1]+1)
			}
		}
		prev, row = row, next
	}
	return row[len(b)]
}
