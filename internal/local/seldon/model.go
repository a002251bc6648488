package seldon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxBody     = 64 << 20        // bytes of a request or of an answer; Server refuses more too
	readTimeout = 1 * time.Minute // for the whole body of a request
)

// errNoRoute is of a request whose deployment went away while its body came.
var errNoRoute = errors.New("the deployment is not served any more")

// An answer is what a model said.
type answer struct {
	status      int
	contentType string
	body        []byte
}

func (f *Front) predict(w http.ResponseWriter, r *http.Request, c call) { f.pass(w, r, c, "/predict") }

func (f *Front) feedback(w http.ResponseWriter, r *http.Request, c call) {
	f.pass(w, r, c, "/send-feedback")
}

func (f *Front) status(w http.ResponseWriter, r *http.Request, c call) {
	f.show(w, r, c, "/health/status")
}

func (f *Front) metadata(w http.ResponseWriter, r *http.Request, c call) {
	f.show(w, r, c, "/metadata")
}

// pass hands a request's body to the model as it is. It is read to its end before: a half one asks no model, and a slow client keeps
// none from draining.
func (f *Front) pass(w http.ResponseWriter, r *http.Request, c call, path string) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readTimeout)) // not every ResponseWriter of a test can
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	if err != nil {
		fail(w, statusOf(err), err.Error())
		return
	}
	a, err := f.ask(r.Context(), c, http.MethodPost, path, r.Header.Get("Content-Type"), body)
	reply(w, a, err)
}

// show answers what the one node of the graph says of itself.
func (f *Front) show(w http.ResponseWriter, r *http.Request, c call, path string) {
	if c.node != node {
		fail(w, http.StatusInternalServerError, "Failed to find model "+c.node)
		return
	}
	a, err := f.ask(r.Context(), c, http.MethodGet, path, "", nil)
	reply(w, a, err)
}

// ask sends a request to the deployment's model and reads the answer.
func (f *Front) ask(ctx context.Context, c call, method, path, contentType string, body []byte) (answer, error) {
	b := f.acquire(c.to)
	if b == nil {
		return answer{}, errNoRoute
	}
	defer f.release(b)
	request, err := http.NewRequestWithContext(ctx, method, "http://"+b.addr+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set(puidHeader, c.puid)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := f.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, contentType: response.Header.Get("Content-Type")}
	a.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(a.body) > maxBody {
		err = fmt.Errorf("%s %s: the answer is larger than %d MiB", method, path, maxBody>>20)
	}
	return a, err
}

// reply writes a model's answer. Bytes are replaced, never decoded: a model may answer NaN, which is no JSON. A failure has no type of its
// own, as the executor sets it too late, and so becomes text/plain.
func reply(w http.ResponseWriter, a answer, err error) {
	if err != nil {
		fail(w, statusOf(err), err.Error())
		return
	}
	if a.status == http.StatusOK {
		w.Header().Set("Content-Type", a.contentType)
	}
	write(w, a.status, a.body)
}

// statusOf is 500 for all that the executor knows; it has no limit, and its routes don't go away.
func statusOf(err error) int {
	switch large := (*http.MaxBytesError)(nil); {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errNoRoute):
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}

// fail answers in the executor's own form.
func fail(w http.ResponseWriter, code int, info string) {
	type status struct {
		Code   int    `json:"code"`
		Info   string `json:"info"`
		Status string `json:"status"`
	}
	body, _ := json.Marshal(map[string]status{"status": {code, info, "FAILURE"}}) // two strings and a number can't fail
	write(w, code, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	var escaped bytes.Buffer
	json.HTMLEscape(&escaped, body)
	w.Header().Set("Content-Length", fmt.Sprint(escaped.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(escaped.Bytes()) // a client that is gone is nobody's failure
}
