// Package schema is the language of spec repositories: the CUE definitions that people write against, and Load, which turns one
// revision of a repository into a Catalog, a plain value without CUE in it.
//
// Reading goes through four rooms. [Load] reads the files of a [Tree]. evaluate judges them by CUE and the embedded
// definitions and hands back JSON and places: it alone runs CUE. The decoder turns JSON into a [Model] with Trefoil's defaults.
// The rules then say what CUE can't: whether a template names a parameter, whether a folder exists, whether two environments
// collide. What people add to rendered objects is judged by package render. Whatever is wrong becomes a [Finding] with a place, a
// code of the table in codes.go, a hint and a [Scope].
//
// [Amend] is the way back: the new text of selected/NAME.cue, which is the one file that Trefoil writes.
package schema
