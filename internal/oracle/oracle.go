// Package oracle finds the programs of others that tests compare with: a
// Python with their libraries, and Java's tools. `make oracles` installs them.
// A test that asks for one that is not there is skipped and says what is not
// proven; in CI that is a failure.
package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Python gives the interpreter that BDKIT_PYTHON names. It has pyarrow, DuckDB,
// Polars, fastavro and pyorc. unproven says what is not shown without it.
func Python(t testing.TB, unproven string) string {
	t.Helper()
	py := os.Getenv("BDKIT_PYTHON")
	if _, err := os.Stat(py); py == "" || err != nil {
		missing(t, "BDKIT_PYTHON ("+py+") is no Python with the libraries", unproven)
	}
	return py
}

// Run gives a script to Python, with arguments, and fails the test with what it
// printed when it fails. It returns its standard output.
func Run(t testing.TB, py, script string, args ...string) string {
	t.Helper()
	return output(t, exec.Command(py, append([]string{"-c", script}, args...)...))
}

// Jar gives the path of one of Java's tools in the folder that BDKIT_JARS
// names, by the start of its file name: "orc-tools", "avro-tools".
func Jar(t testing.TB, name, unproven string) string {
	t.Helper()
	dir := os.Getenv("BDKIT_JARS")
	found, err := filepath.Glob(filepath.Join(dir, name+"-*.jar"))
	if _, jerr := exec.LookPath("java"); dir == "" || err != nil || jerr != nil || len(found) == 0 {
		missing(t, "BDKIT_JARS ("+dir+") has no "+name+", or there is no java on PATH", unproven)
		return ""
	}
	return found[0]
}

// Java runs a class of a jar, or a source file (name.java) against it, and
// returns its standard output.
func Java(t testing.TB, jar, class string, args ...string) string {
	t.Helper()
	return output(t, exec.Command("java", append([]string{"-Xmx1g", "-cp", jar, class}, args...)...))
}

func output(t testing.TB, cmd *exec.Cmd) string {
	t.Helper()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, stderr.String())
	}
	return string(out)
}

func missing(t testing.TB, what, unproven string) {
	t.Helper()
	msg := what + ": " + unproven + " not proven; `make oracles` installs it"
	if os.Getenv("CI") == "true" {
		t.Fatal(msg)
	}
	t.Skip("SKIPPED: " + msg)
}
