package gitrepo

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// answerError is an answer of a server that holds nothing to read: it is overloaded, broken or under repair.
type answerError struct {
	status int
	after  time.Duration // until it wants to be asked again; 0: it does not say
}

func (e *answerError) Error() string {
	text := fmt.Sprintf("the server answers %d", e.status)
	if words := http.StatusText(e.status); words != "" {
		text += " " + words
	}
	if e.after > 0 {
		text += fmt.Sprintf(", and asks to be left alone for %v", e.after)
	}
	return text
}

// answered describes an answer at a time.
func answered(response *http.Response, now time.Time) error {
	e := &answerError{status: response.StatusCode}
	after := response.Header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(after, 10, 31); err == nil {
		e.after = time.Duration(seconds) * time.Second
	} else if when, err := http.ParseTime(after); err == nil && when.After(now) {
		e.after = when.Sub(now).Round(time.Second)
	}
	return e
}
