package main

import (
	"cmp"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/render"
)

// differencesJSON is what `diff -o json` says.
type differencesJSON struct {
	FormatVersion int                    `json:"format_version"`
	Differences   []differenceJSON       `json:"differences"`
	Drift         []driftJSON            `json:"drift"`
	Later         []laterJSON            `json:"later"`
	Notes         []string               `json:"notes"`
	Unknown       map[render.Kind]string `json:"unknown"`
}

type objectJSON struct {
	Model       string `json:"model"`
	Environment string `json:"environment,omitempty"`
	Object      string `json:"object"`
}

// fieldJSON is a field that differs; null stands for none.
type fieldJSON struct {
	Path string `json:"path"`
	Git  any    `json:"git"`
	Live any    `json:"live"`
}

// differenceJSON is an object that git asks for in another way, asks for anew, or lets go of.
type differenceJSON struct {
	objectJSON
	Change string        `json:"change"` // created, changed or deleted
	Reason string        `json:"reason,omitempty"`
	Fields []writtenJSON `json:"fields"`
	Diff   string        `json:"diff"` // unified, from live to git
}

// writtenJSON is a field with who wrote it, where that is somebody else.
type writtenJSON struct {
	fieldJSON
	Manager string     `json:"manager,omitempty"`
	Time    *time.Time `json:"time,omitempty"`
}

// driftJSON is a field that somebody changed live.
type driftJSON struct {
	objectJSON
	writtenJSON
}

// laterJSON is a field that the next object of its kind has.
type laterJSON struct {
	objectJSON
	fieldJSON
}

func differencesOf(c differences) (differencesJSON, error) {
	j := differencesJSON{
		FormatVersion: formatVersion, Differences: []differenceJSON{}, Drift: []driftJSON{}, Later: []laterJSON{},
		Notes: append([]string{}, c.notes...), Unknown: c.unknown,
	}
	for _, o := range c.objects {
		m, about := newMask(c.clean), objectJSON{o.object.Model, o.object.Environment, o.object.Ref.String()}
		text, err := o.unified(newMask(c.clean))
		if err != nil {
			return j, err
		}
		if text != "" {
			j.Differences = append(j.Differences, differenceJSON{about, o.change(), o.removed, m.written(o.of(compare.Changed)), text})
		}
		for _, f := range m.written(o.of(compare.Drift)) {
			f.Manager = cmp.Or(f.Manager, unknownManager)
			j.Drift = append(j.Drift, driftJSON{about, f})
		}
		for _, f := range m.written(o.of(compare.Later)) {
			j.Later = append(j.Later, laterJSON{about, f.fieldJSON})
		}
	}
	return j, nil
}

func (o compared) change() string {
	switch {
	case o.removed != "":
		return deleted
	case o.fresh():
		return created
	}
	return changed
}

func (m mask) written(fields []compare.Field) []writtenJSON {
	all := []writtenJSON{}
	for _, f := range fields {
		f = m.field(f)
		w := writtenJSON{fieldJSON: fieldJSON{m.clean(f.Path.String()), f.Git, f.Live}, Manager: f.Manager}
		if !f.Time.IsZero() {
			w.Time = &f.Time
		}
		all = append(all, w)
	}
	return all
}
