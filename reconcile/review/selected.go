package review

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/trefoil-gitops/trefoil/schema"
)

// edits tell what a person changed of what the daemon writes, also of models that left before. What the base has in a file that nobody
// could read is not known.
func (r *reviewer) edits() {
	was, now := r.in.Base.Catalog, r.in.Head.Catalog
	if _, frozen := was.Frozen("", ""); frozen {
		return
	}
	names := maps.Clone(was.Selected)
	if names == nil {
		names = map[string]schema.Selected{}
	}
	maps.Copy(names, now.Selected)
	for _, name := range sorted(names) {
		_, unreadable := now.Frozen(name, "")
		if r.heirs[name] == "" && !unreadable && !r.unread(name) {
			r.edited(name)
		}
	}
}

// edited tells of one file.
func (r *reviewer) edited(name string) {
	from := name
	if b := r.blocks[name]; b != nil && b.From != "" {
		from = b.From
	}
	was, now := r.in.Base.Catalog.Selected[from], r.in.Head.Catalog.Selected[name]
	if reflect.DeepEqual(was, now) {
		return
	}
	b := r.block(name)
	at := schema.Position{File: "selected/" + name + ".cue"}
	for _, c := range rewritten(was, now) {
		c.Pos, c.Field = at, "selected"+c.Field
		b.Causes = append(b.Causes, c)
	}
	if _, known := r.base[from]; known || len(was.Releases) > 0 {
		b.warn("a person changed %s, the record of what was decided", at.File)
	}
	if now.Last < was.Last {
		b.warn("number %d is given once more: there was another release of that number", now.Last+1)
	}
}

// rewritten are the fields of a file of the daemon that differ; a release that is new or gone is one of them, and so is the whole file.
func rewritten(was, now schema.Selected) []Cause {
	if (len(was.Releases) == 0) != (len(now.Releases) == 0) {
		return []Cause{{Old: releases(was), New: releases(now)}}
	}
	var all []Cause
	for _, number := range [][3]any{{".latest", was.Latest, now.Latest}, {".last", was.Last, now.Last}} {
		if number[1] != number[2] {
			all = append(all, Cause{Field: fmt.Sprint(number[0]), Old: fmt.Sprint(number[1]), New: fmt.Sprint(number[2])})
		}
	}
	for _, n := range numbers(was, now) {
		field := ".releases." + strconv.Itoa(n)
		old, had := was.Release(n)
		r, has := now.Release(n)
		if !had || !has || old.Experiment != r.Experiment {
			all = append(all, Cause{Field: field, Old: brief(old), New: brief(r)})
			continue
		}
		a, b := recorded(old), recorded(r)
		for _, name := range sorted(b) {
			if a[name] != b[name] {
				all = append(all, Cause{Field: field + "." + name, Old: a[name], New: b[name]})
			}
		}
		for _, name := range sorted(a) {
			if _, stays := b[name]; !stays {
				all = append(all, Cause{Field: field + "." + name, Old: a[name]})
			}
		}
	}
	return all
}

// numbers are those of the releases that there were or are, sorted.
func numbers(was, now schema.Selected) []int {
	var all []int
	for _, r := range slices.Concat(was.Releases, now.Releases) {
		all = append(all, r.Number)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// recorded are the fields of a release, as CUE; digests are shortened.
func recorded(r schema.Release) map[string]string {
	all := map[string]string{}
	for name, value := range map[string]string{
		"commit": r.Commit, "image": r.Image, "artifact.path": r.Artifact.Path, "artifact.sha256": r.Artifact.SHA256,
		"answers.search": r.Answers.Search.Short(), "answers.select": r.Answers.Select.Short(), "answers.package": r.Answers.Package.Short(),
	} {
		if value != "" {
			all[name] = strconv.Quote(value)
		}
	}
	for name, value := range r.Params {
		text, _ := json.Marshal(value) // it came from JSON
		all["params."+name] = string(text)
	}
	for name, value := range r.Metrics {
		all["metrics."+name] = fmt.Sprint(value)
	}
	return all
}

// brief is a release by its experiment; empty for none.
func brief(r schema.Release) string {
	if r.Number == 0 {
		return ""
	}
	return fmt.Sprintf("{experiment: %q}", r.Experiment)
}

// releases is "releases 1 to 3, latest 2"; empty where there are none.
func releases(s schema.Selected) string {
	if len(s.Releases) == 0 {
		return ""
	}
	first, last := s.Releases[0].Number, s.Releases[len(s.Releases)-1].Number
	if first == last {
		return fmt.Sprintf("release %d, latest %d", first, s.Latest)
	}
	return fmt.Sprintf("releases %d to %d, latest %d", first, last, s.Latest)
}
