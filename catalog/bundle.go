package catalog

import (
	_ "github.com/bdkit/bdkit/formats/all" // the formats
	_ "github.com/bdkit/bdkit/fs/httpfs"   // http, https
	_ "github.com/bdkit/bdkit/fs/local"    // file
	_ "github.com/bdkit/bdkit/fs/mem"      // mem
)
