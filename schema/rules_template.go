package schema

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// templates checks that image and command name parameters and use the dimensions, and that no name is both.
func (l *loader) templates(t Train) {
	var fixed []string
	for _, p := range t.Params {
		fixed = append(fixed, p.Name)
	}
	searched := t.Search.Names()
	for _, name := range searched {
		if slices.Contains(fixed, name) {
			l.report(codeTwice, "take it out of one of them", []string{"train", "params", name},
				"%s is both a fixed parameter and searched", name)
		}
	}
	used, known := map[string]bool{}, slices.Concat(fixed, searched)
	l.filled(used, known, t.Image, "train", "image")
	for i, word := range t.Command {
		l.filled(used, known, word, "train", "command", strconv.Itoa(i))
	}
	for _, name := range searched {
		if !used[name] {
			l.warn(codeUnused, unfilled(name, t.Command), l.dimension(t.Search, name),
				"the command doesn't use %s, so its values change nothing", name)
		}
	}
}

// unfilled is the hint for a parameter that the command doesn't use: it may be there, in the words of a shell or of Python.
func unfilled(name string, command []string) string {
	other := regexp.MustCompile(`\$\{?` + name + `\b\}?|\$\(` + name + `\)|%\(` + name + `\)s|\{ *` + name + ` *\}|<` + name + `>`)
	for _, word := range command {
		if found := other.FindString(word); found != "" {
			return fmt.Sprintf("write {{ %s }} in place of %s", name, found)
		}
	}
	return fmt.Sprintf("write {{ %s }} where the command takes it", name)
}

// dimension is where a searched parameter is written.
func (l *loader) dimension(s Search, name string) []string {
	if s.Kind == Mapping {
		return []string{"train", "search", "mapping", "0", name}
	}
	return []string{"train", "search", "matrix", name}
}

// A template, whatever is in it, and one that stands for a parameter.
var (
	anyTemplate  = regexp.MustCompile(`\{\{.*?(\}\}|$)`)
	goodTemplate = regexp.MustCompile(`^\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}$`)
)

// filled marks the names that the templates of a text stand for as used and reports templates that stand for nothing: Polyaxon
// would fill in an empty text.
func (l *loader) filled(used map[string]bool, known []string, text string, at ...string) {
	for _, found := range anyTemplate.FindAllString(text, -1) {
		match := goodTemplate.FindStringSubmatch(found)
		switch {
		case match == nil && strings.Contains(found, "globals."):
			l.report(codeTemplate, "the outputs folder is in $POLYAXON_RUN_OUTPUTS_PATH", at, "%s is not {{ NAME }}", found)
		case match == nil:
			inner := within(found, known)
			used[inner] = true
			l.report(codeTemplate, meant(inner, known), at, "%s is not {{ NAME }}", found)
		case !slices.Contains(known, match[1]):
			l.report(codeTemplate, meant(match[1], known), at, "%s stands for no parameter", found)
		default:
			used[match[1]] = true
		}
	}
}

// within is the first parameter that a template names which is more than a name, or "".
func within(template string, known []string) string {
	for _, word := range regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`).FindAllString(template, -1) {
		if slices.Contains(known, word) {
			return word
		}
	}
	return ""
}

// meant says which template to write.
func meant(name string, known []string) string {
	if slices.Contains(known, name) {
		return fmt.Sprintf("write {{ %s }}", name)
	}
	if near, ok := Nearest(name, known); ok {
		return fmt.Sprintf("did you mean {{ %s }}?", near)
	}
	if len(known) == 0 {
		return "add it to train.params or train.search"
	}
	return "the parameters are " + quote(known)
}
