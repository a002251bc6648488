//go:build e2e

package stack

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
)

// A Write is one request to the API server that was not a read, from its audit
// log.
type Write struct {
	User        string // who: UserDaemon for the daemon under test
	Verb        string // create, update, patch, delete or deletecollection
	Group       string // of the API; empty for the core
	Resource    string // such as workflows
	Subresource string // such as status; empty for the object itself
	Namespace   string
	Name        string // empty for what the server names, and for collections
	DryRun      bool   // nothing was stored
	Code        int    // HTTP status of the answer
}

// Writes reads what user wrote so far, in order; an empty user means everyone.
// The server logs a request right after its answer, so the last one may be
// missing for an instant.
func (s *Stack) Writes(user string) ([]Write, error) {
	file, err := os.Open(s.path("audit.log"))
	if err != nil {
		return nil, fmt.Errorf("audit log: %w", err)
	}
	defer file.Close()
	var writes []Write
	lines := bufio.NewReader(file)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return writes, nil // a line without an end is still being written
		}
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		write, err := parseWrite(line)
		if err != nil {
			return nil, fmt.Errorf("audit log: %w", err)
		}
		if user == "" || user == write.User {
			writes = append(writes, write)
		}
	}
}

// parseWrite reads one event of the audit log.
func parseWrite(line []byte) (Write, error) {
	var event struct {
		Verb, RequestURI string
		User             struct{ Username string }
		ObjectRef        struct{ APIGroup, Resource, Subresource, Namespace, Name string }
		ResponseStatus   struct{ Code int }
	}
	if err := json.Unmarshal(line, &event); err != nil {
		return Write{}, err
	}
	uri, err := url.Parse(event.RequestURI)
	if err != nil {
		return Write{}, err
	}
	return Write{
		User:        event.User.Username,
		Verb:        event.Verb,
		Group:       event.ObjectRef.APIGroup,
		Resource:    event.ObjectRef.Resource,
		Subresource: event.ObjectRef.Subresource,
		Namespace:   event.ObjectRef.Namespace,
		Name:        event.ObjectRef.Name,
		DryRun:      uri.Query().Has("dryRun"),
		Code:        event.ResponseStatus.Code,
	}, nil
}
