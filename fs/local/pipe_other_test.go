//go:build !unix

package local_test

import "testing"

func pipe(t *testing.T, path string) { t.Skip("no named pipes in directories") }
