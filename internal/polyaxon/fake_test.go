package polyaxon

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// fake is as much of a Polyaxon server as the suite needs, quirks included: lists are gzipped unasked, matrix runs that never
// end, a status before its metric. The suite runs against the real server too, which keeps the fake honest.
type fake struct {
	*httptest.Server
	store string // <run uuid>/outputs/...

	mu       sync.Mutex
	now      time.Time
	projects map[string]bool
	runs     []*fakeRun
}

type fakeRun struct {
	UUID       string             `json:"uuid"`
	Name       string             `json:"name"`
	Kind       string             `json:"kind"`
	Status     string             `json:"status"`
	Pending    *string            `json:"pending"`
	CreatedAt  time.Time          `json:"created_at"`
	UpdatedAt  time.Time          `json:"updated_at"`
	FinishedAt *time.Time         `json:"finished_at"`
	MetaInfo   map[string]any     `json:"meta_info"`
	Inputs     map[string]any     `json:"inputs"`
	Outputs    map[string]any     `json:"outputs"`
	Pipeline   *map[string]string `json:"pipeline"`
	Settings   map[string]any     `json:"settings"`

	project string
	stop    *earlyStopping
	history []map[string]any
}

type earlyStopping struct {
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
}

func newFake(t *testing.T) *fake {
	f := &fake{store: t.TempDir(), now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), projects: map[string]bool{}}
	mux := http.NewServeMux()
	const project, one, streams = "/api/v1/{owner}/{project}", "/api/v1/{owner}/{project}/runs/{uuid}", "/streams/v1/{ns}/{owner}/{project}/runs/{uuid}"
	mux.HandleFunc("GET /api/v1/installation", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]string{"version": "2.18.0"}) })
	mux.HandleFunc("POST /api/v1/{owner}/projects/create", f.createProject)
	mux.HandleFunc("GET "+project, f.inProject(func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]string{}) }))
	mux.HandleFunc("GET "+project+"/runs", f.inProject(f.list))
	mux.HandleFunc("POST "+project+"/runs", f.inProject(f.create))
	mux.HandleFunc("GET "+one, f.withRun(func(w http.ResponseWriter, _ *http.Request, r *fakeRun) { reply(w, 200, r) }))
	mux.HandleFunc("PATCH "+one, f.withRun(f.patch))
	mux.HandleFunc("DELETE "+one, f.withRun(func(w http.ResponseWriter, _ *http.Request, r *fakeRun) {
		r.project, r.Pipeline = "", nil
		w.WriteHeader(http.StatusNoContent)
	}))
	mux.HandleFunc("GET "+one+"/statuses", f.withRun(func(w http.ResponseWriter, _ *http.Request, r *fakeRun) {
		reply(w, 200, map[string]any{"status": r.Status, "status_conditions": r.history})
	}))
	mux.HandleFunc("POST "+one+"/statuses", f.withRun(f.setStatus))
	mux.HandleFunc("POST "+one+"/stop", f.withRun(f.stopRun))
	mux.HandleFunc("GET "+streams+"/artifact", f.artifact)
	mux.HandleFunc("GET "+streams+"/artifacts/tree", f.tree)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		w.Header().Set("Date", f.now.Format(http.TimeFormat))
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *fake) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func reply(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}

func (f *fake) createProject(w http.ResponseWriter, r *http.Request) {
	var body struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&body)
	if f.projects[body.Name] {
		reply(w, 400, map[string][]string{"name": {"project with this name already exists."}})
		return
	}
	f.projects[body.Name] = true
	reply(w, 201, body)
}

func (f *fake) inProject(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !f.projects[r.PathValue("project")] {
			reply(w, 404, map[string]string{"detail": "No Project matches the given query."})
			return
		}
		next(w, r)
	}
}

func (f *fake) withRun(next func(http.ResponseWriter, *http.Request, *fakeRun)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, run := range f.runs {
			if run.UUID == r.PathValue("uuid") && run.project == r.PathValue("project") {
				next(w, r, run)
				return
			}
		}
		reply(w, 404, map[string]string{"detail": "No Run matches the given query."})
	}
}

