package advisory

import (
	"cmp"
	"strconv"
	"strings"
)

// NormalizeID trims an id and writes a CVE id the one way that it is looked up
// by: in capitals. Other ids stay as their vendor writes them.
func NormalizeID(id string) string {
	id = strings.TrimSpace(id)
	if len(id) > 4 && strings.EqualFold(id[:4], "CVE-") {
		return strings.ToUpper(id)
	}
	return id
}

// FirstCVEYear is the year of the oldest CVE ids.
const FirstCVEYear = 1999

// SplitCVE gives the year and the number of a CVE id. It is false for every
// other id, and for one that AppendCVE would not write the same way.
func SplitCVE(id string) (year, number uint64, ok bool) {
	rest, found := strings.CutPrefix(id, "CVE-")
	if !found {
		return 0, 0, false
	}
	y, n, found := strings.Cut(rest, "-")
	if !found || len(y) != 4 || len(n) > 18 {
		return 0, 0, false
	}
	year, errYear := strconv.ParseUint(y, 10, 64)
	number, errNumber := strconv.ParseUint(n, 10, 64)
	if errYear != nil || errNumber != nil || year < FirstCVEYear {
		return 0, 0, false
	}
	var buf [32]byte
	return year, number, string(AppendCVE(buf[:0], year, number)) == id
}

// AppendCVE appends the CVE id of a year and a number, which has at least four
// digits (https://www.cve.org/ResourcesSupport/FAQs, "CVE ID Syntax").
func AppendCVE(to []byte, year, number uint64) []byte {
	to = append(to, "CVE-"...)
	to = strconv.AppendUint(to, year, 10)
	to = append(to, '-')
	for limit := uint64(1000); limit > number && limit > 1; limit /= 10 {
		to = append(to, '0')
	}
	return strconv.AppendUint(to, number, 10)
}

// CompareIDs orders ids for people: CVE ids first, by year and number, then all
// others by their bytes.
func CompareIDs(a, b string) int {
	if a == b {
		return 0
	}
	ya, na, isA := SplitCVE(a)
	yb, nb, isB := SplitCVE(b)
	switch {
	case isA && isB:
		return cmp.Or(cmp.Compare(ya, yb), cmp.Compare(na, nb))
	case isA:
		return -1
	case isB:
		return 1
	}
	return strings.Compare(a, b)
}
