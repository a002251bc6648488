package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// templates checks that the command names parameters and uses the dimensions, and that no name is both.
func (l *loader) templates(t Train) {
	var fixed, searched []string
	for _, p := range t.Params {
		fixed = append(fixed, p.Name)
	}
	searched = t.Search.names()
	for _, name := range searched {
		if slices.Contains(fixed, name) {
			l.report(codeTwice, "take it out of one of them", []string{"train", "params", name},
				"%s is both a fixed parameter and searched", name)
		}
	}
	used := l.used(t.Command, slices.Concat(fixed, searched))
	for _, name := range searched {
		if !used[name] {
			l.warn(codeUnused, fmt.Sprintf("write {{ %s }} where the command takes it", name), l.dimension(t.Search, name),
				"the command doesn't use %s, so its values change nothing", name)
		}
	}
}

// dimension is where a searched parameter is written.
func (l *loader) dimension(s Search, name string) []string {
	if s.Kind == Mapping {
		return []string{"train", "search", "mapping", "0", name}
	}
	return []string{"train", "search", "matrix", name}
}

// used returns the names that the templates of a command stand for and reports those that stand for nothing.
func (l *loader) used(command, known []string) map[string]bool {
	template, name := regexp.MustCompile(`\{\{.*?(\}\}|$)`), regexp.MustCompile(`^\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}$`)
	used := map[string]bool{}
	for i, word := range command {
		at := []string{"train", "command", strconv.Itoa(i)}
		for _, found := range template.FindAllString(word, -1) {
			match := name.FindStringSubmatch(found)
			switch {
			case match == nil:
				l.report(codeTemplate, "the outputs folder is in $POLYAXON_RUN_OUTPUTS_PATH", at, "%s is not {{ NAME }}", found)
			case !slices.Contains(known, match[1]):
				l.report(codeTemplate, meant(match[1], known), at, "%s stands for no parameter", found)
			default:
				used[match[1]] = true
			}
		}
	}
	return used
}

func meant(name string, known []string) string {
	if near, ok := nearest(name, known); ok {
		return fmt.Sprintf("did you mean {{ %s }}?", near)
	}
	if len(known) == 0 {
		return "add it to train.params or train.search"
	}
	return "there are " + quote(known)
}
