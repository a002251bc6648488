package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Check finds what people add to rendered objects and may not: what Trefoil or another field of the spec says, and what would
// undo what Trefoil relies on. It does not depend on Settings, so that everybody finds the same: what any of them makes
// Trefoil write is Trefoil's.
func Check(c schema.Catalog) []schema.Finding {
	var found []schema.Finding
	for _, m := range c.Models {
		if !extended(m) {
			continue
		}
		k := checker{places: m.Places, scope: schema.Scope{Model: m.Name}, field: "train.polyaxon", terms: searchTerms()}
		found = append(found, k.check(operation(m, anySettings(), "", ""), m.Train.Polyaxon)...)
		if m.Package != nil {
			k.field, k.terms = "package.argo", workflowTerms()
			found = append(found, k.check(workflow(m, *m.Package, schema.Release{}, anySettings(), "", Ref{}), m.Package.Argo)...)
		}
		for _, e := range m.Serve {
			k.scope.Environment, k.field, k.terms = e.Name, "serve."+e.Name+".seldon", deploymentTerms("serve."+e.Name)
			found = append(found, k.check(deployment(m, e, schema.Release{Image: unknown}, anySettings(), Ref{}), e.Seldon)...)
		}
	}
	return found
}

// extended reports whether anything is added to what the model renders to.
func extended(m schema.Model) bool {
	return len(m.Train.Polyaxon) > 0 || m.Package != nil && len(m.Package.Argo) > 0 ||
		slices.ContainsFunc(m.Serve, func(e schema.Environment) bool { return len(e.Seldon) > 0 })
}

// unknown stands for what a spec doesn't say, so that nothing that people write is equal to it.
const unknown = "\x00"

// anySettings are settings with which all is rendered that any settings add.
func anySettings() Settings {
	return Settings{
		Repository: unknown, Path: ".", Owner: unknown,
		Polyaxon: Polyaxon{URL: unknown, Owner: unknown, Project: unknown, GitConnection: unknown},
		Workflows: Workflows{
			Namespace: unknown, ServiceAccount: unknown, Images: Images{Fetch: unknown, Git: unknown, Build: unknown, BuildKit: unknown},
			GitCredentials: unknown, PolyaxonToken: unknown,
		},
	}
}

// checker judges what one field of the spec adds to one object.
type checker struct {
	places schema.Places
	scope  schema.Scope
	field  string // of the spec, such as "train.polyaxon"
	terms  terms
}

func (k checker) check(body map[string]any, extra schema.Extra) []schema.Finding {
	var found []schema.Finding
	report := func(at []string, says, hint string) {
		found = append(found, schema.Finding{
			Code: schema.CodeExtra, Severity: schema.Error, Scope: k.scope, Message: strings.Join(strings.Fields(says), " "), Hint: hint,
			Pos: k.places.At(append(strings.Split(k.field, "."), at...)...),
		})
	}
	union{
		conflict: func(at, path []string) {
			says, hint := k.taken(path, k.terms.owner(path))
			report(at, says, hint)
		},
		nameless: func(at, path []string) {
			report(at, fmt.Sprintf("%s: an element of %s lacks a name", k.field, strings.Join(path, ".")),
				"elements of this list go by their names, Trefoil's too")
		},
		added: func(at, path []string, value any) bool {
			says, hint := k.refused(path, value)
			if says != "" {
				report(at, says, hint)
			}
			return says == ""
		},
	}.structs(body, extra, nil, nil)
	return found
}

// taken says who says a part of an object.
func (k checker) taken(path []string, o owner) (says, hint string) {
	part := strings.Join(path, ".")
	switch at, written := k.places.Written(strings.Split(o.field, ".")...); {
	case o.field == "" || reserved(path):
		return fmt.Sprintf("%s sets %s, but Trefoil itself writes that", k.field, part), "take it out"
	case written:
		return fmt.Sprintf("%s sets %s, but %s at %s says it", k.field, part, o.field, at), "change it there, and take it out here"
	}
	return fmt.Sprintf("%s sets %s, but %s says it", k.field, part, o.field), "write it there, and take it out here"
}

// reserved reports whether a path leads to a label or annotation of Trefoil's own.
func reserved(path []string) bool {
	last := path[len(path)-1]
	return strings.HasPrefix(last, "trefoil.dev/") || last == LabelManagedBy
}

// refused says why something may not be added; "" where it may.
func (k checker) refused(path []string, value any) (says, hint string) {
	last, part := path[len(path)-1], strings.Join(path, ".")
	around := strings.Join(path[:len(path)-1], ".")
	may, limited := k.terms.open[around]
	switch o := k.terms.owner(path); {
	case last == "globalName" && value == OutputDigest:
		return k.taken(path, owner{})
	case o.closed && o.why == "", reserved(path):
		return k.taken(path, o)
	case o.closed:
		return fmt.Sprintf("%s sets %s, which would undo what Trefoil relies on", k.field, part), o.why
	case limited && !slices.Contains(may, last):
		return fmt.Sprintf("%s sets %s, which may not be added", k.field, part),
			strings.TrimSpace("what may be is " + strings.Join(may, ", ") + " " + within(around))
	}
	return "", ""
}

func within(part string) string {
	if part == "" {
		return ""
	}
	return "in " + part
}
