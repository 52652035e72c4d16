// Package labels holds the scanner's findings against the verdicts of people:
// the labels of anchore/vulnerability-match-labels, each of which says of an
// image, a package, a version and a vulnerability whether the match is true.
package labels

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Label is one verdict.
type Label struct {
	Image   string `json:"image"`
	Verdict string `json:"label"` // "TP", "FP", "??"
	Vuln    string `json:"vuln"`  // as the tool named it
	CVE     string `json:"cve"`
	Package string `json:"package"`
	Version string `json:"version"`
	Note    string `json:"note"`
}

// Read reads labels, JSON Lines compressed with gzip.
func Read(path string) (labels []Label, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := bufio.NewScanner(z)
	s.Buffer(nil, 1<<20)
	for n := 1; s.Scan(); n++ {
		var l Label
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		labels = append(labels, l)
	}
	return labels, s.Err()
}

// Image is an image of the labels whose distribution's advisories are at hand.
type Image struct {
	Digest          string // its last eight digits
	Distro, Release string
	// Mark is what the versions of the distribution's packages have in them, and
	// those of npm or Python packages do not.
	Mark string
}

// Images lists them. The labels do not say what an image is; the version of its
// libc does, which one release of a distribution has.
func Images() []Image {
	list := []Image{
		{Digest: "890afe6a", Distro: "alma", Release: "8", Mark: ".el8"},
		{Digest: "98c60bcf", Distro: "centos", Release: "6", Mark: ".el6"},
		{Digest: "2f2de63d", Distro: "alpine", Release: "3.6", Mark: "-r"},
	}
	for release, digests := range map[string][]string{
		"7": {"da2ad264"}, "8": {"28eb09ce"}, "9": {"9db80512"},
		"10": {"a0a6b82d", "94c13da3", "25005364"},
		"11": {"a9806d74", "0aa3e69f", "583efac0", "79596256"},
	} {
		for _, d := range digests {
			list = append(list, Image{Digest: d, Distro: "debian", Release: release, Mark: "-"})
		}
	}
	for release, digest := range map[string]string{
		"12.04": "07485005", "12.10": "526b15d7", "14.04": "a901c29d", "14.10": "6574ac5c", "15.10": "4ffc41f3",
		"16.10": "94bca18a", "17.04": "f1877459", "17.10": "2e38d6c1", "18.04": "a891fde9", "18.10": "b0d73114", "19.10": "969fd1eb",
	} {
		list = append(list, Image{Digest: digest, Distro: "ubuntu", Release: release, Mark: "-"})
	}
	slices.SortFunc(list, func(a, b Image) int {
		return cmp.Or(strings.Compare(a.Distro, b.Distro), strings.Compare(a.Release, b.Release), strings.Compare(a.Digest, b.Digest))
	})
	return list
}

// Of gives the labels on an image's packages of the distribution.
func (i Image) Of(labels []Label) []Label {
	return slices.DeleteFunc(slices.Clone(labels), func(l Label) bool {
		return !strings.HasSuffix(l.Image, i.Digest) || !strings.Contains(l.Version, i.Mark)
	})
}

// Match is a package, its version and a vulnerability.
type Match struct{ Package, Version, ID string }

// Counts is how findings agree with labels.
type Counts struct {
	True, False           int // labels of each kind
	FoundTrue, FoundFalse int
	// KnownTrue counts the true ones on which the database has an advisory: the
	// package, the release and the vulnerability.
	KnownTrue, KnownFoundTrue int
}

// Add adds up.
func (c *Counts) Add(o Counts) {
	c.True += o.True
	c.False += o.False
	c.FoundTrue += o.FoundTrue
	c.FoundFalse += o.FoundFalse
	c.KnownTrue += o.KnownTrue
	c.KnownFoundTrue += o.KnownFoundTrue
}

// Precision is the share of true labels among those that were found; 1 if none
// was.
func (c *Counts) Precision() float64 { return share(c.FoundTrue, c.FoundTrue+c.FoundFalse) }

// Recall is the share of the true labels that was found.
func (c *Counts) Recall() float64 { return share(c.FoundTrue, c.True) }

// KnownRecall is the same among those that the database has an advisory on.
func (c *Counts) KnownRecall() float64 { return share(c.KnownFoundTrue, c.KnownTrue) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Disagreement is a label that the scanner does not agree with.
type Disagreement struct {
	Image
	Label
}

// Judge compares findings with the labels on an image. Several labels on one
// match count once; those that contradict each other not at all.
func Judge(image Image, labels []Label, found, known func(Match) bool) (Counts, []Disagreement) {
	verdicts := map[Match]map[string]Label{}
	for _, l := range labels {
		m := Match{l.Package, l.Version, cmp.Or(l.CVE, l.Vuln)}
		if verdicts[m] == nil {
			verdicts[m] = map[string]Label{}
		}
		verdicts[m][l.Verdict] = l
	}
	var c Counts
	var out []Disagreement
	for m, v := range verdicts {
		right, isTrue := v["TP"]
		wrong, isFalse := v["FP"]
		switch {
		case isTrue == isFalse:
		case isTrue:
			c.True++
			if known(m) {
				c.KnownTrue++
			}
			if found(m) {
				c.FoundTrue++
			}
			if known(m) && found(m) {
				c.KnownFoundTrue++
			}
			if known(m) && !found(m) {
				out = append(out, Disagreement{image, right})
			}
		default:
			c.False++
			if found(m) {
				c.FoundFalse++
				out = append(out, Disagreement{image, wrong})
			}
		}
	}
	slices.SortFunc(out, func(a, b Disagreement) int {
		return cmp.Or(strings.Compare(a.Verdict, b.Verdict), strings.Compare(a.Package, b.Package), strings.Compare(a.CVE, b.CVE), strings.Compare(a.Version, b.Version))
	})
	return c, out
}

// Write writes a line of counts.
func Write(w io.Writer, name string, c Counts) error {
	_, err := fmt.Fprintf(w, "%-22s TP %4d  FP %3d  precision %.3f (%d of %d)  recall %.3f (%d of %d)  where there is an advisory %.3f (%d of %d)\n",
		name, c.True, c.False, c.Precision(), c.FoundTrue, c.FoundTrue+c.FoundFalse,
		c.Recall(), c.FoundTrue, c.True, c.KnownRecall(), c.KnownFoundTrue, c.KnownTrue)
	return err
}
