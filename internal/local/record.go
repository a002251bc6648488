package local

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// record is an object as it is kept in a file: what was asked for, and how far that is.
type record struct {
	Kind        render.Kind
	Namespace   string
	Name        string
	Model       string
	Environment string
	Digest      schema.Digest
	Body        map[string]any

	UID     string
	Version int // grows with each update of what is asked for
	Created time.Time

	Phase   plan.Phase
	Message string
	Ended   time.Time
	Image   string // that a Workflow made, by digest
	Stop    bool   // of a Search: it is to end
	Again   bool   // what failed is no fault of what was asked for, such as a network that is not there: it is tried again
}

func (r record) ref() render.Ref {
	return render.Ref{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
}

func (r record) seen() string {
	if r.Kind == render.Search {
		return r.UID
	}
	return strconv.Itoa(r.Version)
}

// observed is the record as the planner sees it; the experiments of a Search are not in it.
func (r record) observed() plan.Observed {
	o := plan.Observed{
		Ref: r.ref(), Model: r.Model, Environment: r.Environment, Digest: r.Digest,
		Release: r.number("labels", render.LabelRelease), Attempt: r.number("annotations", render.AnnotationAttempt),
		UID: r.UID, Seen: r.seen(), Created: r.Created, Ended: r.Ended, Phase: r.Phase, Message: r.Message, Image: r.Image,
	}
	switch r.Kind {
	case render.Claim:
		o.Claim, _ = render.ParseClaim(r.Body) // as it was rendered
	case render.SeldonDeployment:
		o.Image = r.deployment().image
	}
	return o
}

// number is that in a label or annotation; 0 for none.
func (r record) number(field, name string) int {
	var body struct {
		Metadata map[string]map[string]string
	}
	_ = r.decode(map[string]any{"metadata": map[string]any{field: section(r.Body, "metadata", field)}}, &body)
	n, _ := strconv.Atoi(body.Metadata[field][name]) // 0 where there is none
	return n
}

// section is the struct at a path of fields; nil where there is none.
func section(body map[string]any, path ...string) any {
	var at any = body
	for _, name := range path {
		fields, _ := at.(map[string]any)
		at = fields[name]
	}
	return at
}

// decode reads a part of the body into a struct of its own.
func (r record) decode(part, into any) error {
	text, err := json.Marshal(part)
	if err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.ref(), err)
	}
	return nil
}

// deployment is what a SeldonDeployment asks for.
type deployment struct {
	node, image string
}

func (r record) deployment() deployment {
	var body struct {
		Spec struct {
			Predictors []struct {
				ComponentSpecs []struct {
					Spec struct {
						Containers []struct{ Name, Image string }
					}
				}
			}
		}
	}
	_ = r.decode(r.Body, &body) // what was rendered can be read
	var d deployment
	for _, p := range body.Spec.Predictors {
		for _, c := range p.ComponentSpecs {
			for _, served := range c.Spec.Containers {
				d.node, d.image = served.Name, served.Image
				return d
			}
		}
	}
	return d
}
