// Package compare tells what two objects of an engine differ in, by meaning and not by text: a quantity may be written in several
// ways, an empty field is none, and elements of lists go by their names. People read differences; what only looks different is noise.
//
// Its functions are pure and take any JSON. Nothing that they are given is changed, and results share memory with it.
package compare
