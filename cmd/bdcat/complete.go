package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/formats"
	"github.com/bdkit/bdkit/internal/cli"
	"github.com/bdkit/bdkit/internal/cli/output"
	"github.com/bdkit/bdkit/pushdown"
)

// completionBudget is how long a person waits at the tab key.
const completionBudget = 300 * time.Millisecond

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// complete tells the shell what can follow: files and @names for sources, the
// values of flags, the columns of the sources that are on the line.
func complete(a *cli.App, root *cobra.Command) {
	list := func(values func() []string) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return values(), cobra.ShellCompDirectiveNoFileComp
		}
	}
	fixed := func(values ...string) cobra.CompletionFunc { return list(func() []string { return values }) }
	flags := map[string]cobra.CompletionFunc{
		"color": fixed("auto", "always", "never"), "pager": fixed("auto", "never"), "log-format": fixed("text", "json"),
		"binary": fixed("hex", "base64", "utf8"), "decimal": fixed("number", "string"), "bigint": fixed("number", "string"),
		"tz": fixed("UTC", "local"), "order": fixed("bytes", "file"), "form": fixed(schemaForms...),
		"profile": list(a.Profiles),
		"format": list(func() (names []string) {
			for _, f := range formats.All() {
				names = append(names, f.Name())
			}
			return names
		}),
		"option": func(*cobra.Command, []string, string) (keys []string, _ cobra.ShellCompDirective) {
			for _, f := range formats.All() {
				for _, o := range f.Options() {
					if !o.Write {
						keys = append(keys, o.Key+"=\t"+f.Name()+": "+o.Help)
					}
				}
			}
			return keys, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		},
		"select": columnCompletion(a, after("," /* items of the list */)),
		"key":    columnCompletion(a, after(",")),
		"where":  columnCompletion(a, after(" (=<>,")),
		"column": columnCompletion(a, after("")),
	}
	for _, c := range append(root.Commands(), root) {
		if c.Name() == "completion" || c.Name() == "help" {
			continue
		}
		if c.Runnable() && c.ValidArgsFunction == nil {
			c.ValidArgsFunction = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
				return sourceCompletion(a, cmd, args, toComplete)
			}
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			fn := flags[f.Name]
			if f.Name == "output" {
				if fn = fixed(output.Forms...); strings.HasPrefix(f.Usage, "text or json") {
					fn = fixed("text", "json")
				}
			}
			if fn != nil {
				_ = c.RegisterFlagCompletionFunc(f.Name, fn) // a flag of two commands is registered once
			}
		})
	}
}

func sourceCompletion(a *cli.App, cmd *cobra.Command, args []string, toComplete string) (out []string, _ cobra.ShellCompDirective) {
	if cmd.Name() == "inspect" && len(args) == 0 {
		return inspectionNames, cobra.ShellCompDirectiveNoFileComp
	}
	if strings.HasPrefix(toComplete, "@") {
		named := a.Named()
		for _, name := range sorted(named) {
			out = append(out, "@"+name)
		}
		return out, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// cut splits what is being typed into what stays and the name that is begun.
type cut func(typed string) (before, name string)

func after(separators string) cut {
	return func(typed string) (string, string) {
		at := strings.LastIndexAny(typed, separators) + 1
		for at < len(typed) && (typed[at] == ' ' || typed[at] == '!') {
			at++
		}
		return typed[:at], typed[at:]
	}
}

// columnCompletion offers the columns of the sources that are on the line
// already, in their order. What takes too long offers nothing.
func columnCompletion(a *cli.App, split cut) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) (out []string, _ cobra.ShellCompDirective) {
		before, name := split(typed)
		if cmd.Name() == "inspect" && len(args) > 0 {
			args = args[1:]
		}
		for _, p := range columnNames(a, cmd, args) {
			if text := p.name; strings.HasPrefix(text, name) {
				out = append(out, before+text+"\t"+p.note)
			}
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveKeepOrder
	}
}

type columnName struct{ name, note string }

func columnNames(a *cli.App, cmd *cobra.Command, args []string) []columnName {
	if len(args) == 0 || args[0] == "-" {
		return nil
	}
	a.Quiet = true
	ctx, cancel := context.WithTimeout(cmp.Or(cmd.Context(), context.Background()), completionBudget)
	defer cancel()
	done := make(chan []columnName, 1) // whoever is late finds nobody, and the process ends
	go func() {
		src, err := a.Open(ctx, args[:1])
		if err != nil {
			done <- nil
			return
		}
		defer src.Close()
		var names []columnName
		for _, f := range src.Schema().Fields() {
			names = appendNames(names, nil, f)
		}
		done <- names
	}()
	select {
	case names := <-done:
		return names
	case <-ctx.Done():
		return nil
	}
}

// appendNames adds a field and those of a struct below it.
func appendNames(names []columnName, at pushdown.Path, f arrow.Field) []columnName {
	p := append(at[:len(at):len(at)], f.Name)
	st, ok := f.Type.(*arrow.StructType)
	note := f.Type.Name()
	names = append(names, columnName{p.String(), note})
	if ok {
		for _, g := range st.Fields() {
			names = appendNames(names, p, g)
		}
	}
	return names
}
