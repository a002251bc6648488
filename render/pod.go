package render

import (
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// step is a container whose last words become part of the Workflow's message if it fails. The build is none: what it says is other
// people's, and is only told without what looks like a secret.
func step(name, image, script string, env ...string) map[string]any {
	c := container(name, image, script, env...)
	c["terminationMessagePolicy"] = "FallbackToLogsOnError"
	return c
}

// mounting is the container with more volumes than the one that all share.
func mounting(container map[string]any, mounts ...any) map[string]any {
	container["volumeMounts"] = append([]any{mount("work", "/workspace")}, mounts...)
	return container
}

// container runs a script with pairs of names and values as its environment. It always has a command: without one Argo's
// controller would ask the image's registry for it.
func container(name, image, script string, env ...string) map[string]any {
	return map[string]any{
		"name":         name,
		"image":        image,
		"command":      texts("sh", "-c"),
		"args":         texts(script),
		"env":          variables(env...),
		"volumeMounts": []any{mount("work", "/workspace")},
	}
}

// variables are environment variables of pairs of names and values, which the kubelet is kept from expanding: it takes $$ for $, and $(NAME)
// for a variable.
func variables(env ...string) []any {
	list := make([]any, 0, len(env)/2)
	for i := 0; i+1 < len(env); i += 2 {
		list = append(list, map[string]any{"name": env[i], "value": strings.ReplaceAll(env[i+1], "$", "$$")})
	}
	return list
}

func mount(name, path string) map[string]any {
	return map[string]any{"name": name, "mountPath": path}
}

func readOnly(name, path string) map[string]any {
	return map[string]any{"name": name, "mountPath": path, "readOnly": true}
}

// volumes are those that the containers mount. A Secret is named here and never read by Trefoil.
func volumes(p schema.Package, r schema.Release, s Settings) []any {
	list := []any{
		map[string]any{"name": "work", "emptyDir": map[string]any{}},
		map[string]any{"name": "storage", "emptyDir": map[string]any{}},
	}
	if p.Credentials != "" {
		list = append(list, map[string]any{"name": "credentials", "secret": map[string]any{
			"secretName": p.Credentials,
			"items":      item(".dockerconfigjson", "config.json"),
		}})
	}
	if p.Registry.CA != nil {
		list = append(list, authority(*p.Registry.CA))
	}
	if p.Claim != nil {
		source := map[string]any{"claimName": p.Claim.Name, "readOnly": true}
		list = append(list, map[string]any{"name": "store", "persistentVolumeClaim": source})
	}
	if s.Workflows.PolyaxonToken != "" && p.Claim == nil {
		list = append(list, secret("polyaxon-token", s.Workflows.PolyaxonToken))
	}
	if c, found := s.checkout(p.Source, r.Commit); found && s.login(c, p) != "" {
		list = append(list, secret("git-credentials", s.login(c, p)))
	}
	return list
}

// authority is the volume with the certificate of a registry's authority.
func authority(ca schema.Authority) map[string]any {
	items := item(ca.Key, "ca.crt")
	if ca.Secret != "" {
		return map[string]any{"name": "registry-ca", "secret": map[string]any{"secretName": ca.Secret, "items": items}}
	}
	return map[string]any{"name": "registry-ca", "configMap": map[string]any{"name": ca.ConfigMap, "items": items}}
}

// item is the one key of a Secret or ConfigMap that a volume shows, as a file of that name.
func item(key, file string) []any { return []any{map[string]any{"key": key, "path": file}} }

// secret is a volume that only its owner can read: ssh refuses a key that others could.
func secret(volume, name string) map[string]any {
	return map[string]any{"name": volume, "secret": map[string]any{"secretName": name, "defaultMode": int64(0o400)}}
}
