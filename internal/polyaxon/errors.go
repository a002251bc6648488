package polyaxon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// brokenError is a request that got no whole reply.
type brokenError struct {
	call   string
	text   string // of the cause, clean
	unsent bool   // there was no connection to send it on
	cause  error
}

func (c client) broken(call string, err error) error {
	// net/http repeats the URL in its errors.
	if outer, ok := errors.AsType[*url.Error](err); ok {
		err = outer.Err
	}
	op, ok := errors.AsType[*net.OpError](err)
	return &brokenError{call, c.clean(err.Error()), ok && op.Op == "dial", err}
}

func (e *brokenError) Error() string {
	hint := "is the server well?"
	if e.unsent {
		hint = "is the server up, and the URL right?"
	}
	return fmt.Sprintf("polyaxon: %s: no reply (%s); %s", e.call, e.text, hint)
}

// Is makes errors.Is see the cause, which Unwrap would give to those who print it.
func (e *brokenError) Is(target error) bool { return errors.Is(e.cause, target) }

// replyError is a reply whose status is not 2xx.
type replyError struct {
	call   string
	code   int
	detail string // the server's own words, clean
	silent bool   // the reply had no body
}

// refusal reads what the server says about a request that it did not do.
func (c client) refusal(call string, reply *http.Response) error {
	const enough = 64 << 10
	body, err := io.ReadAll(io.LimitReader(reply.Body, enough))
	if err != nil {
		return c.broken(call, err)
	}
	return &replyError{call, reply.StatusCode, c.clean(detail(body)), len(body) == 0}
}

func (e *replyError) Error() string {
	s := fmt.Sprintf("polyaxon: %s: %d", e.call, e.code)
	if e.detail != "" {
		s += ": " + e.detail
	}
	if h := e.hint(); h != "" {
		s += "; " + h
	}
	return s
}

func (e *replyError) hint() string {
	switch {
	case e.code/100 == 3:
		return "the server redirects; use the URL that it redirects to"
	case e.code == http.StatusUnauthorized, e.code == http.StatusForbidden:
		return "check the token and what it may do"
	case e.code == http.StatusNotFound:
		return "check URL, owner and project"
	case e.locked():
		return "the server failed without a word, as it does when its database is locked; see its log"
	case e.code >= http.StatusInternalServerError:
		return "see the server's log"
	}
	return ""
}

// locked reports the empty 405 that the server sends for an exception of its own, a locked database above all. Whatever the
// request did is rolled back then. A method that really isn't allowed comes with words.
func (e *replyError) locked() bool { return e.code == http.StatusMethodNotAllowed && e.silent }

// transient reports whether trying again may help.
func transient(err error) bool {
	if e, ok := errors.AsType[*replyError](err); ok {
		return e.locked() || e.code == http.StatusTooManyRequests || e.code >= http.StatusInternalServerError
	}
	_, broken := errors.AsType[*brokenError](err)
	return broken
}

// untaken reports whether a request had no effect for certain, so that even a create may be sent again.
func untaken(err error) bool {
	if e, ok := errors.AsType[*replyError](err); ok {
		return e.locked() || e.code == http.StatusTooManyRequests
	}
	e, ok := errors.AsType[*brokenError](err)
	return ok && e.unsent
}

// missing reports a 404. Its words differ between versions, the code does not.
func missing(err error) bool { return hasCode(err, http.StatusNotFound) }

func hasCode(err error, code int) bool {
	e, ok := errors.AsType[*replyError](err)
	return ok && e.code == code
}

// detail is the text of the forms in which the server refuses: a list of strings, an object of lists, {"detail": ...}, or text.
func detail(body []byte) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return string(body)
	}
	const deep = 3
	return strings.Join(words(v, deep), "; ")
}

func words(v any, depth int) []string {
	var all []string
	if depth == 0 {
		return nil
	}
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, element := range v {
			all = append(all, words(element, depth-1)...)
		}
	case map[string]any:
		for name, element := range v {
			for _, text := range words(element, depth-1) {
				if name != "detail" {
					text = name + ": " + text
				}
				all = append(all, text)
			}
		}
		slices.Sort(all)
	}
	return all
}
