package feed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// maxSeverityLine is the longest line, in bytes, of a table of severities.
const maxSeverityLine = 4096

// severityColumn is a column of a table of severities.
type severityColumn struct {
	name, other string
	required    bool
}

func severityColumns() []severityColumn {
	return []severityColumn{
		{"id", "cve", true},
		{"score", "base_score", true},
		{"vector", "", true},
		{"source", "", true},
		{"version", "cvss_version", false},
	}
}

// Severities reads a table of CVSS ratings: tab-separated, the first line names
// the columns id, score, vector, source and, optionally, version, in any order
// and among others. Without a version it is read off the vector.
func Severities(ctx context.Context, src *Source, emit func(advisory.Facts) error) (stats Stats, err error) {
	doc, err := src.Open(ctx, "")
	if err != nil {
		return stats, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	lines := bufio.NewScanner(doc)
	lines.Buffer(make([]byte, 0, maxSeverityLine), maxSeverityLine)
	if !lines.Scan() {
		return stats, errors.Join(fmt.Errorf("%s: the line that names the columns is missing", doc.Name()), lines.Err())
	}
	columns, err := findColumns(doc.Name(), lines.Text())
	if err != nil {
		return stats, err
	}
	for n := 2; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		id, rating, err := columns.rating(lines.Text())
		if err != nil {
			stats.Report(fmt.Sprintf("%s:%d", doc.Name(), n), "%v", err)
			continue
		}
		if err := emit(advisory.Facts{ID: id, CVSS: []advisory.CVSS{rating}}); err != nil {
			return stats, err
		}
		stats.Rows++
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return stats, fmt.Errorf("%s: a line is longer than %d bytes", doc.Name(), maxSeverityLine)
	}
	if lines.Err() != nil {
		return stats, lines.Err()
	}
	return stats, noneReadable(doc, stats)
}

// columns maps a column's name to its place in a line.
type columns map[string]int

func findColumns(doc, header string) (columns, error) {
	titles := columns{}
	for i, title := range strings.Split(strings.TrimRight(header, "\r"), "\t") {
		titles[strings.ToLower(strings.TrimSpace(title))] = i
	}
	found := columns{}
	for _, c := range severityColumns() {
		i, ok := titles[c.name]
		if !ok && c.other != "" {
			i, ok = titles[c.other]
		}
		if ok {
			found[c.name] = i
		}
		if c.required && !ok {
			return nil, fmt.Errorf("%s: the first line names no column %q; a table of severities has the tab-separated columns id, score, vector and source", doc, c.name)
		}
	}
	return found, nil
}

// rating reads a line.
func (c columns) rating(line string) (string, advisory.CVSS, error) {
	fields := strings.Split(strings.TrimRight(line, "\r"), "\t")
	for name, i := range c {
		if i >= len(fields) {
			return "", advisory.CVSS{}, fmt.Errorf("column %s is missing", name)
		}
	}
	id := advisory.NormalizeID(fields[c["id"]])
	if id == "" {
		return "", advisory.CVSS{}, errors.New("the id is missing")
	}
	score, err := strconv.ParseFloat(fields[c["score"]], 64)
	if err != nil {
		return "", advisory.CVSS{}, fmt.Errorf("score %q is not a number", fields[c["score"]])
	}
	rating := advisory.CVSS{Score: score, Vector: fields[c["vector"]], Source: fields[c["source"]]}
	if i, ok := c["version"]; ok {
		rating.Version = fields[i]
	} else {
		rating.Version = versionOf(rating.Vector)
	}
	return id, rating, rating.Validate()
}

// versionOf reads the version of CVSS off a vector. Only those of version 2
// have no prefix (https://www.first.org/cvss/v2/guide, section 2.4).
func versionOf(vector string) string {
	rest, found := strings.CutPrefix(vector, "CVSS:")
	switch {
	case found:
		version, _, _ := strings.Cut(rest, "/")
		return version
	case strings.Contains(vector, "AV:"):
		return "2.0"
	}
	return ""
}
