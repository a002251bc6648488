package render

import (
	"cmp"
	"slices"

	"github.com/trefoil-gitops/trefoil/schema"
)

// The kinds of what the cluster has to hold before a Workflow runs. People apply them; the daemon has no right to.
const (
	ServiceAccount Kind = "ServiceAccount"
	Role           Kind = "Role"
	RoleBinding    Kind = "RoleBinding"
)

const (
	packagers      = "trefoil-workflows" // the Role of all accounts whose pods package, and how its bindings begin
	defaultAccount = "default"           // which each namespace has by itself
	rbac           = "rbac.authorization.k8s.io"
)

// Platform is what the pods of Workflows need besides themselves: their accounts, those of the models' own among them, and the one
// right that Argo's executor asks for, to report what came out. Their tokens open nothing else.
func Platform(models []schema.Model, s Settings) []Object {
	names := []string{cmp.Or(s.Workflows.ServiceAccount, defaultAccount)}
	for _, m := range models {
		if m.Package != nil && m.Package.ServiceAccount != "" {
			names = append(names, m.Package.ServiceAccount)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	all := []Object{s.platform(rbac+"/v1", Role, packagers, map[string]any{"rules": []any{map[string]any{
		"apiGroups": texts("argoproj.io"), "resources": texts("workflowtaskresults"), "verbs": texts("create", "patch"),
	}}})}
	for _, name := range names {
		if name != defaultAccount {
			all = append(all, s.platform("v1", ServiceAccount, name, nil))
		}
		all = append(all, s.binding(name))
	}
	return all
}

// binding gives an account the right. It is of that account alone, so that applying what was printed while a model did not load takes
// the right from no other.
func (s Settings) binding(account string) Object {
	return s.platform(rbac+"/v1", RoleBinding, packagers+"-"+account, map[string]any{
		"roleRef":  map[string]any{"apiGroup": rbac, "kind": "Role", "name": packagers},
		"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": account, "namespace": s.Workflows.Namespace}},
	})
}

// platform is an object of the Workflows' namespace. It carries none of our labels: it isn't the daemon's to change or delete.
func (s Settings) platform(version string, kind Kind, name string, body map[string]any) Object {
	if body == nil {
		body = map[string]any{}
	}
	ref := Ref{Kind: kind, Namespace: s.Workflows.Namespace, Name: name}
	body["apiVersion"], body["kind"] = version, string(kind)
	body["metadata"] = map[string]any{"name": name, "namespace": s.Workflows.Namespace}
	return Object{Ref: ref, Digest: digest(body), Body: body}
}
