package schema

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
)

// Amend returns the new text of selected/MODEL.cue: what file says, with the releases of next that it lacks, images that were
// absent, and next's latest and last. People's comments and layout stay. An empty file is begun.
//
// Errors: file is not valid; next would change or remove a release or lower last; something in next, such as a metric that is
// not finite, can't be written. What is returned reads as exactly next; same arguments, same bytes.
func Amend(file []byte, model string, next Selected) ([]byte, error) {
	text, err := amend(file, model, next)
	if err != nil {
		return nil, fmt.Errorf("amend %s/%s.cue: %w", selectedFolder, model, err)
	}
	return text, nil
}

func amend(file []byte, model string, next Selected) ([]byte, error) {
	next.Releases = slices.SortedFunc(slices.Values(next.Releases), func(a, b Release) int { return a.Number - b.Number })
	if len(bytes.TrimSpace(file)) == 0 {
		return finish(begin(model, next), model, next, true)
	}
	now, syntax, err := readSelected(file, model)
	if err != nil {
		return nil, err
	}
	if err := appends(now, next); err != nil {
		return nil, err
	}
	edits, err := edit(syntax, model, now, next)
	if err != nil {
		return nil, err
	}
	text := apply(file, edits)
	for _, r := range next.Releases {
		if _, there := now.Release(r.Number); !there {
			text = append(bytes.TrimRight(text, "\n"), '\n')
			text = append(text, releaseText(model, r)...)
		}
	}
	tidy, err := format.Source(file)
	return finish(text, model, next, err == nil && bytes.Equal(tidy, file))
}

// begin is the text of a new file.
func begin(model string, next Selected) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nselected: %s: {latest: %d, last: %d}\n", packageName, label(model), next.Latest, next.Last)
	for _, r := range next.Releases {
		b.WriteString(releaseText(model, r))
	}
	return b.Bytes()
}

// finish formats a text that was formatted before, and proves that it says next.
func finish(text []byte, model string, next Selected, tidy bool) ([]byte, error) {
	if tidy {
		formatted, err := format.Source(text)
		if err != nil {
			return nil, fmt.Errorf("format: %w", err)
		}
		text = formatted
	}
	got, _, err := readSelected(text, model)
	if err != nil {
		return nil, err
	}
	if !sameSelected(got, next) {
		return nil, errors.New("the file would not say what was decided")
	}
	return text, nil
}

// readSelected judges one file of the daemon on its own.
func readSelected(data []byte, model string) (Selected, *ast.File, error) {
	name := selectedFolder + "/" + model + ".cue"
	f, found := guard(name, data)
	if len(found) > 0 {
		return Selected{}, nil, errors.New(found[0].String())
	}
	rules := rulesOfSelected.Get().(*parsedRules)
	defer rulesOfSelected.Put(rules)
	root, compileErr := unify(rules.file, []*ast.File{f})
	if compileErr != nil {
		return Selected{}, nil, compileErr
	}
	all := root.LookupPath(cue.ParsePath("selected"))
	x := newExplainer(root, locate([]*ast.File{f}), rules.shape)
	if found := append(x.unknownFields(), x.findings(problems(all, true))...); len(found) > 0 {
		return Selected{}, nil, errors.New(found[0].String())
	}
	value := all.LookupPath(cue.MakePath(cue.Str(model)))
	if !value.Exists() {
		return Selected{}, nil, fmt.Errorf("%s says nothing about %s", name, model)
	}
	text, err := value.MarshalJSON()
	if err != nil {
		return Selected{}, nil, err
	}
	selected, err := decodeSelected(text)
	return selected, f, err
}

// appends refuses a next that takes back what is committed.
func appends(now, next Selected) error {
	if next.Last < now.Last {
		return fmt.Errorf("last would fall from %d to %d", now.Last, next.Last)
	}
	for _, old := range now.Releases {
		r, ok := next.Release(old.Number)
		if !ok {
			return fmt.Errorf("release %d would be lost", old.Number)
		}
		if old.Image == "" {
			r.Image = ""
		}
		if !sameRelease(old, r) {
			return fmt.Errorf("release %d would be changed", old.Number)
		}
	}
	return nil
}

// splice replaces the bytes from start to end.
type splice struct {
	start, end int
	text       string
}

// edit finds what has to change in the text: the two numbers, and images that were absent.
func edit(f *ast.File, model string, now, next Selected) ([]splice, error) {
	var edits []splice
	for _, n := range []struct {
		name     string
		now, new int
	}{{"latest", now.Latest, next.Latest}, {"last", now.Last, next.Last}} {
		if n.now == n.new {
			continue
		}
		values := literals(f.Decls, "selected", model, n.name)
		if len(values) == 0 {
			return nil, fmt.Errorf("%s is not written as a number", n.name)
		}
		for _, v := range values {
			edits = append(edits, splice{v.Pos().Offset(), v.End().Offset(), strconv.Itoa(n.new)})
		}
	}
	for _, r := range next.Releases {
		old, there := now.Release(r.Number)
		if !there || old.Image == r.Image {
			continue
		}
		body, ok := structOf(f.Decls, "selected", model, "releases", strconv.Itoa(r.Number))
		if !ok {
			return nil, fmt.Errorf("release %d is not written as a struct", r.Number)
		}
		at := body.Rbrace.Offset()
		edits = append(edits, splice{at, at, "image: " + quoted(r.Image) + "\n"})
	}
	return edits, nil
}

// apply makes the edits. One that goes before a closing brace gets a line of its own.
func apply(file []byte, edits []splice) []byte {
	slices.SortFunc(edits, func(a, b splice) int { return b.start - a.start })
	text := string(file)
	for _, e := range edits {
		head, tail := text[:e.start], text[e.end:]
		if e.start == e.end {
			head = strings.TrimRight(head, " \t")
			head = strings.TrimSuffix(head, "\n") + "\n\t"
		}
		text = head + e.text + tail
	}
	return []byte(text)
}