// list knows kind:, pipeline: and meta_info.KEY: joined by commas.
func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	var found []*fakeRun
	for _, run := range f.runs {
		if run.project == r.PathValue("project") && run.matches(r.FormValue("query")) {
			found = append(found, run)
		}
	}
	offset, _ := strconv.Atoi(r.FormValue("offset"))
	limit, _ := strconv.Atoi(r.FormValue("limit"))
	part := found[min(offset, len(found)):]
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Set("Content-Type", "application/json")
	zip := gzip.NewWriter(w)
	_ = json.NewEncoder(zip).Encode(map[string]any{"count": len(found), "results": part[:min(limit, len(part))]})
	_ = zip.Close()
}

func (r *fakeRun) matches(query string) bool {
	for term := range strings.SplitSeq(query, ",") {
		key, value, _ := strings.Cut(term, ":")
		meta, isMeta := strings.CutPrefix(key, "meta_info.")
		switch {
		case key == "kind" && r.Kind != value, isMeta && r.MetaInfo[meta] != value:
			return false
		case key == "pipeline" && (r.Pipeline == nil || (*r.Pipeline)["uuid"] != value):
			return false
		}
	}
	return true
}

type fakeOperation struct {
	IsApproved *bool
	Matrix     struct {
		Kind          string
		NumRuns       int
		Params        map[string]struct{ Kind string }
		EarlyStopping []earlyStopping
	}
	Component struct{ Outputs []struct{ Name string } }
}

func (f *fake) create(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Content, Name string
		MetaInfo      map[string]any `json:"meta_info"`
	}
	var op fakeOperation
	if json.NewDecoder(r.Body).Decode(&body) != nil || json.Unmarshal([]byte(body.Content), &op) != nil {
		reply(w, 400, []string{"Received non valid yaml"})
		return
	}
	matrix := f.add(r.PathValue("project"), body.Name, "matrix", op)
	matrix.MetaInfo = body.MetaInfo
	if len(op.Matrix.EarlyStopping) > 0 {
		matrix.stop = &op.Matrix.EarlyStopping[0]
	}
	switch {
	case op.IsApproved != nil && !*op.IsApproved:
		matrix.Pending = new("approval")
		matrix.set(f, "created", "", "Run is created")
	case op.Matrix.Kind == "bayes":
		matrix.set(f, "failed", "SchedulerTunerError", "Could not create a tuner,\nan exception was raised")
	default:
		matrix.set(f, "running", "SchedulerPipeline", "Operation is running")
		f.expand(matrix, op)
	}
	reply(w, 201, matrix)
}

func (f *fake) expand(matrix *fakeRun, op fakeOperation) {
	for i := range op.Matrix.NumRuns {
		x := f.add(matrix.project, matrix.Name, "job", op)
		x.Pipeline = &map[string]string{"uuid": matrix.UUID}
		x.Inputs = map[string]any{"lr": float64(i+1) / 8, "epochs": 5}
		x.set(f, "compiled", "", "")
		if op.Matrix.Params["lr"].Kind == "choice" { // of words, for a float: none compiles, and the matrix is not told
			x.set(f, "failed", "SchedulerPrepare", "Failed to compile.")
		}
	}
}

func (f *fake) add(project, name, kind string, op fakeOperation) *fakeRun {
	r := &fakeRun{
		UUID: fmt.Sprintf("%032x", 1+len(f.runs)), Name: name, Kind: kind, CreatedAt: f.now.Add(time.Duration(len(f.runs))), UpdatedAt: f.now,
		MetaInfo: map[string]any{}, Outputs: map[string]any{}, Settings: map[string]any{"namespace": "polyaxon"}, project: project,
	}
	for _, o := range op.Component.Outputs {
		r.Outputs[o.Name] = nil
	}
	f.runs = append(f.runs, r)
	return r
}

func (r *fakeRun) final() bool {
	return slices.Contains([]string{"succeeded", "failed", "stopped", "skipped", "upstream_failed"}, r.Status)
}

