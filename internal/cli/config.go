package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"
)

// configure sets the flags that the command line leaves alone: by BD_<FLAG> in
// the environment, ./.bd.yaml, and $XDG_CONFIG_HOME/bd/config.yaml, in this
// order. The files are flat: the names of flags and their values; names that are
// no flag of the command at hand are left to the others.
func (a *App) configure(flags *pflag.FlagSet) error {
	var files []map[string]any
	for _, path := range configFiles() {
		m, err := readConfig(path)
		if err != nil {
			return err
		}
		files = append(files, m)
	}
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || err != nil || f.Name == "help" {
			return
		}
		env := "BD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v, ok := os.LookupEnv(env); ok {
			if serr := flags.Set(f.Name, v); serr != nil {
				err = fmt.Errorf("%w: %s: %w", ErrUsage, env, serr)
			}
			return
		}
		for i, m := range files {
			v, ok := m[f.Name]
			if !ok {
				continue
			}
			if serr := flags.Set(f.Name, fmt.Sprint(v)); serr != nil {
				err = fmt.Errorf("%w: %s: %s: %w", ErrUsage, configFiles()[i], f.Name, serr)
			}
			return
		}
	})
	return err
}

func configFiles() []string {
	out := []string{".bd.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		out = append(out, filepath.Join(dir, "bd", "config.yaml"))
	}
	return out
}

func readConfig(path string) (map[string]any, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	m := map[string]any{}
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUsage, path, err)
	}
	return m, nil
}
