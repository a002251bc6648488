package webhook

import (
	"errors"
	"io"
	"net/http"
)

const (
	// largest is what a body may have, in bytes. A push of a few commits has some 10 KiB; one that has more is noticed by the poll.
	largest = 1 << 20
	// crowd is how many requests are read at a time: what they hold together is bounded by that.
	crowd = 16
)

// Result is what became of a request. There are no others than these.
type Result string

// The results, with the answer that each of them gets.
const (
	Taken    Result = "taken"     // 204: somebody looks
	Pong     Result = "pong"      // 200: the server tried whether we are here
	Other    Result = "other"     // 202: it is about another repository or branch, and nobody looks
	Unsigned Result = "unsigned"  // 401: there is no signature, or a wrong one
	TooLarge Result = "too_large" // 413
	Unread   Result = "unread"    // 400: the body ended early, or did not end in time
	Busy     Result = "busy"      // 503: too many at once
	Failed   Result = "failed"    // 500: the secret can't be read, or we are at fault
)

// Options say what is followed, and who is told. All are needed.
type Options struct {
	// Repository is the URL of the repository that is followed, Branch the short name of its branch.
	Repository, Branch string
	// Secrets are those that a request may be signed with; any of them will do. They are asked for anew for each request that carries
	// a signature. None, or an error, and nothing is taken.
	Secrets func() ([]string, error)
	// Poke is called for each request that is taken. It must not block.
	Poke func()
	// Count is told what became of each request.
	Count func(Result)
}

// Handler answers POST /webhook, and nothing else. It is safe for concurrent use.
func Handler(options Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /webhook", &handler{options, make(chan struct{}, crowd)})
	return mux
}

type handler struct {
	Options
	places chan struct{}
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	result, why := Failed, ""
	defer func() {
		if recover() != nil { // of us, or of a parser: the next request finds all as it was
			result, why = Failed, "trefoil failed at this request"
		}
		h.Count(result)
		answer(w, result, why)
	}()
	result, why = h.take(w, r)
}

// take says what is to become of a request, from what costs least to what costs most. Before the signature is known to be right nothing
// of the body is looked at.
func (h *handler) take(w http.ResponseWriter, r *http.Request) (Result, string) {
	signed, err := signatures(r.Header)
	switch {
	case err != nil:
		return Unsigned, err.Error()
	case r.ContentLength > largest:
		return TooLarge, "the body is too large; the push is noticed by the next poll"
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return Busy, "too many requests at once"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	if _, more := errors.AsType[*http.MaxBytesError](err); more {
		return TooLarge, "the body is too large; the push is noticed by the next poll"
	}
	if err != nil {
		return Unread, "the body could not be read"
	}
	secrets, err := h.Secrets()
	if err != nil {
		return Failed, "trefoil can't read its secret; its log says why"
	}
	if !signed.by(secrets, body) {
		return Unsigned, "the signature is not one of the secret that trefoil has"
	}
	return h.signed(r, body)
}

// signed says what is to become of a request of the git server.
func (h *handler) signed(r *http.Request, body []byte) (Result, string) {
	if ping(r.Header) {
		return Pong, "pong"
	}
	if why := foreign(body, h.Repository, h.Branch); why != "" {
		return Other, why + ": nobody looks"
	}
	h.Poke()
	return Taken, ""
}

func ping(header http.Header) bool {
	return header.Get("X-GitHub-Event") == "ping" || header.Get("X-Event-Key") == "diagnostics:ping"
}

// answer says in a word what became of the request: people read that where their git server lists its deliveries. It says nothing of what
// was sent.
func answer(w http.ResponseWriter, result Result, why string) {
	code := map[Result]int{
		Taken: http.StatusNoContent, Pong: http.StatusOK, Other: http.StatusAccepted, Unsigned: http.StatusUnauthorized,
		TooLarge: http.StatusRequestEntityTooLarge, Unread: http.StatusBadRequest,
		Busy: http.StatusServiceUnavailable, Failed: http.StatusInternalServerError,
	}[result]
	if code == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	if code == http.StatusNoContent {
		w.WriteHeader(code)
		return
	}
	http.Error(w, why, code)
}
