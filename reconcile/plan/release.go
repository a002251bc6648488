package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// step takes the one step that the longest answered prefix asks for; before it, what the cluster has built is recorded.
func (d *draft) step(m schema.Model) {
	if d.built(m) {
		return
	}
	release, prefix := answering(d.in.Catalog.Selected[m.Name], m.Digests)
	switch prefix {
	case 0:
		d.search(m)
	case 1:
		d.reselect(m, release)
	case 2:
		d.record("repackage", m, release, "experiment "+short(release.Experiment)+" packaged anew", time.Time{})
	default:
		d.finish(m, release)
	}
}

// Building returns the release of the model that is built next, or was built last, for what people ask for now.
func Building(m schema.Model, s schema.Selected) (schema.Release, bool) {
	r, prefix := answering(s, m.Digests)
	return r, prefix == 3 && m.Package != nil
}

// Searching reports whether the model asks for a search: no release answers it.
func Searching(m schema.Model, s schema.Selected) bool {
	_, prefix := answering(s, m.Digests)
	return prefix == 0
}

// answering returns the release that answers the longest prefix of (search, select, package), and the length of that prefix. Of
// several, one with an image comes first, then the highest number.
func answering(s schema.Selected, want schema.Digests) (best schema.Release, prefix int) {
	for _, r := range s.Releases {
		n := answered(r.Answers, want)
		if n > 0 && (n > prefix || n == prefix && preferred(r, best)) {
			best, prefix = r, n
		}
	}
	return best, prefix
}

func answered(have, want schema.Digests) int {
	switch {
	case have.Search != want.Search:
		return 0
	case have.Select != want.Select:
		return 1
	case have.Package != want.Package:
		return 2
	}
	return 3
}

func preferred(a, b schema.Release) bool {
	if (a.Image != "") != (b.Image != "") {
		return a.Image != ""
	}
	return a.Number > b.Number
}

// record adds a release of the experiment that r names. One that has an image already, of the same experiment and package, is
// not built again.
func (d *draft) record(word string, m schema.Model, r schema.Release, what string, date time.Time) {
	next := clone(d.in.Catalog.Selected[m.Name])
	r.Number, r.Answers, r.Commit, r.Image = next.Last+1, m.Digests, string(d.in.Revision), ""
	for _, old := range next.Releases {
		if m.Package != nil && sameImage(old, r) && old.Image != "" {
			r.Image = old.Image
		}
	}
	next.Releases = append(next.Releases, r)
	next.Last = r.Number
	if complete(m, r) {
		next.Latest = r.Number
	}
	d.do(Record{
		Word: word, Model: m.Name, Subject: fmt.Sprintf("release %d, %s", r.Number, what),
		Next: next, Release: r.Number, Search: m.Digests.Search, Date: date,
	})
}

// finish builds the image of the release that answers everything, and moves `latest` to it.
func (d *draft) finish(m schema.Model, r schema.Release) {
	selected := d.in.Catalog.Selected[m.Name]
	switch {
	case !complete(m, r):
		d.build(m, r)
	case selected.Latest != r.Number:
		next := clone(selected)
		next.Latest = r.Number
		d.do(Record{
			Word: "record", Model: m.Name, Subject: fmt.Sprintf("latest is release %d", r.Number),
			Next: next, Release: r.Number, Search: m.Digests.Search,
		})
	}
}

// build packages a release. A build that is still running is left to its end, also when another attempt was asked for, unless it is stuck.
func (d *draft) build(m schema.Model, r schema.Release) {
	if !d.known(m.Name, "", render.Workflow) {
		return
	}
	object := render.NewWorkflow(m, r, d.in.Settings)
	for _, w := range d.workflows(m) {
		if w.Phase == Running && builds(w, r) {
			d.running(m, r, w)
			return
		}
	}
	w, found := d.live.at(object.Ref)
	if !found {
		word := "build"
		if m.Package.Attempt > 0 {
			word = "rebuild"
		}
		d.do(Build{Word: word, Object: object, Release: r.Number})
		return
	}
	switch {
	case !builds(w, r) || w.Phase == Succeeded: // built would have recorded its image
		d.hold(m.Name, "", fmt.Sprintf("%s is not the build of release %d: its digest is %q", w.Ref, r.Number, w.Digest.Short()))
	default:
		d.Holds = append(d.Holds, Hold{Model: m.Name, Log: w.Log, Reason: fmt.Sprintf(
			"build of release %d failed%s; once the cause is gone, trefoil retry %s builds it again (%s)", r.Number, because(w), m.Name, w.Ref)})
	}
}

