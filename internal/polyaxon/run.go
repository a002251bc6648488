package polyaxon

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// The keys of meta_info that are ours. They are flat: the server stores nested ones but can't be asked for them, and a merge
// replaces them whole.
const (
	metaRepository = "trefoil"
	metaModel      = "model"
	metaDigest     = "digest"
	metaSHA256     = "trefoil_sha256:" // and the path of the file below the outputs folder
)

// run is a run as the API lists it: a matrix, or one of its experiments.
type run struct {
	UUID       string    `json:"uuid"`
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	Status     string    `json:"status"`
	Pending    string    `json:"pending"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
	FinishedAt time.Time `json:"finished_at"`
	LiveState  *int      `json:"live_state"` // only of a single run; -1 once it is deleted
	MetaInfo   values    `json:"meta_info"`
	Inputs     values    `json:"inputs"`
	Outputs    values    `json:"outputs"`
	Pipeline   struct {
		UUID string `json:"uuid"`
	} `json:"pipeline"`
	Settings struct {
		Namespace string `json:"namespace"`
	} `json:"settings"`
}

// page is one reply of a list.
type page struct {
	Count   *int  `json:"count"`
	Results []run `json:"results"`
}

// check refuses what another server might answer: taken for an empty list, it would mean that no search is there.
func (p page) check() error {
	if p.Count == nil {
		return errors.New("polyaxon: the reply is no list of runs; check the URL")
	}
	for _, r := range p.Results {
		if !uuid.MatchString(r.UUID) {
			return errors.New("polyaxon: the uuid of a run is not 32 hexadecimal digits; is this a Polyaxon 2 server?")
		}
	}
	return nil
}

// values are JSON values by name. Anybody can write them, so what is no object is none instead of an error: one odd run must
// not hide the others.
type values map[string]json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (v *values) UnmarshalJSON(text []byte) error {
	var all map[string]json.RawMessage
	if json.Unmarshal(text, &all) == nil {
		*v = all
	}
	return nil
}

// text returns a string value, empty where it is none.
func (v values) text(name string) string {
	var s string
	if json.Unmarshal(v[name], &s) != nil {
		return ""
	}
	return s
}

// number returns a JSON number. The server takes strings for numbers too ("abc" for a loss): those are none.
func (v values) number(name string) (float64, bool) {
	text := string(v[name])
	if text == "" || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return 0, false
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range gives an infinity, which nobody ranks
	return f, true
}

// scalar returns a string, bool, int64 or float64; nil for anything else.
func (v values) scalar(name string) any {
	if f, ok := v.number(name); ok {
		if i, err := strconv.ParseInt(string(v[name]), 10, 64); err == nil {
			return i
		}
		return f
	}
	var value any
	if json.Unmarshal(v[name], &value) != nil {
		return nil
	}
	switch value.(type) {
	case string, bool:
		return value
	}
	return nil
}

// digest is the search digest that the run was created with; empty where somebody garbled it.
func (r run) digest() schema.Digest {
	d := schema.Digest(r.MetaInfo.text(metaDigest))
	if !d.Valid() {
		return ""
	}
	return d
}

// phase is that of an experiment. Every status that is not known to be final is Running.
func (r run) phase() plan.Phase {
	switch r.Status {
	case "succeeded":
		return plan.Succeeded
	case "failed", "upstream_failed":
		return plan.Failed
	case "stopped", "skipped":
		return plan.Stopped
	}
	return plan.Running
}

func (r run) final() bool { return r.phase() != plan.Running }

// ended is when the run became final; zero before. Runs that never started have no time of their own for it.
func (r run) ended() time.Time {
	switch {
	case !r.final():
		return time.Time{}
	case r.FinishedAt.IsZero():
		return r.UpdatedAt
	}
	return r.FinishedAt
}

// lacks names a declared output that a succeeded run has not got yet; empty when all are there.
func (r run) lacks() string {
	if r.phase() != plan.Succeeded {
		return ""
	}
	var first string
	for name, value := range r.Outputs {
		if string(value) == "null" && (first == "" || name < first) {
			first = name
		}
	}
	return first
}

// experiment is the run as the planner sees it.
func (r run) experiment() plan.Experiment {
	e := plan.Experiment{
		UID: r.UUID, Created: r.CreatedAt, Ended: r.ended(), Phase: r.phase(),
		Params: map[string]any{}, Metrics: map[string]float64{}, Artifacts: map[string]string{},
	}
	for name := range r.Inputs {
		if value := r.Inputs.scalar(name); value != nil {
			e.Params[name] = value
		}
	}
	for name := range r.Outputs {
		if value, ok := r.Outputs.number(name); ok {
			e.Metrics[name] = value
		}
	}
	for name := range r.MetaInfo {
		path, ours := strings.CutPrefix(name, metaSHA256)
		if sum := r.MetaInfo.text(name); ours && sum256.MatchString(sum) { // what anybody garbled is fetched again
			e.Artifacts[path] = sum
		}
	}
	return e
}

// condition is one entry of a run's history.
type condition struct {
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}
