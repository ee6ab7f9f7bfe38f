package fs_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bdkit/bdkit/fs"
	_ "github.com/bdkit/bdkit/fs/local"
)

func TestResolve(t *testing.T) {
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	in := func(p string) string { return strings.TrimPrefix(filepath.ToSlash(filepath.Join(cwd, p)), "/") }
	for raw, want := range map[string]string{
		"x.parquet":                in("x.parquet"),
		"./x:y":                    in("x:y"),
		"a://b":                    "", // a scheme nobody knows
		"../*.parquet":             in("../*.parquet"),
		"/tmp/a%20b":               "tmp/a%20b",
		"file:///tmp/a%20b?#":      "tmp/a b?#",
		"FILE://localhost/tmp/x":   "tmp/x",
		"/tmp/../etc//hosts":       "etc/hosts",
		"c:x":                      in("c:x"),
		"file://elsewhere/tmp/x":   "",
		"s3x://u:secret@bucket/k":  "",
		"":                         "",
		"file:///tmp/%zz":          "",
		"dir/year=2020/**/*.orc":   in("dir/year=2020/**/*.orc"),
		"ünï/{a,b}.avro":           in("ünï/{a,b}.avro"),
		"1://x":                    in("1:/x"),
		"weird dir/with://slashes": in("weird dir/with:/slashes"),
	} {
		_, name, err := fs.Resolve(t.Context(), raw, nil)
		if want == "" {
			if err == nil {
				t.Errorf("%q resolved to %q", raw, name)
			} else if strings.Contains(err.Error(), "secret") {
				t.Errorf("%v tells the secret", err)
			}
			continue
		}
		if err != nil || name != want {
			t.Errorf("%q: got %q, %v; want %q", raw, name, err, want)
		}
	}
	_, _, err = fs.Resolve(t.Context(), "nope://x", nil)
	if !errors.Is(err, fs.ErrScheme) || !strings.Contains(err.Error(), "known: file") {
		t.Errorf("unknown scheme: %v", err)
	}
	_, _, err = fs.Resolve(t.Context(), "x", fs.Options{"colour": "red"})
	if !errors.Is(err, fs.ErrOption) || !strings.Contains(err.Error(), `"colour"`) {
		t.Errorf("unknown option: %v", err)
	}
}

func TestRegisterReplaces(t *testing.T) {
	for _, want := range []string{"first", "second"} {
		fs.Register("TestScheme", func(context.Context, string, fs.Options) (fs.FileSystem, string, error) {
			return nil, want, nil
		})
		if _, got, err := fs.Resolve(t.Context(), "testscheme://x", nil); err != nil || got != want {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
}

func TestSplitURL(t *testing.T) {
	for raw, want := range map[string][3]string{
		"s3://b/k?x#y":   {"s3", "b", "k?x#y"},
		"S3://b":         {"s3", "b", ""},
		"s3://b//k":      {"s3", "b", "/k"},
		"http://h?q":     {"http", "h", "?q"},
		"plain/path":     {"file", "", "plain/path"},
		"/a/b://c":       {"file", "", "/a/b://c"},
		"file:///a/b":    {"file", "", "a/b"},
		"hdfs://n:80/a%": {"hdfs", "n:80", "a%"},
	} {
		s, a, p := fs.SplitURL(raw)
		if got := [3]string{s, a, p}; got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
}

func TestRedact(t *testing.T) {
	for raw, want := range map[string]string{
		"http://h/p":                               "http://h/p",
		"http://u:s3cr3t@h/p":                      "http://u:xxxxx@h/p",
		"http://s3cr3t@h/p":                        "http://xxxxx@h/p",
		"abfss://container@account/p":              "abfss://container@account/p",
		"mongodb://u:s3cr3t/x@h/db":                "mongodb://u:xxxxx@h/db",
		"http://u:s3cr3t@s3cr3t@h/p":               "http://u:xxxxx@h/p",
		"http://h:80/a@b":                          "http://h:80/a@b",
		"http://[::1]:80/a@b":                      "http://[::1]:80/a@b",
		"https://h/p?a=1&X-Amz-Signature=s3cr3t":   "https://h/p?a=1&X-Amz-Signature=xxxxx",
		"https://h/p?%73ig=s3cr3t&b=2#f":           "https://h/p?%73ig=xxxxx&b=2#f",
		"https://h/p?sv=1;sig=s3cr3t":              "https://h/p?sv=1&sig=xxxxx",
		"https://h/p?page=2":                       "https://h/p?page=2",
		"/plain/a@b?token=x":                       "/plain/a@b?token=x",
		"s3://b/k?AWSAccessKeyId=s3cr3t&Expires=1": "s3://b/k?AWSAccessKeyId=xxxxx&Expires=1",
	} {
		if got := fs.Redact(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("u", "p@/:?#", "h", "x=1")
	f.Fuzz(func(t *testing.T, user, pass, host, query string) {
		raw := "http://" + user + ":hunter2" + pass + "@" + host + "/p?sig=hunter2&" + query
		if strings.ContainsAny(user+host, ":/?#@[") || strings.ContainsAny(pass, "?#") {
			t.Skip()
		}
		if got := fs.Redact(raw); strings.Contains(strings.ReplaceAll(got, query, ""), "hunter2") {
			t.Errorf("%q: %q", raw, got)
		}
	})
}
