package render

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ClaimData is what a Claim says: who is creating a search, since when, and which run it became.
type ClaimData struct {
	Holder string
	// Expires is when a claim without a Run may be taken over: by then the create has an outcome that can be looked up.
	// A Claim holds it in whole seconds.
	Expires time.Time
	Run     string // uuid of the Polyaxon run; empty until known
	// Experiments is how many the search starts: they count for the hourly fuse before the run is seen, and after it is gone.
	Experiments int
	// Refused is why the engine made no search of the last create, one line; empty where it did, or where nobody knows.
	Refused string
}

// NewClaim is the ConfigMap that guards the creation of a search: it is called like the search and carries its digest.
func NewClaim(search Object, data ClaimData, s Settings) Object {
	ref := ClaimRef(search.Ref, s)
	says := map[string]any{
		"holder":      data.Holder,
		"expires":     data.Expires.UTC().Format(time.RFC3339),
		"run":         data.Run,
		"experiments": strconv.Itoa(data.Experiments),
	}
	if data.Refused != "" {
		says["refused"] = data.Refused
	}
	return Object{
		Ref:    ref,
		Model:  search.Model,
		Digest: search.Digest,
		Body: map[string]any{
			"apiVersion": "v1",
			"kind":       "ConfigMap",
			"metadata":   s.metadata(ref, search.Model, search.Digest, nil),
			"data":       says,
		},
	}
}

// ClaimRef is the name of the claim of a search.
func ClaimRef(search Ref, s Settings) Ref {
	return Ref{Kind: Claim, Namespace: s.Workflows.Namespace, Name: search.Name}
}

// ParseClaim reads the data of a live claim. It takes any ConfigMap; the error says what of it is no claim.
func ParseClaim(body map[string]any) (ClaimData, error) {
	fields, found := body["data"].(map[string]any)
	if !found {
		return ClaimData{}, errors.New("claim without data")
	}
	text := func(key string) string {
		value, _ := fields[key].(string)
		return value
	}
	expires, err := time.Parse(time.RFC3339, text("expires"))
	if err != nil {
		return ClaimData{}, fmt.Errorf("claim: expires: %w", err)
	}
	experiments, err := strconv.Atoi(text("experiments"))
	if err != nil || experiments < 0 {
		return ClaimData{}, fmt.Errorf("claim: experiments %q is no number", text("experiments"))
	}
	data := ClaimData{Holder: text("holder"), Expires: expires.UTC(), Run: text("run"), Experiments: experiments, Refused: text("refused")}
	if data.Holder == "" {
		return ClaimData{}, errors.New("claim without holder")
	}
	if _, err := hex.DecodeString(data.Run); err != nil || data.Run != "" && len(data.Run) != 32 {
		return ClaimData{}, fmt.Errorf("claim: run %q is no uuid of 32 hexadecimal digits", data.Run)
	}
	return data, nil
}
