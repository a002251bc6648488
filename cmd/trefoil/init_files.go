package main

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/trefoil-gitops/trefoil/examples"
	"github.com/trefoil-gitops/trefoil/schema"
)

// starter holds a repository with one small model, without what every new repository gets; ci the jobs that validate.
//
//go:embed all:starter ci
var starter embed.FS

// definitionsFile is where a spec repository keeps the rules.
const definitionsFile = "trefoil.cue"

// newRepository returns the files of a new spec repository by path: the starter or an example, and what each has. The module is called
// like the folder.
func newRepository(folder, example, ci string) (map[string][]byte, error) {
	models, err := fs.Sub(starter, "starter")
	if example != "" {
		models, err = exampleFiles(example)
	}
	if err != nil {
		return nil, err
	}
	files, err := content(models)
	if err != nil {
		return nil, err
	}
	files[definitionsFile] = schema.CUE()
	files["cue.mod/module.cue"] = fmt.Appendf(nil, "module: %q\nlanguage: version: \"v0.15.0\"\n", moduleName(folder))
	return files, addCI(files, ci)
}

// exampleFiles is the folder of an example.
func exampleFiles(name string) (fs.FS, error) {
	entries, err := examples.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Name() == name {
			return fs.Sub(examples.FS, name)
		}
		names = append(names, e.Name())
	}
	return nil, fmt.Errorf("--example %s: there is %s", name, strings.Join(names, ", "))
}

// content is all files by path.
func content(files fs.FS) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all[name], err = fs.ReadFile(files, name)
		return err
	})
	return all, err
}

// addCI adds the job that validates each pull request.
func addCI(files map[string][]byte, ci string) error {
	place := map[string]string{"github": ".github/workflows/trefoil.yaml", "gitlab": ".gitlab-ci.yml", "none": ""}
	path, known := place[ci]
	if !known {
		return fmt.Errorf("--ci %s: there is github, gitlab and none", ci)
	}
	if path == "" {
		return nil
	}
	job, err := starter.ReadFile("ci/" + ci + ".yaml")
	if err != nil {
		return err
	}
	files[path] = bytes.ReplaceAll(job, []byte("@latest"), []byte("@"+released(builtVersion())))
	return nil
}

// builtVersion is the version of the module that this program was built from.
func builtVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}

// released is a version that everybody can fetch: itself where it is a release, else the latest one.
func released(version string) string {
	if regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(version) {
		return version
	}
	return "latest"
}

// moduleName makes a CUE module's name of a folder's: CUE takes words of lower-case letters and digits, joined by dashes.
func moduleName(folder string) string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(filepath.Base(folder)), "-")
	if name = strings.Trim(name, "-"); name == "" {
		name = "models"
	}
	return "example.com/" + name + "@v0"
}
