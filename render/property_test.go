package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
	"pgregory.net/rapid"
)

// TestSameBytes renders samples whose lists and maps are in another order: I8, same input, same bytes.
func TestSameBytes(t *testing.T) {
	var samples []sample
	for _, dir := range cases(t) {
		samples = append(samples, load(t, dir))
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(samples).Draw(t, "case")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		want := append(s.yaml(), s.yamlV0()...)
		shuffle(random, &s.Model.Train.Params)
		shuffle(random, &s.Model.Train.Search.Matrix)
		shuffle(random, &s.Model.Select.Gate)
		s.Model.Labels = maps.Clone(s.Model.Labels)
		s.Model.Train.Resources.Limits = maps.Clone(s.Model.Train.Resources.Limits)
		if diff := cmp.Diff(string(want), string(append(s.yaml(), s.yamlV0()...))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func shuffle[T any](random *rand.Rand, list *[]T) {
	other := append([]T(nil), *list...)
	random.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
	*list = other
}

// TestInputsStay renders, scribbles over what was rendered, and finds the model as it was.
func TestInputsStay(t *testing.T) {
	for _, dir := range cases(t) {
		s, before := load(t, dir), load(t, dir)
		search := render.NewSearch(s.Model, settings, s.Commit)
		group, _ := render.PolyaxonV0(s.Model)
		objects := []render.Object{search, group, render.NewWorkflow(s.Model, s.Release, settings)}
		for _, e := range s.Model.Serve {
			objects = append(objects, render.NewSeldonDeployment(s.Model, e, s.Release, settings))
		}
		for _, o := range objects {
			scribble(o.Body)
		}
		if diff := cmp.Diff(before, s); diff != "" {
			t.Errorf("%s: %s", dir, diff)
		}
	}
}

func scribble(value any) {
	switch v := value.(type) {
	case map[string]any:
		for key, field := range v {
			scribble(field)
			v[key] = "scribbled"
		}
	case []any:
		for i, item := range v {
			scribble(item)
			v[i] = "scribbled"
		}
	}
}

// TestTotal renders models that no schema would let through: nothing panics, bodies hold what they may.
func TestTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s sample
		fill(t, reflect.ValueOf(&s).Elem(), 0)
		search := render.NewSearch(s.Model, settings, s.Commit)
		objects := []render.Object{
			search,
			render.NewClaim(search, render.ClaimData{}, settings),
			render.NewSearch(s.Model, private(), s.Commit),
			render.NewWorkflow(s.Model, s.Release, settings),
			render.NewWorkflow(s.Model, s.Release, private()),
			render.NewSeldonDeployment(s.Model, schema.Environment{}, s.Release, settings),
		}
		if group, err := render.PolyaxonV0(s.Model); err == nil {
			objects = append(objects, group)
		}
		for _, o := range objects {
			if err := plain(o.Body); err != nil {
				t.Fatalf("%s: %v", o.Ref, err)
			}
			if _, err := json.Marshal(o.Body); err != nil {
				t.Fatalf("%s: %v", o.Ref, err)
			}
		}
		if first, again := render.YAML(objects...), render.YAML(objects...); !bytes.Equal(first, again) {
			t.Fatalf("not the same bytes:\n%s\n%s", first, again)
		}
		if n := render.Experiments(s.Model); n < 0 {
			t.Fatalf("%d experiments", n)
		}
	})
}

// plain says what in a body is not one of the types that a Body holds.
func plain(value any) error {
	switch v := value.(type) {
	case nil, bool, string, int64, float64:
		return nil
	case []any:
		for _, item := range v {
			if err := plain(item); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for key, field := range v {
			if err := plain(field); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	}
	return fmt.Errorf("a %T", value)
}

// fill draws any value of a type of schema.
func fill(t *rapid.T, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), depth)
			}
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "set") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem(), depth)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 2).Draw(t, "length"), 2))
		for i := range v.Len() {
			fill(t, v.Index(i), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			element := reflect.New(v.Type().Elem()).Elem()
			fill(t, element, depth+1)
			v.SetMapIndex(reflect.ValueOf(rapid.String().Draw(t, "key")), element)
		}
	case reflect.Interface:
		choices := []reflect.Value{
			reflect.ValueOf(new(string)), reflect.ValueOf(new(int64)), reflect.ValueOf(new(float64)), reflect.ValueOf(new(bool)),
			reflect.ValueOf(new(time.Duration)), reflect.ValueOf(new([]any)), reflect.ValueOf(new(map[string]any)),
		}
		if depth > 4 {
			choices = choices[:4]
		}
		chosen := rapid.SampledFrom(choices).Draw(t, "type").Elem()
		fill(t, chosen, depth+1)
		v.Set(chosen)
	case reflect.String:
		kinds := []string{"", "random", "grid", "mapping", "choice", "pchoice", "range", "linspace", "1:2:3", "1:5:0", "::", "a/b.c"}
		v.SetString(rapid.OneOf(rapid.SampledFrom(kinds), rapid.String()).Draw(t, "text"))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Float64:
		v.SetFloat(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, nan, inf})).Draw(t, "number"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bit"))
	default:
		t.Fatalf("schema has a %s", v.Kind())
	}
}

func TestSelector(t *testing.T) {
	want := "app.kubernetes.io/managed-by=trefoil,trefoil.dev/repository=models-main-1f2e3d4c"
	if got := settings.Selector(); got != want {
		t.Errorf("got %s", got)
	}
	for pair := range strings.SplitSeq(settings.Selector(), ",") {
		key, value, _ := strings.Cut(pair, "=")
		claim := render.NewClaim(render.Object{}, render.ClaimData{}, settings)
		labels := claim.Body["metadata"].(map[string]any)["labels"].(map[string]any)
		if labels[key] != value {
			t.Errorf("the selector does not find a claim: %s is %v", key, labels[key])
		}
	}
}
