package debian

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// trackerPage is where the security tracker describes a vulnerability.
const trackerPage = "https://security-tracker.debian.org/tracker/"

// Import reads the JSON of the security tracker
// (https://security-tracker.debian.org/tracker/data/json):
//
//	{source: {CVE: {description, releases: {codename: {status, fixed_version, urgency, nodsa, nodsa_reason}}}}}
//
// Ids of the form TEMP-… are kept, although the tracker replaces them when a
// CVE id is assigned: the vulnerability is there before its final name.
func Import(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (stats feed.Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	t := &tracker{json: feed.NewJSON(doc), doc: doc.Name(), emit: emit, stats: &stats, releases: numbers(), unknown: map[string]int{}}
	isObject, err := t.json.Object(t.source)
	if err == nil {
		err = t.json.Finish()
	}
	if err != nil {
		return stats, err
	}
	if !isObject || stats.Rows == 0 {
		return stats, fmt.Errorf("%s: this is not the JSON of Debian's security tracker: no advisory is in it", doc.Name())
	}
	reportUnknown(&stats, t.doc, t.unknown)
	return stats, nil
}

// tracker reads a document of the security tracker.
type tracker struct {
	json     *feed.JSON
	doc      string
	emit     func(advisory.Record) error
	stats    *feed.Stats
	releases map[string]string // release by codename
	unknown  map[string]int    // rows by codename
}

// entry is what the tracker says of a vulnerability in a source package.
type entry struct {
	Description string                     `json:"description"`
	Releases    map[string]json.RawMessage `json:"releases"`
}

// verdict is what it says of that in a release.
type verdict struct {
	Status       string  `json:"status"`
	FixedVersion string  `json:"fixed_version"`
	Urgency      string  `json:"urgency"`
	NoDSA        *string `json:"nodsa"` // set if there will be no advisory for now
	NoDSAReason  string  `json:"nodsa_reason"`
}

// source reads the vulnerabilities of a source package.
func (t *tracker) source(name string) error {
	isObject, err := t.json.Object(func(id string) error { return t.vulnerability(name, id) })
	if err == nil && !isObject {
		t.stats.Report(t.where(name), "the vulnerabilities are not an object")
	}
	return err
}

func (t *tracker) vulnerability(source, id string) error {
	var e entry
	fits, err := t.json.Decode(&e)
	if err != nil {
		return err
	}
	if !fits {
		t.stats.Report(t.where(source, id), "its members are not what the tracker writes")
		return nil
	}
	if rejected(e.Description) {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(e.Releases)) {
		release, known := t.releases[name]
		if !known {
			t.unknown[name]++
			continue
		}
		rec := advisory.Record{
			ID: id, Distro: ID, Release: release, Package: source, Kind: advisory.Source,
			Description: e.Description, URL: trackerPage + id,
		}
		if err := judge(e.Releases[name], &rec); err != nil {
			t.stats.Report(t.where(source, id, name), "%v", err)
			if rec.Status == "" {
				continue
			}
		}
		if err := t.emit(rec); err != nil {
			return err
		}
		t.stats.Rows++
	}
	return nil
}

// rejected tells an id that was withdrawn: it names no vulnerability.
func rejected(description string) bool {
	return strings.HasPrefix(description, "** REJECT") || strings.HasPrefix(description, "Rejected reason:")
}

// judge fills in a record what the tracker says of a release. With an error,
// the record has no status if there is none to be believed.
func judge(text json.RawMessage, rec *advisory.Record) error {
	var v verdict
	if err := json.Unmarshal(text, &v); err != nil {
		return errors.New("its members are not what the tracker writes")
	}
	return v.fill(rec)
}

func (v verdict) fill(rec *advisory.Record) error {
	switch v.Status {
	case "resolved":
		if v.FixedVersion == "" {
			return errors.New("resolved without a fixed version")
		}
		rec.Status, rec.Fixed = advisory.StatusFixed, v.FixedVersion
	case "open":
		rec.Status = v.unfixed()
	case "undetermined":
		rec.Status = advisory.StatusUnderInvestigation
	default:
		return fmt.Errorf("the status %q is not known", v.Status)
	}
	return v.rate(rec)
}

// unfixed says why there is no fix. Without a reason, "nodsa" means that the
// fix is left to a point release.
func (v verdict) unfixed() advisory.Status {
	switch {
	case v.urgency() == "end-of-life":
		return advisory.StatusEndOfLife
	case v.NoDSA == nil && v.NoDSAReason == "":
		return advisory.StatusAffected
	case v.NoDSAReason == "ignored":
		return advisory.StatusWillNotFix
	}
	return advisory.StatusDeferred
}

// urgency is without the stars, which say that it was guessed, or that the
// attack is remote.
func (v verdict) urgency() string { return strings.TrimRight(v.Urgency, "*") }

func (v verdict) rate(rec *advisory.Record) error {
	switch v.urgency() {
	case "unimportant":
		rec.Severity = severity.Negligible
	case "low":
		rec.Severity = severity.Low
	case "medium":
		rec.Severity = severity.Medium
	case "high":
		rec.Severity = severity.High
	case "", "not yet assigned", "end-of-life":
	default:
		return fmt.Errorf("the urgency %q is not known", v.Urgency)
	}
	return nil
}

// reportUnknown says which releases were left out. They are one problem each,
// however many rows they have.
func reportUnknown(stats *feed.Stats, doc string, unknown map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(unknown)) {
		stats.Report(doc, "there is no release %q; left out: %d", name, unknown[name])
	}
}

func (t *tracker) where(parts ...string) string {
	return t.doc + ": " + strings.Join(parts, "/")
}
