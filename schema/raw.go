package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// The shape of a model in JSON. What is not there is the zero value, so that Trefoil's defaults are told apart from what people
// wrote; numbers are kept as text until normalize decides what they are. Values that people choose the shape of, such as parameters, are
// taken from the normalized fields.
type (
	rawBody struct {
		Owner   string
		Labels  map[string]string
		Train   rawTrain
		Select  rawSelect
		Package *rawPackage
	}
	rawTrain struct {
		Image     string
		Source    rawSource
		Command   []string
		Search    rawSearch
		Artifact  string
		Resources Resources
		Revision  any
		Timeout   string
		Polyaxon  Extra
	}
	rawSearch struct {
		Random *struct {
			Experiments int
			Seed        *int64
		}
		Grid        *struct{ Experiments int }
		Concurrency *int
	}
	rawSource struct {
		Path string
		Git  *GitSource
	}
	rawSelect struct {
		Objective
		Then       []Objective
		Minimum    *float64
		By         string
		Experiment string
	}
	rawPackage struct {
		Image       string
		Source      rawSource
		Builder     *rawBuilder
		Artifact    rawArtifact
		Credentials string
		Registry    Registry
		Attempt     int
		Timeout     string
		Resources   Resources
		Argo        Extra

		GitCredentials, ServiceAccount string
	}
	rawArtifact struct {
		From struct {
			PVC *struct{ Claim, Path string }
		}
	}
	rawBuilder struct {
		Buildah  *struct{ Dockerfile string }
		BuildKit *struct{ Dockerfile string }
		S2I      *struct{ Image, Dockerfile string }
	}
	rawEnvironment struct {
		Namespace string
		Name      string
		Release   any
		Replicas  *int
		Autoscale *rawAutoscale
		Engine    *bool
		Deadline  string
		Check     *struct{ Data json.RawMessage }
		Resources Resources
		Waive     string
		Seldon    Extra
	}
	rawSelected struct {
		Latest, Last int
		Releases     map[string]rawRelease
	}
	rawRelease struct {
		Answers    Digests
		Experiment string
		Params     map[string]any
		Metrics    map[string]float64
		Artifact   Artifact
		Commit     string
		Image      string
	}
)

// decode reads JSON with numbers as text. Names match without regard to case, as encoding/json has it.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(into)
}

// normalize makes numbers int64 where they are whole and fit, else float64, in place and all the way down: 10, 10.0 and 1e1
// are one number. The error names a number that is out of range.
func normalize(v any) (any, error) {
	switch v := v.(type) {
	case json.Number:
		return number(v)
	case []any:
		for i := range v {
			n, err := normalize(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = n
		}
	case map[string]any:
		var wrong error
		first := ""
		for key, field := range v {
			n, err := normalize(field)
			if err != nil && (wrong == nil || key < first) {
				wrong, first = err, key
			}
			v[key] = n
		}
		return v, wrong
	}
	return v, nil
}

func number(n json.Number) (any, error) {
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	f, err := n.Float64()
	if err != nil {
		return nil, fmt.Errorf("the number %s is out of range", n)
	}
	if const53 := float64(1 << 53); f == math.Trunc(f) && math.Abs(f) <= const53 {
		return int64(f), nil
	}
	return f, nil
}

// params sorts named values.
func params(values map[string]any) []Param {
	var list []Param
	for _, name := range sortedKeys(values) {
		list = append(list, Param{name, values[name]})
	}
	return list
}

// duration reads what the definitions let through; a default stands for nothing.
func duration(text string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		return otherwise
	}
	return d
}

// valueOr is what people wrote, or Trefoil's default.
func valueOr[T any](written *T, otherwise T) T {
	if written == nil {
		return otherwise
	}
	return *written
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	if len(m) == 0 {
		return nil
	}
	keys := slices.AppendSeq(make([]K, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
