package reconcile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// LongestAnswer is how many bytes the answer to a check may have.
const LongestAnswer = 1 << 20

// read takes out of an answer in Seldon's protocol what the question is about.
func read(q plan.Question, text []byte, err error) plan.Answer {
	r := reader{answer: plan.Answer{To: q, Numbers: map[string]float64{}}, leads: leads(append(strings.Fields(q.Ways), requestPath))}
	const told = 10 * longestLine // may be secret, though it is not shown
	switch {
	case err != nil:
		r.answer.Fault = Line(redact.Assigned(redact.Plain(err.Error())))
	case len(text) > LongestAnswer:
		r.answer.Fault = fmt.Sprintf("its answer has more than %d MiB", LongestAnswer>>20)
	case !json.Valid(text) || r.read(text) != nil: // a number may be too large
		r.answer.Fault = "it answers no JSON: " + Line(redact.Assigned(redact.Plain(string(text[:min(len(text), told)]))))
	}
	slices.Sort(r.answer.Images)
	return r.answer
}

// requestPath is the way to the images that an answer went through.
const requestPath = "meta.requestPath"

// reader reads an answer once, and holds no more of it than the question is about: a hostile one takes a hundred times its length when
// all of it is made values.
type reader struct {
	*json.Decoder
	answer plan.Answer
	leads  map[string]bool // true for ways that matter; their beginnings are there too
	raw    json.RawMessage
}

func leads(ways []string) map[string]bool {
	all := map[string]bool{}
	for _, way := range ways {
		for i, r := range way {
			if r == '.' {
				all[way[:i]] = false
			}
		}
	}
	for _, way := range ways {
		all[way] = true
	}
	return all
}

func (r *reader) read(text []byte) error {
	r.Decoder = json.NewDecoder(bytes.NewReader(text))
	return r.value(nil)
}

// value reads the next one, to which a way leads, or its beginning.
func (r *reader) value(way []byte) error {
	token, err := r.Token()
	if number, found := token.(float64); found && r.leads[string(way)] {
		r.answer.Numbers[string(way)] = number
	}
	inside, found := token.(json.Delim)
	if err != nil || !found {
		return err
	}
	images := inside == '{' && string(way) == requestPath
	if len(way) > 0 {
		way = append(way, '.')
	}
	for place := int64(0); r.More(); place++ {
		next := strconv.AppendInt(way, place, 10)
		if inside == '{' {
			name, err := r.Token()
			if err != nil {
				return err
			}
			next = append(way, strings.ReplaceAll(name.(string), ".", " ")...) // dots are for ways
		}
		if err := r.inside(next, images); err != nil {
			return err
		}
	}
	_, err = r.Token() // the end
	return err
}

// inside reads the next value of an object or list: what matters, an image, or what may be skipped.
func (r *reader) inside(way []byte, image bool) error {
	if _, leads := r.leads[string(way)]; leads && !image {
		return r.value(way)
	}
	if err := r.Decode(&r.raw); err != nil {
		return err
	}
	var name string
	if image && json.Unmarshal(r.raw, &name) == nil {
		r.image(name)
	}
	return nil
}

// image keeps one that an answer went through: a few, and among them the one that matters.
func (r *reader) image(name string) {
	const enough = 10
	full, right := len(r.answer.Images) == enough, name == r.answer.To.Image
	switch {
	case name == "" || full && !right || slices.Contains(r.answer.Images, name):
	case full:
		r.answer.Images[0] = name
	case right:
		r.answer.Images = append(r.answer.Images, name)
	default:
		if name = Line(name); name != "" && !slices.Contains(r.answer.Images, name) {
			r.answer.Images = append(r.answer.Images, name)
		}
	}
}
