package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
)

// check refuses what could not work before anything is read or asked, all of it at once.
func (c config) check() error {
	return errors.Join(c.checkRepository(), c.checkSigning(), c.checkPolyaxon(), c.checkWorkflows(), c.checkWebhook(),
		need(c.Poll >= duration(time.Second), "poll", "--poll", c.Poll, "at least 1s, such as 15s"),
		need(c.Listen == "" || isAddress(c.Listen), "listen", "--listen", c.Listen, "an IP and a port, such as 127.0.0.1:8080; 0.0.0.0 is all of them"),
		need(c.Fuses.Deletions >= 0, "fuses.deletions", "--max-deletions", c.Fuses.Deletions, "a number, 0 for no deletion at all"),
		need(c.Fuses.ExperimentsPerHour > 0, "fuses.experimentsPerHour", "--max-experiments-per-hour", c.Fuses.ExperimentsPerHour, "a number, at least 1"),
		need(c.Fuses.CommitsPerHour > 1, "fuses.commitsPerHour", "--max-commits-per-hour", c.Fuses.CommitsPerHour, "a number, at least 2: a release is one commit, its image another"),
	)
}

// checkRepository leaves the credentials out: who only reads a folder has none.
func (c config) checkRepository() error {
	r := c.Repository
	if r.URL == "" {
		return nil
	}
	o := gitrepo.Options{
		URL: r.URL, Branch: r.Branch, CommitTo: r.CommitTo, Path: r.Path, AuthorName: r.Author.Name, AuthorEmail: r.Author.Email,
		CommitterName: r.Committer.Name, CommitterEmail: r.Committer.Email,
	}
	_, err := r.phrase()
	return errors.Join(o.Check(), err)
}

func (c config) checkPolyaxon() error {
	if c.Polyaxon.URL == "" {
		return nil
	}
	_, err := c.polyaxon("", nil, nil)
	return err
}

func (c config) checkWorkflows() error {
	w := c.Workflows
	all := []error{
		need(validation.IsDNS1123Label(w.Namespace) == nil, "workflows.namespace", "--workflow-namespace", w.Namespace,
			"lower-case letters, digits and dashes, at most 63"),
		need(w.ServiceAccount == "" || validation.IsDNS1123Subdomain(w.ServiceAccount) == nil, "workflows.serviceAccount",
			"--workflow-service-account", w.ServiceAccount, "lower-case letters, digits, dashes and dots"),
	}
	for _, image := range []struct{ field, name string }{
		{"fetch", w.Images.Fetch}, {"git", w.Images.Git}, {"build", w.Images.Build}, {"buildkit", w.Images.BuildKit},
	} {
		all = append(all, need(image.name != "" && !strings.ContainsAny(image.name, " \t\n"), "workflows.images."+image.field, "", image.name,
			"an image, such as registry.example/tool:1.2"))
	}
	return errors.Join(all...)
}

// isAddress reports whether the text is an IP and a port. To listen on all addresses has to be said.
func isAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	_, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && net.ParseIP(host) != nil
}

// need is an error that names the field and its flag, and says what to write, unless the value is good.
func need(good bool, field, flag string, value any, write string) error {
	if good {
		return nil
	}
	if flag != "" {
		field += " (" + flag + ")"
	}
	return fmt.Errorf("%s is %q: write %s", field, fmt.Sprint(value), write)
}

// readable is what the YAML library says, without its way there and without the names of Go's types.
func readable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		there, ok := map[string]string{"string": "text", "array": "a list", "object": "a group of fields"}[wrong.Value]
		if !ok {
			there = "a " + wrong.Value
		}
		return fmt.Errorf("%s: there is %s where %s belongs", cmp.Or(wrong.Field, "the file"), there, belongs(wrong.Type))
	}
	text := err.Error()
	for _, way := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "json: ", "yaml: ", "unmarshal errors:"} {
		text = strings.TrimPrefix(text, way)
	}
	return errors.New(strings.Join(strings.Fields(text), " "))
}

func belongs(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[duration]():
		return "a length of time such as 15s"
	case t.Kind() == reflect.Int:
		return "a whole number"
	case t.Kind() == reflect.String:
		return "text"
	}
	return "a group of fields"
}
