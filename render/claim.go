package render

import "time"

// ClaimData is what a Claim says: who is creating a search, since when, and which run it became.
type ClaimData struct {
	Holder string
	// Expires is when a claim without a Run may be taken over: by then the create has an outcome that can be looked up.
	Expires time.Time
	Run     string // uuid of the Polyaxon run; empty until known
}
