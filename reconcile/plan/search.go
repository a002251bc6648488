package plan

import (
	"fmt"
	"time"

	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// search brings a model forward whose present search digest no release answers.
func (d *draft) search(m schema.Model) {
	if !d.known(m.Name, "", render.Search, render.Claim) {
		return
	}
	claim, claimed := d.claim(m)
	run, found := d.run(m, claim.Claim.Run)
	switch {
	case found:
		if claim.Seen == "" || claim.Claim.Run == "" {
			d.adopt(m, claim, run)
		}
		d.rank("record", m, run)
	case claim.Claim.Run != "":
		d.hold(m.Name, "", fmt.Sprintf("search %s (run %s) vanished from Polyaxon; raise train.revision to search again",
			claim.Ref.Name, short(claim.Claim.Run)))
	case claimed && claim.Phase == Failed:
		d.hold(m.Name, "", fmt.Sprintf("%s can't be read, and no run of it is found: %s; raise train.revision to search again",
			claim.Ref, claim.Message))
	case claimed && absurd(claim, d.in.Now):
		d.hold(m.Name, "", fmt.Sprintf("%s says that a create may last until %s: a clock is wrong, or somebody edited it; delete it if no search of it runs",
			claim.Ref, claim.Claim.Expires.UTC().Format(time.RFC3339)))
	case claimed && d.in.Now.Before(claim.Claim.Expires):
		d.hold(m.Name, "", unconfirmed(claim))
	default:
		d.submissions = append(d.submissions, submission{m, claim.Seen})
	}
}

// submission is a search that the hourly fuse has to let through.
type submission struct {
	model     schema.Model
	claimSeen string // empty to create the claim
}

// submit starts the searches that the hourly fuse lets through. Each minute another model comes first: one that can't be started,
// whatever the reason, does not keep others from it.
func (d *draft) submit() {
	all := d.submissions
	for i := range all {
		turn := (i + int(d.in.Now.Unix()/60%int64(len(all)))) % len(all)
		d.start(all[turn])
	}
}

// longestCreate is more experiments than a search may have.
const longestCreate = 100_000

// absurd reports whether a claim says what no daemon writes whose clock is right.
func absurd(claim Observed, now time.Time) bool {
	return claim.Claim.Experiments > longestCreate || claim.Claim.Expires.After(now.Add(2*render.CreateTimeout(longestCreate)))
}

// unconfirmed says what is known of a create that left no run.
func unconfirmed(claim Observed) string {
	until := claim.Claim.Expires.UTC().Format(time.TimeOnly + " MST")
	if claim.Claim.Refused != "" {
		return fmt.Sprintf("the search is sent again after %s: %s", until, claim.Claim.Refused)
	}
	return fmt.Sprintf("the create of search %s is not confirmed; it is looked up until %s before it is sent again", claim.Ref.Name, until)
}

// adopt notes in the claim which run the search became.
func (d *draft) adopt(m schema.Model, claim, run Observed) {
	started := max(claim.Claim.Experiments, len(run.Experiments))
	data := render.ClaimData{Holder: d.in.Holder, Expires: d.in.Now, Run: run.UID, Experiments: started}
	object := render.NewSearch(m, d.in.Settings, string(d.in.Revision))
	d.do(Adopt{Claim: render.NewClaim(object, data, d.in.Settings), ClaimSeen: claim.Seen, Run: run.UID})
}

func (d *draft) start(s submission) {
	m := s.model
	n, limit := render.Experiments(m), d.in.Limits.ExperimentsPerHour
	if before := d.started + d.live.startedBefore(d.in.Now, m); before > 0 && before+n > limit {
		d.hold(m.Name, "", fmt.Sprintf("%d experiments would be more than %d in an hour, %d were started", n, limit, before))
		return
	}
	d.started += n
	word := "search"
	if len(d.in.Catalog.Selected[m.Name].Releases) > 0 {
		word = "rerun"
	}
	timeout, object := render.CreateTimeout(n), render.NewSearch(m, d.in.Settings, string(d.in.Revision))
	data := render.ClaimData{Holder: d.in.Holder, Expires: d.in.Now.Add(2 * timeout), Experiments: n}
	d.do(Rerun{
		Word: word, Object: object, Claim: render.NewClaim(object, data, d.in.Settings), ClaimSeen: s.claimSeen,
		Experiments: n, Before: d.in.Now.Add(timeout),
	})
}

// replaced stops running searches of the model that nobody wants: those of another digest, once the wanted one is there or
// answered, and doubles of the wanted one, once the claim says which of them counts.
func (d *draft) replaced(m schema.Model) {
	claim, _ := d.claim(m)
	wanted, found := d.run(m, claim.Claim.Run)
	_, prefix := answering(d.in.Catalog.Selected[m.Name], m.Digests)
	if !found && prefix == 0 {
		return
	}
	for _, o := range d.live.of(render.Search, m.Name) {
		double := o.Digest == m.Digests.Search
		switch {
		case o.Phase != Running || o.UID == wanted.UID || double && claim.Claim.Run != wanted.UID:
		case o.Ending:
			d.hold(m.Name, "", fmt.Sprintf("%s is ending", o.Ref))
		case double:
			d.do(Remove{o, "double of run " + short(wanted.UID)})
		default:
			d.do(Remove{o, "replaced by " + m.Digests.Search.Short()})
		}
	}
}
