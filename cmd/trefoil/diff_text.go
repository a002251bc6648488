package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/render"
)

// printDifferences prints what people may see of it.
func (a *app) printDifferences(c differences) error {
	if a.flags.output == "json" {
		j, err := differencesOf(c)
		if err == nil {
			_, err = a.json(j)
		}
		return err
	}
	for _, n := range c.notes {
		fmt.Fprintln(a.err, "trefoil:", printable(n))
	}
	p := a.painter()
	for _, o := range c.objects {
		text, err := o.unified(newMask(c.clean))
		if err != nil {
			return err
		}
		fmt.Fprint(a.out, p.unified(text))
	}
	fmt.Fprint(a.out, p.section("Drift: live was changed, git was not (git -> live)", c, compare.Drift))
	fmt.Fprint(a.out, p.section("Nothing now, the next search or build has it (live -> git)", c, compare.Later))
	return nil
}

// unified is what git changes, from live to git; empty where that is nothing.
func (o compared) unified(m mask) (string, error) {
	ref := o.object.Ref.String()
	switch {
	case o.removed != "":
		return printable(fmt.Sprintf("diff live %s %s\n--- live %s\n+++ %s\n# goes: %s\n", ref, nowhere, ref, nowhere, o.removed)), nil
	case !o.fresh() && len(o.of(compare.Changed)) == 0:
		return "", nil
	}
	before, err1 := document(m.tree(o.result.Live))
	after, err2 := document(m.tree(o.result.Git))
	if err := errors.Join(err1, err2); err != nil {
		return "", fmt.Errorf("%s: %w", ref, err)
	}
	from := "live " + ref
	if o.fresh() {
		from = nowhere
	}
	text := string(diff.Diff(from, before, "git "+ref, after))
	for _, f := range o.of(compare.Changed) {
		if f.Manager != "" {
			text += fmt.Sprintf("# %s was last written by %s\n", f.Path, writer(f))
		}
	}
	return printable(m.clean(text)), nil
}

// nowhere is where what is new comes from, and where goes what is no more.
const nowhere = "/dev/null"

// document is an object as YAML, without what says nothing to people; empty for none. The object is a copy.
func document(object map[string]any) ([]byte, error) {
	if object == nil {
		return nil, nil
	}
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	delete(annotations, render.AnnotationDigest)
	if len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return yaml.Marshal(object)
}

// section is what differs for a cause that has a section of its own, field by field below the name of the object.
func (p painter) section(title string, c differences, cause compare.Cause) string {
	var b strings.Builder
	for _, o := range c.objects {
		m := newMask(c.clean)
		for i, f := range o.of(cause) {
			if b.Len() == 0 {
				b.WriteString(p.paint(bold, title) + "\n")
			}
			if i == 0 {
				b.WriteString("  " + p.paint(bold, printable(o.object.Ref.String())) + o.lasting(cause) + "\n")
			}
			b.WriteString("    " + p.line(m, m.field(f), cause) + "\n")
		}
	}
	return b.String()
}

// lasting says that nobody puts back what drifted.
func (o compared) lasting(cause compare.Cause) string {
	if cause == compare.Drift && o.object.Ref.Kind != render.SeldonDeployment {
		return " (is made once, and stays as it is)"
	}
	return ""
}

// line is a field, from old to new, and of drift who made it so.
func (p painter) line(m mask, f compare.Field, cause compare.Cause) string {
	from, to, who := f.Live, f.Git, ""
	if cause == compare.Drift {
		from, to, who = f.Git, f.Live, "  # by "+printable(writer(f))
	}
	return fmt.Sprintf("%s: %s -> %s%s", printable(m.clean(f.Path.String())), p.paint(red, m.short(from)), p.paint(green, m.short(to)),
		p.paint(yellow, who))
}

// writer is who wrote what is live, and when.
func writer(f compare.Field) string {
	if f.Time.IsZero() {
		return cmp.Or(f.Manager, unknownManager)
	}
	return f.Manager + " at " + f.Time.Format(time.RFC3339)
}

// unknownManager stands for whom no engine names: who takes a field away leaves no trace.
const unknownManager = "unknown"

// short is a value in one line of at most so many characters.
func (m mask) short(value any) string {
	const most = 120
	if value == nil {
		return "none"
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil { // unreachable: it came from JSON
		return "?"
	}
	shown := []rune(strings.TrimSpace(printable(m.clean(text.String()))))
	if len(shown) > most {
		return string(shown[:most-1]) + "…"
	}
	return string(shown)
}
