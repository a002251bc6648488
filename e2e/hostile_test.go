//go:build e2e

package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// hostile stands before a server. It keeps what it is sent but the header that secrets are for, and when told so it answers
// itself, with what it finds in that header.
type hostile struct {
	mu     sync.Mutex
	answer func(out http.ResponseWriter, r *http.Request) // nil while it is peaceful
	writes bool                                           // only requests that can change something are answered
	basic  string                                         // the password that the server wants; empty for none
	seen   strings.Builder
}

// turn makes it answer, or peaceful again with a nil answer.
func (h *hostile) turn(writes bool, answer func(http.ResponseWriter, *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writes, h.answer = writes, answer
}

// filter is what stands before the server.
func (h *hostile) filter() stack.Filter {
	return func(out http.ResponseWriter, r *http.Request, next http.Handler) {
		if answer := h.look(r); answer != nil {
			answer(out, r)
			return
		}
		if _, password, _ := r.BasicAuth(); password != h.basic {
			out.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(out, "no, "+echo(r), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(out, r)
	}
}

// look notes a request and says how it is answered; nil where the server does.
func (h *hostile) look(r *http.Request) func(http.ResponseWriter, *http.Request) {
	var body []byte
	write := r.Method != http.MethodGet && !strings.HasSuffix(r.URL.Path, "/git-upload-pack") || r.URL.Query().Get("service") == "git-receive-pack"
	if r.Method != http.MethodGet {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			panic(http.ErrAbortHandler)
		}
		*r = *with(r.Context(), r, body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(&h.seen, "%s %s\n", r.Method, body)
	if h.answer == nil { // else it may be a redirect that is followed
		header := r.Header.Clone()
		header.Del("Authorization")
		fmt.Fprintf(&h.seen, "%s %v\n", r.URL, header)
	}
	if h.writes && !write {
		return nil
	}
	return h.answer
}

func (h *hostile) sent() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.seen.String()
}

// echo is what the request authorized itself with, in many forms.
func echo(r *http.Request) string {
	header := r.Header.Get("Authorization")
	_, secret, _ := strings.Cut(header, " ")
	if user, password, ok := r.BasicAuth(); ok {
		secret = user + ":" + password
	}
	quoted, _ := json.Marshal(secret)
	return strings.Join([]string{
		header, secret, url.QueryEscape(secret), string(quoted), hex.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(header)), fmt.Sprintf("%q", secret),
		each([]byte(secret), "%%%02x"), each([]byte(secret), `\u00%02x`),
	}, " ")
}

// answers are those of servers and of proxies that repeat what they were sent.
func answers() []func(http.ResponseWriter, *http.Request) {
	text := func(code int, kind, format string) func(http.ResponseWriter, *http.Request) {
		return func(out http.ResponseWriter, r *http.Request) {
			said := echo(r)
			if strings.Contains(kind, "json") {
				quoted, _ := json.Marshal(said)
				said = string(quoted)
			}
			out.Header().Set("Content-Type", kind)
			out.Header().Set("WWW-Authenticate", "Basic realm="+url.QueryEscape(echo(r)))
			out.Header().Set("X-Echo", url.QueryEscape(echo(r)))
			out.WriteHeader(code)
			fmt.Fprintf(out, format, said)
		}
	}
	redirect := func(format string) func(http.ResponseWriter, *http.Request) {
		return func(out http.ResponseWriter, r *http.Request) {
			out.Header().Set("Location", fmt.Sprintf(format, url.PathEscape(echo(r))))
			out.WriteHeader(http.StatusFound)
		}
	}
	return []func(http.ResponseWriter, *http.Request){
		text(http.StatusInternalServerError, "text/plain", "broken by %s"),
		text(http.StatusUnauthorized, "application/json", `{"detail": %s}`),
		text(http.StatusForbidden, "application/json", `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": %s}`),
		text(http.StatusBadRequest, "application/json", `{%[1]s: [%[1]s]}`),
		text(http.StatusNotFound, "text/html", "<h1>%s</h1>"),
		text(http.StatusConflict, "application/json", `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "code": 409, "message": %[1]s, "details": {"name": %[1]s, "causes": [{"message": %[1]s}]}}`),
		text(http.StatusOK, "text/html", "<html>%s</html>"),
		text(http.StatusOK, "application/json", `{"count": 1, "results": [{"uuid": %[1]s, "name": %[1]s, "kind": "matrix", "status": %[1]s}]}`),
		redirect("http://127.0.0.1:1/%s"), redirect("https://elsewhere.example/?%s"), redirect("http://[%s"), redirect("?%s"), said,
	}
}

// said answers with an error of git's own protocol, and with a status line that nobody would write.
func said(out http.ResponseWriter, r *http.Request) {
	service := r.URL.Query().Get("service")
	if service != "" {
		line := "ERR " + echo(r)
		out.Header().Set("Content-Type", "application/x-"+service+"-advertisement")
		fmt.Fprintf(out, "001e# service=%s\n0000%04x%s0000", service, len(line)+4, line)
		return
	}
	taken, ok := out.(http.Hijacker)
	if !ok {
		http.Error(out, echo(r), http.StatusTeapot)
		return
	}
	connection, _, err := taken.Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HTTP/1.1 503 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", echo(r))
}

// each writes a text byte by byte.
func each(text []byte, format string) string {
	var b strings.Builder
	for _, x := range text {
		fmt.Fprintf(&b, format, x)
	}
	return b.String()
}
