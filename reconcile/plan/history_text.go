package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// field is something that people write, before and after.
type field struct{ name, was, now string }

// differences names the fields that changed, with their values where those are short.
func differences(fields ...field) []string {
	const short = 60
	var all []string
	for _, f := range fields {
		switch {
		case f.was == f.now:
		case len(f.was)+len(f.now) > short || strings.ContainsAny(f.was+f.now, "[{"):
			all = append(all, f.name)
		default:
			all = append(all, fmt.Sprintf("%s %s -> %s", f.name, cmp.Or(f.was, "none"), cmp.Or(f.now, "none")))
		}
	}
	return all
}

// source is where code comes from, shortened.
func source(s schema.Source) string {
	if s.Git != nil {
		return fmt.Sprintf("%s@%.7s", s.Git.URL, s.Git.Commit)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s@%.7s", s.Path, s.Tree), "@")
}

// builder is what an image is made of, and by whom, unless that is buildah.
func builder(b schema.Builder) string {
	words := []string{b.S2I, b.Dockerfile}
	if b.BuildKit {
		words = []string{b.Name(), b.Dockerfile}
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

// space is what of a search can change its result.
func space(s schema.Search) string {
	s.Concurrency = 0
	return fmt.Sprintf("%v", s)
}

// gate is "accuracy>=0.95 loss<0.2".
func gate(bounds []schema.Bound) string {
	var all []string
	for _, b := range bounds {
		all = append(all, fmt.Sprintf("%s%s%v", b.Metric, b.Op, b.Value))
	}
	return strings.Join(all, " ")
}

// experiments is " of 10 experiments".
func experiments(m schema.Model) string {
	return fmt.Sprintf(" of %d experiments", render.Experiments(m))
}

// brief is an image with so much of its digest that it can be told from others.
func brief(image string) string {
	const digits = 12
	name, digest, found := strings.Cut(image, "@sha256:")
	if !found || len(digest) <= digits {
		return image
	}
	return name + "@sha256:" + digest[:digits] + "…"
}

// spanned writes "release 1" or "releases 1 to 3" into the format; nothing where there are none.
func spanned(s schema.Selected, format string) string {
	switch n := len(s.Releases); n {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf(format, fmt.Sprintf("release %d", s.Releases[0].Number))
	default:
		return fmt.Sprintf(format, fmt.Sprintf("releases %d to %d", s.Releases[0].Number, s.Releases[n-1].Number))
	}
}
