package pushdowntest

import "testing"

func TestLaws(t *testing.T) { RunLaws(t) }
