package feed_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
)

func general(name string) feed.Feed {
	for _, f := range feed.General() {
		if f.Name == name {
			return f
		}
	}
	return feed.Feed{}
}

func TestHostileNVD(t *testing.T) {
	site := map[string][]byte{}
	for year := 2002; year <= 2003; year++ {
		text := nvdDocument(nvdRated)
		site[fmt.Sprintf("/nvdcve-2.0-%d.json.gz", year)] = gzipped(t, text)
		site[fmt.Sprintf("/nvdcve-2.0-%d.meta", year)] = fmt.Appendf(nil, "sha256:%X\r\n", sha256.Sum256([]byte(text)))
	}
	feedtest.Hostile(t, general(feed.NameNVD), site, "/nvdcve-2.0-2003.json.gz")
	feedtest.BadChecksum(t, general(feed.NameNVD), site, "/nvdcve-2.0-2003.json.gz", gzipped(t, nvdDocument(nvdRated, nvdRated)))
}

func TestHostileKEV(t *testing.T) {
	text := `{"vulnerabilities":[{"cveID":"CVE-2021-44228","dateAdded":"2021-12-10"}]}`
	feedtest.Hostile(t, general(feed.NameKEV), map[string][]byte{"/known_exploited_vulnerabilities.json": []byte(text)}, "/known_exploited_vulnerabilities.json")
}

func TestHostileEPSS(t *testing.T) {
	feedtest.Hostile(t, general(feed.NameEPSS), map[string][]byte{"/epss_scores-current.csv.gz": gzipped(t, epssTable)}, "/epss_scores-current.csv.gz")
}
