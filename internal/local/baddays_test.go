package local

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestPipes hands over pipes that nobody writes to, where files are read.
func TestPipes(t *testing.T) {
	e := fresh(t, nil)
	run(t, e)
	o := await(t, e, submit(t, e, trainer(`mkfifo $TREFOIL_METRICS_FILE $POLYAXON_RUN_OUTPUTS_PATH/model.dat`, int64(1))), ended)
	if o.Phase != plan.Succeeded || !strings.Contains(o.Message, "it reported no metric") {
		t.Errorf("%s: %s", o.Phase, o.Message)
	}
	if err := e.Fetch(t.Context(), o.Experiments[0].UID, "model.dat"); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Error(err)
	}
}

// TestGarbage: a file of our own that can't be read is the concern of its object alone (I10).
func TestGarbage(t *testing.T) {
	e := fresh(t, nil)
	run(t, e)
	broken := trainer(score, int64(1))
	o := await(t, e, submit(t, e, broken), ended)
	x, err := e.find(o.Experiments[0].UID)
	if err == nil {
		err = os.WriteFile(x.state(), []byte("{"), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	well := trainer(score, int64(1))
	well.Name, well.Digests.Search = "well", schema.Digest("v1-"+strings.Repeat("b", 64))
	if o := await(t, e, submit(t, e, well), ended); o.Phase != plan.Succeeded {
		t.Errorf("%s: %s", o.Phase, o.Message)
	}
	if o := await(t, e, o.Ref, ended); o.Phase != plan.Failed || !strings.Contains(o.Message, "delete the folder") {
		t.Errorf("%s: %s", o.Phase, o.Message)
	}
	if err := os.WriteFile(e.store.file(o.Ref), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if o := await(t, e, o.Ref, ended); o.Phase != plan.Failed || !strings.Contains(o.Message, "can be made anew once it is deleted") {
		t.Errorf("%s: %s", o.Phase, o.Message)
	}
}

// TestNotBegun: what is wrong with the machine is no failure for ever.
func TestNotBegun(t *testing.T) {
	dir := t.TempDir()
	source := fstest.MapFS{"train/requirements.txt": {Data: []byte("numpy\n")}}
	model := trainer(score, int64(1))
	model.Train.Source = schema.Source{Path: "train"}
	var network atomic.Bool
	begin := func() *Engine {
		e := open(t, dir, source)
		e.python = func(context.Context, string, func(string)) (string, error) {
			if !network.Load() {
				return "", errors.New("the network is unreachable")
			}
			return "", nil
		}
		return e
	}
	first := begin()
	stop := run(t, first)
	ref := submit(t, first, model)
	o := await(t, first, ref, ended)
	if o.Phase != plan.Failed || !strings.Contains(o.Message, "no experiment could begin: the network is unreachable; it is tried again in 1m0s, and by the next run") {
		t.Errorf("%s: %s", o.Phase, o.Message)
	}
	stop()
	network.Store(true)
	second := begin()
	run(t, second)
	if o := await(t, second, ref, func(o plan.Observed) bool { return o.Phase == plan.Succeeded }); len(o.Experiments) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestLinksAreRefused(t *testing.T) {
	e := fresh(t, fstest.MapFS{"train/a.py": {Data: []byte("/etc/passwd"), Mode: os.ModeSymlink}})
	run(t, e)
	model := trainer(score, int64(1))
	model.Train.Source = schema.Source{Path: "train"}
	if o := await(t, e, submit(t, e, model), ended); !strings.Contains(o.Message, "a.py is a symbolic link, which is not taken") {
		t.Errorf("%s: %s", o.Phase, o.Message)
	}
}

// TestHosts refuses what a web page sends here by a name of its own.
func TestHosts(t *testing.T) {
	h := local(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for host, want := range map[string]int{
		"127.0.0.1:1": 200, "localhost:1": 200, "[::1]:1": 200, "localhost": 200, "evil.example:1": 403, "evil.example": 403, "10.0.0.1:1": 403, "": 403,
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = host
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("asked as %q it answers %d, want %d", host, w.Code, want)
		}
	}
}

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "here")
	if _, held, err := ReadLock(dir); held || err != nil {
		t.Errorf("held before anybody took it: %v, %v", held, err)
	}
	first, err := TakeLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Release()
	me := Holder{Name: "host/1/abc", Address: "http://127.0.0.1:1"}
	if err := first.Say(me); err != nil {
		t.Fatal(err)
	}
	if who, held, err := ReadLock(dir); who != me || !held || err != nil {
		t.Errorf("%+v, %v, %v", who, held, err)
	}
	if _, err := TakeLock(dir); !errors.Is(err, ErrLocked) {
		t.Errorf("taken twice: %v", err)
	}
	if first.Lost() {
		t.Error("lost, though nothing happened")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	second, err := TakeLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Release()
	if !first.Lost() || second.Lost() {
		t.Errorf("the first is lost: %v, the second: %v", first.Lost(), second.Lost())
	}
}
