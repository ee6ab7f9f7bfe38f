// Command gen writes elements.parquet from elements.csv.
package main

import (
	"context"
	"log"

	"github.com/bdkit/bdkit/testdata/elements"
)

func main() {
	if err := elements.Generate(context.Background(), "elements.csv", "elements.parquet"); err != nil {
		log.Fatal(err)
	}
}
