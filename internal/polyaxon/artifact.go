package polyaxon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// outputs is the folder of a run that its experiment writes its results to.
const outputs = "outputs"

// Fetch streams the file at name below the outputs of the experiment and keeps its sha256 in the run's meta_info. It never
// holds the file in memory. The error wraps fs.ErrNotExist where there is no such file, and names those that there are.
func (e *Engine) Fetch(ctx context.Context, experiment, name string) error {
	if !uuid.MatchString(experiment) || !fs.ValidPath(name) || name == "." {
		return fmt.Errorf("polyaxon: %q of experiment %q: %w", name, experiment, fs.ErrInvalid)
	}
	var r run
	if _, err := e.client.call(ctx, get(e.runs(experiment), nil), &r); err != nil {
		return err
	}
	if r.UUID != experiment {
		return fmt.Errorf("polyaxon: the request for run %s is answered with another one", experiment)
	}
	sum, err := e.sum(ctx, r, name)
	if err != nil {
		return err
	}
	patch := request{method: http.MethodPatch, path: e.runs(experiment), body: map[string]any{
		"meta_info": map[string]string{metaSHA256 + name: sum}, "merge": true,
	}}
	_, err = e.client.call(ctx, patch, nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.settled, r.Pipeline.UUID)
	return err
}

// sum is the sha256 of a file of the run's outputs. A stream that breaks is begun anew.
func (e *Engine) sum(ctx context.Context, r run, name string) (string, error) {
	// Without force the server may send a copy that it made when the file was another one.
	file := get(e.streams(r, "artifact"), url.Values{"path": {path.Join(outputs, name)}, "force": {"true"}})
	hash := sha256.New()
	err := e.client.repeat(ctx, file, func() error {
		hash.Reset()
		reply, err := e.client.open(ctx, file)
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return &replyError{call: e.client.name(file), code: reply.StatusCode, detail: "a file is answered by 200"}
		}
		if reply.ProtoMajor == 1 && reply.ContentLength < 0 && !reply.Uncompressed && len(reply.TransferEncoding) == 0 {
			return fmt.Errorf("%s: the reply has no length, so that a broken one can't be told from a whole one", e.client.name(file))
		}
		if _, err := io.Copy(hash, reply.Body); err != nil {
			return e.client.broken(e.client.name(file), err)
		}
		return nil
	})
	if missing(err) {
		return "", fmt.Errorf("%s of experiment %s: %w; %s", name, r.UUID, fs.ErrNotExist, e.instead(ctx, r, name))
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// instead says what the folder has in which a file was not found.
func (e *Engine) instead(ctx context.Context, r run, name string) string {
	const most = 10
	folder := path.Join(outputs, path.Dir(name))
	var tree struct {
		Files map[string]any `json:"files"`
		Dirs  []string       `json:"dirs"`
	}
	if _, err := e.client.call(ctx, get(e.streams(r, "artifacts", "tree"), url.Values{"path": {folder}}), &tree); err != nil {
		return fmt.Sprintf("what %s has could not be listed: %v", folder, err)
	}
	names := slices.Collect(maps.Keys(tree.Files))
	for _, dir := range tree.Dirs {
		names = append(names, dir+"/")
	}
	slices.Sort(names)
	switch {
	case len(names) == 0:
		return folder + " is empty; does the training code write to its outputs folder?"
	case len(names) > most:
		names = append(names[:most], "...")
	}
	return fmt.Sprintf("%s has %s; is train.artifact right?", folder, e.client.clean(strings.Join(names, ", ")))
}

// streams is the path of the file service for a run. Its namespace is the server's word, and errors name the path.
func (e *Engine) streams(r run, below ...string) []string {
	namespace := e.client.clean(r.Settings.Namespace)
	if !slug.MatchString(namespace) {
		namespace = "polyaxon"
	}
	return append([]string{"streams", "v1", namespace, e.owner, e.project, "runs", r.UUID}, below...)
}
