package local

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// operation is what of a rendered Polyaxon operation matters on this machine. Images, resources, connections and volumes do not.
type operation struct {
	Matrix struct {
		Concurrency int
	}
	Component struct {
		Inputs []struct {
			Name  string
			Value any
		}
		Termination struct {
			Timeout int // seconds; 0 for none
		}
		Run struct {
			Init []struct {
				Git struct{ URL, Revision string }
			}
			Container struct {
				Command, Args []string
				Env           []struct{ Name, Value string }
				WorkingDir    string
			}
		}
	}
}

func (r record) operation() (operation, error) {
	var o operation
	return o, r.decode(r.Body, &o)
}

// argv is the command line, with templates in it.
func (o operation) argv() []string {
	c := o.Component.Run.Container
	return append(append([]string(nil), c.Command...), c.Args...)
}

// concurrency is how many experiments run at a time: one a core unless the search says how many.
func (o operation) concurrency() int {
	if o.Matrix.Concurrency > 0 {
		return o.Matrix.Concurrency
	}
	return runtime.NumCPU()
}

// threads is how many threads the libraries of one experiment may use, so that those of a search share the machine instead of fighting
// for it: each of them would take all cores otherwise.
func (o operation) threads() int { return max(1, runtime.NumCPU()/o.concurrency()) }

func (o operation) timeout() time.Duration {
	if seconds := o.Component.Termination.Timeout; seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return math.MaxInt64
}

// values are what templates name: the inputs' own values, those of the point over them, and the paths of the experiment.
func (o operation) values(point map[string]any, x place) map[string]any {
	all := map[string]any{"globals.artifacts_path": x.dir, "globals.run_outputs_path": x.outputs()}
	for _, input := range o.Component.Inputs {
		if input.Value != nil {
			all[input.Name] = numbers(input.Value)
		}
	}
	maps.Copy(all, point)
	return all
}

var template = regexp.MustCompile(`\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}`)

// filled is a text with values in the place of its templates. One without a value is an error: Polyaxon would put nothing there.
func filled(text string, values map[string]any) (string, error) {
	var unknown []string
	text = template.ReplaceAllStringFunc(text, func(s string) string {
		name := template.FindStringSubmatch(s)[1]
		value, found := values[name]
		if !found {
			unknown = append(unknown, name)
		}
		return written(value)
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("{{ %s }} has no value here", unknown[0])
	}
	return text, nil
}

// written is a value as Polyaxon, which is written in Python, puts it into a command.
func written(value any) string {
	switch v := value.(type) {
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return writtenFloat(v)
	}
	return fmt.Sprint(value)
}

// writtenFloat is Python's repr of a float: exponents below 1e-4 and from 1e16 on, a fraction otherwise.
func writtenFloat(v float64) string {
	const smallest, largest = 1e-4, 1e16
	if size := math.Abs(v); size != 0 && (size < smallest || size >= largest) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	text := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.ContainsRune(text, '.') {
		text += ".0"
	}
	return text
}
