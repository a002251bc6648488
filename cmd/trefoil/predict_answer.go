package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/schema"
)

// complaint is what a model, or a proxy before it, says of its own failure: Seldon's words where it has them, without what looks like a secret.
func complaint(answer []byte) string {
	const enough = 8 << 10 // bytes, of which people are shown a line
	var said struct{ Status struct{ Info, Reason string } }
	_ = json.Unmarshal(answer, &said) // others have their own words
	words := cmp.Or(said.Status.Info, said.Status.Reason, string(answer))
	return reconcile.Line(redact.Assigned(redact.Plain(words[:min(len(words), enough)])))
}

// answered prints an answer and whose it is.
func (a *app) answered(model string, e schema.Environment, s schema.Selected, answer []byte) error {
	var said struct {
		Meta struct{ RequestPath map[string]string }
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return fmt.Errorf("%s/%s answers no JSON of Seldon's protocol: %s", model, e.Name, complaint(answer))
	}
	release, image := answerer(s, said.Meta.RequestPath)
	printed, err := a.json(map[string]any{
		"format_version": formatVersion, "model": model, "environment": e.Name, "release": release, "image": image, "answer": json.RawMessage(answer),
	})
	if printed || err != nil {
		return err
	}
	fmt.Fprintln(a.out, shownJSON(answer))
	switch {
	case image == "":
		fmt.Fprintln(a.err, "trefoil: the answer does not say which image gave it")
	case release == 0:
		fmt.Fprintf(a.err, "trefoil: answered by %s, which is no release in selected/%s.cue\n", reconcile.Line(image), model)
	default:
		fmt.Fprintf(a.err, "trefoil: answered by release %d of %s, %s\n", release, model, image)
	}
	return nil
}

// answerer is the release whose image a request went through; 0 for none, with the first image there.
func answerer(s schema.Selected, path map[string]string) (release int, image string) {
	for _, unit := range slices.Sorted(maps.Keys(path)) {
		for _, r := range s.Releases {
			if r.Image != "" && r.Image == path[unit] {
				return r.Number, r.Image
			}
		}
		image = cmp.Or(image, path[unit])
	}
	return 0, image
}

// shownJSON is JSON in one line, without what a terminal would obey.
func shownJSON(text []byte) string {
	var line bytes.Buffer
	if err := json.Compact(&line, text); err != nil {
		return reconcile.Line(string(text))
	}
	var b strings.Builder
	for _, r := range line.String() {
		if unicode.IsPrint(r) || r > 0xffff {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}
