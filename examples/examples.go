// Package examples holds whole spec repositories, so that the command can write them where there is no clone of Trefoil.
package examples

import "embed"

// FS holds one folder for each example, named like it, with all its files: those that begin with a dot too.
//
//go:embed all:mnist all:three all:mnist-pytorch
var FS embed.FS
