package seldon

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

const (
	predictor = "main"  // name of the predictor and of its one node, as in the rendered SeldonDeployment
	node      = "model" // (the process's PREDICTIVE_UNIT_ID)

	puidHeader = "Seldon-Puid"
)

// A call is one request in the executor.
type call struct {
	to   deployment
	path string // without the ingress's prefix
	node string // of a path that ends in one
	puid string
}

// An endpoint answers a path of the executor.
type endpoint struct {
	methods string // as in Access-Control-Allow-Methods; none: any method is answered
	answer  func(*Front, http.ResponseWriter, *http.Request, call)
}

// find returns the endpoint of a path, and the node that the path ends in.
func find(path string) (e endpoint, named string, ok bool) {
	const get, post = "GET,OPTIONS", "OPTIONS,POST"
	switch path {
	case "/live":
		return endpoint{"", alive}, "", true
	case "/ready":
		return endpoint{"", (*Front).ready}, "", true
	case "/api/v1.0/status", "/api/v1.0/health/status":
		return endpoint{get, (*Front).ready}, "", true
	case "/api/v0.1/predictions", "/api/v1.0/predictions":
		return endpoint{post, (*Front).predict}, "", true
	case "/api/v0.1/feedback", "/api/v1.0/feedback":
		return endpoint{post, (*Front).feedback}, "", true
	case "/api/v1.0/metadata":
		return endpoint{get, (*Front).graph}, "", true
	}
	i := strings.LastIndexByte(path, '/') + 1
	switch named = path[i:]; path[:i] {
	case "/api/v0.1/status/", "/api/v1.0/status/":
		return endpoint{get, (*Front).status}, named, named != ""
	case "/api/v0.1/metadata/", "/api/v1.0/metadata/":
		return endpoint{get, (*Front).metadata}, named, named != ""
	}
	return endpoint{}, "", false
}

// execute does the executor's part. Its 404 and 405 come without its headers.
func (f *Front) execute(w http.ResponseWriter, r *http.Request, to deployment, path string) {
	e, named, ok := find(path)
	switch {
	case !ok:
		http.NotFound(w, r)
		return
	case e.methods != "" && !slices.Contains(strings.Split(e.methods, ","), r.Method):
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	c := call{to: to, path: path, node: named, puid: r.Header.Get(puidHeader)}
	if c.puid == "" {
		c.puid = newUUID()
	}
	setHeaders(w.Header(), r, c, e.methods)
	if r.Method != http.MethodOptions {
		e.answer(f, w, r, c)
	}
}

func setHeaders(h http.Header, r *http.Request, c call, methods string) {
	h.Set(puidHeader, c.puid)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token")
	if methods != "" {
		h.Set("Access-Control-Allow-Methods", methods)
	}
	if r.Header.Get("Ce-Specversion") != "" {
		h.Set("Ce-Id", c.puid)
		h.Set("Ce-Specversion", "0.3")
		h.Set("Ce-Path", c.path)
		h.Set("Ce-Type", "seldon."+c.to.name+"."+c.to.namespace+".response")
		h.Set("Ce-Source", "seldon."+c.to.name)
	}
}

// newUUID returns a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func alive(_ *Front, w http.ResponseWriter, _ *http.Request, _ call) {
	w.WriteHeader(http.StatusOK)
}

// ready tells whether something listens at the model's port. No model is asked.
func (f *Front) ready(w http.ResponseWriter, r *http.Request, c call) {
	status := http.StatusServiceUnavailable
	if b := f.acquire(c.to); b != nil {
		defer f.release(b)
		dialer := net.Dialer{Timeout: dialTimeout}
		if conn, err := dialer.DialContext(r.Context(), "tcp", b.addr); err == nil {
			_ = conn.Close()
			status = http.StatusOK
		}
	}
	w.WriteHeader(status)
}
