package review

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/schema"
)

// Rules are what of a change needs a word in git before it is merged.
type Rules struct {
	Words       []string // of Words: what may not happen to a model without it
	Experiments int      // how many may be started in all without it; 0 is any number
}

// Trailer is that of a commit of the change which gives such a word: "Trefoil-Approve: rerun", "Trefoil-Approve: delete fraud mnist",
// or "Trefoil-Approve: experiments" for any number of them.
const Trailer = "Trefoil-Approve"

// Unapproved are the lines about what the rules ask a word for, and nobody gave it: neither in a message of a commit of the
// change, nor, for a deletion, in `retired`.
func (r Review) Unapproved(rules Rules, messages []string) []string {
	given := approvals(messages)
	var all []string
	for _, m := range r.Models {
		for _, word := range rules.Words {
			if m.has(word) && !given[word] && !given[word+" "+m.Name] && (word != "delete" || !r.retired(m)) {
				all = append(all, fmt.Sprintf("%s of %s (%s: %s %s)", word, m.Name, Trailer, word, m.Name))
			}
		}
	}
	if n := r.Experiments(); rules.Experiments > 0 && n > rules.Experiments && !given["experiments"] {
		all = append(all, fmt.Sprintf("%s, more than %d (%s: experiments)", counted(n, "experiment"), rules.Experiments, Trailer))
	}
	return all
}

// has reports whether that happens to the model. Where an object goes because it moved, nothing is deleted.
func (m Model) has(word string) bool {
	switch {
	case m.Word == word:
		return true
	case word == "delete": // that of a renamed model is of another name
		return m.From != "" && slices.ContainsFunc(m.Causes, func(c Cause) bool {
			return c.Gone && strings.HasPrefix(c.Field, "serve.") && strings.Count(c.Field, ".") == 1
		})
	}
	return slices.ContainsFunc(m.Steps, func(s plan.Step) bool { return s.Word == word })
}

// retired reports whether `retired` names the model, or each environment of it that goes.
func (r Review) retired(m Model) bool {
	named := func(s schema.Scope) bool {
		_, yes := r.Head.Catalog.Retired[s.String()]
		return yes
	}
	if named(schema.Scope{Model: m.Name}) {
		return true
	}
	gone := 0
	for _, s := range m.Steps {
		if s.Word != "delete" || s.Scope.Environment == "" || r.stays(s.Scope) {
			continue
		}
		if !named(s.Scope) && !named(schema.Scope{Model: s.Scope.Model}) {
			return false
		}
		gone++
	}
	return gone > 0
}

// stays reports whether the head has an environment, wherever that is served.
func (r Review) stays(s schema.Scope) bool {
	return slices.ContainsFunc(r.Head.Catalog.Models, func(m schema.Model) bool {
		return m.Name == s.Model && environment(m, s.Environment).Name != ""
	})
}

// approvals are the words that were given, alone or with a model after them.
func approvals(messages []string) map[string]bool {
	given := map[string]bool{}
	for _, message := range messages {
		for line := range strings.Lines(message) {
			key, value, found := strings.Cut(line, ":")
			if !found || !strings.EqualFold(strings.TrimSpace(key), Trailer) {
				continue
			}
			for part := range strings.SplitSeq(value, ",") {
				words := strings.Fields(part)
				if len(words) == 1 {
					given[words[0]] = true
				}
				for _, model := range words[min(1, len(words)):] {
					given[words[0]+" "+model] = true
				}
			}
		}
	}
	return given
}
