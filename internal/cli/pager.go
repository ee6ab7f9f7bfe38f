package cli

import "io"

// paged is a pager's input that is still known as the terminal it ends on.
type paged struct {
	io.Writer
	terminal io.Writer
}
