package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bdkit/bdkit/catalog"
	"github.com/bdkit/bdkit/fs"
	"github.com/bdkit/bdkit/internal/cli"
)

// step is one test of doctor, in order; what it finds out is for the next.
type step struct {
	name string
	run  func(ctx context.Context) (found string, err error)
}

// errSkipped ends a step that does not apply.
var errSkipped = errors.New("skipped")

func newDoctor(a *cli.App) *cobra.Command {
	var t cli.Table
	c := &cobra.Command{
		Use: "doctor URL", Short: "Test a source step by step", Args: cobra.ArbitraryArgs,
		Long: `Test a source step by step: the driver, the name, the connection, TLS, access, listing, the first
byte, and the format. It stops at the first step that fails, and ends with its exit code.`,
		Example: `  bdcat doctor flights.parquet
  bdcat doctor flights/
  bdcat doctor https://example.com/flights.parquet
  bdcat doctor --json flights.parquet`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := t.Check(); err != nil {
				return err
			}
			if err := want(args, 1, "doctor tests one URL"); err != nil {
				return err
			}
			o, err := a.Catalog(args...)
			if err != nil {
				return err
			}
			source := args[0]
			if name, ok := strings.CutPrefix(source, "@"); ok {
				if n, ok := a.Named()[name]; ok {
					source = n.URL
				}
			}
			l := cli.Listing{Columns: []string{"step", "result", "ms", "found"}}
			var failed error
			for _, s := range append(network(source), access(args[0], source, o)...) {
				start := time.Now()
				found, err := s.run(cmd.Context())
				ms := time.Since(start).Milliseconds()
				if errors.Is(err, errSkipped) {
					l.Add(s.name, "skipped", nil, some(found))
					continue
				}
				if err != nil {
					l.Add(s.name, "failed", ms, err.Error())
					failed = fmt.Errorf("%s: %w", s.name, err)
					break
				}
				l.Add(s.name, "ok", ms, some(found))
			}
			if err := a.ShowListing(&l, &t); err != nil {
				return err
			}
			return failed
		},
	}
	t.Flags(c.Flags())
	return c
}

// ports are those of the schemes whose URLs name the host that is asked.
var ports = map[string]string{
	"http": "80", "https": "443", "hdfs": "8020", "webhdfs": "9870", "swebhdfs": "9871",
	"mongodb": "27017", "mongo": "27017", "cassandra": "9042", "hive": "10000", "impala": "21050",
}

// network are the steps up to TLS, for URLs with a host.
func network(source string) []step {
	scheme := fs.Scheme(source)
	port, ok := ports[scheme]
	if !ok {
		return nil
	}
	_, authority, _ := fs.SplitURL(source)
	u := &url.URL{Host: authority[strings.LastIndexByte(authority, '@')+1:]}
	host := u.Hostname()
	if p := u.Port(); p != "" {
		port = p
	}
	unreachable := func(err error) error { return fmt.Errorf("%w: %w", fs.ErrIO, err) }
	steps := []step{
		{"dns", func(ctx context.Context) (string, error) {
			addrs, err := net.DefaultResolver.LookupHost(ctx, host)
			if err != nil {
				return "", unreachable(err)
			}
			return host + " is " + strings.Join(addrs, ", "), nil
		}},
		{"connect", func(ctx context.Context) (string, error) {
			c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
			if err != nil {
				return "", unreachable(err)
			}
			return c.RemoteAddr().String(), c.Close()
		}},
	}
	if scheme != "https" && scheme != "swebhdfs" {
		return steps
	}
	return append(steps, step{"tls", func(ctx context.Context) (string, error) {
		d := tls.Dialer{NetDialer: &net.Dialer{Timeout: 10 * time.Second}}
		c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			return "", unreachable(err)
		}
		defer c.Close()
		s := c.(*tls.Conn).ConnectionState()
		until := s.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
		return fmt.Sprintf("%s, certificate of %s until %s", tls.VersionName(s.Version), s.PeerCertificates[0].Subject.CommonName, until), nil
	}})
}

// access are the steps through the driver.
func access(arg, source string, o catalog.Options) []step {
	var fsys fs.FileSystem
	var name string
	var files []catalog.SourceFile
	return []step{
		{"driver", func(ctx context.Context) (found string, err error) {
			fsys, name, err = fs.Resolve(ctx, source, o.FS)
			if err != nil {
				return "", err
			}
			return fs.Scheme(source), nil
		}},
		{"access", func(ctx context.Context) (string, error) {
			if fs.HasMeta(name) {
				return "a glob", errSkipped
			}
			info, err := fsys.Stat(ctx, name)
			switch {
			case errors.Is(err, fs.ErrUnsupported):
				return err.Error(), errSkipped
			case err != nil:
				return "", err
			case info.IsDir:
				return "a directory", nil
			}
			return fmt.Sprintf("%d bytes, %s", info.Size, info.ModTime.UTC().Format(time.RFC3339)), nil
		}},
		{"list", func(ctx context.Context) (found string, err error) {
			if files, err = catalog.Files(ctx, arg, o); err != nil {
				return "", err
			}
			return fmt.Sprintf("%d files", len(files)), nil
		}},
		{"read", func(ctx context.Context) (string, error) {
			f, err := fsys.Open(ctx, files[0].Info.Name, fs.OpenOptions{})
			if err != nil {
				return "", err
			}
			defer f.Close()
			var b [1]byte
			n, info, err := f.Tail(ctx, b[:])
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d byte of %d", n, info.Size), nil
		}},
		{"format", func(ctx context.Context) (string, error) {
			r, err := files[0].Open(ctx, o)
			if err != nil {
				return "", err
			}
			defer r.Close()
			m := r.Meta()
			rows := ""
			if m.Rows >= 0 {
				rows = fmt.Sprintf(", %d rows", m.Rows)
			}
			return fmt.Sprintf("%s%s, %d columns", m.Format, rows, r.Schema().NumFields()), nil
		}},
	}
}
