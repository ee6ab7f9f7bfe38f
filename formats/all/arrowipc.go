//go:build !bd_no_arrowipc

package all

import _ "github.com/bdkit/bdkit/formats/arrowipc" // registers itself
