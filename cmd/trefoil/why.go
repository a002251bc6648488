package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/registry"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

func (a *app) why() *cobra.Command {
	return &cobra.Command{
		Use:   "why IMAGE@DIGEST",
		Short: "Say where an image comes from: its release, experiment, commit and code",
		Long: "Reads from the registry what an image says about itself, and from the specs of -C (or of --repo URL alone) which releases have\n" +
			"it and where they are served. Who pushes an image may write anything into it: what git says is what was decided.\n" +
			"The registry is asked with the credentials that `docker login` left.\n\n" +
			"Exit code 0: a release has this image. 1: an error, or git knows no release with it. 3: the spec is invalid, and what\n" +
			"is left of it knows none.",
		Args:              one("one image"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, words []string) error {
			s, err := a.read(cmd, nil)
			if err != nil {
				return err
			}
			img, err := registry.Read(cmd.Context(), words[0], plainHTTP(s.catalog, words[0]))
			if err != nil {
				return errors.New(reconcile.Line(err.Error())) // a registry's words are anybody's
			}
			o := originOf(words[0], img, s.catalog)
			if err := a.printOrigin(o); err != nil {
				return err
			}
			switch {
			case len(o.Releases) > 0:
				return nil
			case a.invalid(s.catalog, nil) != nil:
				return exit{3, errors.New("the specs are invalid, so whether a release has this image is not known: mend them and ask again")}
			}
			return errors.New("no release of these specs has this image")
		},
	}
}

// plainHTTP reports whether the specs say that the registry of an image is asked without TLS.
func plainHTTP(c schema.Catalog, image string) bool {
	host, _, _ := strings.Cut(image, "/")
	return slices.ContainsFunc(c.Models, func(m schema.Model) bool {
		return m.Package != nil && m.Package.Registry.HTTP && strings.HasPrefix(m.Package.Image, host+"/")
	})
}

// origin is where an image comes from: by its own words, and by git's.
type origin struct {
	Image      string  `json:"image"` // by digest
	Model      string  `json:"model,omitempty"`
	Release    string  `json:"release,omitempty"` // for which it was built; others may have it too
	Experiment string  `json:"experiment,omitempty"`
	Commit     string  `json:"commit,omitempty"` // of the specs
	Source     string  `json:"source,omitempty"` // of the serving code, with its revision
	Revision   string  `json:"revision,omitempty"`
	Releases   []ofGit `json:"releases"` // that have the image in git
}

// ofGit is a release of git that has the image.
type ofGit struct {
	Model      string             `json:"model"`
	Release    int                `json:"release"`
	Experiment string             `json:"experiment"`
	Commit     string             `json:"commit"`
	Latest     bool               `json:"latest"`
	Metrics    map[string]float64 `json:"metrics"`
	Serve      []string           `json:"serve"` // environments that ask for it
}

func originOf(image string, img registry.Image, c schema.Catalog) origin {
	repository, _, _ := strings.Cut(image, "@")
	if tag := strings.LastIndex(repository, ":"); tag > strings.LastIndex(repository, "/") {
		repository = repository[:tag]
	}
	said := func(note string) string { return reconcile.Line(img.Notes[note]) }
	o := origin{
		Image: repository + "@" + img.Digest, Model: said(render.LabelModel), Release: said(render.LabelRelease),
		Experiment: said(render.AnnotationExperiment), Commit: said(render.AnnotationCommit),
		Source: said("org.opencontainers.image.source"), Revision: said("org.opencontainers.image.revision"), Releases: []ofGit{},
	}
	for _, name := range slices.Sorted(maps.Keys(c.Selected)) {
		s := c.Selected[name]
		for _, r := range s.Releases {
			if strings.HasSuffix(r.Image, "@"+img.Digest) {
				o.Releases = append(o.Releases, ofGit{
					name, r.Number, r.Experiment, r.Commit, r.Number == s.Latest, r.Metrics, asking(c, name, r.Number),
				})
			}
		}
	}
	return o
}

// asking are the environments that serve a release, as far as git says.
func asking(c schema.Catalog, model string, release int) []string {
	places := []string{}
	for _, m := range c.Models {
		for _, e := range m.Serve {
			if r, waits := plan.Served(c.Selected[m.Name], e); m.Name == model && waits == "" && r.Number == release {
				places = append(places, e.Name)
			}
		}
	}
	return places
}

func (a *app) printOrigin(o origin) error {
	if printed, err := a.json(map[string]any{"format_version": formatVersion, "origin": o}); printed || err != nil {
		return err
	}
	fmt.Fprintln(a.out, o.Image)
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"model", o.Model}, {"release", o.Release}, {"experiment", o.Experiment}, {"decided on", o.Commit},
		{"code", o.code()},
	} {
		fmt.Fprintf(w, "  %s\t%s\n", row[0], cmp.Or(row[1], "the image does not say"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range o.Releases {
		fmt.Fprintln(a.out, r.line(o))
	}
	return nil
}

// code is where the serving code comes from, as far as the image says.
func (o origin) code() string {
	if o.Source == "" || o.Revision == "" {
		return o.Source
	}
	return o.Source + " at " + o.Revision
}

// line is what git says of a release with the image, and where the image says otherwise.
func (r ofGit) line(o origin) string {
	served := "served nowhere"
	if len(r.Serve) > 0 {
		served = "served in " + strings.Join(r.Serve, ", ")
	}
	line := fmt.Sprintf("git: release %d of %s has it, %s", r.Release, r.Model, served)
	if r.Latest {
		line += "; it is the latest"
	}
	for _, name := range slices.Sorted(maps.Keys(r.Metrics)) {
		line += fmt.Sprintf("; %s %v", name, r.Metrics[name])
	}
	if r.Experiment != o.Experiment && o.Experiment != "" {
		line += fmt.Sprintf("; its experiment is %s, and not the one that the image names", r.Experiment)
	}
	return line
}
