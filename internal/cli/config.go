package cli

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"github.com/bdkit/bdkit/catalog"
)

// config is what a configuration file says:
//
//	limit: 20                    # flags, by their names
//	option: [timeout=30s]
//	profiles:
//	  wide: {max-width: 200}     # flags with --profile wide, before those above
//	sources:
//	  flights: https://host/flights.parquet          # @flights
//	  events: {url: ./events, format: parquet, options: {timeout: 5s}}
type config struct {
	path     string
	flags    map[string]any
	profiles map[string]map[string]any
	sources  map[string]catalog.Named
}

// configure sets the flags that the command line leaves alone: by BD_<FLAG> in
// the environment, ./.bd.yaml, and $XDG_CONFIG_HOME/bd/config.yaml, in this
// order. Names that are no flag of the command at hand are left to the others.
func (a *App) configure(flags *pflag.FlagSet) error {
	var files []config
	for _, path := range configFiles() {
		c, err := readConfig(path)
		if err != nil {
			return err
		}
		files = append(files, c)
	}
	a.files = files
	set := func(name string) error {
		f := flags.Lookup(name)
		if f == nil || f.Changed || f.Name == "help" {
			return nil
		}
		env := "BD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(env); ok {
			if err := flags.Set(f.Name, v); err != nil {
				return fmt.Errorf("%w: %s: %w", ErrUsage, env, err)
			}
			return nil
		}
		for _, c := range files {
			if v, ok := c.profiles[a.Profile][f.Name]; ok {
				return setFrom(flags, f.Name, v, c.path)
			}
			if v, ok := c.flags[f.Name]; ok {
				return setFrom(flags, f.Name, v, c.path)
			}
		}
		return nil
	}
	if err := set("profile"); err != nil { // it decides over the others
		return err
	}
	if a.Profile != "" && !slices.Contains(a.Profiles(), a.Profile) {
		known := "none"
		if p := a.Profiles(); len(p) > 0 {
			known = strings.Join(p, ", ")
		}
		return fmt.Errorf("%w: --profile %q: the configuration has %s (%s)", ErrUsage, a.Profile, known, strings.Join(configFiles(), ", "))
	}
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if err == nil && f.Name != "profile" {
			err = set(f.Name)
		}
	})
	return err
}

// setFrom sets a flag by a file's value; a list is the flag once each.
func setFrom(flags *pflag.FlagSet, name string, v any, path string) error {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, x := range list {
		if err := flags.Set(name, fmt.Sprint(x)); err != nil {
			return fmt.Errorf("%w: %s: %s: %w", ErrUsage, path, name, err)
		}
	}
	return nil
}

// Profiles are the names that --profile can have.
func (a *App) Profiles() []string {
	names := map[string]bool{}
	for _, c := range a.files {
		for p := range c.profiles {
			names[p] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// Named are the sources that @NAME stands for; the first file that has a name
// decides.
func (a *App) Named() map[string]catalog.Named {
	out := map[string]catalog.Named{}
	for _, c := range slices.Backward(a.files) {
		maps.Copy(out, c.sources)
	}
	return out
}

func configFiles() []string {
	dir := os.Getenv("XDG_CONFIG_HOME")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return []string{".bd.yaml"}
		}
		dir = filepath.Join(home, ".config")
	}
	return []string{".bd.yaml", filepath.Join(dir, "bd", "config.yaml")}
}

func readConfig(path string) (config, error) {
	c := config{path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	doc := struct {
		Profiles map[string]map[string]any `yaml:"profiles"`
		Sources  map[string]any            `yaml:"sources"`
		Flags    map[string]any            `yaml:",inline"`
	}{}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return c, fmt.Errorf("%w: %s: %w", ErrUsage, path, err)
	}
	c.flags, c.profiles, c.sources = doc.Flags, doc.Profiles, map[string]catalog.Named{}
	for name, v := range doc.Sources {
		switch v := v.(type) {
		case string:
			c.sources[name] = catalog.Named{URL: v}
		case map[string]any:
			n := catalog.Named{Options: map[string]string{}}
			for k, x := range v {
				switch k {
				case "url":
					n.URL = fmt.Sprint(x)
				case "format":
					n.Format = fmt.Sprint(x)
				case "options":
					m, ok := x.(map[string]any)
					if !ok {
						return c, fmt.Errorf("%w: %s: sources.%s.options: want key: value", ErrUsage, path, name)
					}
					for key, value := range m {
						n.Options[key] = fmt.Sprint(value)
					}
				default:
					return c, fmt.Errorf("%w: %s: sources.%s: no member %q (url, format, options)", ErrUsage, path, name, k)
				}
			}
			c.sources[name] = n
		}
		if c.sources[name].URL == "" {
			return c, fmt.Errorf("%w: %s: sources.%s: want a URL", ErrUsage, path, name)
		}
	}
	return c, nil
}
