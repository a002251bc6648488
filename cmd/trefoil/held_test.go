package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/render"
)

// held is an API server for a script. It has the objects of the file cluster.yaml, as the daemon has applied them; lines "MANAGER TIME
// NAMESPACE/NAME POINTER" of the file writers say who has written a field since. All namespaces exist but the one that is called nowhere.
type held struct{ dir string }

func (h held) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/") // apis GROUP VERSION namespaces NAMESPACE RESOURCE NAME
	if len(parts) < 4 || parts[0] != "apis" || parts[1] == "apps" || parts[1] == "coordination.k8s.io" || r.URL.Query().Has("watch") {
		nothing(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	kind := map[string]string{"workflows": "Workflow", "seldondeployments": "SeldonDeployment"}[parts[len(parts)-1]]
	if len(parts) == 4 {
		items := []any{}
		for _, u := range h.objects() {
			if u.GetKind() == kind {
				items = append(items, u.Object)
			}
		}
		reply(w, http.StatusOK, map[string]any{"kind": "List", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": "1"}, "items": items})
		return
	}
	h.one(w, r, parts[4], parts[len(parts)-1])
}

// one answers about one object: what there is, or what an apply or a create would make.
func (h held) one(w http.ResponseWriter, r *http.Request, namespace, name string) {
	var live *unstructured.Unstructured
	for _, u := range h.objects() {
		if u.GetNamespace() == namespace && u.GetName() == name {
			live = u
		}
	}
	body, _ := io.ReadAll(r.Body) // what is cut short is no JSON
	sent := &unstructured.Unstructured{}
	switch {
	case r.Method == http.MethodGet && live != nil:
		reply(w, http.StatusOK, live.Object)
	case r.Method == http.MethodGet:
		status(w, map[string]any{"name": name, "kind": "objects"})
	case sent.UnmarshalJSON(body) != nil || r.URL.Query().Get("dryRun") != "All":
		reply(w, http.StatusInternalServerError, map[string]any{"kind": "Status", "apiVersion": "v1", "message": "not a dry-run"})
	case namespace == "nowhere":
		status(w, map[string]any{"name": namespace, "kind": "namespaces"})
	case live == nil:
		reply(w, http.StatusCreated, sent.Object)
	default:
		reply(w, http.StatusOK, over(live.Object, sent.Object))
	}
}

// over is what server-side apply makes of live: the fields of sent, and lists as a whole.
func over(live, sent map[string]any) map[string]any {
	for name, value := range sent {
		inner, ok1 := live[name].(map[string]any)
		fields, ok2 := value.(map[string]any)
		if ok1 && ok2 {
			live[name] = over(inner, fields)
			continue
		}
		live[name] = value
	}
	return live
}

func reply(w http.ResponseWriter, code int, value any) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value) // a client that has gone needs none
}

func status(w http.ResponseWriter, details map[string]any) {
	reply(w, http.StatusNotFound, map[string]any{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "details": details, "message": "not found",
	})
}

// objects are those of the file, with who has written what.
func (h held) objects() []*unstructured.Unstructured {
	var all []*unstructured.Unstructured
	for _, text := range bytes.Split(h.file("cluster.yaml"), []byte("---\n")) {
		u := &unstructured.Unstructured{}
		data, err := yaml.YAMLToJSON(text)
		if err != nil || u.UnmarshalJSON(data) != nil {
			continue // what comes before the first
		}
		u.SetUID("u")
		u.SetResourceVersion("1")
		h.manage(u)
		all = append(all, u)
	}
	return all
}

func (h held) file(name string) []byte {
	text, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		panic(err)
	}
	return text
}

// manage gives each field to us, but for those that somebody has written since.
func (h held) manage(u *unstructured.Unstructured) {
	ours, entries := render.Leaves(u.Object), []any{}
	for line := range strings.Lines(string(h.file("writers"))) {
		words := strings.Fields(line)
		if words[2] != u.GetNamespace()+"/"+u.GetName() {
			continue
		}
		for i, leaf := range ours {
			if leaf == words[3] {
				ours = append(ours[:i:i], ours[i+1:]...)
				break
			}
		}
		if words[0] != "nobody" {
			entries = append(entries, entry(u, words[0], "Update", words[1], words[3]))
		}
	}
	operation := "Apply"
	if u.GetKind() == "Workflow" {
		operation = "Update"
	}
	us := entry(u, "trefoil-"+u.GetLabels()[render.LabelRepository], operation, "2026-11-28T10:00:00Z", ours...)
	_ = unstructured.SetNestedSlice(u.Object, append(entries, us), "metadata", "managedFields") // there is metadata
}

func entry(u *unstructured.Unstructured, manager, operation, time string, pointers ...string) map[string]any {
	fields := map[string]any{}
	for _, p := range pointers {
		at := fields
		for _, name := range strings.Split(strings.TrimPrefix(p, "/"), "/") {
			name = "f:" + strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
			below, ok := at[name].(map[string]any)
			if !ok {
				below = map[string]any{}
				at[name] = below
			}
			at = below
		}
	}
	return map[string]any{
		"manager": manager, "operation": operation, "apiVersion": u.GetAPIVersion(), "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields,
	}
}

// replace is `replace FILE OLD NEW`: the old text has to be there.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	text, err := os.ReadFile(name)
	ts.Check(err)
	if !strings.Contains(string(text), args[1]) {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(name, []byte(strings.ReplaceAll(string(text), args[1], args[2])), 0o600))
}
