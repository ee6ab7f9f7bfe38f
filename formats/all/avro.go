//go:build !bd_no_avro

package all

import _ "github.com/bdkit/bdkit/formats/avro"
