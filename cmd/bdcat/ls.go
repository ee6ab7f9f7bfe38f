package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/cli"
)

func newLs(a *cli.App) *cobra.Command {
	var t cli.Table
	var recursive, noRows bool
	c := &cobra.Command{
		Use: "ls SOURCE…", Short: "The files of a source, their sizes and rows", Args: cobra.ArbitraryArgs,
		Long: `The files of a source, with sizes and rows: what is directly in a directory, or with -r the files
below it that a scan would read. Rows are out of the metadata; where that has none, or the file is
of no known format, they are -.`,
		Example: `  bdcat ls flights/
  bdcat ls -r .
  bdcat ls 'flights/*.parquet'
  bdcat ls --no-rows --json flights/
  bdcat ls -o csv https://example.com/flights.parquet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.Check(); err != nil {
				return err
			}
			if len(args) == 0 {
				return fmt.Errorf("%w: no SOURCE was given (try: bdcat ls .)", cli.ErrUsage)
			}
			o, err := a.Catalog(args...)
			if err != nil {
				return err
			}
			var files []catalog.SourceFile
			for _, src := range args {
				list := catalog.Entries
				if recursive {
					list = catalog.Files
				}
				found, err := list(cmd.Context(), src, o)
				if err != nil {
					return err
				}
				files = append(files, found...)
			}
			facts := describe(cmd.Context(), files, o, noRows, a.Jobs)
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			a.Page()
			l := cli.Listing{Columns: []string{"kind", "size", "rows", "format", "modified", "name"}}
			for i, f := range files {
				kind, modified, size := "file", any(nil), any(f.Info.Size)
				if f.Info.IsDir {
					kind, size = "dir", nil
				}
				if facts[i].size > 0 {
					size = facts[i].size
				}
				if !f.Info.ModTime.IsZero() {
					modified = f.Info.ModTime.UTC().Format(time.RFC3339)
				}
				l.Add(kind, size, facts[i].rows, facts[i].format, modified, f.URL)
			}
			return a.ShowListing(&l, &t)
		},
	}
	c.Flags().BoolVarP(&recursive, "recursive", "r", false, "all files below that a scan would read")
	c.Flags().BoolVar(&noRows, "no-rows", false, "open no file")
	t.Flags(c.Flags())
	return c
}

// fileFacts are what only opening a file tells; nil is unknown.
type fileFacts struct {
	rows, format any
	size         int64
}

// describe opens the files, several at once.
func describe(ctx context.Context, files []catalog.SourceFile, o catalog.Options, noRows bool, jobs int) []fileFacts {
	out := make([]fileFacts, len(files))
	if noRows {
		return out
	}
	if jobs <= 0 {
		jobs = 8 // waiting, not computing
	}
	o.Notice = nil
	slots := make(chan struct{}, jobs)
	var wait sync.WaitGroup
	for i, f := range files {
		if f.Info.IsDir {
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			r, err := f.Open(ctx, o)
			if err != nil {
				return // it is listed all the same
			}
			defer r.Close()
			m := r.Meta()
			out[i] = fileFacts{known(r.NumRows()), some(m.Format), m.Size}
		})
	}
	wait.Wait()
	return out
}

func newSources(a *cli.App) *cobra.Command {
	var t cli.Table
	c := &cobra.Command{
		Use: "sources", Short: "Where data can be: URL schemes, @NAMEs, profiles", Args: cobra.ArbitraryArgs,
		Long: "Where data can be: the URL schemes that this program knows, and the @NAMEs and profiles of the\nconfiguration (./.bd.yaml and $XDG_CONFIG_HOME/bd/config.yaml).",
		Example: `  bdcat sources
  bdcat sources --json`,
		RunE: func(_ *cobra.Command, args []string) error {
			if err := want(args, 0, "sources takes no source"); err != nil {
				return err
			}
			l := cli.Listing{Columns: []string{"kind", "name", "what"}}
			for _, s := range fs.Schemes() {
				l.Add("scheme", s+"://", some(schemeWords[s]))
			}
			l.Add("stream", "-", "standard input")
			named := a.Named()
			for _, name := range sorted(named) {
				l.Add("source", "@"+name, fs.Redact(named[name].URL))
			}
			for _, p := range a.Profiles() {
				l.Add("profile", p, "--profile "+p)
			}
			return a.ShowListing(&l, &t)
		},
	}
	t.Flags(c.Flags())
	return c
}

var schemeWords = map[string]string{
	"file": "local files; plain paths too", "mem": "memory of this process", "http": "range requests, read only", "https": "range requests, read only",
	"s3": "Amazon S3 and what speaks its protocol", "gs": "Google Cloud Storage", "az": "Azure Blob Storage", "abfss": "Azure Data Lake Storage",
	"hdfs": "Hadoop", "webhdfs": "Hadoop over HTTP", "swebhdfs": "Hadoop over HTTPS",
}
