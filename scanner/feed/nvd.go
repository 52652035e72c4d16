package feed

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

// The years of the yearly documents. That of 2002 holds all older
// vulnerabilities too (https://nvd.nist.gov/vuln/data-feeds).
const (
	nvdFirstYear = 2002
	nvdLastYear  = 2199 // far off; where a server that has every year is left
)

// maxNVDMeta is the size, in bytes, of the largest .meta document.
const maxNVDMeta = 4096

// NVD reads the yearly documents of the National Vulnerability Database in its
// JSON 2.0 form (https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema),
// and compares each with its checksum. The year up to which there must be
// documents is that of their own date, as all are written every day; that
// year's may not be there yet.
func NVD(ctx context.Context, src *Source, emit func(advisory.Facts) error) (stats Stats, err error) {
	newest := nvdFirstYear
	for year := nvdFirstYear; year <= min(newest, nvdLastYear); year++ {
		name := fmt.Sprintf("nvdcve-2.0-%d", year)
		sum, err := nvdSum(ctx, src, name+".meta")
		if err != nil {
			return stats, err
		}
		written, err := readNVDYear(ctx, src, name+".json.gz", sum, &stats, emit)
		if errors.Is(err, fs.ErrNotExist) && year == newest && year > nvdFirstYear {
			return stats, nil
		}
		if err != nil {
			return stats, err
		}
		newest = max(newest, written)
	}
	return stats, nil
}

// nvdSum gives the SHA-256, in hexadecimal, that a .meta document states for
// the unpacked document; empty if there is no such document, as on a mirror.
func nvdSum(ctx context.Context, src *Source, name string) (sum string, err error) {
	doc, err := src.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	lines := bufio.NewScanner(limit(doc, maxNVDMeta, "in a document of a few lines"))
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "sha256:"); found {
			sum = strings.ToLower(strings.TrimSpace(value))
		}
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", doc.Name(), err)
	}
	if sum == "" {
		return "", fmt.Errorf("%s: no line states the checksum", doc.Name())
	}
	return sum, nil
}

// readNVDYear reads the document of a year, which must have the checksum unless
// that is empty. It returns the year in which the document was written.
func readNVDYear(ctx context.Context, src *Source, name, sum string, stats *Stats, emit func(advisory.Facts) error) (written int, err error) {
	doc, err := src.Open(ctx, name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	y := nvdYear{json: NewJSON(doc), where: doc.Name(), stats: stats, emit: emit}
	if _, err := y.json.Object(y.member); err != nil {
		return 0, err
	}
	if err := y.json.Finish(); err != nil {
		return 0, err
	}
	if got := hex.EncodeToString(doc.hash.Sum(nil)); sum != "" && got != sum {
		return 0, fmt.Errorf("%s: its SHA-256 is %s and not %s, as its publisher says: it is damaged, or half of an update; try again later", doc.Name(), got, sum)
	}
	if y.format != "NVD_CVE" || y.version != "2.0" || !y.found {
		return 0, fmt.Errorf("%s: this is not a document of the NVD's JSON feeds, version 2.0", doc.Name())
	}
	date, _, _ := strings.Cut(y.timestamp, "-")
	if written, err = strconv.Atoi(date); err != nil {
		return 0, fmt.Errorf("%s: its date %q cannot be read", doc.Name(), y.timestamp)
	}
	return written, nil
}

// nvdYear reads one document.
type nvdYear struct {
	json  *JSON
	where string
	stats *Stats
	emit  func(advisory.Facts) error

	format, version, timestamp string
	found                      bool
}

func (y *nvdYear) member(key string) (err error) {
	switch key {
	case "format":
		_, err = y.json.Decode(&y.format)
	case "version":
		_, err = y.json.Decode(&y.version)
	case "timestamp":
		_, err = y.json.Decode(&y.timestamp)
	case "vulnerabilities":
		y.found, err = y.json.Array(y.vulnerability)
	default:
		err = y.json.Skip()
	}
	return err
}

func (y *nvdYear) vulnerability(i int) error {
	var item struct {
		CVE nvdCVE `json:"cve"`
	}
	fits, err := y.json.Decode(&item)
	if err != nil {
		return err
	}
	where := fmt.Sprintf("%s: vulnerability %d", y.where, i+1)
	if !fits {
		y.stats.Report(where, "not a vulnerability in the NVD's form")
		return nil
	}
	if item.CVE.Status == "Rejected" {
		return nil
	}
	f := item.CVE.facts()
	f.CVSS = slices.DeleteFunc(f.CVSS, func(c advisory.CVSS) bool {
		err := c.Validate()
		if err != nil { // It takes nothing from the other ratings.
			y.stats.Report(where, "%v", err)
		}
		return err != nil
	})
	return emitFacts(where, f, y.stats, y.emit)
}
