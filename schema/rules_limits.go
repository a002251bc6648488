package schema

import (
	"fmt"
	"strings"
)

// What one repository may hold. The limits are far above what people need, and far below what an engine or a reader breaks at.
const (
	maxModels       = 10_000
	maxEnvironments = 100     // of a model
	maxParameters   = 500     // of a model, searched ones too
	maxWords        = 1_000   // of a command
	maxCommand      = 100_000 // bytes of a command; Linux takes 128 KiB a word
	maxPoints       = 10_000  // of a grid, a range or a list, and experiments of a search: Polyaxon makes all of them in one call
	maxAdded        = 2_000   // values of an Extra
	maxDepth        = 32      // of an Extra and of what is in it
)

// limits finds what a model has too much of.
func (l *loader) limits(m Model) {
	s := m.Train.Search
	l.atMost(len(m.Serve), maxEnvironments, "environments", "make a model of its own of some", "serve")
	l.atMost(len(m.Train.Params)+len(s.Names()), maxParameters, "parameters", "put them into a file of the source folder", "train", "params")
	l.atMost(len(m.Train.Command), maxWords, "words", "put them into a script of the source folder", "train", "command")
	bytes := 0
	for _, word := range m.Train.Command {
		bytes += len(word)
	}
	l.atMost(bytes, maxCommand, "bytes", "put it into a script of the source folder", "train", "command")
	l.atMost(len(s.Mapping), maxPoints, "points", "search in several models, or at random", "train", "search", "mapping")
	if s.Kind != Mapping {
		l.space(s)
	}
}

// space finds searches that Polyaxon would not survive: it makes all points of a range and of a grid at once, however few are
// asked for.
func (l *loader) space(s Search) {
	l.atMost(s.Experiments, maxPoints, "experiments", "ask for fewer", "train", "search", string(s.Kind), "experiments")
	wide := false
	for _, d := range s.Matrix {
		if k := kindOf(d.Kind); !k.distribution || d.Kind == "pchoice" {
			wide = l.atMost(d.Points(), maxPoints, "values", "take fewer, or a distribution such as uniform", "train", "search", "matrix", d.Name, d.Kind) || wide
		}
	}
	if s.Kind == Grid && !wide && !s.distributed() {
		l.atMost(s.Points(), maxPoints, "points in the grid", "take fewer values of each parameter, or search at random", "train", "search", "matrix")
	}
	if n := s.Points(); s.Experiments > n && n > 0 {
		l.note(codeFewer, fmt.Sprintf("write experiments: %d, or widen the matrix", n), []string{"train", "search", string(s.Kind), "experiments"},
			"the matrix has %d points, so %d experiments run, not %d", n, n, s.Experiments)
	}
}

func (s Search) distributed() bool {
	for _, d := range s.Matrix {
		if kindOf(d.Kind).distribution {
			return true
		}
	}
	return false
}

// atMost reports what there is too much of, and whether there is.
func (l *loader) atMost(there, most int, what, hint string, at ...string) bool {
	if there > most {
		l.report(codeLimit, hint, at, "%s has %s %s, and at most %d are taken", strings.Join(at, "."), amount(there), what, most)
	}
	return there > most
}

// amount is a number as far as it was counted.
func amount(n int) string {
	const counted = 1<<31 - 1
	if n >= counted {
		return "billions of"
	}
	return fmt.Sprint(n)
}
