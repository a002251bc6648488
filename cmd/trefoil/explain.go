package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/docs"
	"github.com/trefoil-gitops/trefoil/schema"
)

func (a *app) explain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [CODE | FIELD]",
		Short: "Explain a code of a finding, or a field of models.cue",
		Long: "Explains a code, such as TRF0101, with a wrong and a right example; or a field, such as models.train.search.random, in\n" +
			"the words of trefoil.cue, with the fields below it. The name of a model may stand in its place, or not. Alone it lists\n" +
			"the codes.\n\n" +
			"Exit code 0: explained. 1: there is no such code or field.",
		Args:              oneWord,
		ValidArgsFunction: completeExplain,
		RunE: func(_ *cobra.Command, words []string) error {
			switch {
			case len(words) == 0:
				return a.explainCodes()
			case isCode(words[0]):
				return a.explainCode(strings.ToUpper(words[0]))
			}
			return a.explainField(words[0])
		},
	}
}

func oneWord(cmd *cobra.Command, words []string) error {
	if len(words) > 1 {
		return fmt.Errorf("%s takes one code or field, not %d", cmd.CommandPath(), len(words))
	}
	return nil
}

// isCode reports whether a word is meant to be a code: fields don't begin so.
func isCode(word string) bool {
	const prefix = "TRF"
	return len(word) >= len(prefix) && strings.EqualFold(word[:len(prefix)], prefix)
}

// codeJSON is what -o json says of a code; the page is in Markdown.
type codeJSON struct {
	Code  string `json:"code"`
	Title string `json:"title"`
	Page  string `json:"page,omitempty"`
}

func (a *app) explainCodes() error {
	titles, all := schema.Codes(), []codeJSON{}
	for _, code := range slices.Sorted(maps.Keys(titles)) {
		all = append(all, codeJSON{Code: code, Title: titles[code]})
	}
	if printed, err := a.json(map[string]any{"format_version": formatVersion, "codes": all}); printed || err != nil {
		return err
	}
	for _, c := range all {
		fmt.Fprintln(a.out, c.Code, c.Title)
	}
	return nil
}

func (a *app) explainCode(code string) error {
	page, found := docs.Finding(code)
	if !found {
		if near, ok := schema.Nearest(code, slices.Sorted(maps.Keys(schema.Codes()))); ok {
			return fmt.Errorf("there is no code %s; did you mean %s?", code, near)
		}
		return fmt.Errorf("there is no code %s: `trefoil explain` lists them", code)
	}
	c := codeJSON{Code: code, Title: schema.Codes()[code], Page: page}
	if printed, err := a.json(map[string]any{"format_version": formatVersion, "codes": []codeJSON{c}}); printed || err != nil {
		return err
	}
	_, err := io.WriteString(a.out, plainPage(page))
	return err
}

// plainPage is a page as a terminal shows it: examples are indented, and a file that is not models.cue is named.
func plainPage(markdown string) string {
	var b strings.Builder
	code := false
	for line := range strings.Lines(markdown) {
		fence, fenced := strings.CutPrefix(line, "```")
		switch {
		case fenced && !code:
			code = true
			if _, file, named := strings.Cut(strings.TrimSpace(fence), " "); named {
				fmt.Fprintf(&b, "\n  %s:\n\n", file)
			} else {
				b.WriteString("\n")
			}
		case fenced:
			code = false
		case code && line != "\n":
			b.WriteString("    " + line)
		case strings.HasPrefix(line, "## "):
			b.WriteString(strings.TrimSpace(line[len("## "):]) + ":\n")
		default:
			b.WriteString(strings.TrimPrefix(line, "# "))
		}
	}
	return b.String()
}

func (a *app) explainField(path string) error {
	f, err := schema.Describe(path)
	if err != nil {
		return err
	}
	if printed, err := a.json(map[string]any{"format_version": formatVersion, "field": f}); printed || err != nil {
		return err
	}
	fmt.Fprintf(a.out, "FIELD: %s%s\nTYPE:  %s\n", f.Path, needed(f), f.Type)
	if f.Comment != "" {
		fmt.Fprintf(a.out, "\n    %s\n", strings.ReplaceAll(f.Comment, "\n", "\n    "))
	}
	if len(f.Fields) > 0 {
		fmt.Fprint(a.out, "\nFIELDS:\n")
	}
	for _, inner := range f.Fields {
		fmt.Fprintf(a.out, "  %s%s  %s\n", strings.TrimPrefix(inner.Path, f.Path+"."), needed(inner), inner.Type)
		if inner.Comment != "" {
			fmt.Fprintf(a.out, "      %s\n", firstSentence(inner.Comment))
		}
	}
	return nil
}

func needed(f schema.Field) string {
	if f.Required {
		return " -required-"
	}
	return ""
}

// firstSentence is as much of a comment as fits a list.
func firstSentence(comment string) string {
	comment = strings.Join(strings.Fields(comment), " ")
	if first, _, more := strings.Cut(comment, ". "); more {
		return first + "."
	}
	return comment
}

// completeExplain offers codes, and the fields below what is typed.
func completeExplain(_ *cobra.Command, words []string, typed string) ([]string, cobra.ShellCompDirective) {
	const quiet = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	if len(words) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	dot := strings.LastIndex(typed, ".")
	if dot < 0 {
		return append(slices.Sorted(maps.Keys(schema.Codes())), "models", "retired", "selected"), quiet
	}
	around, err := schema.Describe(typed[:dot])
	if err != nil {
		return nil, quiet
	}
	var all []string
	for _, f := range around.Fields {
		all = append(all, typed[:dot]+strings.TrimPrefix(f.Path, around.Path))
	}
	return all, quiet
}
