package render_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trefoil-gitops/trefoil/render"
)

func TestClaimIsReadAsWritten(t *testing.T) {
	search := render.Object{Ref: render.Ref{Kind: render.Search, Name: "mnist-v1-1f2e"}, Model: "mnist", Digest: "v1-1f2e"}
	for _, want := range []render.ClaimData{
		{Holder: "trefoil-0", Expires: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)},
		{Holder: "trefoil-0", Expires: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Run: "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"},
	} {
		elsewhere := want
		elsewhere.Expires = want.Expires.In(time.FixedZone("", 3600))
		claim := render.NewClaim(search, elsewhere, settings)
		got, err := render.ParseClaim(claim.Body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if want := (render.Ref{Kind: render.Claim, Namespace: "argo", Name: "mnist-v1-1f2e"}); claim.Ref != want || claim.Digest != search.Digest {
			t.Errorf("got %s, digest %s", claim.Ref, claim.Digest)
		}
	}
}

func FuzzParseClaim(f *testing.F) {
	f.Add(`{"data": {"holder": "a", "expires": "2026-11-23T12:00:00Z", "run": ""}}`)
	f.Add(`{"data": {"holder": "a", "expires": "2026-11-23T12:00:00+01:00", "run": "f1c2f1c2f1c2f1c2f1c2f1c2f1c2f1c2"}}`)
	f.Add(`{"data": {"holder": "a", "expires": "2026-11-23T12:00:00Z", "run": "f1c2"}}`)
	f.Add(`{"data": {"holder": "", "expires": "2026-11-23T12:00:00Z"}}`)
	f.Add(`{"data": {"holder": ["a"], "expires": 7}}`)
	f.Add(`{"data": null}`)
	f.Add(`{}`)
	f.Fuzz(func(t *testing.T, text string) {
		var body map[string]any
		if json.Unmarshal([]byte(text), &body) != nil {
			return
		}
		data, err := render.ParseClaim(body)
		if err != nil {
			if data != (render.ClaimData{}) {
				t.Errorf("data in spite of %v", err)
			}
			return
		}
		if data.Holder == "" || data.Expires.Location() != time.UTC || len(data.Run)%32 != 0 {
			t.Errorf("got %+v", data)
		}
	})
}
