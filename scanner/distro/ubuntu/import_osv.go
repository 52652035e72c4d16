package ubuntu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/osv"
	"github.com/example/microscanner-frontend/scanner/version"
)

// ImportOSV reads Canonical's archive of OSV records
// (https://security-metadata.canonical.com/osv/), one a vulnerability
// (UBUNTU-CVE-…), and one a notice (USN-…). A notice counts only if it names no
// CVE: otherwise the records of these say the same, and what came after it.
// Those of live patches (LSN-…) are about the kernel that runs.
//
// OSV has no word for a package that nobody looked at yet; Canonical writes it
// as one with the vulnerability.
func ImportOSV(ctx context.Context, src *feed.Source, emit func(advisory.Record) error) (feed.Stats, error) {
	r := &osvReader{emit: emit}
	err := osv.Walk(ctx, src, &r.stats, r.record)
	if err == nil && r.stats.Rows == 0 {
		err = fmt.Errorf("%s: these are not the OSV records of Ubuntu: no advisory is in it", src.Location())
	}
	return r.stats, err
}

type osvReader struct {
	emit  func(advisory.Record) error
	stats feed.Stats
}

func (o *osvReader) record(where string, r *osv.Record) error {
	id := strings.TrimPrefix(r.ID, "UBUNTU-")
	switch {
	case strings.HasPrefix(id, "CVE-"):
	case strings.HasPrefix(id, "USN-") && !namesCVE(r):
	case strings.HasPrefix(id, "USN-"), strings.HasPrefix(id, "LSN-"):
		return nil
	default:
		o.stats.Report(where, "the id %.64q is neither a vulnerability's nor a notice's", r.ID)
		return nil
	}
	if isRejected(r.Details) {
		return nil
	}
	v := newVulnerability(id)
	v.published, v.modified = date(r.Published), date(r.Modified)
	if r.Details != "[Unknown description]" {
		v.description = r.Details
	}
	for _, s := range r.Severity {
		v.addRating(s)
	}
	for i := range r.Affected {
		if err := v.addAffected(&r.Affected[i]); err != nil {
			o.stats.Report(where, "%.128s: %v", r.Affected[i].Package.Name, err)
		}
	}
	for _, rec := range v.records() {
		if err := o.emit(rec); err != nil {
			return err
		}
		o.stats.Rows++
	}
	return nil
}

// namesCVE tells whether a notice is about a CVE, by whatever name.
func namesCVE(r *osv.Record) bool {
	return slices.ContainsFunc(slices.Concat(r.Aliases, r.Upstream, r.Related), func(id string) bool {
		return strings.Contains(id, "CVE-")
	})
}

func (v *vulnerability) addRating(s osv.Severity) {
	switch {
	case s.Type == "Ubuntu":
		v.priority = s.Score
	case strings.HasPrefix(s.Type, "CVSS_"):
		if r := rating(s.Score, ID); r != nil && (v.cvss == nil || r.Version > v.cvss.Version) {
			v.cvss = r
		}
	}
}

// specific is what Canonical adds to a package.
type specific struct {
	Priority     string `json:"ubuntu_priority"`
	Availability string `json:"availability"`
}

// The starts of availabilities.
const (
	forEverybody   = "No subscription required"
	forSubscribers = "Available with Ubuntu Pro"
)

func (v *vulnerability) addAffected(a *osv.Affected) error {
	release, pro, ok := ecosystem(a.Package)
	if !ok {
		return nil // another product: FIPS, a real-time kernel
	}
	var extra specific
	if len(a.EcosystemSpecific) > 0 {
		if err := json.Unmarshal(a.EcosystemSpecific, &extra); err != nil {
			return errors.New("its ecosystem_specific is not what Ubuntu writes there")
		}
	}
	said, err := read(a)
	if err != nil {
		return err
	}
	p := v.pair(subject{a.Package.Name, release})
	if said.fixed != "" {
		pro = pro && !strings.HasPrefix(extra.Availability, forEverybody) || strings.HasPrefix(extra.Availability, forSubscribers)
	}
	if pro {
		p.addPro(said)
	} else {
		p.base = said
	}
	if extra.Priority != "" {
		v.priorities[a.Package.Name] = extra.Priority
	}
	return nil
}

// ecosystem reads the release from "Ubuntu:22.04:LTS" or, with Ubuntu Pro,
// "Ubuntu:Pro:16.04:LTS".
func ecosystem(p osv.Package) (release string, pro, ok bool) {
	rest, ok := p.Release("Ubuntu")
	if !ok {
		return "", false, false
	}
	rest, pro = strings.CutPrefix(rest, "Pro:")
	release = strings.TrimSuffix(rest, ":LTS")
	return release, pro, isNumber(release)
}

// read gives what the ranges of versions say: the highest fix, or none.
func read(a *osv.Affected) (statement, error) {
	fixes := a.Fixes()
	if len(fixes) == 0 {
		return statement{}, errors.New("it states no range of versions")
	}
	if slices.Contains(fixes, "") {
		return statement{status: advisory.StatusAffected}, nil
	}
	highest := fixes[0]
	for _, fixed := range fixes[1:] {
		if order, err := version.Deb.Compare(fixed, highest); err == nil && order > 0 {
			highest = fixed
		}
	}
	return statement{advisory.StatusFixed, highest}, nil
}
