package seldon

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// A described model is its metadata; what is empty is left out.
type described struct {
	Name     string            `json:"name,omitempty"`
	Platform string            `json:"platform,omitempty"`
	Versions []string          `json:"versions,omitempty"`
	Inputs   any               `json:"inputs,omitempty"`
	Outputs  any               `json:"outputs,omitempty"`
	Custom   map[string]string `json:"custom,omitempty"`
}

// graph answers the metadata of all nodes: here, of the one.
func (f *Front) graph(w http.ResponseWriter, r *http.Request, c call) {
	const broken = http.StatusInternalServerError
	a, err := f.ask(r.Context(), c, http.MethodGet, "/metadata", "", nil)
	if err != nil {
		fail(w, statusOf(err), err.Error())
		return
	}
	if a.status != http.StatusOK {
		fail(w, broken, fmt.Sprintf("Internal service call from executor failed calling /metadata status code %d", a.status))
		return
	}
	var model described
	if err := json.Unmarshal(a.body, &model); err != nil {
		fail(w, broken, err.Error())
		return
	}
	body, err := json.Marshal(struct {
		Name    string               `json:"name"`
		Models  map[string]described `json:"models"`
		Inputs  any                  `json:"graphinputs"`
		Outputs any                  `json:"graphoutputs"`
	}{predictor, map[string]described{node: model}, model.Inputs, model.Outputs})
	if err != nil {
		fail(w, broken, err.Error())
		return
	}
	reply(w, answer{status: http.StatusOK, contentType: "application/json", body: body}, nil)
}
