package main

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/trefoil-gitops/trefoil/docs"
	"github.com/trefoil-gitops/trefoil/schema"
)

// mostResults is how many results GitHub takes of one file. Of those it shows the 5,000 that are worst.
const mostResults = 25_000

// repositoryRoot is what URIs of files are relative to; GitHub and editors know it by this name.
const repositoryRoot = "%SRCROOT%"

// project is where the sources and the documents of Trefoil are.
const project = "https://github.com/trefoil-gitops/trefoil"

// What Trefoil uses of SARIF 2.1.0.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		InformationURI string      `json:"informationUri"`
		Version        string      `json:"version,omitempty"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID               string    `json:"id"`
		ShortDescription sarifText `json:"shortDescription"`
		Help             sarifText `json:"help"`
		HelpURI          string    `json:"helpUri"`
	}
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     schema.Severity `json:"level"` // the words are SARIF's too
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical struct {
			Artifact struct {
				URI    string `json:"uri"`
				BaseID string `json:"uriBaseId"`
			} `json:"artifactLocation"`
			Region sarifRegion `json:"region"`
		} `json:"physicalLocation"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine"`
		EndColumn   int `json:"endColumn"`
	}
)

// sarif is the verdict as SARIF.
func (r verdict) sarif() sarifLog {
	var codes []string
	for _, f := range r.findings {
		codes = append(codes, f.Code)
	}
	slices.Sort(codes)
	codes = slices.Compact(codes)
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "Trefoil", InformationURI: project, Version: builtVersion(), Rules: []sarifRule{}}
	for _, code := range codes {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, newSARIFRule(code))
	}
	for _, f := range r.findings {
		index, _ := slices.BinarySearch(codes, f.Code)
		message := sarifText{Text: unlinked(sentence(f))}
		run.Results = append(run.Results, sarifResult{f.Code, index, f.Severity, message, []sarifLocation{r.location(f)}})
	}
	return sarifLog{"https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func newSARIFRule(code string) sarifRule {
	page, _ := docs.Finding(code) // each code has one
	return sarifRule{
		ID: code, ShortDescription: sarifText{Text: schema.Codes()[code]},
		Help: sarifText{Text: plainPage(page), Markdown: page}, HelpURI: project + "/blob/main/docs/findings/" + code + ".md",
	}
}

// location is where a finding points to. GitHub wants lines and columns even where a finding is about all of a file.
func (r verdict) location(f schema.Finding) sarifLocation {
	var l sarifLocation
	at, line := r.source.span(f.Pos), max(1, f.Pos.Line)
	l.Physical.Artifact.URI = (&url.URL{Path: r.source.path(cmp.Or(f.Pos.File, "models.cue"))}).String()
	l.Physical.Artifact.BaseID = repositoryRoot
	l.Physical.Region = sarifRegion{line, at.start, line, at.end}
	return l
}

// unlinked is a text in which SARIF reads no link, whatever people wrote.
func unlinked(text string) string { return strings.ReplaceAll(text, "](", "] (") }
