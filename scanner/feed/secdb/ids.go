package secdb

import (
	"regexp"
	"strings"
	"sync"

	"github.com/example/microscanner-frontend/scanner/advisory"
)

var (
	// cveID finds a CVE id also in CVE_2019-2426, CVE 2018-16859 and
	// CVE-2019-19451.patch. Like the others it is compiled when it is first
	// used: a scan never does.
	cveID = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)\bCVE[-_ ](\d{4})-(\d{4,})`)
	})
	// vendorID is the id of another list: GHSA-9cwv-cppx-mqjm, XSA-207,
	// TALOS-2017-0488, ZBX-11023.
	vendorID = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(GHSA(-[0-9a-z]{4}){3}|[A-Z][A-Z0-9]*(-[0-9]+)+)$`)
	})
	// remark is free text behind an id: "(+ regression fix)".
	remark = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\([^)]*\)`) })
)

// parseIDs finds the ids in an entry of secdb, which is free text. All CVE ids
// in it are ids, else the GHSA ids, else those of other lists; the rest are
// aliases. There are none in CVE-2019-XXXX, which is a place kept free.
func parseIDs(entry string) (ids, aliases []string) {
	if plain := remark().ReplaceAllString(entry, " "); cveID().MatchString(plain) || len(vendorIDs(plain)) > 0 {
		entry = plain
	}
	for _, m := range cveID().FindAllStringSubmatch(entry, -1) {
		ids = append(ids, "CVE-"+m[1]+"-"+m[2])
	}
	var ghsa, others []string
	for _, id := range vendorIDs(entry) {
		if strings.HasPrefix(id, "GHSA-") {
			ghsa = append(ghsa, id)
		} else {
			others = append(others, id)
		}
	}
	switch {
	case len(ids) > 0:
		return ids, append(ghsa, others...)
	case len(ghsa) > 0:
		return ghsa, others
	}
	return others, nil
}

func vendorIDs(entry string) []string {
	var ids []string
	for _, word := range strings.Fields(entry) {
		word = strings.Trim(word, ",;()")
		if vendorID().MatchString(word) && !strings.HasPrefix(word, "CVE-") {
			ids = append(ids, advisory.NormalizeID(word))
		}
	}
	return ids
}
