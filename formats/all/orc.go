//go:build !bd_no_orc

package all

import _ "github.com/bdkit/bdkit/formats/orc" // registers itself