// running holds while a build runs. One that is stuck makes room for a later attempt, which is there once this one is gone.
func (d *draft) running(m schema.Model, r schema.Release, w Observed) {
	what := fmt.Sprintf("build of release %d running as %s%s", r.Number, w.Ref, because(w))
	switch {
	case w.Stuck && m.Package.Attempt > w.Attempt:
		d.discard(w, fmt.Sprintf("it is stuck, and attempt %d is asked for", m.Package.Attempt))
	case w.Stuck:
		what += fmt.Sprintf("; trefoil retry %s begins it anew", m.Name)
	}
	d.hold(m.Name, "", what)
}

// built records what a succeeded Workflow of the model has built: its image goes into every release that lacks one and has the
// same experiment and package, whatever people ask for by now.
func (d *draft) built(m schema.Model) bool {
	selected := d.in.Catalog.Selected[m.Name]
	for _, w := range d.workflows(m) {
		i := slices.IndexFunc(selected.Releases, func(r schema.Release) bool { return r.Image == "" && builds(w, r) })
		if i < 0 || w.Phase != Succeeded {
			continue
		}
		if image := pushed(m, selected.Releases[i], w); image != "" {
			d.recordImage(m, selected.Releases[i], image, w.Ended)
			return true
		}
	}
	return false
}

func (d *draft) recordImage(m schema.Model, r schema.Release, image string, date time.Time) {
	next := clone(d.in.Catalog.Selected[m.Name])
	for i := range next.Releases {
		if sameImage(next.Releases[i], r) && next.Releases[i].Image == "" {
			next.Releases[i].Image = image
		}
	}
	if now, prefix := answering(next, m.Digests); prefix == 3 && now.Image != "" {
		next.Latest = now.Number
	}
	d.do(Record{
		Word: "record", Model: m.Name, Subject: fmt.Sprintf("release %d is %s", r.Number, image),
		Next: next, Release: r.Number, Search: r.Answers.Search, Date: date,
	})
}

// pushed is the image that a Workflow made. Its repository is what git says, as long as that still says it: anybody may have edited
// the Workflow. It is empty where nobody knows the repository any more.
func pushed(m schema.Model, r schema.Release, w Observed) string {
	repository, digest, _ := strings.Cut(w.Image, "@")
	if m.Package != nil && m.Digests.Package == r.Answers.Package {
		repository = m.Package.Image
	}
	if repository == "" || digest == "" {
		return ""
	}
	return repository + "@" + digest
}

// workflows are the model's, oldest first of each name.
func (d *draft) workflows(m schema.Model) []Observed {
	var all []Observed
	for _, name := range d.names(m) {
		all = append(all, d.live.of(render.Workflow, name)...)
	}
	return all
}

// builds reports whether a Workflow is the build of the release, whichever attempt of it. What its labels say does not count:
// another history of the branch may have given the number to another experiment.
func builds(w Observed, r schema.Release) bool { return w.Digest == render.BuildDigest(r, w.Attempt) }

// sameImage reports whether one image serves both releases.
func sameImage(a, b schema.Release) bool {
	return a.Experiment == b.Experiment && a.Artifact == b.Artifact && a.Answers.Package == b.Answers.Package
}

// complete reports whether the release can be the latest: it has an image, or needs none.
func complete(m schema.Model, r schema.Release) bool { return m.Package == nil || r.Image != "" }

// clone copies as much as a plan changes. Last is at least the highest number that is there, should a person have lowered it.
func clone(s schema.Selected) schema.Selected {
	s.Releases = slices.Clone(s.Releases)
	for _, r := range s.Releases {
		s.Last = max(s.Last, r.Number)
	}
	return s
}

func because(o Observed) string {
	if o.Message == "" {
		return ""
	}
	return ": " + o.Message
}

// SpecCommit is the trailer that names the commit which was planned on.
const SpecCommit = "Trefoil-Spec-Commit"

// Message is what one commit says that carries out the records: a subject, which phrase may put in other words, and a block of trailers
// for each model. Nil keeps it as it is; other words go before it.
func Message(records []Record, base Revision, phrase func(subject string, models []string) string) string {
	slices.SortFunc(records, func(a, b Record) int { return cmp.Compare(a.Model, b.Model) })
	body, trailers, models := "", "", []string(nil)
	for _, r := range records {
		body += fmt.Sprintf("%s: %s\n", r.Model, r.Subject)
		trailers += fmt.Sprintf("Trefoil-Model: %s\nTrefoil-Release: %d\nTrefoil-Search: %s\n", r.Model, r.Release, r.Search)
		models = append(models, r.Model)
	}
	subject := strings.TrimSuffix(body, "\n")
	if len(records) > 1 {
		subject = fmt.Sprintf("%d models: %s and others", len(records), records[0].Model)
	}
	text := subject
	if phrase != nil {
		text = phrase(subject, models)
	}
	if len(records) > 1 || text != subject {
		text += "\n\n" + strings.TrimSuffix(body, "\n")
	}
	return text + "\n\n" + trailers + fmt.Sprintf("%s: %s\n", SpecCommit, base)
}
