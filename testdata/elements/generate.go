// Package elements makes the sample file of the demo from elements.csv.
//
//go:generate go run ./gen
package elements
