package main

import (
	"fmt"
	"strings"
)

// topicList is the page that names the others.
func topicList() string {
	var b strings.Builder
	b.WriteString("There is help on (bdcat help TOPIC):\n")
	for _, t := range topics {
		fmt.Fprintf(&b, "\n  %-12s %s", t.name, t.short)
	}
	return b.String()
}

// topics are the pages of help that belong to no command.
var topics = []struct{ name, short, text string }{
	{"where", "The language of --where", `Filters compare columns with values:

  = != < <= > >=      a <= 5, name != 'x'
  IN, NOT IN          carrier IN ('AA', 'DL')
  BETWEEN             day BETWEEN DATE '2013-01-01' AND DATE '2013-01-31'
  LIKE                name LIKE 'p%' (% any characters, _ one)
  IS [NOT] NULL       dep_time IS NULL
  AND OR NOT ( )

Values: 5, 1.5e3, 'text' ('' is a quote), TRUE, FALSE, NULL,
DATE '2013-01-31', TIMESTAMP '2013-01-31T10:00:00Z', TIME '10:00:00'.
A field of a struct is a.b; a name with other characters is quoted: "a b".c.
What is null is neither equal nor unequal to anything, as in SQL.`},
	{"urls", "Where data can be", `  path, ./path          a local file
  'dir/*.parquet'       a glob: * ? [a-z] {a,b} **
  dir/                  all files below it, but those that begin with _ or .; folders key=value are columns
  @name                 a source of the configuration (help config)
  https://host/file     over HTTP, by range requests
  mem://name/file       in memory, for programs
  -                     standard input; formats read from their end are copied first`},
	{"types", "How values are shown", `JSON: bytes as base64, instants as RFC 3339 with the digits of the column's unit, dates
and times as ISO 8601, maps as arrays of {key, value}, unions as the bare value, decimals
and large integers as numbers (--json-safe: as strings), NaN and infinities as null.
Text (table, csv, tsv, line, markdown): the same without quotes, bytes as hex, nested values as JSON.`},
	{"config", "Flags from files and the environment", `A flag that the command line leaves alone is taken from BD_<FLAG> in the environment (BD_MAX_WIDTH=60),
then from ./.bd.yaml, then from $XDG_CONFIG_HOME/bd/config.yaml (~/.config):

  memory: 512M                        # flags, by their long names
  option: [timeout=30s]
  profiles:
    wide: {max-width: 200}            # with --profile wide, before those above
  sources:
    flights: https://host/flights.parquet         # bdcat @flights
    events: {url: ./events, format: parquet, options: {timeout: 5s}}

Secrets belong into files or the environment; no flag takes one. A password in a URL is accepted,
shown nowhere, and warned about.`},
	{"exit-codes", "What the programs end with", `  0  all is well              4  incomplete, or verification failed
  1  inputs differ            5  source or destination cannot be read or written
  2  the command line         6  not allowed, or a key is missing
  3  the data is bad          7  a limit: memory, time
130  interrupted`},
}
