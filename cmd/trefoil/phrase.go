package main

import (
	"fmt"
	"strings"
	"text/template"
	"unicode"
)

// mostSubject is how long the subject of a commit may get, in characters.
const mostSubject = 200

// phrased is what the template of a subject may use.
type phrased struct {
	Subject string   // as it would be without a template
	Models  []string // what the commit is about, sorted
}

// phrase is the template repository.subject as a function; nil where there is none. The functions of templates compute, and reach nothing
// outside: the same records make the same commit.
func (c repositoryConfig) phrase() (func(subject string, models []string) string, error) {
	if c.Subject == "" {
		return nil, nil
	}
	t, err := template.New("repository.subject").Option("missingkey=error").
		Funcs(template.FuncMap{"join": func(sep string, list []string) string { return strings.Join(list, sep) }}).Parse(c.Subject)
	if err != nil {
		return nil, fmt.Errorf("repository.subject: %w; write it like \"chore: {{ .Subject }} [skip ci]\"", err)
	}
	phrase := func(subject string, models []string) string {
		var b strings.Builder
		if err := t.Execute(&b, phrased{subject, models}); err != nil {
			return subject // the records count, not the words
		}
		if text := oneLine(b.String()); text != "" {
			return text
		}
		return subject
	}
	var b strings.Builder
	if err := t.Execute(&b, phrased{"mnist: release 1", []string{"mnist"}}); err != nil {
		return nil, fmt.Errorf("repository.subject: %w; there is .Subject, a text, and .Models, a list: {{ join \", \" .Models }}", err)
	}
	if oneLine(b.String()) == "" {
		return nil, fmt.Errorf("repository.subject %q comes to nothing", c.Subject)
	}
	return phrase, nil
}

// oneLine is what a subject can hold of a text.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
	text = strings.TrimLeft(text, "# ") // which git would take for a comment
	if r := []rune(text); len(r) > mostSubject {
		return string(r[:mostSubject])
	}
	return text
}