func (r *fakeRun) set(f *fake, status, reason, message string) {
	if r.final() {
		return
	}
	r.Status, r.UpdatedAt = status, f.now
	r.history = append(r.history, map[string]any{"type": status, "status": "True", "reason": reason, "message": message})
	if r.final() {
		r.FinishedAt = new(f.now)
	}
}

func (f *fake) patch(w http.ResponseWriter, r *http.Request, run *fakeRun) {
	var body struct {
		Outputs  map[string]any
		MetaInfo map[string]any `json:"meta_info"`
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	maps.Copy(run.Outputs, body.Outputs)
	maps.Copy(run.MetaInfo, body.MetaInfo)
	run.UpdatedAt = f.now
	reply(w, 200, run)
}

func (f *fake) children(matrix *fakeRun) []*fakeRun {
	return slices.DeleteFunc(slices.Clone(f.runs), func(r *fakeRun) bool {
		return r.Pipeline == nil || (*r.Pipeline)["uuid"] != matrix.UUID
	})
}

func (f *fake) setStatus(w http.ResponseWriter, r *http.Request, run *fakeRun) {
	var body struct {
		Condition struct{ Type, Reason, Message string }
	}
	_ = json.NewDecoder(r.Body).Decode(&body)
	run.set(f, body.Condition.Type, body.Condition.Reason, body.Condition.Message)
	if run.Pipeline != nil && run.final() {
		for _, matrix := range f.runs {
			if matrix.UUID == (*run.Pipeline)["uuid"] {
				f.check(matrix, run)
			}
		}
	}
	reply(w, 201, map[string]any{"status": nil})
}

// check moves a matrix on after one of its experiments has ended.
func (f *fake) check(matrix, ended *fakeRun) {
	if matrix.stop != nil {
		if metric, ok := ended.Outputs[matrix.stop.Metric].(float64); ok && metric >= matrix.stop.Value {
			f.halt(matrix, "SchedulerCheckPipeline", "Pipeline met an early stopping condition.")
			return
		}
	}
	status := "succeeded"
	for _, x := range f.children(matrix) {
		switch {
		case !x.final():
			return
		case x.Status == "failed":
			status = "failed"
		case x.Status == "stopped" && matrix.Status == "stopping":
			status = "stopped"
		}
	}
	matrix.set(f, status, "SchedulerCheckPipeline", "Pipeline has "+status)
}

// halt stops what has not started; what runs is stopping until its agent says that it has stopped.
func (f *fake) halt(matrix *fakeRun, reason, message string) {
	matrix.set(f, "stopping", reason, message)
	running := false
	for _, x := range f.children(matrix) {
		if x.Status == "running" || x.Status == "stopping" {
			x.set(f, "stopping", "", "")
			running = true
			continue
		}
		x.set(f, "stopped", "", "")
	}
	if !running {
		matrix.set(f, "stopped", "StateManager", "Run is stopped")
	}
}

func (f *fake) stopRun(w http.ResponseWriter, _ *http.Request, run *fakeRun) {
	if !run.final() {
		f.halt(run, "StateManager", "Run is stopping; User requested to stop the run.")
	}
	reply(w, 200, struct{}{})
}

func (f *fake) artifact(w http.ResponseWriter, r *http.Request) {
	path := filepath.Join(f.store, r.PathValue("uuid"), r.FormValue("path"))
	text, err := os.ReadFile(path)
	if err != nil || r.FormValue("force") != "true" {
		http.Error(w, "Artifact not found", 404)
		return
	}
	_, _ = w.Write(text)
}

func (f *fake) tree(w http.ResponseWriter, r *http.Request) {
	entries, _ := os.ReadDir(filepath.Join(f.store, r.PathValue("uuid"), r.FormValue("path")))
	files, dirs := map[string]int{}, []string{}
	for _, entry := range entries {
		if entry.IsDir() {
			dirs = append(dirs, entry.Name())
			continue
		}
		files[entry.Name()] = 1
	}
	reply(w, 200, map[string]any{"files": files, "dirs": dirs})
}
