package ubuntu

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// condensedRecord is a line of the condensed form: the same fields, and for each
// package and release the status and the note.
type condensedRecord struct {
	CVE         string                         `json:"cve"`
	Public      string                         `json:"public"`
	Description string                         `json:"description"`
	Priority    string                         `json:"priority"`
	Priorities  map[string]string              `json:"priority_by_package"`
	CVSS        string                         `json:"nvd_cvss"`
	Packages    map[string]map[string][]string `json:"packages"`
}

// condensed reads a document in JSON Lines.
func (t *tracker) condensed(name string, r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxDocument)
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		where := fmt.Sprintf("%s:%d", name, number)
		var rec condensedRecord
		if err := json.Unmarshal(lines.Bytes(), &rec); err != nil || rec.CVE == "" {
			t.stats.Report(where, "it is not a record of the CVE tracker")
			continue
		}
		if err := t.finish(t.vulnerability(where, &rec)); err != nil {
			return err
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return fmt.Errorf("%s: a line of more than %d bytes", name, maxDocument)
	} else if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (t *tracker) vulnerability(where string, rec *condensedRecord) *vulnerability {
	v := newVulnerability(advisory.NormalizeID(rec.CVE))
	v.published, v.description = date(rec.Public), rec.Description
	v.priority = rec.Priority
	maps.Copy(v.priorities, rec.Priorities)
	if rec.CVSS != "" {
		v.cvss = rating(rec.CVSS, "nvd")
	}
	for _, source := range slices.Sorted(maps.Keys(rec.Packages)) {
		rows := rec.Packages[source]
		for _, release := range slices.Sorted(maps.Keys(rows)) {
			row := append(slices.Clone(rows[release]), "", "")
			t.add(v, where, source, release, row[0], row[1])
		}
	}
	return v
}
