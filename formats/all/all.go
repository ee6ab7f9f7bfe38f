// Package all links every file format into a program. The build tag
// bd_no_<format> leaves one out.
package all
